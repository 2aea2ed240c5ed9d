"""Who is written to about a visit."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain import db
from domain.mail import outbox, preferences
from domain.people import viewer as viewers
from domain.people.policy import Grant
from domain.people.viewer import Viewer

MAIL_CLASS = "appointment"


async def post(
    kind: str,
    appointment: UUID,
    patient: UUID,
    author: Viewer | None,
    *,
    version: int,
    now: datetime,
) -> None:
    """Owe one mail to each who should know and wants to, in the caller's transaction."""
    unwanted = await preferences.refusing(patient, MAIL_CLASS)
    for account in await readers(appointment, patient, author, now):
        if account in unwanted:
            continue
        await outbox.post(
            kind,
            account,
            now=now,
            once_key=f"{kind}:{appointment.hex}:{version}:{account.hex}",
            appointment=appointment,
            version=version,
        )


async def reached(about: Collection[tuple[UUID, UUID]]) -> frozenset[tuple[UUID, UUID]]:
    """Those accounts, each with its patient, to whom such a mail is sent, and arrives as far as
    the clinic knows."""
    unwanted = await preferences.refusals({patient for _, patient in about}, MAIL_CLASS)
    accounts = {account for account, _ in about}
    dead = await db.fetch(
        f"""
        SELECT id FROM account WHERE id IN ({db.places(accounts)}) AND undeliverable_at IS NOT NULL
        """,
        *accounts,
    )
    gone = {row["id"] for row in dead}
    return frozenset(each for each in about if each[0] not in gone) - unwanted


async def readers(
    appointment: UUID | None, patient: UUID, author: Viewer | None, now: datetime
) -> list[UUID]:
    """Who acted, who booked, and the patient's own account; failing all, every proxy."""
    (found,) = await readers_of_each([(appointment, patient)], author, now)
    return found


async def readers_of_each(
    visits: Sequence[tuple[UUID | None, UUID]], author: Viewer | None, now: datetime
) -> list[list[UUID]]:
    """Of each visit, given with its patient, in their order."""
    patients = {patient for _, patient in visits}
    grants = await db.fetch(
        f"""
        SELECT account, patient, relationship FROM proxy_grant
        WHERE patient IN ({db.places(patients)}) AND withdrawn_at IS NULL
        """,
        *patients,
    )
    known = await viewers.load_each(
        {row["account"] for row in grants}, via="job", request_id="notices"
    )
    if author is not None:
        known[author.account.id] = author
    booked_by = await _booked_by([appointment for appointment, _ in visits if appointment])
    found = []
    for appointment, patient in visits:
        own = [row for row in grants if row["patient"] == patient]
        holders = [row["account"] for row in own if _may(known, row["account"], patient, now)]
        concerned = {row["account"] for row in own if row["relationship"] == "self"}
        concerned |= {booked_by.get(appointment), author.account.id if author else None}
        found.append([account for account in holders if account in concerned] or holders)
    return found


async def _booked_by(appointments: Collection[UUID]) -> dict[UUID | None, UUID | None]:
    rows = await db.fetch(
        f"SELECT id, booked_by FROM appointment WHERE id IN ({db.places(appointments)})",
        *appointments,
    )
    return {row["id"]: row["booked_by"] for row in rows}


def _may(viewers: Mapping[UUID, Viewer], account: UUID, patient: UUID, now: datetime) -> bool:
    """Not one that was disabled meanwhile."""
    return account in viewers and viewers[account].may(Grant.BOOK, patient, now)
