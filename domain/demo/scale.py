"""A plain, bigger clinic to measure on: the same week for every practitioner, all of it booked
to a share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import TermsAcceptance, TermsVersion
from domain.appointments.tables import Appointment
from domain.clinic import publishing
from domain.clinic.tables import (
    Clinic,
    Practitioner,
    Schedule,
    ScheduleVisitType,
    Site,
    Slot,
    Specialty,
    VisitType,
    WeeklyHours,
)
from domain.demo.rows import insert
from domain.people import names
from domain.people.tables import Account, Patient, ProxyGrant

EMAIL = "bench@example.com"
MINUTES = 20
LENGTH = timedelta(minutes=MINUTES)
# 48 slots a week: four days of two mornings' and two afternoons' hours.
DAYS = range(4)
HALF_DAYS = ((time(9), time(11)), (time(13), time(15)))
COMING_EACH = 2
PAST_EACH = 6
CROWD_PER_PRACTITIONER = 20
"""More patients than visits at a time, so that nobody has two."""


@dataclass(frozen=True, slots=True)
class BenchClinic:
    account: UUID
    """Holds all of `patients`; without a password, for whoever begins its session."""
    patients: Sequence[UUID]
    site: UUID
    specialty: UUID
    visit_type: UUID
    urgent_type: UUID
    practitioners: Sequence[UUID]


async def bench_clinic(
    *, now: datetime, practitioners: int = 20, patients: int = 4, booked_share: float = 0.5
) -> BenchClinic:
    now = now.astimezone(UTC)
    made = BenchClinic(
        account=uuid4(),
        patients=[uuid4() for _ in range(patients)],
        site=uuid4(),
        specialty=uuid4(),
        visit_type=uuid4(),
        urgent_type=uuid4(),
        practitioners=[uuid4() for _ in range(practitioners)],
    )
    async with db.transaction():
        await _create_clinic(made)
        await _create_people(made, now)
        await publishing.publish(now=now)
        await _book(made, booked_share, now)
        await _tell_past(made, now)
    return made


async def _create_clinic(made: BenchClinic) -> None:
    schedules = {practitioner: uuid4() for practitioner in made.practitioners}
    await insert([_clinic()])
    await insert([Site(id=made.site, name="Site", street="1, rue Neuve", city="Montréal")])
    await insert([Specialty(id=made.specialty, name_fr="Médecine", name_en="Medicine")])
    await insert(
        [
            VisitType(id=made.visit_type, name_fr="Suivi", name_en="Follow-up", minutes=MINUTES),
            VisitType(
                id=made.urgent_type,
                name_fr="Accès adapté",
                name_en="Advanced access",
                minutes=MINUTES,
                is_urgent=True,
            ),
        ]
    )
    await insert(
        [
            Practitioner(
                id=id, title="Dre", first_name="A", last_name=f"N{n:03}", specialty=made.specialty
            )
            for n, id in enumerate(made.practitioners)
        ]
    )
    await insert(
        [Schedule(id=id, practitioner=whose, site=made.site) for whose, id in schedules.items()]
    )
    await insert(
        [
            ScheduleVisitType(id=uuid4(), schedule=schedule, visit_type=visit_type)
            for schedule in schedules.values()
            for visit_type in (made.visit_type, made.urgent_type)
        ]
    )
    await insert([row for schedule in schedules.values() for row in _week(schedule)])


def _clinic() -> Clinic:
    return Clinic(
        id=uuid4(),
        name="Clinique",
        phone="+15145550100",
        email="clinique@example.com",
        address="1, rue Neuve, Montréal",
        province="QC",
        time_zone="America/Toronto",
        consent_age=14,
        mail_sender_name="Clinique",
    )


def _week(schedule: UUID) -> list[WeeklyHours]:
    return [
        WeeklyHours(
            id=uuid4(),
            schedule=schedule,
            weekday=day,
            opens=opens,
            closes=closes,
            slot_minutes=MINUTES,
        )
        for day in DAYS
        for opens, closes in HALF_DAYS
    ]


async def _create_people(made: BenchClinic, now: datetime) -> None:
    account = Account(
        id=made.account,
        email=EMAIL,
        email_canonical=EMAIL,
        password_hash="",
        created_at=now,
        password_changed_at=now,
        activated_at=now,
    )
    terms = TermsVersion(id=uuid4(), number=1, text_fr="…", text_en="…", published_at=now)
    accepted = TermsAcceptance(
        id=uuid4(), terms=terms.id, account=made.account, language="fr", accepted_at=now
    )
    await insert([account])
    await insert([terms])
    await insert([accepted])
    await insert([_patient(id, n) for n, id in enumerate(made.patients)])
    await insert([_grant(made, id, now) for id in made.patients])


def _patient(id: UUID, n: int) -> Patient:
    return Patient(
        id=id,
        first_name="P",
        last_name=f"N{n:05}",
        birth_date=date(1980, 1, 1),
        folded_name=names.searched("P", f"N{n:05}"),
    )


def _grant(made: BenchClinic, patient: UUID, now: datetime) -> ProxyGrant:
    return ProxyGrant(
        id=uuid4(),
        account=made.account,
        patient=patient,
        relationship="self" if patient == made.patients[0] else "parent",
        may_book=True,
        may_read_invoices=True,
        may_read_documents=True,
        may_read_messages=True,
        may_send_messages=True,
        granted_at=now,
    )


async def _book(made: BenchClinic, share: float, now: datetime) -> None:
    """A share of the slots for a crowd without accounts, then a few of the rest for ours."""
    slots = await db.fetch(
        "SELECT id, practitioner, site, starts_at FROM slot ORDER BY starts_at, practitioner"
    )
    rng = Random(1)  # noqa: S311 - the same clinic each time
    taken = set(rng.sample(range(len(slots)), round(len(slots) * share)))
    crowd = [uuid4() for _ in range(CROWD_PER_PRACTITIONER * len(made.practitioners))]
    ours = [patient for _ in range(COMING_EACH) for patient in made.patients]
    free = [slot for n, slot in enumerate(slots) if n not in taken]
    step = max(1, len(free) // (len(ours) + 1))
    await insert([_patient(id, n) for n, id in enumerate(crowd)])
    await insert(
        [
            *(
                _appointment(made, slots[n], crowd[place % len(crowd)], now)
                for place, n in enumerate(sorted(taken))
            ),
            *(
                _appointment(made, slot, patient, now)
                for slot, patient in zip(free[::step], ours, strict=False)
            ),
        ]
    )


async def _tell_past(made: BenchClinic, now: datetime) -> None:
    """One visit after the other, back from yesterday: no two at a time."""
    schedules = await db.fetch("SELECT id, practitioner FROM schedule ORDER BY practitioner")
    last = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    visits = [
        (patient, _past_slot(made, schedules[n % len(schedules)], last - n * LENGTH))
        for n, patient in enumerate(list(made.patients) * PAST_EACH)
    ]
    await insert([slot for _, slot in visits])
    await insert([_appointment(made, slot.to_dict(), patient, now) for patient, slot in visits])


def _past_slot(made: BenchClinic, schedule: dict[str, Any], starts_at: datetime) -> Slot:
    return Slot(
        id=uuid4(),
        schedule=schedule["id"],
        practitioner=schedule["practitioner"],
        site=made.site,
        starts_at=starts_at,
        ends_at=starts_at + LENGTH,
        minutes=MINUTES,
    )


def _appointment(
    made: BenchClinic, slot: dict[str, Any], patient: UUID, now: datetime
) -> Appointment:
    starts_at = slot["starts_at"]
    return Appointment(
        id=uuid4(),
        slot=slot["id"],
        patient=patient,
        visit_type=made.visit_type,
        practitioner=slot["practitioner"],
        site=slot["site"],
        starts_at=starts_at,
        ends_at=starts_at + LENGTH,
        booked_at=min(now, starts_at) - timedelta(days=4),
        confirmable_at=now if starts_at <= now + timedelta(hours=72) else None,
    )
