"""Booking for a patient on the phone: the patients' notice, limits and sections do not bind the
clinic; the one open slot does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import activity, audit, db
from domain.appointments import agenda, attendance, booking, notices, rules, slots
from domain.appointments.agenda import History, Visit
from domain.appointments.slots import ClinicSearch, OpenSlot, SlotWeek
from domain.desk import lists, people, practitioners
from domain.desk.lists import Choice
from domain.desk.people import PatientHead
from domain.errors import Conflict, NotFound, SlotHeld, SlotNotOffered, SlotTaken
from domain.people.tables import Patient
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named

COMING_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Type:
    id: UUID
    name: Named
    minutes: int
    is_urgent: bool
    is_virtual: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What was chosen so far; None: not yet, or no matter which."""

    visit_type: UUID | None = None
    practitioner: UUID | None = None
    site: UUID | None = None
    week: date | None = None
    opened: tuple[date, str] | None = None
    """The half-day to show whole."""
    are_many: bool = False
    """The clinic's practitioners, for a list."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The page on which a time is chosen."""

    person: PatientHead
    types: Sequence[Type]
    primary: UUID | None
    sites: Sequence[Choice]
    wish: Wish
    week: SlotWeek | None
    """None: the clinic has no visit type yet, or too many times for what is wished."""


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A published time, and the types that it may be booked for."""

    id: UUID
    starts_at: datetime
    minutes: int
    practitioner: UUID
    practitioner_name: str
    site: UUID
    site_name: str
    types: Sequence[Type]


@dataclass(frozen=True, slots=True)
class Visits:
    person: PatientHead
    coming: Sequence[Visit]
    past: History


async def visits_of(
    member: Member, patient: UUID, *, before: UUID | None = None, now: datetime
) -> Visits:
    member.check(Right.APPOINTMENTS)
    return Visits(
        await people.head(patient),
        await agenda.upcoming(member, [patient], now=now),
        await agenda.history(member, patient, before=before, now=now),
    )


async def desk(member: Member, patient: UUID, asked: Wish, *, now: datetime) -> Desk:
    """What is asked for, completed: the type last used, the patient's own practitioner."""
    member.check(Right.APPOINTMENTS)
    person = await people.head(patient)
    types, primary = await _types(), await _primary(patient)
    visit_type = _among(types, asked.visit_type) or _among(types, await _last_type(patient))
    visit_type = visit_type or await _first_type(types, asked.practitioner)
    wish = replace(asked, visit_type=visit_type.id if visit_type else None)
    week = None
    if visit_type is not None:
        week = await week_of(
            member, patient, visit_type.id, wish, is_urgent=visit_type.is_urgent, now=now
        )
    return Desk(
        person=person,
        types=types,
        primary=primary,
        sites=await lists.sites(),
        wish=wish,
        week=week,
    )


async def own_practitioner(
    member: Member, patient: UUID, visit_type: UUID | None = None
) -> UUID | None:
    """Whom the page begins with: the patient's own, where they are among those to choose from and
    offer the type: the one asked for, else the one last used."""
    primary = await _primary(patient)
    if primary is None or not await practitioners.is_offered(member, primary):
        return None
    wanted = visit_type or await _last_type(patient)
    return primary if wanted is None or wanted in await _types_of(primary) else None


async def _first_type(types: Sequence[Type], practitioner: UUID | None) -> Type | None:
    """The first that this practitioner offers, urgent ones last."""
    offered = await _types_of(practitioner) if practitioner else set()
    usual = sorted(types, key=lambda each: (each.id not in offered, each.is_urgent))
    return usual[0] if usual else None


async def _types_of(practitioner: UUID) -> set[UUID]:
    rows = await db.fetch(
        """
        SELECT sv.visit_type FROM schedule_visit_type sv
        JOIN schedule sc ON sc.id = sv.schedule
        WHERE sc.practitioner = {} AND sc.ended_at IS NULL
        """,
        practitioner,
    )
    return {row["visit_type"] for row in rows}


