"""When a visit may be confirmed or cancelled, and what a reason may hold. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from domain import texts
from domain.clinic.settings import ClinicSettings
from domain.errors import (
    AlreadyCancelled,
    Invalid,
    ReasonInvalid,
    StillCancellable,
    TooEarlyToConfirm,
    TooLateToCancel,
    TooLateToConfirm,
    VisitBegun,
)

State = Literal["booked", "confirmed", "cancelled", "no_show"]

LONGEST_REASON = 140
LONGEST_NOTE = 300


class Visit(Protocol):
    @property
    def starts_at(self) -> datetime: ...
    @property
    def confirmed_at(self) -> datetime | None: ...
    @property
    def cancelled_at(self) -> datetime | None: ...
    @property
    def no_show_at(self) -> datetime | None: ...


def state(visit: Visit) -> State:
    if visit.cancelled_at is not None:
        return "cancelled"
    if visit.no_show_at is not None:
        return "no_show"
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


def said_cannot_come(visit: Visit, said_at: datetime | None, clinic: ClinicSettings) -> bool:
    """Of the visit as it is now: before its deadline it could be cancelled, so what was said
    earlier was said of another time, from which it was moved."""
    return (
        said_at is not None
        and state(visit) != "cancelled"
        and said_at > cancel_deadline(visit, clinic)
    )


def may_say_cannot_come(
    visit: Visit, said_at: datetime | None, clinic: ClinicSettings, now: datetime
) -> bool:
    """Once, where it is too late to cancel and not too late to come."""
    is_open = state(visit) != "cancelled" and now < visit.starts_at
    is_told = said_cannot_come(visit, said_at, clinic)
    return is_open and not is_told and not may_cancel(visit, clinic, now)


def check_cannot_come(visit: Visit, clinic: ClinicSettings, now: datetime) -> None:
    if state(visit) == "cancelled":
        raise AlreadyCancelled
    if may_cancel(visit, clinic, now):
        raise StillCancellable
    if now >= visit.starts_at:
        raise VisitBegun


def stands(visit: Visit, now: datetime) -> bool:
    """Whether the clinic may still confirm, cancel or move it: its own limits bind patients."""
    return state(visit) != "cancelled" and now < visit.starts_at


def check_stands(visit: Visit, now: datetime) -> None:
    if state(visit) == "cancelled":
        raise AlreadyCancelled
    if not stands(visit, now):
        raise VisitBegun


def may_mark_no_show(visit: Visit, now: datetime) -> bool:
    return state(visit) in ("booked", "confirmed") and now >= visit.starts_at


def may_undo_no_show(visit: Visit, clinic: ClinicSettings, now: datetime) -> bool:
    """On the day it was marked: what comes later is another decision."""
    marked_at = visit.no_show_at
    return marked_at is not None and clinic.today(marked_at) == clinic.today(now)


def read_note(text: str) -> str:
    """What the clinic tells the patient about its own cancelling or moving."""
    note = texts.read(text)
    if len(note) > LONGEST_NOTE:
        raise Invalid({"mot": "too_long"})
    return note


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
