"""Visits as rows: a past that is only told, and the crowd's appointments around the family's."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.appointments.tables import Appointment
from domain.clinic.tables import Slot
from domain.demo.clinic import DemoClinic, Time, type_of


def slot_row(clinic: DemoClinic, time: Time) -> Slot:
    """Publishing looks ahead only: a past time becomes a slot with its visit."""
    return Slot(
        id=time.slot,
        schedule=clinic.schedule_of(time.hours),
        practitioner=clinic.ids[time.hours.practitioner],
        site=clinic.ids[time.hours.site],
        starts_at=time.span.starts_at,
        ends_at=time.span.ends_at,
        minutes=time.hours.slot_minutes,
    )


def appointment_row(
    clinic: DemoClinic,
    time: Time,
    *,
    patient: UUID,
    visit_type: str,
    reason: str,
    booked_at: datetime,
    booked_by: UUID | None = None,
) -> Appointment:
    return Appointment(
        id=uuid4(),
        slot=time.slot,
        patient=patient,
        visit_type=clinic.ids[visit_type],
        practitioner=clinic.ids[time.hours.practitioner],
        site=clinic.ids[time.hours.site],
        starts_at=time.starts_at,
        ends_at=time.starts_at + timedelta(minutes=type_of[visit_type].minutes),
        reason=reason,
        booked_at=booked_at,
        booked_by=booked_by,
    )
