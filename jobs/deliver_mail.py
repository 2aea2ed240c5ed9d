import logging
from datetime import datetime
from time import monotonic

from domain.accounts import letters as account_letters
from domain.appointments import letters as visit_letters
from domain.failures import place_of
from domain.links import Links
from domain.mail import delivery
from domain.mail.delivery import Letter
from domain.messages import letters as communication_letters
from domain.staff import letters as staff_letters
from jobs import mails
from jobs.mails import About
from jobs.office import PostOffice
from jobs.transport import Refused, Send, Unreachable

BATCH = 20
ENOUGH = delivery.LEASE / 2
"""A server may be slow: nothing is handed over when its lease may have ended."""
log = logging.getLogger("portal.mail")


async def deliver_mail(office: PostOffice, *, now: datetime) -> int:
    """Send what is due; how many mails left."""
    sent, deadline = 0, monotonic() + ENOUGH.total_seconds()
    async with office.mailer.batch() as send:
        while leased := await delivery.lease(BATCH, now=now):
            before = sent
            while leased and monotonic() < deadline:
                sent += await _deliver(leased.pop(0), office, send, now)
            await delivery.give_back(leased)
            if leased or sent == before:  # no more time; or no server, which need not be asked on
                break
    return sent


async def compose(letter: Letter, *, links: Links, now: datetime) -> About | None:
    if letter.kind in account_letters.KINDS:
        return await account_letters.compose(letter, links=links, now=now)
    if await delivery.is_undeliverable(letter.account):
        return None
    if letter.kind in communication_letters.KINDS:
        return await communication_letters.compose(letter, links=links, now=now)
    if letter.kind in staff_letters.KINDS:
        return await staff_letters.compose(letter, links=links, now=now)
    return await visit_letters.compose(letter, links=links, now=now)


async def _deliver(letter: Letter, office: PostOffice, send: Send, now: datetime) -> bool:
    about = None
    try:
        about = await compose(letter, links=office.links, now=now)
        if about is None:
            await delivery.mark_dropped(letter, now=now)
            return False
        await send(mails.message(letter, about, office, now=now))
    except Unreachable as problem:
        log.warning("mail %s waits: the server cannot be reached", letter.id)
        await delivery.mark_unreachable(letter, str(problem), now=now)
    except Refused as problem:
        log.warning("mail %s refused, for good: %s", letter.id, problem.is_final)
        address, is_final = about.address if about else "", problem.is_final
        await delivery.mark_refused(
            letter, str(problem), is_final=is_final, address=address, now=now
        )
    except Exception as problem:
        log.error("mail %s cannot be made: %s", letter.id, place_of(problem))
        await delivery.mark_refused(letter, type(problem).__name__, is_final=False, now=now)
    else:
        await delivery.mark_sent(letter, now=now)
        return True
    return False
