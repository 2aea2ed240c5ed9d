"""When a visit may be confirmed or cancelled, and what a reason may hold. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from domain import texts
from domain.clinic.settings import ClinicSettings
from domain.errors import (
    AlreadyCancelled,
    ReasonInvalid,
    TooEarlyToConfirm,
    TooLateToCancel,
    TooLateToConfirm,
)

State = Literal["booked", "confirmed", "cancelled"]

LONGEST_REASON = 140


class Visit(Protocol):
    @property
    def starts_at(self) -> datetime: ...
    @property
    def confirmed_at(self) -> datetime | None: ...
    @property
    def cancelled_at(self) -> datetime | None: ...


def state(visit: Visit) -> State:
    if visit.cancelled_at is not None:
        return "cancelled"
    return "booked" if visit.confirmed_at is None else "confirmed"


def confirm_opens_at(visit: Visit, clinic: ClinicSettings) -> datetime:
    return _before(visit, clinic.confirm_window_hours)


def cancel_deadline(visit: Visit, clinic: ClinicSettings) -> datetime:
    return _before(visit, clinic.cancel_limit_hours)


def may_confirm(visit: Visit, clinic: ClinicSettings, now: datetime) -> bool:
    if state(visit) != "booked":
        return False
    return confirm_opens_at(visit, clinic) <= now < visit.starts_at


def may_cancel(visit: Visit, clinic: ClinicSettings, now: datetime) -> bool:
    return state(visit) != "cancelled" and now <= cancel_deadline(visit, clinic)


def check_confirm(visit: Visit, clinic: ClinicSettings, now: datetime) -> None:
    if may_confirm(visit, clinic, now):
        return
    if state(visit) == "cancelled":
        raise AlreadyCancelled
    if now < visit.starts_at:
        raise TooEarlyToConfirm(confirm_opens_at(visit, clinic))
    raise TooLateToConfirm


def check_cancel(visit: Visit, clinic: ClinicSettings, now: datetime) -> None:
    if not may_cancel(visit, clinic, now):
        raise TooLateToCancel(cancel_deadline(visit, clinic))


def read_reason(text: str, *, is_required: bool) -> str:
    reason = texts.read(text)
    if is_required and not reason:
        raise ReasonInvalid("missing", 0)
    if len(reason) > LONGEST_REASON:
        raise ReasonInvalid("too_long", len(reason))
    return reason


def _before(visit: Visit, hours: int) -> datetime:
    # Elapsed hours: in UTC, because an aware datetime of a zone would subtract wall-clock time.
    return visit.starts_at.astimezone(UTC) - timedelta(hours=hours)
