"""Absences, and taking time back: whom it touches, what they are told, and then all of it at once.

Whole days are an absence, and come back when it is removed. Half a day or one slot is withdrawn
slot by slot, and each comes back by itself: only what is published can be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from domain import audit, db
from domain.appointments import rules
from domain.clinic import hours, publishing
from domain.clinic.calendar import NOON, Span, moment
from domain.clinic.publishing import HALF_DAY, STAFF
from domain.clinic.tables import Absence
from domain.desk import appointments
from domain.desk.appointments import Reader
from domain.desk.practitioners import whose
from domain.errors import ChangedMeanwhile, Conflict, Invalid, NotFound, VisitsChanged
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named, one_line

LONGEST = timedelta(days=366)
LONGEST_REASON = 120
MOST_TOUCHED = 100
MOST_SHOWN = 100
Part = Literal["day", "morning", "afternoon"]
PARTS: dict[str, Part] = {"": "day", "jour": "day", "matin": "morning", "apres-midi": "afternoon"}


@dataclass(frozen=True, slots=True)
class Away:
    """An absence that is not over; of the whole clinic where it is nobody's."""

    id: UUID
    practitioner: UUID | None
    first_day: date
    last_day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Reopening:
    """What removing an absence would do."""

    away: Away
    offered: int
    """Slots that patients can book again."""
    is_past_horizon: bool
    """Some of its days are published later."""


@dataclass(frozen=True, slots=True)
class TypedPeriod:
    """The form as it was sent."""

    first: str = ""
    last: str = ""
    part: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Time to take back, of one practitioner or of all."""

    practitioner: UUID | None
    first: date
    last: date
    part: Part
    reason: str
    span: Span
    slot: UUID | None = None
    """Where it is this one alone."""

    @property
    def is_whole_days(self) -> bool:
        return self.slot is None and self.part == "day"


@dataclass(frozen=True, slots=True)
class Touched:
    """A visit in that time, and whether a mail reaches somebody about it."""

    appointment: UUID
    version: int
    patient: UUID
    patient_name: str
    phone: str
    starts_at: datetime
    visit_type: Named
    practitioner_name: str
    readers: Sequence[Reader]

    @property
    def is_reached(self) -> bool:
        return any(reader.is_reached for reader in self.readers)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a member chose for a visit, of the version that they saw."""

    is_cancelled: bool
    version: int


async def absences(member: Member, practitioner: UUID, *, now: datetime) -> list[Away]:
    """The practitioner's and the clinic's, that are not over."""
    await whose(member, practitioner)
    rows = await db.fetch(
        """
        SELECT id, practitioner, first_day, last_day, reason FROM absence
        WHERE (practitioner = {} OR practitioner IS NULL) AND last_day >= {}
        ORDER BY first_day LIMIT {}
        """,
        practitioner,
        member.clinic.today(now),
        MOST_SHOWN,
    )
    return [Away(**row) for row in rows]


async def closures(member: Member, *, now: datetime) -> list[Away]:
    member.check(Right.CALENDAR)
    rows = await db.fetch(
        """
        SELECT id, practitioner, first_day, last_day, reason FROM absence
        WHERE practitioner IS NULL AND last_day >= {} ORDER BY first_day LIMIT {}
        """,
        member.clinic.today(now),
        MOST_SHOWN,
    )
    return [Away(**row) for row in rows]


async def read_period(
    member: Member, practitioner: UUID | None, typed: TypedPeriod, *, now: datetime
) -> Period:
    await _check(member, practitioner)
    first, last = hours.read_day(typed.first), hours.read_day(typed.last or typed.first)
    part, reason = PARTS.get(typed.part), one_line(typed.reason)
    problems = {} if first else {"du": "missing"}
    if first and (first < member.clinic.today(now) or first.year > now.year + 5):
        problems["du"] = "past" if first < member.clinic.today(now) else "far"
    if first and (last is None or last < first or last - first > LONGEST):
        problems["au"] = "long" if last and last > first else "order"
    if part is None or (part != "day" and (last != first or practitioner is None)):
        problems["partie"] = "one_day"
    if len(reason) > LONGEST_REASON:
        problems["motif"] = "too_long"
    if problems or first is None or last is None or part is None:
        raise Invalid(problems)
    return Period(practitioner, first, last, part, reason, _span(member, first, last, part))


