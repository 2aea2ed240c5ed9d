"""The family's coming visits: booked, confirmed and cancelled as they would have been.

The domain's own functions do it, each with the time at which it happened, so that the mails owed,
the « Activité » and the journal are those of a portal that was in use.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import Attempt
from domain.appointments import attendance, booking, window
from domain.appointments.choices import Choices
from domain.demo.clinic import DemoClinic, Time, published
from domain.demo.data import visits as data
from domain.demo.data.clinic import PRACTITIONERS, URGENT
from domain.demo.data.visits import Coming
from domain.demo.happenings import Happening
from domain.demo.people import DemoPeople
from domain.people import viewer as viewers
from domain.people.viewer import Viewer

APART = timedelta(hours=3)
DELIVERED_AFTER = timedelta(days=1)

SPECIALTIES = {each.key: each.specialty for each in PRACTITIONERS}


class Event(NamedTuple):
    at: datetime
    what: Literal["book", "open", "confirm", "cancel"]
    coming: Coming


async def create(
    clinic: DemoClinic, people: DemoPeople, account: UUID, *, now: datetime
) -> list[Happening]:
    viewer = await viewers.load(account, via="account", request_id="demo")
    times = choose(await published(clinic, now=now), now)
    booked: dict[Coming, UUID] = {}

    async def do(event: Event) -> None:
        at, what, coming = event
        patient = people.patients[coming.patient]
        if what == "book":
            booked[coming] = await _book(viewer, patient, clinic, coming, times[coming], at=at)
        elif what == "open":
            await window.open_due(now=at)
        elif what == "confirm":
            await attendance.confirm(viewer, patient, booked[coming], now=at)
        else:
            await attendance.cancel(viewer, patient, booked[coming], now=at)

    return [Happening(event.at, partial(do, event)) for event in _events(times, clinic, now)]


async def settle(*, now: datetime) -> None:
    """What is long past is over with; the newest mails are still owed, and fill the mailbox."""
    before = now - DELIVERED_AFTER
    await db.fetch("UPDATE outbound_email SET sent_at = due_at WHERE created_at < {}", before)
    # Nothing of this counts against whoever tries the demonstration.
    await Attempt.delete(force=True)


def choose(free: Iterable[Time], now: datetime) -> dict[Coming, Time]:
    """For each visit the nearest time that fits it, well away from the patient's others."""
    times = list(free)
    chosen: dict[Coming, Time] = {}
    for coming in data.COMING:
        chosen[coming] = min(
            (time for time in times if _fits(time, coming, chosen, now)),
            key=lambda time: abs(time.starts_at - now - timedelta(hours=coming.target)),
        )
    return chosen


def _fits(time: Time, coming: Coming, chosen: Mapping[Coming, Time], now: datetime) -> bool:
    ahead = time.starts_at - now
    return (
        timedelta(hours=coming.earliest) <= ahead <= timedelta(hours=coming.latest)
        and coming.practitioner in (None, time.hours.practitioner)
        and any(time.is_for(visit_type) for visit_type in coming.visit_types)
        and all(abs(time.starts_at - other.starts_at) >= APART for other in chosen.values())
    )


def _events(times: Mapping[Coming, Time], clinic: DemoClinic, now: datetime) -> list[Event]:
    span = timedelta(hours=clinic.settings.confirm_window_hours)
    opened = {
        coming: time.starts_at - span
        for coming, time in times.items()
        if time.starts_at - span <= now
    }
    confirmed_at = opened[data.CONFIRMED] + timedelta(hours=data.CONFIRMED_AFTER)
    cancelled_at = now - timedelta(hours=data.CANCELLED_AGO)
    return [
        *(Event(now - timedelta(hours=each.booked_ago), "book", each) for each in times),
        *(Event(at, "open", coming) for coming, at in opened.items()),
        Event(confirmed_at, "confirm", data.CONFIRMED),
        Event(cancelled_at, "cancel", data.CANCELLED),
    ]


async def _book(
    viewer: Viewer, patient: UUID, clinic: DemoClinic, coming: Coming, time: Time, *, at: datetime
) -> UUID:
    visit_type = next(key for key in coming.visit_types if time.is_for(key))
    practitioner = time.hours.practitioner
    is_urgent = visit_type in URGENT
    choices = Choices(
        kind="urgent" if is_urgent else "regular",
        specialty=None if is_urgent else clinic.ids[SPECIALTIES[practitioner]],
        practitioner=None if is_urgent else clinic.ids[practitioner],
        site=clinic.ids[time.hours.site],
        visit_type=clinic.ids[visit_type],
        moment=None if is_urgent else "soonest",
        reason=coming.reason,
    )
    return await booking.book(viewer, patient, choices, time.slot, form_key=str(uuid4()), now=at)
