from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clinic.calendar import moment
from domain.people import policy
from domain.people.coming_of_age import day_of_age, is_of_age
from tests.domain.values import ZONES, Person, clinic, local

SECOND = timedelta(seconds=1)
NONE = timedelta(0)
EDGE = [(-SECOND, False), (NONE, True), (SECOND, True)]

birth_dates = st.dates(date(1926, 1, 1), date(2030, 12, 31))
ages = st.integers(0, 21)
zones = st.sampled_from((*ZONES, "America/St_Johns", "America/Regina", "UTC"))
moments = st.integers(0, 20_000 * 24 * 60).map(
    lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("off", "expected"), EDGE)
def test_age_is_reached_at_midnight_on_the_clinics_wall(
    zone: str, off: timedelta, expected: bool
) -> None:
    here = clinic(time_zone=zone)
    midnight = local("2032-03-09T00:00", zone)
    assert is_of_age(date(2018, 3, 9), here, midnight + off) is expected


@pytest.mark.parametrize("birthday", [(3, 8), (11, 1)])
@pytest.mark.parametrize(("off", "expected"), EDGE)
def test_a_birthday_on_the_day_the_clocks_change_begins_at_its_midnight(
    birthday: tuple[int, int], off: timedelta, expected: bool
) -> None:
    midnight = local(f"2026-{birthday[0]:02}-{birthday[1]:02}T00:00")
    assert is_of_age(date(2012, *birthday), clinic(), midnight + off) is expected


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [
        (date(2012, 2, 29), 14, date(2026, 3, 1)),
        (date(2012, 2, 29), 16, date(2028, 2, 29)),
        (date(2012, 2, 29), 18, date(2030, 3, 1)),
        (date(2012, 2, 28), 14, date(2026, 2, 28)),
        (date(2012, 3, 1), 14, date(2026, 3, 1)),
        (date(2012, 12, 31), 14, date(2026, 12, 31)),
        (date(2012, 6, 5), 0, date(2012, 6, 5)),
    ],
)
def test_the_day_an_age_is_reached(born: date, age: int, day: date) -> None:
    assert day_of_age(born, age) == day


@pytest.mark.parametrize(("off", "expected"), EDGE)
def test_born_on_29_february_counts_on_1_march(off: timedelta, expected: bool) -> None:
    assert is_of_age(date(2012, 2, 29), clinic(), local("2026-03-01T00:00") + off) is expected


@pytest.mark.parametrize(("age", "is_reached"), [(14, True), (15, False), (16, False), (18, False)])
def test_a_changed_setting_counts_at_once(age: int, is_reached: bool) -> None:
    now = local("2026-06-01T12:00")
    assert is_of_age(date(2012, 5, 2), clinic(consent_age=age), now) is is_reached


@given(born=birth_dates, now=moments, zone=zones)
def test_without_the_setting_access_to_another_is_closed(
    born: date, now: datetime, zone: str
) -> None:
    unset = clinic(consent_age=None, time_zone=zone)
    assert policy.is_lost(Person(birth_date=born), unset, now)


@given(born=birth_dates, age=ages)
def test_the_day_is_the_birthday_or_the_day_after_it(born: date, age: int) -> None:
    day = day_of_age(born, age)
    assert day.year == born.year + age
    if (born.month, born.day) == (2, 29):
        assert (day.month, day.day) in {(2, 29), (3, 1)}
    else:
        assert (day.month, day.day) == (born.month, born.day)


@settings(max_examples=300)
@given(born=birth_dates, age=ages, zone=zones)
def test_the_edge_is_one_moment_and_never_comes_undone(born: date, age: int, zone: str) -> None:
    here = clinic(time_zone=zone, consent_age=age)
    edge = moment(day_of_age(born, age), time(0), ZoneInfo(zone))
    assert not is_of_age(born, here, edge - SECOND)
    assert is_of_age(born, here, edge)
    assert is_of_age(born, here, edge + timedelta(days=3000))


