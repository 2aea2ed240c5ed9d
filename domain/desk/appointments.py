"""What the clinic does with a visit: a patient's limits do not bind it, its beginning does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.appointments import agenda, attendance, notices, rules
from domain.appointments import booking as holds
from domain.appointments.agenda import ClinicsVisit, Visit
from domain.appointments.tables import Appointment
from domain.desk import booking, calls, people
from domain.desk.calls import Call
from domain.desk.people import PatientHead
from domain.errors import ChangedMeanwhile, ClashesWithOwnVisit, NoShowKept, NotFound, NotYetBegun
from domain.staff import once
from domain.staff.member import Member


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone whom the clinic's mail about a visit reaches, or would."""

    name: str
    email: str
    is_reached: bool
    """False: they want no such mail, or none arrives."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of what happened with a visit; the staff's own have a name."""

    what: str
    by: str
    at: datetime
    is_staff: bool


@dataclass(frozen=True, slots=True)
class DeskVisit:
    """A visit as the staff see it, and what they may do with it now."""

    visit: Visit
    person: PatientHead
    practitioner: UUID
    site: UUID
    visit_type: UUID
    stands: bool
    may_confirm: bool
    may_mark_no_show: bool
    may_undo_no_show: bool
    is_slot_withdrawn: bool
    last_call: Call | None
    is_to_call: bool
    """The clinic cancelled it, and no mail said so."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Who confirmed a visit, or tried to reach its patient, last."""

    visit: Visit
    what: str
    """confirmed, or how a call ended."""
    by: str
    """Empty: the patient's side."""
    is_own: bool
    at: datetime


async def open_visit(member: Member, appointment: UUID, *, now: datetime) -> DeskVisit:
    seen = await _seen(member, appointment, now)
    visit = seen.visit
    (slot,) = await db.fetch("SELECT withdrawn_at FROM slot WHERE id = {}", visit.slot)
    stands = rules.stands(visit, now)
    last = await calls.last_call(seen, now=now)
    return DeskVisit(
        visit=visit,
        person=await people.head(visit.patient),
        practitioner=seen.practitioner,
        site=seen.site,
        visit_type=seen.visit_type,
        stands=stands,
        may_confirm=stands and visit.state == "booked",
        may_mark_no_show=rules.may_mark_no_show(visit, now),
        may_undo_no_show=rules.may_undo_no_show(visit, member.clinic, now),
        is_slot_withdrawn=slot["withdrawn_at"] is not None,
        last_call=last,
        is_to_call=await calls.is_to_call(seen, last, now=now),
    )


async def decided(member: Member, appointment: UUID, *, now: datetime) -> Decided | None:
    """As it is now: a colleague may have been quicker."""
    visit = (await _seen(member, appointment, now)).visit
    rows = await db.fetch(_DECIDED, visit.patient, appointment, calls.CALLED)
    if not rows:
        return None
    row = rows[0]
    return Decided(visit, _what(row), row["staff_name"] or "", row["actor"] == member.id, row["at"])


async def confirm(member: Member, appointment: UUID, *, version: int, now: datetime) -> Visit:
    """As said on the phone, at any time before it begins. Confirming twice is confirming once."""
    async with db.transaction():
        visit = await _locked(member, appointment, now)
        await _check_same(visit, version)
        if visit.state == "confirmed":
            return visit
        await _check_stands(visit, now)
        if not await attendance.mark(visit, "confirmed", staff=member.id, now=now):
            await _changed_meanwhile(visit)
        await attendance.tell(member.actor, visit, "confirmed", now=now)
    return (await _seen(member, appointment, now)).visit


async def cancel(
    member: Member, appointment: UUID, *, note: str, version: int, now: datetime
) -> Visit:
    """Frees the slot at once and tells whoever is written to about it. Sent twice, it is once;
    who finds it cancelled by somebody else is told."""
    note = rules.read_note(note)
    async with db.transaction():
        visit = await _locked(member, appointment, now)
        if visit.state == "cancelled" and await _is_own_cancelling(member, visit, note):
            return visit
        await _check_same(visit, version)
        await _check_stands(visit, now)
        await _keep_note(appointment, note)
        if not await attendance.mark(visit, "cancelled", staff=member.id, now=now):
            await _changed_meanwhile(visit)
        await attendance.tell(member.actor, visit, "cancelled", now=now)
        await notices.post(
            "appointment_cancelled",
            appointment,
            visit.patient,
            None,
            version=visit.version,
            now=now,
        )
    return (await _seen(member, appointment, now)).visit


