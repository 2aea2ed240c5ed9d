from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clinic.calendar import Opening, Span, Week, cut, days_between, moment, overlaps
from tests.domain.values import ZONES

TORONTO = ZoneInfo("America/Toronto")
SPRING = date(2026, 3, 8)  # 02:00 becomes 03:00
AUTUMN = date(2026, 11, 1)  # 02:00 becomes 01:00
HOUR = timedelta(hours=1)


def slots(day: date, opens: str, closes: str, minutes: int = 30) -> list[str]:
    """The slots of an opening on a day as a clock on the wall shows them."""
    opening = Opening(day.weekday(), time.fromisoformat(opens), time.fromisoformat(closes), minutes)
    return [
        f"{span.starts_at.astimezone(TORONTO):%H:%M}–{span.ends_at.astimezone(TORONTO):%H:%M}"
        for span in cut(opening, day, TORONTO)
    ]


# Cutting an opening into slots


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ("10:00", ["09:00–09:30", "09:30–10:00"]),
        ("10:29", ["09:00–09:30", "09:30–10:00"]),  # what is left over is not used
        ("09:29", []),
        ("09:00", []),
        ("08:00", []),
    ],
)
def test_an_opening_is_cut_from_its_beginning(closes: str, expected: list[str]) -> None:
    assert slots(date(2026, 11, 23), "09:00", closes) == expected


def test_only_its_own_weekday_gives_slots() -> None:
    opening = Opening(0, time(9), time(12), 30)
    week = days_between(date(2026, 11, 23), date(2026, 11, 29))
    assert [len(list(cut(opening, day, TORONTO))) for day in week] == [6, 0, 0, 0, 0, 0, 0]


def test_hours_of_the_day_stay_the_same_on_the_wall_when_clocks_change() -> None:
    expected = ["08:00–08:30", "08:30–09:00"]
    for day in (SPRING, AUTUMN, date(2026, 7, 1), date(2026, 1, 1)):
        assert slots(day, "08:00", "09:00") == expected


def test_a_skipped_hour_has_no_slots() -> None:
    assert slots(SPRING, "01:00", "04:00") == [
        "01:00–01:30",
        "01:30–03:00",  # half an hour: at 02:00 it is 03:00
        "03:00–03:30",
        "03:30–04:00",
    ]


def test_a_repeated_hour_counts_once() -> None:
    starts = [slot[:5] for slot in slots(AUTUMN, "00:00", "03:00")]
    assert starts == ["00:00", "00:30", "01:00", "02:00", "02:30"]


@pytest.mark.parametrize(("opens", "minutes"), [("01:30", 50), ("01:00", 90), ("00:45", 120)])
def test_a_slot_that_would_end_in_a_skipped_hour_is_not_published(opens: str, minutes: int) -> None:
    """It would end after the wall-clock time it was cut to, into the next slot or past closing."""
    found = slots(SPRING, opens, "06:00", minutes)
    assert opens not in [slot[:5] for slot in found]
    assert all(slot[:5] >= "03:00" for slot in found)


def test_a_day_across_the_change_has_an_hour_less_or_more_of_slots() -> None:
    whole = ("00:00", "23:30")
    assert len(slots(SPRING, *whole)) == 47 - 2
    assert len(slots(date(2026, 3, 9), *whole)) == 47
    # The repeated hour counts once, and the half hour in which the clocks go back not at all.
    assert len(slots(AUTUMN, *whole)) == 47 - 1


def wall(moment_: datetime, zone: ZoneInfo) -> datetime:
    return moment_.astimezone(zone).replace(tzinfo=None)