async def period_of_slot(member: Member, practitioner: UUID, slot: UUID) -> Period:
    await _check(member, practitioner)
    rows = await db.fetch(
        "SELECT starts_at, ends_at FROM slot WHERE id = {} AND practitioner = {}",
        slot,
        practitioner,
    )
    if not rows:
        raise NotFound
    span = Span(rows[0]["starts_at"], rows[0]["ends_at"])
    day = span.starts_at.astimezone(member.clinic.zone).date()
    return Period(practitioner, day, day, "day", "", span, slot)


async def is_there(period: Period, *, now: datetime) -> bool:
    """Whether that time is still to be taken back."""
    if period.slot is not None:
        rows = await db.fetch(
            "SELECT id FROM slot WHERE id = {} AND withdrawn_at IS NULL AND starts_at > {}",
            period.slot,
            now,
        )
        return bool(rows)
    if not period.is_whole_days:
        return bool(await _live_in(period, now) or await _touched(period, now))
    covering = await db.fetch(
        "SELECT practitioner FROM absence WHERE first_day <= {} AND last_day >= {}",
        period.first,
        period.last,
    )
    return all(row["practitioner"] != period.practitioner for row in covering)


async def check_there(member: Member, period: Period, *, now: datetime) -> None:
    """What to say of time that there is none of: it would seem done, and be published later."""
    if await is_there(period, now=now):
        return
    if period.slot is not None:
        raise NotFound
    if period.is_whole_days:
        raise Invalid({"du": "absent"})
    is_published = period.first < member.clinic.last_day(now)
    raise Invalid({"partie": "empty"} if is_published else {"du": "unpublished"})


async def free_in(period: Period, *, now: datetime) -> int:
    """How many free slots it would take back."""
    only, values = _within(period, "sl", now)
    rows = await db.fetch(
        f"""
        SELECT count(*) AS n FROM slot sl WHERE sl.withdrawn_at IS NULL AND {only}
          AND NOT EXISTS (SELECT 1 FROM appointment ap
                          WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
        """,
        *values,
    )
    return int(rows[0]["n"])


async def touched(member: Member, period: Period, *, now: datetime) -> list[Touched]:
    """Whose visits are in it; a period with more than can be decided on one page is refused."""
    await _check(member, period.practitioner)
    rows = await _touched(period, now)
    if len(rows) > MOST_TOUCHED:
        raise Invalid({"au": "too_many_visits"})
    readers = await appointments.readers_of_each(
        {row["appointment"]: row["patient"] for row in rows}, now=now
    )
    return [
        Touched(
            **{key: row[key] for key in _SHOWN_AS_THEY_ARE},
            visit_type=Named(row["type_fr"], row["type_en"]),
            readers=readers[row["appointment"]],
        )
        for row in rows
    ]


async def take_back(
    member: Member,
    period: Period,
    decisions: Mapping[UUID, Decision],
    *,
    note: str,
    key: str,
    now: datetime,
) -> None:
    """All of it or nothing: who booked, moved or cancelled meanwhile has to be decided on first."""
    await _check(member, period.practitioner)
    note, mine = rules.read_note(note), uuid4()
    content = repr((period, sorted(decisions.items()), note))
    async with db.transaction():
        if await once.claim(member.id, "take_back", key, content, result=mine, now=now) != mine:
            return
        practitioners = await _lock_all(period.practitioner)
        if not await is_there(period, now=now):
            raise ChangedMeanwhile
        await _lock_visits(period, now)
        await _withdraw(member, period, practitioners, mine, now)
        # Looked at once the slots are taken back: nobody can book in them any more.
        found = {row["appointment"]: row["version"] for row in await _touched(period, now)}
        if found != {visit: decision.version for visit, decision in decisions.items()}:
            raise VisitsChanged
        for visit, decision in decisions.items():
            if decision.is_cancelled:
                await appointments.cancel(
                    member, visit, note=note, version=decision.version, now=now
                )