@dataclass(frozen=True, slots=True)
class Move:
    """A form that asks for another slot."""

    slot: UUID
    note: str
    version: int
    key: str
    """The form's own: sent twice, it moves once."""


async def move(member: Member, appointment: UUID, asked: Move, *, now: datetime) -> Visit:
    """To another slot of the same type; mails of the earlier time die with its version."""
    if not asked.key:
        raise NotFound
    note, mine = rules.read_note(asked.note), uuid4()
    content = f"{appointment} {asked.slot} {note}"
    async with db.transaction():
        seen = await _locked_seen(member, appointment, now)
        visit = seen.visit
        if await once.claim(member.id, "move", asked.key, content, result=mine, now=now) != mine:
            return visit
        await _check_same(visit, asked.version)
        await _check_stands(visit, now)
        await _check_target(member, seen, asked.slot, now)
        await attendance.move(member.actor, appointment, asked.slot, note=note, now=now)
        await holds.drop_hold(visit.patient, asked.slot)
    return (await _seen(member, appointment, now)).visit


async def mark_no_show(member: Member, appointment: UUID, *, version: int, now: datetime) -> None:
    """Only for the clinic: nobody is written to, and the visit keeps all that it was."""
    async with db.transaction():
        visit = await _locked(member, appointment, now)
        await _check_same(visit, version)
        if visit.state == "no_show":
            return
        if visit.state == "cancelled":
            await _changed_meanwhile(visit)
        if not rules.may_mark_no_show(visit, now):
            raise NotYetBegun
        await _set_no_show(visit, member, now)
        await _record(member, visit, "no_show", now)


async def undo_no_show(member: Member, appointment: UUID, *, version: int, now: datetime) -> None:
    async with db.transaction():
        visit = await _locked(member, appointment, now)
        await _check_same(visit, version)
        if visit.no_show_at is None:
            return
        if not rules.may_undo_no_show(visit, member.clinic, now):
            raise NoShowKept
        await _set_no_show(visit, None, None)
        await _record(member, visit, "no_show_undone", now)


async def readers(member: Member, appointment: UUID, *, now: datetime) -> list[Reader]:
    """Whom a mail about the visit goes to; none of them reached: somebody has to call."""
    visit = (await _seen(member, appointment, now)).visit
    return await readers_of(visit.patient, appointment, now=now)


async def readers_of(
    patient: UUID, appointment: UUID | None = None, *, now: datetime
) -> list[Reader]:
    (found,) = await _readers([(appointment, patient)], now)
    return found


async def readers_of_each(
    visits: Mapping[UUID, UUID], *, now: datetime
) -> dict[UUID, list[Reader]]:
    """Of each visit; the patient of each is given."""
    found = await _readers(list(visits.items()), now)
    return dict(zip(visits, found, strict=True))


async def _readers(visits: Sequence[tuple[UUID | None, UUID]], now: datetime) -> list[list[Reader]]:
    concerned = await notices.readers_of_each(visits, None, now)
    patients = [patient for _, patient in visits]
    about = {
        (account, patient)
        for accounts, patient in zip(concerned, patients, strict=True)
        for account in accounts
    }
    reached = await notices.reached(about)
    accounts = {account for account, _ in about}
    rows = await db.fetch(
        f"""
        SELECT a.id, a.email, p.first_name || ' ' || p.last_name AS name FROM account a
        LEFT JOIN proxy_grant g ON g.account = a.id AND g.relationship = 'self'
            AND g.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = g.patient
        WHERE a.id IN ({db.places(accounts)}) ORDER BY a.email
        """,
        *accounts,
    )
    return [
        [
            Reader(row["name"] or "", row["email"], (row["id"], patient) in reached)
            for row in rows
            if row["id"] in own
        ]
        for own, patient in zip(concerned, patients, strict=True)
    ]


async def happened(member: Member, appointment: UUID, *, now: datetime) -> list[Happening]:
    """What the journal holds of it, oldest first: by whom, as far as the staff may know."""
    visit = (await _seen(member, appointment, now)).visit
    rows = await db.fetch(_HAPPENED, visit.patient, appointment, MOST_HAPPENINGS)
    return [
        Happening(
            what=_what(row),
            by=row["staff_name"] or row["holder_name"] or "",
            at=row["at"],
            is_staff=row["actor_kind"] == "staff",
        )
        for row in reversed(rows)
    ]


