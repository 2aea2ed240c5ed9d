from datetime import datetime

from domain.accounts import account_links, email_change, once, sessions, sign_up, throttles
from domain.mail import delivery


async def purge(*, now: datetime) -> None:
    """What has had its day. The rules look at the time, so that a late purge opens nothing."""
    await sessions.purge(now=now)
    await once.purge(now=now)
    await throttles.purge(now=now)
    await account_links.purge(now=now)
    await email_change.purge(now=now)
    await sign_up.purge(now=now)
    await delivery.purge(now=now)