async def week_of(
    member: Member, patient: UUID, visit_type: UUID, wish: Wish, *, is_urgent: bool, now: datetime
) -> SlotWeek | None:
    """The open times of a type; what this very patient holds is open to them.

    None: in a network of many, somebody or somewhere is to be named first.
    """
    if wish.are_many and not (wish.practitioner or wish.site) and len(await lists.sites()) > 1:
        return None
    search = _search(member, patient, visit_type, wish, is_urgent=is_urgent, now=now)
    return await slots.open_week(search, wish.week, opened=wish.opened)


def _search(
    member: Member,
    patient: UUID,
    visit_type: UUID,
    wish: Wish,
    *,
    is_urgent: bool,
    now: datetime,
) -> ClinicSearch:
    return ClinicSearch(
        clinic=member.clinic,
        visit_type=visit_type,
        is_urgent=is_urgent,
        practitioner=member.only or wish.practitioner,
        site=wish.site,
        now=now,
        patient=patient,
    )


def asks_to_confirm(member: Member, starts_at: datetime, *, now: datetime) -> bool:
    """Whether a visit then is to be confirmed from its first moment on."""
    return starts_at - now <= timedelta(hours=member.clinic.confirm_window_hours)


async def free_slot(member: Member, slot: UUID, *, now: datetime) -> FreeSlot:
    """Any published slot; whether it is still free is asked when it is booked."""
    rows = await db.fetch(
        """
        SELECT sl.id, sl.starts_at, sl.minutes, sl.practitioner, sl.site, sl.schedule,
               pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS practitioner_name,
               si.name AS site_name
        FROM slot sl
        JOIN practitioner pr ON pr.id = sl.practitioner
        JOIN site si ON si.id = sl.site
        WHERE sl.id = {}
        """,
        slot,
    )
    if not rows:
        raise NotFound
    row = rows[0]
    member.check_practitioner(row["practitioner"])
    fitting = await db.fetch(
        "SELECT visit_type FROM schedule_visit_type WHERE schedule = {}", row.pop("schedule")
    )
    offered = {each["visit_type"] for each in fitting}
    types = [t for t in await _types() if t.id in offered and t.minutes <= row["minutes"]]
    return FreeSlot(**row, types=types)


async def preferred_type(patient: UUID, types: Sequence[Type]) -> UUID | None:
    """Among those that fit: the one last used, else the first."""
    last = _among(types, await _last_type(patient))
    return last.id if last else types[0].id if types else None


async def against(
    member: Member, patient: UUID, visit_type: UUID | None, slot: UUID, *, now: datetime
) -> Conflict | None:
    """What stands against booking it, before anybody presses the button."""
    member.check(Right.APPOINTMENTS)
    try:
        await _bookable(member, await people.head(patient), visit_type, slot, now=now)
    except Conflict as refusal:
        return refusal
    return None


async def book(
    member: Member,
    patient: UUID,
    visit_type: UUID,
    slot: UUID,
    *,
    reason: str,
    is_confirmed: bool = False,
    key: str,
    now: datetime,
) -> UUID:
    """The new appointment's id; the same form sent again gives the same one.

    `is_confirmed`: the patient said on the phone that they come.
    """
    member.check(Right.APPOINTMENTS)
    reason = rules.read_reason(reason, is_required=False)
    appointment = uuid4()
    content = f"{patient} {visit_type} {slot} {reason} {is_confirmed}"
    async with db.transaction():
        first = await once.claim(member.id, "book", key, content, result=appointment, now=now)
        if first != appointment:
            return first
        person = await people.head(patient)
        await db.lock_row(Patient, patient)
        visit = await _bookable(member, person, visit_type, slot, reason=reason, now=now)
        visit = replace(visit, id=appointment, version=1)
        await booking.insert(visit, visit_type, member.clinic, staff=member.id, now=now)
        await booking.drop_hold(patient, slot)
        await audit.record(
            member.actor, "appointment.booked", patient=patient, subject=appointment, at=now
        )
        await activity.tell(patient, "booked", appointment, about=visit.starts_at, now=now)
        if is_confirmed:
            await attendance.mark(visit, "confirmed", staff=member.id, now=now)
            await attendance.tell(member.actor, visit, "confirmed", now=now)
        await notices.post("appointment_booked", appointment, patient, None, version=1, now=now)
    return appointment


