"""Values for the rules that know no table."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from domain.clinic.settings import ClinicSettings
from domain.people.policy import Grant

ZONES = ("America/Toronto", "America/Halifax", "America/Vancouver")
CLINIC = ClinicSettings(
    name="Clinique des Érables",
    phone="+15145550142",
    email="info@clinique.example",
    address="1224, rue Ontario Est, Montréal",
    province="QC",
    time_zone="America/Toronto",
    consent_age=14,
    confirm_window_hours=72,
    cancel_limit_hours=48,
    hold_minutes=5,
    horizon_weeks=12,
    notice_minutes=60,
    most_upcoming=5,
    idle_minutes=20,
    has_booking=True,
    has_urgent_booking=True,
    mail_shows_details=False,
    mail_sender_name="Clinique des Érables",
)


def clinic(**settings: Any) -> ClinicSettings:
    return replace(CLINIC, **settings)


def local(text: str, zone: str = CLINIC.time_zone) -> datetime:
    """A moment as a clock on the clinic's wall shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass
class VisitTimes:
    starts_at: datetime
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    no_show_at: datetime | None = None


@dataclass
class Person:
    """A profile as the policy looks at it."""

    birth_date: date = date(2018, 3, 9)
    is_own: bool = False
    relationship: str = "parent"
    has_consent: bool = False
    consent_until: datetime | None = None
    grants: frozenset[Grant] = frozenset(Grant)
    id: UUID = field(default_factory=uuid4)
