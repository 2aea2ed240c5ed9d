"""Slots published ahead from the weekly templates and single days, less the absences.

What a template or an absence takes away comes back, the same row, when it is taken back; what a
member of the staff withdrew by itself does not, and a half-day of it gets nothing new. A visit
never moves: its slot is only no longer offered, should the visit be cancelled.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.clinic.calendar import NOON, Opening, Span, cut, days_between, overlaps
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.clinic.tables import Practitioner

CHUNK = 200
ABSENCE, TEMPLATE, STAFF, HALF_DAY = "absence", "template", "staff", "half_day"
"""Why a slot is withdrawn: `Slot.withdrawn_why`."""
BY_HAND = (STAFF, HALF_DAY)
"""Offered again by hand alone."""
BY_JOB = "publish_slots"
LONGEST = timedelta(days=1)
"""No slot is longer: the index on its start bounds the search."""


@dataclass(frozen=True, slots=True)
class Line:
    """Hours of a schedule, on a weekday or on one single day."""

    schedule: UUID
    site: UUID
    opening: Opening
    day: date | None = None

    def spans(self, day: date, clinic: ClinicSettings) -> Iterator[Span]:
        if self.day in (None, day):
            yield from cut(self.opening, day, clinic.zone)


@dataclass(frozen=True, slots=True)
class Published:
    """A slot as it stands, that is not over."""

    id: UUID
    schedule: UUID
    span: Span
    is_withdrawn: bool
    why: str
    is_booked: bool
    is_held: bool
    """Someone has it before them at this moment, and may still book it."""
    has_begun: bool

    @property
    def key(self) -> tuple[UUID, Span]:
        return self.schedule, self.span

    @property
    def holds_its_time(self) -> bool:
        return not self.is_withdrawn or self.is_booked or self.why in BY_HAND


@dataclass(slots=True)
class Plan:
    """What publishing would do to one practitioner's slots."""

    new: list[tuple[Line, Span]] = field(default_factory=list)
    back: list[Published] = field(default_factory=list)
    leaving: dict[str, list[Published]] = field(default_factory=dict)
    """By why they are withdrawn."""
    spared: list[Published] = field(default_factory=list)
    """Out of the template, but held: marked, to go at the next publishing if they are free then."""

    @property
    def coming(self) -> int:
        return len(self.new) + sum(slot.is_withdrawn for slot in self.back)

    def offered_in(self, first: date, last: date, clinic: ClinicSettings) -> int:
        """How many slots of these days nobody could book before, and patients can then."""
        spans = [span for _, span in self.new]
        spans += [slot.span for slot in self.back if slot.is_withdrawn and not slot.is_booked]
        return sum(is_away(span, [(first, last)], clinic) for span in spans)

    @property
    def going(self) -> int:
        leaving = [slot for slots in self.leaving.values() for slot in slots]
        return sum(not slot.is_booked for slot in (*leaving, *self.spared))

    @property
    def staying(self) -> list[UUID]:
        """The slots out of the template whose visits do not move."""
        return [slot.id for slot in self.leaving.get(TEMPLATE, []) if slot.is_booked]


async def publish(*, now: datetime) -> int:
    """Publish what is missing up to the horizon; run again, it adds nothing."""
    rows = await db.fetch("SELECT DISTINCT practitioner FROM schedule ORDER BY practitioner")
    if not rows:
        return 0
    clinic = await current_settings()
    published = 0
    for row in rows:
        async with db.transaction():
            await lock(row["practitioner"])
            published += await publish_for(row["practitioner"], clinic, by=BY_JOB, now=now)
    return published


async def lock(practitioner: UUID) -> None:
    """Whoever publishes or changes this practitioner's hours does it after the other."""
    await db.lock_row(Practitioner, practitioner)


async def publish_for(
    practitioner: UUID,
    clinic: ClinicSettings,
    *,
    changed: Collection[UUID] = (),
    by: str,
    now: datetime,
) -> int:
    """In the caller's transaction. Of the `changed` schedules, what fits no longer goes."""
    made = await plan(practitioner, clinic, changed=changed, now=now)
    for why, slots in made.leaving.items():
        await _withdraw([slot.id for slot in slots], why, by, now)
    await _withdraw([slot.id for slot in made.spared], TEMPLATE, by, None)
    await _bring_back([slot.id for slot in made.back])
    for start in range(0, len(made.new), CHUNK):
        await _insert(practitioner, made.new[start : start + CHUNK])
    return made.coming


async def plan(
    practitioner: UUID,
    clinic: ClinicSettings,
    *,
    changed: Collection[UUID] = (),
    instead: Sequence[Line] | None = None,
    without: UUID | None = None,
    now: datetime,
) -> Plan:
    """`instead`: the weekly hours that the changed schedules would have; none ends them.
    `without`: the absence that there would be no more."""
    lines = await _lines(practitioner, clinic.today(now))
    if instead is not None:
        others = (line for line in lines if line.schedule not in changed)
        days = (line for line in lines if line.schedule in changed and line.day and instead)
        lines = sorted([*days, *instead, *others], key=lambda line: line.day is None)
    slots = await _slots(practitioner, now)
    absences = await _absences(practitioner, without)
    followed = {*changed, *await _ended(practitioner)}
    until = now + timedelta(weeks=clinic.horizon_weeks)
    last = max([until, *(slot.span.starts_at + timedelta(days=1) for slot in slots)])
    wanted = {
        (line.schedule, span): line
        for line, span in _spans(lines, clinic, now, last)
        if not is_away(span, absences, clinic)
    }
    made = _leaving(slots, wanted, absences, clinic, followed)
    closed = await _closed_halves(practitioner, clinic, now)
    _fill(made, slots, _outside(wanted, closed, clinic), until, clinic)
    return made


