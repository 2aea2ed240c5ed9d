"""A practitioner's week as the staff see it: every slot, what stands in it, and who is away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.clinic.calendar import Week
from domain.clinic.publishing import BY_HAND
from domain.desk import practitioners
from domain.desk.practitioners import Whose, whose
from domain.errors import NotFound
from domain.staff.member import Member
from domain.texts import Named

State = Literal["free", "held", "booked", "confirmed", "no_show", "withdrawn", "past"]
FARTHEST = timedelta(days=5 * 366)
FIRST_HOUR, LAST_HOUR = 9, 16
"""Shown in an empty week too."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A slot in the grid."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    minutes: int
    state: State
    site: str
    is_urgent: bool
    """Only visits of « Accès adapté » may be booked in it."""
    appointment: UUID | None = None
    patient: UUID | None = None
    patient_name: str = ""
    visit_type: Named | None = None
    is_withdrawn: bool = False
    """Also under a visit that stays: it will not be offered again."""


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    away: str | None
    """Why there are no slots; empty where no reason was given, None where nobody is away."""
    is_closed: bool
    """The whole clinic is."""
    sites: Sequence[str]
    is_empty: bool


@dataclass(frozen=True, slots=True)
class CalendarWeek:
    practitioner: Whose
    week: Week
    days: Sequence[Day]
    hours: Sequence[int]
    cells: Mapping[tuple[date, int], Sequence[Cell]]
    """By day and hour of the clock on the wall: an hour that comes twice holds both."""

    @property
    def patients(self) -> list[UUID]:
        found = (cell.patient for cells in self.cells.values() for cell in cells)
        return [patient for patient in found if patient is not None]

    @property
    def is_empty(self) -> bool:
        return not self.cells


@dataclass(frozen=True, slots=True)
class SlotPage:
    practitioner: Whose
    cell: Cell
    visit_types: Sequence[Named]
    withdrawn_by: str
    withdrawn_at: datetime | None
    may_withdraw: bool
    may_bring_back: bool


async def first_practitioner(member: Member) -> UUID | None:
    """One's own; else the first by name."""
    if member.practitioner is not None and member.only is not None:
        return member.practitioner
    return await practitioners.first(member)


async def week(
    member: Member, practitioner: UUID, asked: date | None, *, now: datetime
) -> CalendarWeek:
    clinic, found = member.clinic, await whose(member, practitioner)
    today = clinic.today(now)
    day = min(max(asked or today, today - FARTHEST), today + FARTHEST)
    shown = Week.of(day, clinic.zone)
    rows = await db.fetch(
        f"{_CELLS} WHERE sl.practitioner = {{}} AND sl.starts_at >= {{}} AND sl.starts_at < {{}}"
        " ORDER BY sl.starts_at",
        now,
        practitioner,
        shown.starts_at,
        shown.ends_at,
    )
    away = await _away(practitioner, shown)
    cells: dict[tuple[date, int], list[Cell]] = {}
    for row in rows:
        if row["withdrawn_at"] is None or row["appointment"] or row["withdrawn_why"] in BY_HAND:
            at = row["starts_at"].astimezone(clinic.zone)
            cells.setdefault((at.date(), at.hour), []).append(_cell(row, now))
    return CalendarWeek(
        practitioner=found,
        week=shown,
        days=[_day(each, away, cells) for each in shown.days],
        hours=_hours(cells),
        cells=cells,
    )