async def reopening(
    member: Member, practitioner: UUID | None, absence: UUID, *, now: datetime
) -> Reopening | None:
    """What removing it would do, without doing it; none where there is nothing left to remove."""
    await _check(member, practitioner)
    away = await _still_away(member, practitioner, absence, now)
    if away is None:
        return None
    offered = 0
    for each in await _whose_slots(practitioner):
        plan = await publishing.plan(each, member.clinic, without=absence, now=now)
        offered += plan.offered_in(away.first_day, away.last_day, member.clinic)
    return Reopening(away, offered, away.last_day > member.clinic.last_day(now))


async def remove(
    member: Member, practitioner: UUID | None, absence: UUID, *, key: str, now: datetime
) -> bool:
    """What it had taken back is published again; false where there was nothing left to remove."""
    await _check(member, practitioner)
    mine = uuid4()
    async with db.transaction():
        first = await once.claim(member.id, "absence.end", key, str(absence), result=mine, now=now)
        if first != mine:
            return True
        practitioners = await _lock_all(practitioner)
        if await _still_away(member, practitioner, absence, now) is None:
            return False
        await Absence.delete().where(Absence.id == absence)
        for each in practitioners:
            await _publish(member, each, now)
        await audit.record(member.actor, "absence.removed", subject=absence, at=now)
    return True


async def bring_back(member: Member, practitioner: UUID, slot: UUID, *, now: datetime) -> None:
    """A slot that staff withdrew by itself is offered again, if its time is still free."""
    await _check(member, practitioner)
    async with db.transaction():
        await publishing.lock(practitioner)
        try:
            back = await db.fetch(
                """
                UPDATE slot SET withdrawn_at = NULL, withdrawn_why = '', withdrawn_by = ''
                WHERE id = {} AND practitioner = {} AND withdrawn_at IS NOT NULL
                  AND withdrawn_why IN ('staff', 'half_day') AND starts_at > {} RETURNING id
                """,
                slot,
                practitioner,
                now,
            )
        except Exception as error:
            if db.conflict_kind(error) == "overlap":
                raise Conflict from error
            raise
        if back:
            await _publish(member, practitioner, now)  # an absence may have come meanwhile
            await audit.record(member.actor, "slot.brought_back", subject=slot, at=now)


async def _check(member: Member, practitioner: UUID | None) -> None:
    """The whole clinic closes by an administrator's word."""
    if practitioner is None:
        member.check(Right.SETTINGS)
    else:
        await whose(member, practitioner)


def _span(member: Member, first: date, last: date, part: Part) -> Span:
    zone, after = member.clinic.zone, last + timedelta(days=1)
    starts = moment(first, NOON if part == "afternoon" else time(0), zone)
    ends = moment(last, NOON, zone) if part == "morning" else moment(after, time(0), zone)
    return Span(starts, ends)


def _within(period: Period, row: str, now: datetime) -> tuple[str, list[Any]]:
    """What of this table (with a practitioner and a start) lies in it and is still to come."""
    values: list[Any] = [period.span.starts_at, period.span.ends_at, now]
    only = f"{row}.starts_at >= {{}} AND {row}.starts_at < {{}} AND {row}.starts_at > {{}}"
    if period.practitioner is not None:
        only += f" AND {row}.practitioner = {{}}"
        values.append(period.practitioner)
    return only, values