def is_away(span: Span, absences: Collection[tuple[date, date]], clinic: ClinicSettings) -> bool:
    day = span.starts_at.astimezone(clinic.zone).date()
    return any(first <= day <= last for first, last in absences)


def _leaving(
    slots: Sequence[Published],
    wanted: Collection[tuple[UUID, Span]],
    absences: Collection[tuple[date, date]],
    clinic: ClinicSettings,
    followed: Collection[UUID],
) -> Plan:
    made = Plan()
    for slot in slots:
        if slot.is_withdrawn or slot.has_begun:
            continue
        if is_away(slot.span, absences, clinic):
            made.leaving.setdefault(ABSENCE, []).append(slot)
        elif slot.key in wanted:
            if slot.why == TEMPLATE:  # marked while it was held, and wanted again
                made.back.append(slot)
        elif slot.schedule in followed or slot.why == TEMPLATE:
            is_spared = slot.is_held and not slot.is_booked
            (made.spared if is_spared else made.leaving.setdefault(TEMPLATE, [])).append(slot)
    return made


def _outside(
    wanted: dict[tuple[UUID, Span], Line],
    closed: Collection[tuple[date, bool]],
    clinic: ClinicSettings,
) -> dict[tuple[UUID, Span], Line]:
    return {key: line for key, line in wanted.items() if _half(key[1], clinic) not in closed}


def _fill(
    made: Plan,
    slots: Sequence[Published],
    wanted: dict[tuple[UUID, Span], Line],
    until: datetime,
    clinic: ClinicSettings,
) -> None:
    """What is wanted and not there: by the row that was withdrawn, else by a new one."""
    going = {slot.id for slots in made.leaving.values() for slot in slots if not slot.is_booked}
    live = {slot.key for slot in slots if not slot.is_withdrawn}
    withdrawn = {
        slot.key: slot
        for slot in sorted(slots, key=lambda slot: slot.is_booked)
        if slot.is_withdrawn and slot.why not in BY_HAND and not slot.has_begun
    }
    taken: dict[date, dict[UUID, Span]] = {}
    for slot in slots:
        if slot.holds_its_time and slot.id not in going:
            taken.setdefault(_day(slot.span, clinic), {})[slot.id] = slot.span
    for key, line in wanted.items():
        if key in live:
            continue
        span, before = key[1], withdrawn.get(key)
        that_day = taken.setdefault(_day(span, clinic), {})
        if overlaps(span, (o for id, o in that_day.items() if before is None or id != before.id)):
            continue
        if before is not None:
            that_day[before.id] = span
            made.back.append(before)
        elif span.starts_at < until:
            that_day[uuid4()] = span
            made.new.append((line, span))


def _day(span: Span, clinic: ClinicSettings) -> date:
    return span.starts_at.astimezone(clinic.zone).date()


def _half(span: Span, clinic: ClinicSettings) -> tuple[date, bool]:
    """The half-day that it begins in; true for the afternoon."""
    starts = span.starts_at.astimezone(clinic.zone)
    return starts.date(), starts.time() >= NOON


async def _withdraw(slots: Sequence[UUID], why: str, by: str, at: datetime | None) -> None:
    """Without a time they are only marked."""
    for start in range(0, len(slots), CHUNK):
        chunk = slots[start : start + CHUNK]
        await db.fetch(
            f"""
            UPDATE slot SET withdrawn_at = {{}}, withdrawn_why = {{}}, withdrawn_by = {{}}
            WHERE withdrawn_at IS NULL AND id IN ({db.places(chunk)})
            """,
            at,
            why,
            by,
            *chunk,
        )


async def _bring_back(slots: Sequence[UUID]) -> None:
    for start in range(0, len(slots), CHUNK):
        chunk = slots[start : start + CHUNK]
        await db.fetch(
            f"""
            UPDATE slot SET withdrawn_at = NULL, withdrawn_why = '', withdrawn_by = ''
            WHERE id IN ({db.places(chunk)})
            """,
            *chunk,
        )


def _spans(
    lines: Sequence[Line], clinic: ClinicSettings, now: datetime, until: datetime
) -> Iterator[tuple[Line, Span]]:
    for day in days_between(clinic.today(now), clinic.today(until)):
        for line in lines:
            for span in line.spans(day, clinic):
                if now < span.starts_at < until:
                    yield line, span


