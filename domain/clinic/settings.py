from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

LEGAL_AGES = {"QC": 14, "NB": 16}
"""Where the law says from which age one consents to care alone; elsewhere each clinic does."""


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """The clinic as a value: its name, and the figures that its rules go by."""

    name: str
    phone: str
    email: str
    address: str
    province: str
    time_zone: str
    consent_age: int | None
    """The clinic's own, else the law's; None where neither says: then nothing opens."""
    confirm_window_hours: int
    cancel_limit_hours: int
    hold_minutes: int
    horizon_weeks: int
    notice_minutes: int
    most_upcoming: int
    idle_minutes: int
    has_booking: bool
    has_urgent_booking: bool
    mail_shows_details: bool
    mail_sender_name: str
    invitation_days: int = 7
    unmatched_may_book: bool = False
    required_fields: str = "name,phone"
    retention_years: int = 5
    has_documents: bool = True
    has_invoices: bool = True
    has_replies: bool = True
    has_new_messages: bool = True
    answer_days: int = 2
    staff_idle_minutes: int = 15

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def asks_too_late(self) -> bool:
        """Whether patients are asked to confirm only once they can no longer cancel."""
        return self.confirm_window_hours <= self.cancel_limit_hours

    def requires(self, field: str) -> bool:
        """Whether the sign-up form asks for it."""
        return field in self.required_fields.split(",")

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def last_day(self, now: datetime) -> date:
        """The last day for which slots are published."""
        return self.today(now + timedelta(weeks=self.horizon_weeks))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        columns = {name: row[name] for name in CLINIC_COLUMNS}
        if columns["consent_age"] is None:
            columns["consent_age"] = LEGAL_AGES.get(columns["province"])
        return cls(**columns)


CLINIC_COLUMNS = tuple(field.name for field in fields(ClinicSettings))