async def record_refusal(
    member: Member, patient: UUID, slot: UUID, refusal: Conflict, *, now: datetime
) -> None:
    await audit.record(
        member.actor,
        "slot.refused",
        patient=patient,
        subject=slot,
        outcome=f"refused.{refusal.code}",
        at=now,
    )


async def nearest(
    member: Member, patient: UUID, visit_type: UUID, slot: UUID, *, now: datetime
) -> list[OpenSlot]:
    """The open times that lie closest to one that is gone, of the same practitioner and site."""
    found, wanted = _among(await _types(), visit_type), await free_slot(member, slot, now=now)
    if found is None:
        return []
    wish = Wish(practitioner=wanted.practitioner, site=wanted.site)
    search = _search(member, patient, found.id, wish, is_urgent=found.is_urgent, now=now)
    return await slots.nearest(search, wanted.starts_at)


async def check_open(
    member: Member, patient: UUID, visit_type: UUID, is_urgent: bool, slot: UUID, *, now: datetime
) -> None:
    """The patients' own condition; a slot that another of them holds is said to be held."""
    try:
        search = _search(member, patient, visit_type, Wish(), is_urgent=is_urgent, now=now)
        await booking.check_open(search, slot)
    except SlotTaken:
        held = await db.fetch(
            "SELECT expires_at FROM hold WHERE slot = {} AND expires_at > {}", slot, now
        )
        if held:
            raise SlotHeld(held[0]["expires_at"]) from None
        raise


async def _bookable(
    member: Member,
    person: PatientHead,
    visit_type: UUID | None,
    slot: UUID,
    *,
    reason: str = "",
    now: datetime,
) -> Visit:
    chosen = _among(await _types(), visit_type)
    if chosen is None:
        raise SlotNotOffered
    visit = await agenda.proposed(member.clinic, person, visit_type, slot, reason=reason, now=now)
    await booking.check_own_time(member.clinic, visit, now=now)
    await check_open(member, person.id, chosen.id, chosen.is_urgent, slot, now=now)
    return visit


def _among(types: Sequence[Type], wanted: UUID | None) -> Type | None:
    return next((each for each in types if each.id == wanted), None)


async def _types() -> list[Type]:
    rows = await db.fetch(
        """
        SELECT id, name_fr, name_en, minutes, is_urgent, is_virtual FROM visit_type
        WHERE ended_at IS NULL ORDER BY position, name_fr
        """
    )
    return [_type(row) for row in rows]


def _type(row: dict[str, Any]) -> Type:
    return Type(
        row["id"],
        Named(row["name_fr"], row["name_en"]),
        row["minutes"],
        bool(row["is_urgent"]),
        bool(row["is_virtual"]),
    )


async def _primary(patient: UUID) -> UUID | None:
    rows = await db.fetch("SELECT primary_practitioner FROM patient WHERE id = {}", patient)
    return rows[0]["primary_practitioner"] if rows else None


async def _last_type(patient: UUID) -> UUID | None:
    """An urgent visit says nothing of the next one."""
    rows = await db.fetch(
        """
        SELECT ap.visit_type FROM appointment ap JOIN visit_type vt ON vt.id = ap.visit_type
        WHERE ap.patient = {} AND NOT vt.is_urgent
        ORDER BY ap.booked_at DESC, ap.starts_at DESC, ap.id LIMIT 1
        """,
        patient,
    )
    return rows[0]["visit_type"] if rows else None
