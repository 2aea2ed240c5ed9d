"""The family's past visits, with what was told and noted of them at the time."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from domain import audit
from domain.appointments.tables import Appointment
from domain.audit import Actor
from domain.demo import visits
from domain.demo.clinic import DemoClinic, Time
from domain.demo.data.visits import PAST, Past
from domain.demo.happenings import Happening
from domain.demo.people import DemoPeople
from domain.demo.rows import insert
from domain.journal.tables import Activity

BOOKED_BEFORE = timedelta(days=16)
CANCELLED_BEFORE = timedelta(days=5)
CONFIRMED_BEFORE = timedelta(hours=53)


async def create(
    clinic: DemoClinic, people: DemoPeople, account: UUID, *, now: datetime
) -> list[Happening]:
    times = [_time(clinic, past, now) for past in PAST]
    appointments = [
        _appointment(clinic, people, past, time, account=account)
        for past, time in zip(PAST, times, strict=True)
    ]
    told = [event for each in appointments for event in _told(each)]
    await insert([visits.slot_row(clinic, time) for time in times])
    await insert(appointments)
    await insert(told)
    return [Happening(event.happened_at, partial(_note, event, account)) for event in told]


def _time(clinic: DemoClinic, past: Past, now: datetime) -> Time:
    day = clinic.settings.today(now) - timedelta(days=past.days_ago)
    while True:
        times = [
            time
            for time in clinic.times(day)
            if time.hours.practitioner == past.practitioner and time.is_for(past.visit_type)
        ]
        if times:
            return times[past.days_ago % len(times)]
        day -= timedelta(days=1)


def _appointment(
    clinic: DemoClinic, people: DemoPeople, past: Past, time: Time, *, account: UUID
) -> Appointment:
    row = visits.appointment_row(
        clinic,
        time,
        patient=people.patients[past.patient],
        visit_type=past.visit_type,
        reason=past.reason,
        booked_at=time.starts_at - BOOKED_BEFORE,
        booked_by=account,
    )
    if past.outcome == "cancelled":
        row.cancelled_at, row.cancelled_by = time.starts_at - CANCELLED_BEFORE, account
        return row
    row.confirmable_at = time.starts_at - timedelta(hours=clinic.settings.confirm_window_hours)
    if past.outcome == "confirmed":
        row.confirmed_at, row.confirmed_by = time.starts_at - CONFIRMED_BEFORE, account
    return row


def _told(row: Appointment) -> list[Activity]:
    moments = {
        "booked": row.booked_at,
        "confirmable": row.confirmable_at,
        "confirmed": row.confirmed_at,
        "cancelled": row.cancelled_at,
    }
    return [
        Activity(
            id=uuid4(),
            patient=row.patient,
            kind=kind,
            subject=row.id,
            about=row.starts_at,
            happened_at=at,
        )
        for kind, at in moments.items()
        if at is not None
    ]


async def _note(event: Activity, account: UUID) -> None:
    is_job = event.kind == "confirmable"
    await audit.record(
        Actor.job("open_confirmation_window") if is_job else Actor("account", account, "demo"),
        f"appointment.{event.kind}",
        patient=event.patient,
        subject=event.subject,
        at=event.happened_at,
    )
