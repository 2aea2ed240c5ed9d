"""Everyone else's visits, so that the clinic's weeks look lived in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from domain.appointments.tables import Appointment
from domain.clinic.calendar import NOON, Span, days_between, overlaps
from domain.demo import visits
from domain.demo.clinic import DemoClinic, Time, published, type_of
from domain.demo.data import visits as data
from domain.demo.data.clinic import CHILD, PRACTITIONERS, SAME_DAY_CHILD, URGENT
from domain.demo.people import DemoPeople, Patient
from domain.demo.rows import insert

SEED = 42
WEEK = timedelta(weeks=1)
FULL_HALF_DAYS = 0.25
"""Of a week's visits, those that fill half-days to the last slot."""
CONFIRMED = 0.6
BOOKED_UP_TO = 30 * 24 * 60

FOR_CHILDREN = frozenset({CHILD, SAME_DAY_CHILD})
FOR_WOMEN = frozenset(each.key for each in PRACTITIONERS if each.specialty == "gynecology")


async def create(clinic: DemoClinic, people: DemoPeople, *, now: datetime) -> None:
    """Booked by telephone: nobody here has an account, so nobody is told anything."""
    rng = Random(SEED)  # noqa: S311 - the same weeks each time
    crowd = _Crowd(clinic, people.crowd, rng)
    past = _past(clinic, rng, now)
    coming = _coming(await published(clinic, now=now), clinic, rng, now)
    await insert([visits.slot_row(clinic, time) for time in past])
    await insert(
        [
            _visit(clinic, time, patient, rng=rng, now=now)
            for time in (*past, *coming)
            for patient in crowd.patient_for(time)
        ]
    )


@dataclass(slots=True)
class _Crowd:
    """Who comes at a time: someone it is for, seen seldom so far, never in two places."""

    clinic: DemoClinic
    patients: Sequence[Patient]
    rng: Random
    visits: Counter[UUID] = field(default_factory=Counter)
    days: defaultdict[tuple[UUID, date], list[Span]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def patient_for(self, time: Time) -> list[UUID]:
        """One of them, or none when all are elsewhere."""
        day = time.starts_at.astimezone(self.clinic.settings.zone).date()
        free = [
            (len(self.days[each.id, day]), self.visits[each.id], self.rng.random(), each.id)
            for each in self.patients
            if _is_for(time, each) and not overlaps(time.span, self.days[each.id, day])
        ]
        if not free:
            return []
        *_, patient = min(free)
        self.visits[patient] += 1
        self.days[patient, day].append(time.span)
        return [patient]


def _is_for(time: Time, patient: Patient) -> bool:
    is_for_children = not FOR_CHILDREN.isdisjoint(time.hours.visit_types)
    if is_for_children or patient.is_child:
        return is_for_children and patient.is_child
    return patient.sex == "F" or time.hours.practitioner not in FOR_WOMEN


def _past(clinic: DemoClinic, rng: Random, now: datetime) -> list[Time]:
    today = clinic.settings.today(now)
    times = [
        time
        for day in days_between(today - timedelta(days=data.PAST_DAYS), today)
        for time in clinic.times(day)
        if time.span.ends_at <= now
    ]
    return _some(times, data.PAST_SHARE, clinic, rng)


def _coming(times: Iterable[Time], clinic: DemoClinic, rng: Random, now: datetime) -> list[Time]:
    weeks: list[list[Time]] = [[] for _ in data.SHARES]
    for time in times:
        weeks[(time.starts_at - now) // WEEK].append(time)
    return [
        time
        for week, share in zip(weeks, data.SHARES, strict=True)
        for time in _some(week, share, clinic, rng)
    ]


def _some(times: Sequence[Time], share: float, clinic: DemoClinic, rng: Random) -> list[Time]:
    """That share of them: whole half-days first, the rest here and there."""
    wanted = round(len(times) * share)
    halves = _half_days(times, clinic)
    rng.shuffle(halves)
    taken: list[Time] = []
    while halves and len(taken) + len(halves[-1]) <= wanted * FULL_HALF_DAYS:
        taken += halves.pop()
    full = {(time.hours.practitioner, time.starts_at) for time in taken}
    rest = [time for time in times if (time.hours.practitioner, time.starts_at) not in full]
    taken += rng.sample(rest, wanted - len(taken))
    return sorted(taken, key=lambda time: (time.starts_at, time.hours.practitioner))


def _half_days(times: Sequence[Time], clinic: DemoClinic) -> list[list[Time]]:
    """Of one practitioner each; not of « Accès adapté », which keeps a place every day."""
    halves: defaultdict[tuple[str, date, bool], list[Time]] = defaultdict(list)
    for time in times:
        local = time.starts_at.astimezone(clinic.settings.zone)
        if URGENT.isdisjoint(time.hours.visit_types):
            halves[time.hours.practitioner, local.date(), local.time() < NOON].append(time)
    return list(halves.values())


def _visit(
    clinic: DemoClinic, time: Time, patient: UUID, *, rng: Random, now: datetime
) -> Appointment:
    visit_type = rng.choice(
        [key for key in time.hours.visit_types if type_of[key].minutes <= time.hours.slot_minutes]
    )
    until = min(now, time.starts_at)
    booked_at = until - timedelta(minutes=rng.randint(60, BOOKED_UP_TO))
    row = visits.appointment_row(
        clinic,
        time,
        patient=patient,
        visit_type=visit_type,
        reason=rng.choice(data.URGENT_REASONS if visit_type in URGENT else data.REASONS),
        booked_at=booked_at,
    )
    opened = time.starts_at - timedelta(hours=clinic.settings.confirm_window_hours)
    if opened <= now:
        row.confirmable_at = max(opened, booked_at)
        if rng.random() < CONFIRMED:
            row.confirmed_at = row.confirmable_at + rng.random() * (until - row.confirmable_at)
    return row