_SHOWN_AS_THEY_ARE = (
    "appointment",
    "version",
    "patient",
    "patient_name",
    "phone",
    "starts_at",
    "practitioner_name",
)


async def _touched(period: Period, now: datetime) -> list[dict[str, Any]]:
    only, values = _within(period, "ap", now)
    return await db.fetch(
        f"""
        SELECT ap.id AS appointment, ap.version, ap.patient, ap.starts_at,
               p.first_name || ' ' || p.last_name AS patient_name, p.phone,
               vt.name_fr AS type_fr, vt.name_en AS type_en,
               pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS practitioner_name
        FROM appointment ap
        JOIN patient p ON p.id = ap.patient
        JOIN visit_type vt ON vt.id = ap.visit_type
        JOIN practitioner pr ON pr.id = ap.practitioner
        WHERE {only} AND ap.cancelled_at IS NULL
        ORDER BY ap.starts_at, pr.last_name, ap.id LIMIT {{}}
        """,
        *values,
        MOST_TOUCHED + 1,
    )


async def _live_in(period: Period, now: datetime) -> list[dict[str, Any]]:
    only, values = _within(period, "sl", now)
    return await db.fetch(
        f"SELECT sl.id FROM slot sl WHERE sl.withdrawn_at IS NULL AND {only} LIMIT 1", *values
    )


async def _lock_all(practitioner: UUID | None) -> list[UUID]:
    practitioners = await _whose_slots(practitioner)
    for each in practitioners:
        await publishing.lock(each)
    return practitioners


async def _whose_slots(practitioner: UUID | None) -> list[UUID]:
    """Whose slots it is about, always in the same order."""
    if practitioner is not None:
        return [practitioner]
    return [row["id"] for row in await db.fetch("SELECT id FROM practitioner ORDER BY id")]


async def _still_away(
    member: Member, practitioner: UUID | None, absence: UUID, now: datetime
) -> Away | None:
    """None once it is removed or over; another's is not found."""
    rows = await db.fetch(
        "SELECT id, practitioner, first_day, last_day, reason FROM absence WHERE id = {}", absence
    )
    if not rows:
        return None
    away = Away(**rows[0])
    if away.practitioner != practitioner:
        raise NotFound
    return away if away.last_day >= member.clinic.today(now) else None


async def _lock_visits(period: Period, now: datetime) -> None:
    """Before the slots, as whoever moves a visit does: nobody waits for the other in a circle."""
    if db.is_postgres():
        only, values = _within(period, "ap", now)
        await db.fetch(
            f"""
            SELECT ap.id FROM appointment ap WHERE {only} AND ap.cancelled_at IS NULL
            ORDER BY ap.id FOR NO KEY UPDATE
            """,
            *values,
        )


async def _withdraw(
    member: Member, period: Period, practitioners: Sequence[UUID], id: UUID, now: datetime
) -> None:
    if period.is_whole_days:
        await Absence.insert(
            Absence(
                id=id,
                practitioner=period.practitioner,
                first_day=period.first,
                last_day=period.last,
                reason=period.reason,
                added_at=now,
                added_by=member.signature,
            )
        )
        for practitioner in practitioners:
            await _publish(member, practitioner, now)
        await audit.record(member.actor, "absence.added", subject=id, at=now)
        return
    only, values = _within(period, "slot", now)
    rows = await db.fetch(
        f"""
        UPDATE slot SET withdrawn_at = {{}}, withdrawn_why = {{}}, withdrawn_by = {{}}
        WHERE withdrawn_at IS NULL AND {only} RETURNING id
        """,
        now,
        STAFF if period.slot else HALF_DAY,
        member.signature,
        *values,
    )
    for row in rows:
        await audit.record(member.actor, "slot.withdrawn", subject=row["id"], at=now)


async def _publish(member: Member, practitioner: UUID, now: datetime) -> None:
    await publishing.publish_for(practitioner, member.clinic, by=member.signature, now=now)
