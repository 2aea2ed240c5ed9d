"""Each visit is announced once when its window opens, however often and by whomever."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain import activity
from domain.appointments import attendance, booking
from domain.appointments.tables import Appointment
from domain.audit import Actor
from domain.journal.tables import AuditLine
from domain.mail.tables import OutboundEmail
from domain.people.tables import Account
from jobs.open_confirmation_window import open_confirmation_window
from tests.jobs.alone import process
from tests.world import World

HOURS_72 = timedelta(hours=72)
SECOND = timedelta(seconds=1)


async def requests() -> list[tuple[str, UUID]]:
    rows = await OutboundEmail.objects().where(OutboundEmail.kind == "appointment_confirmable")
    return [(row.once_key.split(":")[1], row.account) for row in rows]


async def test_a_visit_is_announced_when_its_window_opens_and_not_before(world: World) -> None:
    visit = await world.appointment(world.now + HOURS_72)
    assert await open_confirmation_window(now=world.now - SECOND) == 0
    assert await open_confirmation_window(now=world.now) == 1
    assert await requests() == [(visit.hex, world.alice_account)]
    (entry,) = await activity.latest(world.alice)
    assert (entry.kind, entry.subject) == ("confirmable", visit)
    lines = await AuditLine.objects().where(AuditLine.subject == visit)
    assert [(line.actor_kind, line.action) for line in lines] == [
        ("job", "appointment.confirmable")
    ]


async def test_it_is_announced_once_however_often_the_job_runs(world: World) -> None:
    await world.appointment(world.now + HOURS_72)
    ran = [await open_confirmation_window(now=world.now + minutes(n)) for n in range(5)]
    assert ran == [1, 0, 0, 0, 0]
    assert len(await requests()) == 1


async def test_it_is_announced_once_by_many_at_the_same_time(world: World) -> None:
    for hours in range(24, 64):
        await world.appointment(world.now + timedelta(hours=hours))
    opened = await asyncio.gather(*[open_confirmation_window(now=world.now) for _ in range(4)])
    assert sum(opened) == 40
    assert len(set(await requests())) == len(await requests()) == 40


async def test_it_is_announced_once_by_two_processes(world: World) -> None:
    for hours in range(24, 64):
        await world.appointment(world.now + timedelta(hours=hours))
    now = world.now.isoformat()
    async with process("open", now) as one, process("open", now) as other:
        outputs = [await ran.communicate() for ran in (one, other)]
    assert sum(int(out) for out, _ in outputs) == 40
    assert len(set(await requests())) == len(await requests()) == 40
    assert await AuditLine.count().where(AuditLine.action == "appointment.confirmable") == 40


@pytest.mark.parametrize("state", ["cancelled_at", "confirmed_at", "confirmable_at"])
async def test_a_visit_with_nothing_to_confirm_is_not_announced(world: World, state: str) -> None:
    await world.appointment(world.now + HOURS_72, **{state: world.now})
    assert await open_confirmation_window(now=world.now) == 0
    assert await requests() == []


async def test_a_job_that_comes_hours_late_announces_what_is_still_to_come(world: World) -> None:
    to_come = await world.appointment(world.now + HOURS_72)
    await world.appointment(world.now + timedelta(hours=5))
    late = world.now + timedelta(hours=30)
    assert await open_confirmation_window(now=late) == 1
    assert await requests() == [(to_come.hex, world.alice_account)]


async def test_the_window_is_the_clinics_own_and_counts_elapsed_hours(world: World) -> None:
    await world.set_clinic(confirm_window_hours=24)
    spring_forward = datetime.fromisoformat("2027-03-14T11:00:00-04:00")
    await world.appointment(spring_forward)
    opens = datetime.fromisoformat("2027-03-13T10:00:00-05:00")
    assert await open_confirmation_window(now=opens - SECOND) == 0
    assert await open_confirmation_window(now=opens) == 1


async def test_a_childs_visit_is_told_to_who_booked_it(world: World) -> None:
    other_parent = await world.account("other@example.com")
    await world.grant(other_parent, world.bob)
    visit = await world.appointment(world.now + HOURS_72, patient=world.bob)
    await open_confirmation_window(now=world.now)
    assert await requests() == [(visit.hex, world.alice_account)]


async def test_a_closed_account_is_passed_over_and_holds_up_nothing(world: World) -> None:
    """Booked by one who is gone: every other who may book is told."""
    other_parent = await world.account("other@example.com")
    await world.grant(other_parent, world.bob)
    bobs = await world.appointment(world.now + HOURS_72, patient=world.bob)
    alices = await world.appointment(world.now + HOURS_72 - timedelta(hours=1))
    await Account.update({Account.disabled_at: world.now}).where(Account.id == world.alice_account)
    assert await open_confirmation_window(now=world.now) == 2
    assert await requests() == [(bobs.hex, other_parent)]
    assert await Appointment.count().where(Appointment.confirmable_at == world.now) == 2
    assert alices != bobs


async def test_a_visit_booked_inside_its_window_gets_no_second_mail(world: World) -> None:
    slot = await world.slot(world.now + HOURS_72)
    viewer = await world.viewer()
    await booking.book(viewer, world.alice, world.choices, slot, form_key="one", now=world.now)
    assert await open_confirmation_window(now=world.now + minutes(1)) == 0
    (only,) = await OutboundEmail.objects()
    assert only.kind == "appointment_booked"


async def test_a_visit_moved_into_its_window_gets_no_second_mail(world: World) -> None:
    visit = await world.appointment(world.now + timedelta(days=20))
    slot = await world.slot(world.now + HOURS_72)
    await attendance.move(Actor.job("test"), visit, slot, now=world.now)
    assert await open_confirmation_window(now=world.now + minutes(1)) == 0
    (only,) = await OutboundEmail.objects()
    assert only.kind == "appointment_moved"


async def test_a_visit_moved_out_of_its_window_is_announced_again(world: World) -> None:
    visit = await world.appointment(world.now + HOURS_72)
    await open_confirmation_window(now=world.now)
    slot = await world.slot(world.now + timedelta(days=20))
    await attendance.move(Actor.job("test"), visit, slot, now=world.now)
    assert await open_confirmation_window(now=world.now + timedelta(days=17)) == 1
    assert len(await requests()) == 2


async def test_an_installation_without_a_clinic_has_nothing_to_do(database: object) -> None:
    assert await open_confirmation_window(now=datetime.fromisoformat("2026-11-23T15:00+00:00")) == 0


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)
