"""A clinic to try the portal with: invented, complete, and dated from the moment it is made."""

from datetime import UTC, datetime

from domain import db
from domain.accounts.passwords import Passwords
from domain.clinic.tables import Clinic
from domain.demo import clinic, communications, crowd, history, people, story
from domain.demo.communications import Papers
from domain.demo.data.people import HEATHER
from domain.demo.happenings import happen
from domain.messages.files import Files


async def seed(*, now: datetime, passwords: Passwords, files: Files) -> bool:
    """False where there is a clinic already. All of it or nothing: it is one transaction."""
    if await Clinic.exists():
        return False
    hashes = await people.hashed(passwords)
    papers = await communications.store(files, now=now)
    async with db.transaction():
        await db.lock_key("demo")
        if await Clinic.exists():
            return False
        await _create(hashes, papers, now=now.astimezone(UTC))
    return True


async def _create(hashes: dict[str, str], papers: Papers, *, now: datetime) -> None:
    made = await clinic.create(now=now)
    known = await people.create(made, hashes, now=now)
    account = known.accounts[HEATHER.owner]
    await happen(
        [
            *await history.create(made, known, account, now=now),
            *await communications.create(made, known, account, papers, now=now),
            *await story.create(made, known, account, now=now),
        ]
    )
    await story.settle(now=now)
    await crowd.create(made, known, now=now)
