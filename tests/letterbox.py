"""The mails about accounts that are owed, as they would leave now."""

from datetime import datetime

from domain.accounts import letters
from domain.accounts.letters import AccountLetter
from domain.links import Links
from domain.mail import delivery
from tests.web.browser import SETTINGS

LINKS = Links(SETTINGS.keys)


async def collect(now: datetime, links: Links = LINKS) -> list[AccountLetter]:
    """In the order in which they were owed; each is taken out once."""
    taken = []
    for letter in sorted(await delivery.lease(100, now=now), key=lambda each: each.created_at):
        await delivery.mark_sent(letter, now=now)
        if letter.kind in letters.KINDS:
            composed = await letters.compose(letter, links=links, now=now)
            taken += [composed] if composed else []
    return taken


def of_kind(mails: list[AccountLetter], kind: str) -> AccountLetter:
    (found,) = [mail for mail in mails if mail.kind == kind]
    return found
