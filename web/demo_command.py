"""The demonstration: its people, and what to know to walk through it."""

from collections.abc import AsyncIterator

from domain import clock
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.config import Settings
from domain.demo import invitation, seed, staff
from domain.links import Links
from domain.messages.files import store_of

ACCOUNTS = ("milner.heather@example.com", "roy.camille@example.com")
PASSWORD = "Tulipe-42-Nord"  # noqa: S105 - the demonstration's own, printed by it
HERE = frozenset({"127.0.0.1", "::1", "localhost"})


async def fill(settings: Settings) -> None:
    await seed(
        now=clock.now(),
        passwords=Passwords(),
        files=store_of(settings),
        box=SecretBox(settings.keys),
    )


async def prepare(settings: Settings) -> str:
    """What is printed when it starts."""
    await fill(settings)
    return "\n".join([line async for line in _told(settings)])


async def _told(settings: Settings) -> AsyncIterator[str]:
    url, now = settings.public_url, clock.now()
    invited = await invitation.invite(links=Links(settings.keys), passwords=Passwords(), now=now)
    yield f"Portail      {url}"
    yield f"Courriels    {url}/courriels"
    yield f"Comptes      {ACCOUNTS[0]}\n             {ACCOUNTS[1]}"
    yield f"Mot de passe {PASSWORD}"
    yield f"Clinique     {url}/clinique"
    for member in await staff.shown(SecretBox(settings.keys), now=now):
        yield f"             {member.email} ({member.role}), code {member.code}"
    if invited is not None:
        yield f"Invitation   {invited.email}\n             code de la clinique {invited.code}"
