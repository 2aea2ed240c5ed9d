"""Which published times are open to this profile: one condition for every use."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from domain import db
from domain.appointments.choices import Choices
from domain.clinic.calendar import Week, moment
from domain.clinic.settings import ClinicSettings
from domain.errors import SlotTaken
from domain.people.viewer import Profile, Viewer
from domain.staff.member import NOBODY

SHOWN_PER_HALF_DAY = 8
NEAREST = 3
CLINIC_HORIZON = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class OpenSlot:
    id: UUID
    starts_at: datetime
    practitioner: str
    is_held: bool
    """By this viewer for this profile."""


@dataclass(slots=True)
class HalfDay:
    slots: list[OpenSlot] = field(default_factory=list)
    total: int = 0

    @property
    def hidden(self) -> int:
        return self.total - len(self.slots)


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    morning: HalfDay
    afternoon: HalfDay


@dataclass(frozen=True, slots=True)
class SlotWeek:
    week: Week
    days: Sequence[Day]
    is_first: bool
    is_last: bool
    next_available: datetime | None
    """The first open time after an empty week."""

    @property
    def is_empty(self) -> bool:
        return all(day.morning.total + day.afternoon.total == 0 for day in self.days)


class Searching(Protocol):
    """For whom open slots are looked for, and between which moments."""

    @property
    def clinic(self) -> ClinicSettings: ...
    @property
    def now(self) -> datetime: ...
    @property
    def opens_at(self) -> datetime: ...
    @property
    def bookable_at(self) -> datetime: ...
    @property
    def horizon(self) -> datetime: ...
    def condition(self) -> tuple[str, list[Any]]: ...


@dataclass(frozen=True, slots=True)
class Search:
    """The open slots of some choices, for one viewer and profile at one moment."""

    viewer: Viewer
    profile: Profile
    choices: Choices
    now: datetime

    @property
    def clinic(self) -> ClinicSettings:
        return self.viewer.clinic

    @property
    def bookable_at(self) -> datetime:
        """« À partir du » narrows what is shown, not what may be booked."""
        return self.now + timedelta(minutes=self.clinic.notice_minutes)

    @property
    def opens_at(self) -> datetime:
        notice = self.bookable_at
        if self.choices.from_day is None:
            return notice
        return max(notice, moment(self.choices.from_day, time(0), self.viewer.clinic.zone))

    @property
    def horizon(self) -> datetime:
        return self.now + timedelta(weeks=self.viewer.clinic.horizon_weeks)

    def condition(self) -> tuple[str, list[Any]]:
        chosen = self.choices
        return _open(
            _Offered(
                chosen.visit_type,
                chosen.is_urgent,
                practitioner=chosen.practitioner if isinstance(chosen.practitioner, UUID) else None,
                site=chosen.site,
                specialty=None if chosen.is_urgent else chosen.specialty,
            ),
            {"h.account": self.viewer.account.id, "h.patient": self.profile.id},
            self.now,
        )


@dataclass(frozen=True, slots=True)
class ClinicSearch:
    """The same for the clinic itself: no notice binds it, and what the patient holds is theirs."""

    clinic: ClinicSettings
    visit_type: UUID
    is_urgent: bool
    practitioner: UUID | None
    site: UUID | None
    now: datetime
    patient: UUID = NOBODY

    @property
    def bookable_at(self) -> datetime:
        return self.now

    @property
    def opens_at(self) -> datetime:
        return self.now

    @property
    def horizon(self) -> datetime:
        return self.now + CLINIC_HORIZON

    def condition(self) -> tuple[str, list[Any]]:
        offered = _Offered(self.visit_type, self.is_urgent, self.practitioner, self.site)
        return _open(offered, {"h.patient": self.patient}, self.now)


@dataclass(frozen=True, slots=True)
class _Offered:
    """Which visit type, and by whom and where, of those that this narrows down."""

    visit_type: UUID | None
    is_urgent: bool
    practitioner: UUID | None
    site: UUID | None
    specialty: UUID | None = None

    @property
    def schedules(self) -> dict[str, UUID]:
        columns = {
            "sc.practitioner": self.practitioner,
            "sc.site": self.site,
            "pr.specialty": self.specialty,
        }
        return {column: id for column, id in columns.items() if id}

    @property
    def slots(self) -> dict[str, UUID]:
        """By one index, in the order of time."""
        if self.practitioner:
            return {"sl.practitioner": self.practitioner}
        return {"sl.site": self.site} if self.site else {}


_OPEN = """
    FROM slot sl
    JOIN practitioner pr ON pr.id = sl.practitioner
    LEFT JOIN hold h ON h.slot = sl.id
    WHERE <slots> AND sl.withdrawn_at IS NULL
      AND sl.minutes >= (
          SELECT vt.minutes FROM visit_type vt
          WHERE vt.id = {} AND vt.is_urgent = {} AND vt.ended_at IS NULL)
      AND (sl.schedule IN (
          SELECT sc.id FROM schedule sc
          JOIN site si ON si.id = sc.site
          JOIN practitioner pr ON pr.id = sc.practitioner
          JOIN schedule_visit_type sv ON sv.schedule = sc.id
          WHERE sv.visit_type = {} AND <schedules> AND sc.ended_at IS NULL
            AND si.ended_at IS NULL AND pr.ended_at IS NULL)) IS TRUE
      AND (h.id IS NULL OR h.expires_at <= {} OR <own hold>)
      AND NOT EXISTS (
          SELECT 1 FROM appointment ap WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
"""
_NAME = "pr.title || ' ' || pr.last_name"


def _open(offered: _Offered, own_hold: dict[str, UUID], now: datetime) -> tuple[str, list[Any]]:
    """IS TRUE: the schedules are found once, and not again for each slot; and PostgreSQL, which
    would take few schedules for few slots, looks no further than the first where one is wanted."""
    slots, schedules = offered.slots, offered.schedules
    condition = (
        _OPEN.replace("<slots>", _all_of(slots))
        .replace("<schedules>", _all_of(schedules))
        .replace("<own hold>", _all_of(own_hold))
    )
    values = [*slots.values(), offered.visit_type, offered.is_urgent, offered.visit_type]
    return condition, [*values, *schedules.values(), now, *own_hold.values()]


def _all_of(columns: Iterable[str]) -> str:
    return f"({' AND '.join(f'{column} = {{}}' for column in columns) or 'TRUE'})"


async def first_open(search: Searching, *, after: datetime | None = None) -> datetime | None:
    condition, values = search.condition()
    rows = await db.fetch(
        f"""
        SELECT sl.starts_at {condition} AND sl.starts_at >= {{}} AND sl.starts_at < {{}}
        ORDER BY sl.starts_at LIMIT 1
        """,
        *values,
        max(after, search.opens_at) if after else search.opens_at,
        search.horizon,
    )
    return rows[0]["starts_at"] if rows else None


async def open_week(
    search: Searching, asked: date | None, *, opened: tuple[date, str] | None = None
) -> SlotWeek:
    """The week asked for, kept within what can be booked; without one, the first with a slot.

    `opened` is the half-day to show whole.
    """
    zone = search.clinic.zone
    first_week = Week.of(search.opens_at.astimezone(zone).date(), zone)
    last_week = Week.of(search.horizon.astimezone(zone).date(), zone)
    soonest = await first_open(search) if asked is None else None
    day = asked or (soonest or search.opens_at).astimezone(zone).date()
    monday = min(max(first_week.monday, Week.of(day, zone).monday), last_week.monday)
    week = Week(monday, zone)
    days = await _days(search, week, opened)
    is_empty = all(day.morning.total + day.afternoon.total == 0 for day in days)
    return SlotWeek(
        week=week,
        days=days,
        is_first=week.monday <= first_week.monday,
        is_last=week.monday >= last_week.monday,
        # Without a week asked for, the first open time has been looked for already.
        next_available=await first_open(search, after=week.ends_at)
        if is_empty and asked is not None
        else None,
    )


async def nearest(search: Searching, to: datetime) -> list[OpenSlot]:
    """The open slots that lie closest to one that is gone."""
    earlier = await _beside(search, search.opens_at, to, "DESC")
    later = await _beside(search, max(to, search.opens_at), search.horizon, "ASC")
    closest = sorted([*earlier, *later], key=lambda slot: abs(slot.starts_at - to))[:NEAREST]
    return sorted(closest, key=lambda slot: slot.starts_at)


async def _beside(
    search: Searching, first: datetime, end: datetime, order: Literal["ASC", "DESC"]
) -> list[OpenSlot]:
    condition, values = search.condition()
    rows = await db.fetch(
        f"""
        SELECT sl.id, sl.starts_at, {_NAME} AS practitioner {condition}
          AND sl.starts_at >= {{}} AND sl.starts_at < {{}}
        ORDER BY sl.starts_at {order} LIMIT {{}}
        """,
        *values,
        first,
        end,
        NEAREST,
    )
    return [OpenSlot(**row, is_held=False) for row in rows]


async def start_of(slot: UUID) -> datetime | None:
    rows = await db.fetch("SELECT starts_at FROM slot WHERE id = {}", slot)
    return rows[0]["starts_at"] if rows else None


def is_published(day: date, clinic: ClinicSettings, now: datetime) -> bool:
    """Whether there can be slots on that day at all."""
    return clinic.today(now) <= day <= clinic.last_day(now)


async def is_open(search: Searching, slot: UUID) -> bool:
    condition, values = open_one(search, slot)
    rows = await db.fetch(f"SELECT {condition} AS is_open", *values)
    return bool(rows[0]["is_open"])


def open_one(search: Searching, slot: UUID) -> tuple[str, list[Any]]:
    """Whether this slot is open, as a condition."""
    condition, values = search.condition()
    bounds = "sl.starts_at >= {} AND sl.starts_at < {}"
    return (
        f"EXISTS (SELECT 1 {condition} AND sl.id = {{}} AND {bounds})",
        [*values, slot, search.bookable_at, search.horizon],
    )


@contextmanager
def taken_on_conflict() -> Iterator[None]:
    """What the database refuses as a double booking is a taken slot to everyone else."""
    try:
        yield
    except Exception as error:
        if db.conflict_kind(error) in {"unique", "overlap"}:
            raise SlotTaken from error
        raise


async def _days(search: Searching, week: Week, opened: tuple[date, str] | None) -> list[Day]:
    days = [Day(date, HalfDay(), HalfDay()) for date in week.days]
    halves = [half for day in days for half in (day.morning, day.afternoon)]
    shown_whole = _index(week, opened)
    for row in await _rows(search, week, shown_whole):
        half = halves[row["half"]]
        half.total = row["total"]
        half.slots.append(
            OpenSlot(row["id"], row["starts_at"], row["practitioner"], bool(row["is_held"]))
        )
    return days


async def _rows(search: Searching, week: Week, shown_whole: int) -> list[dict[str, Any]]:
    condition, values = search.condition()
    bounds = week.half_days
    half = (
        "CASE " + " ".join(f"WHEN sl.starts_at < {{}} THEN {n}" for n in range(13)) + " ELSE 13 END"
    )
    return await db.fetch(
        f"""
        SELECT id, starts_at, practitioner, is_held, half, total FROM (
            SELECT o.*, count(*) OVER (PARTITION BY half) AS total,
                   row_number() OVER (PARTITION BY half ORDER BY starts_at, practitioner) AS place
            FROM (
                SELECT sl.id, sl.starts_at, {_NAME} AS practitioner,
                       h.id IS NOT NULL AND h.expires_at > {{}} AS is_held, {half} AS half
                {condition} AND sl.starts_at >= {{}} AND sl.starts_at < {{}}
            ) o
        ) p
        WHERE place <= {{}} OR half = {{}}
        ORDER BY starts_at, practitioner
        """,
        search.now,
        *bounds[1:14],
        *values,
        max(search.opens_at, bounds[0]),
        min(bounds[-1], search.horizon).astimezone(UTC),
        SHOWN_PER_HALF_DAY,
        shown_whole,
    )


def _index(week: Week, opened: tuple[date, str] | None) -> int:
    if opened is None or opened[0] not in week.days:
        return -1
    return 2 * week.days.index(opened[0]) + (opened[1] == "afternoon")
