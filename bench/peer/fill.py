"""Its clinic, as large as the portal's: `python -m bench.peer.fill` prints what to ask for.

The same 48 slots of 20 minutes a week (Monday to Thursday; in one stretch a day, which is all
that it can keep), the same share of them booked, the same number of people.
"""

import json
import sys
from datetime import date, time, timedelta
from importlib import import_module
from random import Random

from bench.peer import site  # noqa: F401 - sets Django up

from django.conf import settings  # isort: skip
from django.contrib.auth import get_user_model  # isort: skip
from django.contrib.auth.hashers import make_password  # isort: skip
from django.core.management import call_command  # isort: skip
from django.utils import timezone  # isort: skip

from appointment.models import (  # isort: skip
    Appointment,
    AppointmentRequest,
    Config,
    Service,
    StaffMember,
    WorkingHours,
)

WEEKS = 12
DAYS = range(4)
A_DAY = 12
LENGTH = timedelta(minutes=20)


def fill(practitioners: int, people: int, booked_share: float, signed_in: int) -> dict[str, object]:
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # it comes without migrations
    Config.objects.create(slot_duration=20, lead_time=time(9), finish_time=time(13))
    service = Service.objects.create(name="Suivi", duration=LENGTH, price=0)
    staff = [_staff_member(n, service) for n in range(practitioners)]
    made = get_user_model().objects.bulk_create(
        get_user_model()(
            username=f"patient-{n}", email=f"patient-{n}@example.com", first_name="Alice"
        )
        for n in range(people)
    )
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    times = [
        (member, monday + timedelta(days=7 * week + day), n)
        for week in range(WEEKS)
        for day in DAYS
        for n in range(A_DAY)
        for member in staff
        if monday + timedelta(days=7 * week + day) > today
    ]
    rng = Random(1)
    taken = set(rng.sample(range(len(times)), round(len(times) * booked_share)))
    _book([times[n] for n in sorted(taken)], made, service)
    free = [
        (member.id, day.isoformat(), *_span(n))
        for place, (member, day, n) in enumerate(times)
        if place not in taken and member != staff[0]
    ]
    return {
        "service": service.id,
        "staff": staff[0].id,
        "monday": (monday + timedelta(days=14)).isoformat(),
        "free": free,
        "sessions": [_session(user) for user in made[:signed_in]],
    }


def _staff_member(n: int, service: Service) -> StaffMember:
    user = get_user_model().objects.create(
        username=f"staff-{n}",
        email=f"staff-{n}@example.com",
        first_name="A",
        password=make_password(None),
    )
    member = StaffMember.objects.create(user=user, slot_duration=20)
    member.services_offered.add(service)
    for day in DAYS:  # 0 is its Sunday
        WorkingHours.objects.create(
            staff_member=member, day_of_week=day + 1, start_time=time(9), end_time=time(13)
        )
    return member


def _book(times: list[tuple[StaffMember, date, int]], people: list, service: Service) -> None:
    now = timezone.now()
    requests = AppointmentRequest.objects.bulk_create(
        AppointmentRequest(
            date=day,
            start_time=_span(n)[0],
            end_time=_span(n)[1],
            service=service,
            staff_member=member,
            id_request=f"filled-{place}",
            created_at=now,
        )
        for place, (member, day, n) in enumerate(times)
    )
    Appointment.objects.bulk_create(
        Appointment(
            client=people[place % len(people)],
            appointment_request=request,
            phone="+15145550100",
            id_request=f"filled-{place}",
            amount_to_pay=0,
        )
        for place, request in enumerate(requests)
    )


def _span(n: int) -> tuple[str, str]:
    begins = 9 * 60 + n * 20
    return _clock(begins), _clock(begins + 20)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _session(user: object) -> str:
    """Signed in, as after its form: what signing in costs is another figure."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    store["_auth_user_hash"] = user.get_session_auth_hash()
    store.save()
    return store.session_key


if __name__ == "__main__":
    practitioners, people, signed_in = (int(sys.argv[n]) for n in (1, 2, 4))
    print(json.dumps(fill(practitioners, people, float(sys.argv[3]), signed_in)))
