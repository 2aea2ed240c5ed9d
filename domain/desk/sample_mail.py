"""A visit that nobody has, to show what a mail says of one."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from domain.clinic.calendar import moment
from domain.clinic.settings import ClinicSettings
from domain.texts import Named

AHEAD = timedelta(days=10)
AT = time(9, 30)


@dataclass(frozen=True, slots=True)
class SamplePlace:
    name: str


@dataclass(frozen=True, slots=True)
class SampleVisit:
    """What of a visit the mails look at."""

    starts_at: datetime
    cancel_deadline: datetime
    place: SamplePlace
    practitioner: str = "Dre Louise Tremblay"
    specialty: Named = field(default=Named("Médecine de famille", "Family medicine"))
    visit_type: Named = field(default=Named("Suivi", "Follow-up"))
    message: Named = field(default=Named("", ""))
    state: str = "booked"
    clinic_note: str = ""
    is_virtual: bool = False
    may_confirm: bool = False
    may_cancel: bool = True
    booked_by_clinic: bool = False
    cancelled_by_clinic: bool = False


def visit(clinic: ClinicSettings, now: datetime) -> SampleVisit:
    starts_at = moment(clinic.today(now + AHEAD), AT, clinic.zone)
    deadline = starts_at - timedelta(hours=clinic.cancel_limit_hours)
    return SampleVisit(starts_at, deadline, SamplePlace(clinic.name))
