from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.appointments import rules
from domain.errors import (
    AlreadyCancelled,
    ReasonInvalid,
    Refusal,
    TooEarlyToConfirm,
    TooLateToCancel,
    TooLateToConfirm,
)
from tests.domain.values import CLINIC, ZONES, VisitTimes, clinic, local

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
STARTS = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
BEFORE = STARTS - timedelta(days=10)

CLOCKS_GO_BACK = "2026-11-01"
CLOCKS_GO_FORWARD = "2026-03-08"


def confirmable(visit: VisitTimes, now: datetime, hours: int = 72) -> bool:
    """By the button and by the refusal, which must agree."""
    settings = clinic(confirm_window_hours=hours)
    shown = rules.may_confirm(visit, settings, now)
    try:
        rules.check_confirm(visit, settings, now)
    except Refusal:
        assert not shown
    else:
        assert shown
    return shown


def cancellable(visit: VisitTimes, now: datetime, hours: int = 48) -> bool:
    settings = clinic(cancel_limit_hours=hours)
    shown = rules.may_cancel(visit, settings, now)
    try:
        rules.check_cancel(visit, settings, now)
    except Refusal:
        assert not shown
    else:
        assert shown
    return shown


# The edges, by default and as a clinic sets them


@pytest.mark.parametrize("hours", [72, 1, 24, 100])
@pytest.mark.parametrize(
    ("off", "expected"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)]
)
def test_confirming_opens_so_many_hours_before(hours: int, off: timedelta, expected: bool) -> None:
    assert confirmable(VisitTimes(STARTS), STARTS - hours * HOUR + off, hours) is expected


@pytest.mark.parametrize(
    ("off", "expected"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)]
)
def test_confirming_ends_with_the_start(off: timedelta, expected: bool) -> None:
    assert confirmable(VisitTimes(STARTS), STARTS + off) is expected


@pytest.mark.parametrize("hours", [48, 0, 24, 100])
@pytest.mark.parametrize(
    ("off", "expected"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)]
)
def test_cancelling_ends_so_many_hours_before(hours: int, off: timedelta, expected: bool) -> None:
    assert cancellable(VisitTimes(STARTS), STARTS - hours * HOUR + off, hours) is expected


@pytest.mark.parametrize(
    ("hours_before", "may_confirm", "may_cancel"),
    [(73, False, True), (72, True, True), (60, True, True), (48, True, True), (47, True, False)],
)
def test_first_only_cancel_then_both_then_only_confirm(
    hours_before: int, may_confirm: bool, may_cancel: bool
) -> None:
    now = STARTS - hours_before * HOUR
    visit = VisitTimes(STARTS)
    assert (confirmable(visit, now), cancellable(visit, now)) == (may_confirm, may_cancel)


