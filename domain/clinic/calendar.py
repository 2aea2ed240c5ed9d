"""Wall-clock days and weeks of a clinic, as moments in UTC. No table, no clock."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NOON = time(12)
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """Hours of one weekday, cut into slots of one length."""

    weekday: int
    opens: time
    closes: time
    slot_minutes: int


@dataclass(frozen=True, slots=True)
class Span:
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday of a clinic's calendar."""

    monday: date
    zone: ZoneInfo

    @classmethod
    def of(cls, day: date, zone: ZoneInfo) -> "Week":
        return cls(day - timedelta(days=day.weekday()), zone)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.monday + timedelta(days=n) for n in range(7))

    @property
    def starts_at(self) -> datetime:
        return moment(self.monday, time(0), self.zone)

    @property
    def ends_at(self) -> datetime:
        return moment(self.monday + timedelta(days=7), time(0), self.zone)

    @property
    def half_days(self) -> tuple[datetime, ...]:
        """The fifteen moments that bound its fourteen half-days."""
        bounds = [moment(day, at, self.zone) for day in self.days for at in (time(0), NOON)]
        return (*bounds, self.ends_at)

    def shifted(self, weeks: int) -> "Week":
        return Week(self.monday + timedelta(weeks=weeks), self.zone)


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def cut(opening: Opening, day: date, zone: ZoneInfo) -> Iterator[Span]:
    """The slots of an opening on a day, each of the same elapsed length.

    Cut by the wall clock and measured in UTC: a time the clocks skip, or one whose end
    they move, gives no slot; a repeated hour counts once, as its first passage.
    """
    if day.weekday() != opening.weekday:
        return
    length = timedelta(minutes=opening.slot_minutes)
    starts = datetime.combine(day, opening.opens)
    last = datetime.combine(day, opening.closes)
    while starts + length <= last:
        ends = starts + length
        span = Span(
            starts.replace(tzinfo=zone).astimezone(UTC), ends.replace(tzinfo=zone).astimezone(UTC)
        )
        last_of_it = _wall(span.ends_at - INSTANT, zone)
        is_on_the_clock = (_wall(span.starts_at, zone), last_of_it) == (starts, ends - INSTANT)
        if is_on_the_clock and span.ends_at - span.starts_at == length:
            yield span
        starts = ends


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def days_between(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def overlaps(one: Span, others: Iterable[Span]) -> bool:
    return any(one.starts_at < other.ends_at and other.starts_at < one.ends_at for other in others)