_DECIDED = """
    SELECT l.at, l.actor, l.action, l.outcome, m.first_name || ' ' || m.last_name AS staff_name
    FROM audit_line l LEFT JOIN staff_member m ON m.id = l.actor AND l.actor_kind = 'staff'
    WHERE l.patient = {} AND l.subject = {} AND l.action IN ('appointment.confirmed', {})
      AND l.outcome LIKE 'done%'
    ORDER BY l.id DESC LIMIT 1
"""


def _what(line: Mapping[str, Any]) -> str:
    _, _, detail = line["outcome"].partition(".")
    return str(detail or line["action"].removeprefix("appointment."))


MOST_HAPPENINGS = 50
_HAPPENED = """
    SELECT l.at, l.action, l.outcome, l.actor_kind,
           m.first_name || ' ' || m.last_name AS staff_name,
           p.first_name || ' ' || p.last_name AS holder_name
    FROM audit_line l
    LEFT JOIN staff_member m ON m.id = l.actor AND l.actor_kind = 'staff'
    LEFT JOIN proxy_grant g ON g.account = l.actor AND g.relationship = 'self'
        AND g.withdrawn_at IS NULL
    LEFT JOIN patient p ON p.id = g.patient
    WHERE l.patient = {} AND l.subject = {} AND l.outcome LIKE 'done%'
      AND l.action LIKE 'appointment.%'
    ORDER BY l.id DESC LIMIT {}
"""


async def _seen(member: Member, appointment: UUID, now: datetime) -> ClinicsVisit:
    seen = await agenda.clinics_visit(member.clinic, appointment, now=now)
    member.check_practitioner(seen.practitioner)
    return seen


async def _locked_seen(member: Member, appointment: UUID, now: datetime) -> ClinicsVisit:
    await db.lock_row(Appointment, appointment)
    return await _seen(member, appointment, now)


async def _locked(member: Member, appointment: UUID, now: datetime) -> Visit:
    return (await _locked_seen(member, appointment, now)).visit


async def _check_target(member: Member, seen: ClinicsVisit, slot: UUID, now: datetime) -> None:
    """Open to the clinic, and at no other visit's time of the same patient."""
    target, visit = await booking.free_slot(member, slot, now=now), seen.visit
    ends_at = target.starts_at + (visit.ends_at - visit.starts_at)
    there = replace(visit, starts_at=target.starts_at, ends_at=ends_at)
    clash = await agenda.overlapping(member.clinic, there, other_than=visit.id, now=now)
    if clash is not None:
        raise ClashesWithOwnVisit(clash)
    await booking.check_open(member, visit.patient, seen.visit_type, visit.is_urgent, slot, now=now)


async def _check_same(visit: Visit, version: int) -> None:
    """The version grows with each move: whoever saw another time decides anew."""
    if visit.version != version:
        await _changed_meanwhile(visit)


async def _check_stands(visit: Visit, now: datetime) -> None:
    if visit.state == "cancelled":
        await _changed_meanwhile(visit)
    rules.check_stands(visit, now)


async def _changed_meanwhile(visit: Visit) -> None:
    lines = await db.fetch(_HAPPENED, visit.patient, visit.id, MOST_HAPPENINGS)
    last = [line for line in lines if line["action"] != calls.CALLED][:1]
    by, at = (last[0]["staff_name"] or "", last[0]["at"]) if last else ("", None)
    raise ChangedMeanwhile(by, at)


async def _is_own_cancelling(member: Member, visit: Visit, note: str) -> bool:
    rows = await db.fetch("SELECT cancelled_by_staff FROM appointment WHERE id = {}", visit.id)
    return rows[0]["cancelled_by_staff"] == member.id and visit.clinic_note == note


async def _keep_note(appointment: UUID, note: str) -> None:
    await db.fetch("UPDATE appointment SET clinic_note = {} WHERE id = {}", note, appointment)


async def _set_no_show(visit: Visit, member: Member | None, at: datetime | None) -> None:
    await db.fetch(
        "UPDATE appointment SET no_show_at = {}, no_show_by = {} WHERE id = {}",
        at,
        member.id if member else None,
        visit.id,
    )


async def _record(member: Member, visit: Visit, what: str, now: datetime) -> None:
    await audit.record(
        member.actor, f"appointment.{what}", patient=visit.patient, subject=visit.id, at=now
    )