async def _insert(practitioner: UUID, new: Sequence[tuple[Line, Span]]) -> None:
    """In one statement of values alone: half a thousand rows of each practitioner come here."""
    rows = [
        (
            uuid4(),
            line.schedule,
            practitioner,
            line.site,
            span.starts_at,
            span.ends_at,
            line.opening.slot_minutes,
        )
        for line, span in new
    ]
    columns = "id, schedule, practitioner, site, starts_at, ends_at, minutes"
    places = ", ".join(["({}, {}, {}, {}, {}, {}, {})"] * len(rows))
    values = [value for row in rows for value in row]
    await db.fetch(f"INSERT INTO slot ({columns}) VALUES {places}", *values)


_OF_LIVE_SCHEDULES = """
    JOIN schedule sc ON sc.id = l.schedule
    JOIN site si ON si.id = sc.site
    JOIN practitioner pr ON pr.id = sc.practitioner
    WHERE sc.practitioner = {} AND sc.ended_at IS NULL AND si.ended_at IS NULL
      AND pr.ended_at IS NULL AND EXISTS (
        SELECT 1 FROM schedule_visit_type sv JOIN visit_type vt ON vt.id = sv.visit_type
        WHERE sv.schedule = sc.id AND vt.ended_at IS NULL)
"""


async def _lines(practitioner: UUID, today: date) -> list[Line]:
    """Single days before the weekly hours: where they meet, the day is kept."""
    weekly = await db.fetch(
        f"""
        SELECT l.schedule, sc.site, l.weekday, l.opens, l.closes, l.slot_minutes
        FROM weekly_hours l {_OF_LIVE_SCHEDULES} ORDER BY l.weekday, l.opens
        """,
        practitioner,
    )
    return [*await single_days(practitioner, today), *map(_line, weekly)]


async def single_days(practitioner: UUID, today: date) -> list[Line]:
    """The coming ones that are published from."""
    single = await db.fetch(
        f"""
        SELECT l.schedule, sc.site, l.day, l.opens, l.closes, l.slot_minutes
        FROM open_day l {_OF_LIVE_SCHEDULES} AND l.day >= {{}} ORDER BY l.day, l.opens
        """,
        practitioner,
        today,
    )
    return [_line(row) for row in single]


def _line(row: dict[str, Any]) -> Line:
    day: date | None = row.get("day")
    weekday = row["weekday"] if day is None else day.weekday()
    opening = Opening(weekday, row["opens"], row["closes"], row["slot_minutes"])
    return Line(row["schedule"], row["site"], opening, day)


async def _slots(practitioner: UUID, now: datetime) -> list[Published]:
    rows = await db.fetch(
        """
        SELECT sl.id, sl.schedule, sl.starts_at, sl.ends_at, sl.withdrawn_at, sl.withdrawn_why,
               EXISTS (SELECT 1 FROM appointment ap
                       WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL) AS is_booked,
               EXISTS (SELECT 1 FROM hold h
                       JOIN site si ON si.id = sl.site
                       JOIN practitioner pr ON pr.id = sl.practitioner
                       WHERE h.slot = sl.id AND h.expires_at > {}
                         AND si.ended_at IS NULL AND pr.ended_at IS NULL) AS is_held
        FROM slot sl
        WHERE sl.practitioner = {} AND sl.starts_at > {} AND sl.ends_at > {}
        ORDER BY sl.starts_at
        """,
        now,
        practitioner,
        now - LONGEST,
        now,
    )
    return [
        Published(
            row["id"],
            row["schedule"],
            Span(row["starts_at"], row["ends_at"]),
            row["withdrawn_at"] is not None,
            row["withdrawn_why"],
            bool(row["is_booked"]),
            bool(row["is_held"]),
            row["starts_at"] <= now,
        )
        for row in rows
    ]


async def _ended(practitioner: UUID) -> list[UUID]:
    """Its schedules that nothing is published from any more."""
    rows = await db.fetch(
        """
        SELECT sc.id FROM schedule sc
        JOIN site si ON si.id = sc.site JOIN practitioner pr ON pr.id = sc.practitioner
        WHERE sc.practitioner = {} AND (sc.ended_at IS NOT NULL OR si.ended_at IS NOT NULL
            OR pr.ended_at IS NOT NULL)
        """,
        practitioner,
    )
    return [row["id"] for row in rows]


async def _closed_halves(
    practitioner: UUID, clinic: ClinicSettings, now: datetime
) -> set[tuple[date, bool]]:
    """The half-days that staff took back, for as long as a slot of it is not offered again."""
    rows = await db.fetch(
        """
        SELECT starts_at, ends_at FROM slot
        WHERE practitioner = {} AND starts_at > {} AND withdrawn_at IS NOT NULL
          AND withdrawn_why = 'half_day'
        """,
        practitioner,
        now - LONGEST,
    )
    return {_half(Span(row["starts_at"], row["ends_at"]), clinic) for row in rows}


async def _absences(practitioner: UUID, without: UUID | None) -> list[tuple[date, date]]:
    rows = await db.fetch(
        """
        SELECT id, first_day, last_day FROM absence
        WHERE practitioner = {} OR practitioner IS NULL
        """,
        practitioner,
    )
    return [(row["first_day"], row["last_day"]) for row in rows if row["id"] != without]
