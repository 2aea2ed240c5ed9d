"""A clinic to try the portal with: invented, complete, and dated from the moment it is made."""

from datetime import UTC, datetime

from domain import db
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.clinic.tables import Clinic
from domain.demo import (
    access,
    arrivals,
    clinic,
    communications,
    crowd,
    desk_mail,
    desk_records,
    history,
    people,
    staff,
    story,
)
from domain.demo.clinic import DemoClinic
from domain.demo.communications import Papers
from domain.demo.data.people import CAMILLE, HEATHER
from domain.demo.happenings import happen
from domain.messages.files import Files


async def seed(*, now: datetime, passwords: Passwords, files: Files, box: SecretBox) -> bool:
    """False where there is a clinic already. All of it or nothing: it is one transaction."""
    if await Clinic.exists():
        return False
    hashes = await people.hashed(passwords) | await access.hashed(passwords)
    colleagues = await staff.hashed(passwords)
    newcomers = await arrivals.hashed(passwords)
    papers = await communications.store(files, now=now)
    async with db.transaction():
        await db.lock_key("demo")
        if await Clinic.exists():
            return False
        made = await _create(hashes, papers, now=now.astimezone(UTC))
        await staff.create(made, colleagues, box, now=now.astimezone(UTC))
        await arrivals.create(newcomers, now=now.astimezone(UTC))
        await desk_records.create(now=now.astimezone(UTC))
    return True


async def _create(hashes: dict[str, str], papers: Papers, *, now: datetime) -> DemoClinic:
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
    await access.create(made, known, hashes[access.FATHER], now=now)
    await desk_mail.create(known.accounts[CAMILLE.owner], now=now)
    return made