async def slot(member: Member, practitioner: UUID, id: UUID, *, now: datetime) -> SlotPage:
    found = await whose(member, practitioner)
    rows = await db.fetch(
        f"{_CELLS} WHERE sl.id = {{}} AND sl.practitioner = {{}}", now, id, practitioner
    )
    if not rows:
        raise NotFound
    row = rows[0]
    types = await db.fetch(
        """
        SELECT vt.name_fr AS fr, vt.name_en AS en FROM schedule_visit_type sv
        JOIN visit_type vt ON vt.id = sv.visit_type
        WHERE sv.schedule = {} AND vt.ended_at IS NULL AND vt.minutes <= {}
        ORDER BY vt.position, vt.name_fr
        """,
        row["schedule"],
        row["minutes"],
    )
    is_coming = row["starts_at"] > now
    return SlotPage(
        practitioner=found,
        cell=_cell(row, now),
        visit_types=[Named(**each) for each in types],
        withdrawn_by=row["withdrawn_by"].partition(" (")[0],
        withdrawn_at=row["withdrawn_at"],
        may_withdraw=is_coming and row["withdrawn_at"] is None,
        may_bring_back=is_coming
        and row["withdrawn_at"] is not None
        and row["withdrawn_why"] in BY_HAND,
    )


_CELLS = """
    SELECT sl.id, sl.schedule, sl.starts_at, sl.ends_at, sl.minutes, sl.withdrawn_at,
           sl.withdrawn_why, sl.withdrawn_by, si.name AS site,
           NOT EXISTS (SELECT 1 FROM schedule_visit_type sv
                       JOIN visit_type ty ON ty.id = sv.visit_type
                       WHERE sv.schedule = sl.schedule AND NOT ty.is_urgent) AS is_urgent,
           h.id AS hold, ap.id AS appointment, ap.patient, ap.confirmed_at, ap.no_show_at,
           p.first_name || ' ' || p.last_name AS patient_name,
           vt.name_fr AS type_fr, vt.name_en AS type_en
    FROM slot sl
    JOIN site si ON si.id = sl.site
    LEFT JOIN hold h ON h.slot = sl.id AND h.expires_at > {}
    LEFT JOIN appointment ap ON ap.slot = sl.id AND ap.cancelled_at IS NULL
    LEFT JOIN patient p ON p.id = ap.patient
    LEFT JOIN visit_type vt ON vt.id = ap.visit_type
"""


def _cell(row: dict[str, Any], now: datetime) -> Cell:
    return Cell(
        id=row["id"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        minutes=row["minutes"],
        state=_state(row, now),
        site=row["site"],
        is_urgent=bool(row["is_urgent"]),
        appointment=row["appointment"],
        patient=row["patient"],
        patient_name=row["patient_name"] or "",
        visit_type=Named(row["type_fr"], row["type_en"]) if row["appointment"] else None,
        is_withdrawn=row["withdrawn_at"] is not None,
    )


def _state(row: dict[str, Any], now: datetime) -> State:
    if row["appointment"] is not None:
        if row["no_show_at"] is not None:
            return "no_show"
        return "booked" if row["confirmed_at"] is None else "confirmed"
    if row["withdrawn_at"] is not None:
        return "withdrawn"
    if row["starts_at"] <= now:
        return "past"
    return "free" if row["hold"] is None else "held"


def _day(
    day: date, away: Sequence[dict[str, Any]], cells: Mapping[tuple[date, int], Sequence[Cell]]
) -> Day:
    that_day = [cell for (of, _), found in sorted(cells.items()) if of == day for cell in found]
    absence = next((row for row in away if row["first_day"] <= day <= row["last_day"]), None)
    return Day(
        date=day,
        away=absence["reason"] if absence else None,
        is_closed=absence is not None and absence["practitioner"] is None,
        sites=list(dict.fromkeys(cell.site for cell in that_day)),
        is_empty=not that_day,
    )


def _hours(cells: Mapping[tuple[date, int], Sequence[Cell]]) -> range:
    found = [hour for _, hour in cells]
    return range(min(found, default=FIRST_HOUR), max(found, default=LAST_HOUR) + 1)


async def _away(practitioner: UUID, shown: Week) -> list[dict[str, Any]]:
    return await db.fetch(
        """
        SELECT practitioner, first_day, last_day, reason FROM absence
        WHERE (practitioner = {} OR practitioner IS NULL) AND first_day <= {} AND last_day >= {}
        ORDER BY practitioner IS NOT NULL, first_day
        """,
        practitioner,
        shown.sunday,
        shown.monday,
    )
