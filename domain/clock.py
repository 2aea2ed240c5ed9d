from datetime import UTC, datetime, timedelta

AHEAD = timedelta(hours=1)
"""What is dated later than this from now was written by a clock that was wrong."""


def now() -> datetime:
    return datetime.now(UTC)


def is_from_ahead(at: datetime, now: datetime) -> bool:
    """It would last for as long as the clock was ahead, so it does not count."""
    return at > now + AHEAD