days_near_a_change = st.sampled_from(
    [SPRING, AUTUMN, date(2025, 3, 9), date(2025, 11, 2), date(2027, 3, 14), date(2027, 11, 7)]
)
any_days = st.dates(date(2024, 1, 1), date(2035, 12, 31))
near_the_change = st.builds(time, st.integers(0, 6), st.integers(0, 59))
any_time = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=400, deadline=None)
@given(
    day=st.one_of(days_near_a_change, any_days),
    opens=st.one_of(near_the_change, any_time),
    closes=st.one_of(near_the_change, any_time),
    minutes=st.integers(5, 240),
    zone=st.sampled_from([ZoneInfo(name) for name in (*ZONES, "America/St_Johns", "UTC")]),
)
def test_slots_are_as_long_as_asked_apart_and_within_the_hours(
    day: date, opens: time, closes: time, minutes: int, zone: ZoneInfo
) -> None:
    spans = list(cut(Opening(day.weekday(), opens, closes, minutes), day, zone))
    tick = timedelta(microseconds=1)
    for n, span in enumerate(spans):
        assert span.ends_at - span.starts_at == timedelta(minutes=minutes)
        assert span.starts_at.tzinfo is UTC
        assert not overlaps(span, spans[n + 1 :])
        assert datetime.combine(day, opens) <= wall(span.starts_at, zone)
        assert wall(span.ends_at - tick, zone) < datetime.combine(day, closes)
    assert spans == sorted(spans, key=lambda span: span.starts_at)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-2, -1, False),
        (-1, 0, False),
        (-1, 1, True),
        (0, 2, True),
        (1, 2, False),
        (0.25, 0.5, True),
        (-1, 3, True),
    ],
)
def test_spans_that_only_touch_do_not_overlap(start: float, end: float, expected: bool) -> None:
    noon = datetime(2026, 11, 23, 17, tzinfo=UTC)
    one = Span(noon, noon + HOUR)
    assert overlaps(one, [Span(noon + start * HOUR, noon + end * HOUR)]) is expected


# Weeks


@pytest.mark.parametrize(
    ("day", "monday", "sunday"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 29)),
        (date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 29)),
        (date(2026, 12, 31), date(2026, 12, 28), date(2027, 1, 3)),
        (date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (date(2024, 2, 29), date(2024, 2, 26), date(2024, 3, 3)),
    ],
)
def test_a_week_runs_from_monday_to_sunday(day: date, monday: date, sunday: date) -> None:
    week = Week.of(day, TORONTO)
    assert (week.monday, week.sunday) == (monday, sunday)
    assert len(week.days) == 7
    assert day in week.days


def test_weeks_follow_each_other_across_a_year() -> None:
    week = Week.of(date(2026, 12, 30), TORONTO)
    assert week.shifted(1).monday == date(2027, 1, 4)
    assert week.shifted(1).starts_at == week.ends_at
    assert week.shifted(-1).ends_at == week.starts_at


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("day", "hours", "changed_half"),
    [(SPRING, 167, 11), (AUTUMN, 169, 13), (date(2026, 7, 1), 168, 12)],
)
def test_a_week_is_as_long_as_its_days(
    zone: str, day: date, hours: int, changed_half: float
) -> None:
    week = Week.of(day, ZoneInfo(zone))
    assert week.ends_at - week.starts_at == hours * HOUR
    bounds = week.half_days
    lengths = [(b - a) / HOUR for a, b in pairwise(bounds)]
    assert lengths == [12.0] * 12 + [changed_half, 12.0]  # Sunday's morning is the one that changes


def test_half_days_are_bounded_by_midnight_and_noon_on_the_wall() -> None:
    for day in (SPRING, AUTUMN, date(2026, 12, 30)):
        bounds = [wall(bound, TORONTO) for bound in Week.of(day, TORONTO).half_days]
        assert len(bounds) == 15
        assert {bound.time() for bound in bounds} == {time(0), time(12)}
        assert bounds == sorted(set(bounds))


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        (date(2026, 7, 1), time(9), "2026-07-01T13:00"),
        (date(2026, 12, 1), time(9), "2026-12-01T14:00"),
        (AUTUMN, time(1, 30), "2026-11-01T05:30"),  # the first time the clock shows it
        (SPRING, time(2, 30), "2026-03-08T07:30"),  # never shown: an hour later, 03:30
        (SPRING, time(0), "2026-03-08T05:00"),
        (AUTUMN, time(0), "2026-11-01T04:00"),
    ],
)
def test_a_wall_clock_time_is_one_moment(day: date, at: time, expected: str) -> None:
    assert moment(day, at, TORONTO) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_days_between_counts_both_ends() -> None:
    assert list(days_between(date(2026, 2, 28), date(2026, 3, 1))) == [
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert list(days_between(AUTUMN, AUTUMN)) == [AUTUMN]
    assert list(days_between(AUTUMN, SPRING)) == []