# Elapsed hours, whatever the clocks do


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("starts", "opens", "limit"),
    [
        # The Monday after: 72 hours before is Friday, one hour off on the wall.
        ("2026-11-02T09:00", "2026-10-30T10:00", "2026-10-31T10:00"),
        ("2026-03-09T09:00", "2026-03-06T08:00", "2026-03-07T08:00"),
        # The day itself, after the change.
        ("2026-11-01T12:00", "2026-10-29T13:00", "2026-10-30T13:00"),
        ("2026-03-08T12:00", "2026-03-05T11:00", "2026-03-06T11:00"),
        # No change in between.
        ("2026-11-05T09:00", "2026-11-02T09:00", "2026-11-03T09:00"),
        ("2026-11-01T00:30", "2026-10-29T00:30", "2026-10-30T00:30"),
        # The change between the two limits.
        ("2026-11-03T12:00", "2026-10-31T13:00", "2026-11-01T12:00"),
        ("2026-03-10T12:00", "2026-03-07T11:00", "2026-03-08T12:00"),
    ],
)
def test_hours_are_elapsed_ones_across_a_change_of_clocks(
    zone: str, starts: str, opens: str, limit: str
) -> None:
    """A27."""
    visit = VisitTimes(local(starts, zone))
    assert rules.confirm_opens_at(visit, CLINIC) == local(opens, zone)
    assert rules.cancel_deadline(visit, CLINIC) == local(limit, zone)
    assert [confirmable(visit, local(opens, zone) + off) for off in (-SECOND, 0 * SECOND)] == [
        False,
        True,
    ]
    assert [cancellable(visit, local(limit, zone) + off) for off in (0 * SECOND, SECOND)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("starts", ["2026-11-02T09:00", "2026-03-09T09:00"])
def test_a_start_told_in_the_clinics_zone_gives_the_same_limits(zone: str, starts: str) -> None:
    told = datetime.fromisoformat(starts).replace(tzinfo=ZoneInfo(zone))
    in_zone, in_utc = VisitTimes(told), VisitTimes(told.astimezone(UTC))
    assert rules.cancel_deadline(in_zone, CLINIC) == rules.cancel_deadline(in_utc, CLINIC)
    assert rules.confirm_opens_at(in_zone, CLINIC) == rules.confirm_opens_at(in_utc, CLINIC)


def test_the_guides_own_example() -> None:
    """« ne peut être annulé après le 23 septembre 2025 à 12:20 »"""
    visit = VisitTimes(local("2025-09-25T12:20"))
    assert rules.cancel_deadline(visit, CLINIC) == local("2025-09-23T12:20")


# States


@pytest.mark.parametrize(
    ("confirmed", "cancelled", "state"),
    [
        (None, None, "booked"),
        (BEFORE, None, "confirmed"),
        (None, BEFORE, "cancelled"),
        (BEFORE, BEFORE, "cancelled"),
    ],
)
def test_state_is_which_dates_are_set(
    confirmed: datetime | None, cancelled: datetime | None, state: str
) -> None:
    assert rules.state(VisitTimes(STARTS, confirmed, cancelled)) == state


def test_a_confirmed_visit_may_still_be_cancelled_but_not_confirmed_again() -> None:
    visit, now = VisitTimes(STARTS, confirmed_at=BEFORE), STARTS - 60 * HOUR
    assert not rules.may_confirm(visit, CLINIC, now)
    assert cancellable(visit, now)


def test_nothing_may_be_done_with_a_cancelled_visit() -> None:
    visit, now = VisitTimes(STARTS, cancelled_at=BEFORE), STARTS - 60 * HOUR
    assert not confirmable(visit, now)
    assert not cancellable(visit, now)


@pytest.mark.parametrize(
    ("cancelled", "before", "refusal"),
    [
        (None, 72 * HOUR + SECOND, TooEarlyToConfirm),
        (None, timedelta(0), TooLateToConfirm),
        (BEFORE, 60 * HOUR, AlreadyCancelled),
    ],
)
def test_a_refused_confirmation_says_why(
    cancelled: datetime | None, before: timedelta, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        rules.check_confirm(VisitTimes(STARTS, cancelled_at=cancelled), CLINIC, STARTS - before)


def test_refusals_name_the_limit_that_is_printed() -> None:
    visit = VisitTimes(STARTS)
    with pytest.raises(TooEarlyToConfirm) as early:
        rules.check_confirm(visit, CLINIC, BEFORE)
    with pytest.raises(TooLateToCancel) as late:
        rules.check_cancel(visit, CLINIC, STARTS)
    assert early.value.opens_at == rules.confirm_opens_at(visit, CLINIC)
    assert late.value.deadline == rules.cancel_deadline(visit, CLINIC)


# The reason

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"  # 5 code points


@pytest.mark.parametrize(
    "text",
    [
        "a" * 140,
        "é" * 140,
        "\N{FACE WITH THERMOMETER}" * 140,
        FAMILY * 28,
        "\r\n".join(["mal"] * 35),  # 35 × 3 and 34 line breaks: 139
        "a" * 70 + "\r\n" + "b" * 69,
        "  " + "a" * 140 + "\r\n\r\n",
        "a" * 139 + "\0" + "b",
    ],
)
def test_a_reason_of_140_code_points_fits(text: str) -> None:
    kept = rules.read_reason(text, is_required=True)
    assert len(kept) <= 140
    assert "\r" not in kept
    assert "\0" not in kept


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a" * 141, 141),
        (FAMILY * 28 + "!", 141),
        ("a" * 70 + "\r\n" + "b" * 70, 141),
        ("x" * 5000, 5000),
    ],
)
def test_a_longer_reason_is_refused_with_its_length(text: str, length: int) -> None:
    with pytest.raises(ReasonInvalid) as refusal:
        rules.read_reason(text, is_required=False)
    assert (refusal.value.problem, refusal.value.length) == ("too_long", length)


@pytest.mark.parametrize("text", ["", "   ", "\r\n \t", "\0\0", "\N{NO-BREAK SPACE}", " \0 "])
def test_a_reason_of_nothing_is_missing_only_where_one_is_required(text: str) -> None:
    with pytest.raises(ReasonInvalid) as refusal:
        rules.read_reason(text, is_required=True)
    assert refusal.value.problem == "missing"
    assert rules.read_reason(text, is_required=False) == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nb", "a\nb"),
        ("a\rb\r\r\nc", "a\nb\n\nc"),
        ("  toux \N{EM DASH} 3 jours ", "toux \N{EM DASH} 3 jours"),
        ("fiè\0vre", "fièvre"),
        ("<b>&amp;", "<b>&amp;"),
        (FAMILY, FAMILY),
    ],
)
def test_a_reason_is_kept_as_typed_but_for_line_ends_and_edges(typed: str, kept: str) -> None:
    assert rules.read_reason(typed, is_required=True) == kept
