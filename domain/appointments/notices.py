"""Who is written to about a visit."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import db
from domain.mail import outbox, preferences
from domain.mail.outbox import Owed
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
    if owed := await mails(kind, appointment, patient, author, version=version, now=now):
        await db.write(*owed)


async def mails(
    kind: str,
    appointment: UUID,
    patient: UUID,
    author: Viewer | None,
    *,
    version: int,
    now: datetime,
) -> list[db.Write]:
    """The same, to be written together with their cause."""
    # Who books is the author.
    is_booked_by_author = kind == "appointment_booked"
    return await mails_of_each(
        kind, [(appointment, patient, version)], author, is_first=is_booked_by_author, now=now
    )


async def mails_of_each(
    kind: str,
    visits: Sequence[tuple[UUID, UUID, int]],
    author: Viewer | None,
    *,
    is_first: bool = False,
    now: datetime,
) -> list[db.Write]:
    """The same about some dozens of visits, each with its patient and its version. The very
    first mail about a visit: nobody but the author has booked it."""
    grants = await _grants({patient for _, patient, _ in visits})
    known = await _viewers(grants, author)
    booked_by = {} if is_first else await _booked_by([appointment for appointment, _, _ in visits])
    unwanted = {(row["account"], row["patient"]) for row in grants if row["is_unwanted"]}
    by_patient = _by_patient(grants)
    owed = [
        Owed(
            kind,
            account,
            once_key=f"{kind}:{appointment.hex}:{version}:{account.hex}",
            facts={"appointment": appointment, "version": version},
        )
        for appointment, patient, version in visits
        for account in _concerned(
            patient, by_patient, known, {booked_by.get(appointment), _id(author)}, now
        )
        if (account, patient) not in unwanted
    ]
    return [outbox.mails(owed, now=now)] if owed else []


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
    by_patient = _by_patient(grants := await _grants({patient for _, patient in visits}))
    known = await _viewers(grants, author)
    booked_by = await _booked_by([appointment for appointment, _ in visits if appointment])
    return [
        _concerned(patient, by_patient, known, {booked_by.get(appointment), _id(author)}, now)
        for appointment, patient in visits
    ]


def _concerned(
    patient: UUID,
    by_patient: Mapping[UUID, Sequence[Mapping[str, Any]]],
    known: Mapping[UUID, Viewer],
    actors: Set[UUID | None],
    now: datetime,
) -> list[UUID]:
    own = by_patient.get(patient, [])
    holders = [row["account"] for row in own if _may(known, row["account"], patient, now)]
    concerned = actors | {row["account"] for row in own if row["relationship"] == "self"}
    return [account for account in holders if account in concerned] or holders


def _id(author: Viewer | None) -> UUID | None:
    return author.account.id if author else None


def _by_patient(grants: Sequence[dict[str, Any]]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in grants:
        found.setdefault(row["patient"], []).append(row)
    return found


async def _grants(patients: Collection[UUID]) -> list[dict[str, Any]]:
    return await db.fetch(
        f"""
        SELECT g.account, g.patient, g.relationship, EXISTS (
            SELECT 1 FROM mail_preference mp WHERE mp.account = g.account
              AND mp.patient = g.patient AND mp.mail_class = {{}}) AS is_unwanted
        FROM proxy_grant g WHERE g.patient IN ({db.places(patients)}) AND g.withdrawn_at IS NULL
        """,
        MAIL_CLASS,
        *patients,
    )


async def _viewers(
    grants: Sequence[Mapping[str, Any]], author: Viewer | None
) -> dict[UUID, Viewer]:
    """Who holds these grants; the author is known already."""
    known = {author.account.id: author} if author else {}
    others = {row["account"] for row in grants} - set(known)
    if not others:
        return known
    return known | await viewers.load_each(others, via="job", request_id="notices")


async def _booked_by(appointments: Collection[UUID]) -> dict[UUID | None, UUID | None]:
    rows = await db.fetch(
        f"SELECT id, booked_by FROM appointment WHERE id IN ({db.places(appointments)})",
        *appointments,
    )
    return {row["id"]: row["booked_by"] for row in rows}


def _may(viewers: Mapping[UUID, Viewer], account: UUID, patient: UUID, now: datetime) -> bool:
    """Not one that was disabled meanwhile."""
    return account in viewers and viewers[account].may(Grant.BOOK, patient, now)