# What of it follows for a profile held


@given(born=birth_dates, age=st.one_of(st.none(), ages), now=moments)
def test_ones_own_profile_is_never_lost(born: date, age: int | None, now: datetime) -> None:
    assert not policy.is_lost(Person(born, is_own=True), clinic(consent_age=age), now)


@pytest.mark.parametrize(("off", "expected"), EDGE)
def test_a_childs_profile_is_lost_from_the_birthday_on(off: timedelta, expected: bool) -> None:
    birthday = local("2032-03-09T00:00")
    assert policy.is_lost(Person(date(2018, 3, 9)), clinic(), birthday + off) is expected


@pytest.mark.parametrize(
    ("until", "off", "is_lost"),
    [
        (None, timedelta(days=3650), False),
        ("2032-06-01T00:00", -SECOND, False),
        ("2032-06-01T00:00", NONE, True),
        ("2032-06-01T00:00", SECOND, True),
    ],
)
def test_a_recorded_consent_keeps_the_profile_until_it_ends(
    until: str | None, off: timedelta, is_lost: bool
) -> None:
    ends = local(until) if until else None
    person = Person(date(2018, 3, 9), has_consent=True, consent_until=ends)
    assert policy.is_lost(person, clinic(), (ends or local("2032-06-01T00:00")) + off) is is_lost


def test_a_withdrawn_consent_is_none_whatever_its_end() -> None:
    person = Person(date(2018, 3, 9), has_consent=False, consent_until=local("2040-01-01T00:00"))
    assert policy.is_lost(person, clinic(), local("2033-01-01T00:00"))


def test_consent_stands_in_for_a_missing_setting() -> None:
    person = Person(date(2018, 3, 9), has_consent=True)
    assert not policy.is_lost(person, clinic(consent_age=None), local("2026-01-01T00:00"))


# The provinces' ages, and what may still be done


PROVINCES = {"QC": 14, "NB": 16, "ON": 16, "AB": 18, "MB": 16, "SK": 16, "NS": 16, "PE": 16}


@settings(max_examples=300)
@given(
    born=st.one_of(birth_dates, st.sampled_from([date(y, 2, 29) for y in range(1996, 2029, 4)])),
    province=st.sampled_from(sorted(PROVINCES)),
    zone=zones,
    seconds=st.integers(-3 * 24 * 3600, 3 * 24 * 3600),
    has_consent=st.booleans(),
)
def test_a_profile_is_open_until_its_midnight_and_then_by_consent_only(
    born: date, province: str, zone: str, seconds: int, has_consent: bool
) -> None:
    """Days of clock changes too: the day is the clinic's, whatever hour it begins at in UTC."""
    here = clinic(province=province, consent_age=PROVINCES[province], time_zone=zone)
    edge = moment(day_of_age(born, PROVINCES[province]), time(0), ZoneInfo(zone))
    now = edge + timedelta(seconds=seconds)
    child = Person(born, has_consent=has_consent)
    expected = seconds < 0 or has_consent
    assert policy.may_open(child, here, now) is expected
    assert all(policy.may(grant, child, here, now) is expected for grant in child.grants)
    assert policy.may_read_journal(child, here, now) is (seconds < 0)
    own = Person(born, is_own=True, relationship="self")
    assert policy.may_open(own, here, now)
    assert policy.may_end_access(own, here, now) is (seconds >= 0)
    assert not policy.may_end_access(child, here, now)


@settings(max_examples=300)
@given(born=st.dates(date(1990, 1, 1), date(2014, 12, 31)), zone=zones, age=st.integers(12, 19))
def test_the_midnight_of_a_day_of_clock_change_is_its_first_moment(
    born: date, zone: str, age: int
) -> None:
    day = day_of_age(born, age)
    edge = moment(day, time(0), ZoneInfo(zone))
    assert edge.astimezone(ZoneInfo(zone)).date() == day
    assert (edge - SECOND).astimezone(ZoneInfo(zone)).date() < day
