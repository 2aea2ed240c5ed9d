"""A clinic to try the portal with: invented, complete, and dated from the moment it is made."""

from datetime import UTC, datetime

from domain import db
from domain.accounts.passwords import Passwords
from domain.clinic.tables import Clinic
from domain.demo import clinic, crowd, history, people, story
from domain.demo.data.people import HEATHER


async def seed(*, now: datetime, passwords: Passwords) -> bool:
    """False where there is a clinic already. All of it or nothing: it is one transaction."""
    if await Clinic.exists():
        return False
    hashes = await people.hashed(passwords)
    async with db.transaction():
        await db.lock_key("demo")
        if await Clinic.exists():
            return False
        await _create(hashes, now=now.astimezone(UTC))
    return True


async def _create(hashes: dict[str, str], *, now: datetime) -> None:
    made = await clinic.create(now=now)
    known = await people.create(made, hashes, now=now)
    account = known.accounts[HEATHER.owner]
    await history.create(made, known, account, now=now)
    await story.create(made, known, account, now=now)
    await crowd.create(made, known, now=now)
