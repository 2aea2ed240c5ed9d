from datetime import datetime

from domain.accounts import (
    account_links,
    email_change,
    invitations,
    once,
    sessions,
    sign_up,
    throttles,
)
from domain.mail import delivery
from domain.messages import drafts
from domain.staff import once as staff_once
from domain.staff import sessions as staff_sessions
from domain.staff import staff_links

PURGES = (
    sessions.purge,
    once.purge,
    throttles.purge,
    account_links.purge,
    email_change.purge,
    invitations.purge,
    sign_up.purge,
    delivery.purge,
    drafts.purge,
    staff_sessions.purge,
    staff_links.purge,
    staff_once.purge,
)


async def purge(*, now: datetime) -> None:
    """What has had its day. The rules look at the time, so that a late purge opens nothing.

    One that fails keeps none of the others from its work.
    """
    failures = []
    for each in PURGES:
        try:
            await each(now=now)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
