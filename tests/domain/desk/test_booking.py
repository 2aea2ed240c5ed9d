"""Booking for a patient on the phone: what binds the clinic, and what does not."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.appointments import booking as patients_booking
from domain.clinic.tables import ScheduleVisitType, Site, VisitType
from domain.desk import booking, practitioners
from domain.desk.booking import Wish
from domain.errors import (
    AlreadyBooked,
    ClashesWithOwnVisit,
    FormReused,
    NotAllowed,
    NotFound,
    ReasonInvalid,
    Refusal,
    SlotHeld,
    SlotNotOffered,
    SlotTaken,
)
from domain.people.tables import Patient
from tests.domain import records
from tests.domain.desk.test_appointments import at_work
from tests.domain.values import local
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def book(world: World, slot: UUID, **options: Any) -> UUID:
    given = {"reason": "", "key": uuid4().hex, "now": world.now, **options}
    patient, visit_type = given.pop("patient", world.alice), given.pop("type", world.visit_type)
    member = given.pop("member", None) or await at_work(world)
    return await booking.book(member, patient, visit_type, slot, **given)


async def week(world: World, wish: Wish | None = None, **options: Any) -> booking.Desk:
    member, given = await at_work(world), {"now": world.now, **options}
    return await booking.desk(member, world.alice, wish or Wish(), **given)


async def open_times(world: World, wish: Wish | None = None, **options: Any) -> list[datetime]:
    desk = await week(world, wish, **options)
    assert desk.week is not None
    halves = [half for day in desk.week.days for half in (day.morning, day.afternoon)]
    return [slot.starts_at for half in halves for slot in half.slots]


async def hold(world: World, slot: UUID) -> None:
    await db.fetch(
        "INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)"
        " VALUES ({}, {}, {}, {}, {}, {})",
        uuid4(),
        slot,
        world.charlie_account,
        world.charlie,
        world.now,
        world.now + HOUR / 12,
    )


async def test_staff_book_and_the_patient_is_told(world: World) -> None:
    slot = await world.slot()
    made = await book(world, slot, reason=" Toux ")
    row = await records.visit(made)
    assert (row["slot"], row["patient"], row["reason"]) == (slot, world.alice, "Toux")
    assert (row["booked_by"], row["booked_by_staff"]) == (None, world.dana)
    assert await records.audited(made) == await records.told(made) == {"booked": 1}
    assert await records.mailed_to(made, "booked") == {world.alice_account}


async def test_the_patients_limits_do_not_bind_the_clinic(world: World) -> None:
    """Neither the notice, nor the most coming visits, nor a section that is switched off."""
    await world.set_clinic(
        has_booking=False, has_urgent_booking=False, most_upcoming=1, notice_minutes=600
    )
    await world.appointment(world.now + 5 * DAY)
    soon = await world.slot(world.now + timedelta(minutes=5))
    assert await open_times(world) == [world.now + timedelta(minutes=5)]
    await book(world, soon)
    urgent = await world.slot(world.now + HOUR)
    await book(world, urgent, type=world.urgent_type)


async def test_a_patient_without_an_account_is_booked_and_not_written_to(world: World) -> None:
    nobody = await world.patient("Eve", "Roy", world.now.date())
    made = await book(world, await world.slot(), patient=nobody)
    assert await records.mails(made) == {}
    assert await records.told(made) == {"booked": 1}


async def past(world: World) -> UUID:
    return await world.slot(world.now - HOUR)


async def just_begun(world: World) -> UUID:
    return await world.slot(world.now - timedelta(microseconds=1))


async def withdrawn(world: World) -> UUID:
    slot = await world.slot()
    await records.withdraw(slot, world)
    return slot


async def too_short(world: World) -> UUID:
    return await world.slot(minutes=5)


async def of_another_type(world: World) -> UUID:
    await ScheduleVisitType.delete().where(ScheduleVisitType.visit_type == world.visit_type)
    return await world.slot()


async def taken(world: World) -> UUID:
    slot = await world.slot()
    await world.appointment(world.now + DAY, slot=slot, patient=world.charlie)
    return slot


async def held(world: World) -> UUID:
    slot = await world.slot()
    await hold(world, slot)
    return slot


async def at_another_visits_time(world: World) -> UUID:
    await world.appointment(world.now + DAY)
    schedule = await world.another_practitioner()
    return await world.slot(world.now + DAY + HOUR / 6, schedule=schedule)


async def ones_own(world: World) -> UUID:
    slot = await world.slot()
    await world.appointment(world.now + DAY, slot=slot)
    return slot


async def unknown(world: World) -> UUID:
    return uuid4()


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        (past, SlotNotOffered),
        (just_begun, SlotNotOffered),
        (withdrawn, SlotNotOffered),
        (too_short, SlotNotOffered),
        (of_another_type, SlotNotOffered),
        (taken, SlotTaken),
        (held, SlotHeld),
        (at_another_visits_time, ClashesWithOwnVisit),
        (ones_own, AlreadyBooked),
        (unknown, NotFound),
    ],
    ids=lambda value: value.__name__,
)
async def test_staff_cannot_book(world: World, target: Any, refusal: type[Refusal]) -> None:
    slot, before = await target(world), await records.count("appointment")
    with pytest.raises(refusal) as told:
        await book(world, slot)
    assert type(told.value) is refusal
    assert await records.count("appointment") == before
    assert await records.mails() == {}
    if refusal is not NotFound:
        member = await at_work(world)
        against = await booking.against(member, world.alice, world.visit_type, slot, now=world.now)
        assert type(against) is refusal


async def test_what_the_patient_holds_is_booked_for_that_very_patient(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    made = await book(world, slot, patient=world.charlie)
    assert (await records.visit(made))["slot"] == slot
    assert await records.count("hold") == 0


async def test_who_said_on_the_phone_that_they_come_is_confirmed_at_once(world: World) -> None:
    slot, later = await world.slot(world.now + 24 * HOUR), await world.slot(world.now + 5 * DAY)
    made = await book(world, slot, is_confirmed=True)
    row = await records.visit(made)
    assert (row["confirmed_at"], row["confirmed_by_staff"]) == (world.now, world.dana)
    assert await records.audited(made) == {"booked": 1, "confirmed": 1}
    assert (await records.visit(await book(world, later)))["confirmed_at"] is None
    member = await at_work(world)
    asked = [
        booking.asks_to_confirm(member, world.now + hours * HOUR, now=world.now)
        for hours in (24, 24 * 30)
    ]
    assert asked == [True, False]


async def test_a_hold_that_ran_out_keeps_nobody_away(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    with pytest.raises(SlotHeld) as told:
        await book(world, slot)
    assert told.value.again_at == world.now + HOUR / 12
    await book(world, slot, now=world.now + HOUR / 12)


async def test_a_type_that_ended_is_booked_no_more(world: World) -> None:
    await VisitType.update({VisitType.ended_at: world.now}).where(VisitType.id == world.visit_type)
    with pytest.raises(SlotNotOffered):
        await book(world, await world.slot())
    assert [each.id for each in (await week(world)).types] == [world.urgent_type]


async def test_the_same_form_books_once(world: World) -> None:
    slot = await world.slot()
    first = await book(world, slot, key="k")
    assert await book(world, slot, key="k") == first
    assert await records.count("appointment") == 1
    assert await records.mails() == {"booked": 1}
    with pytest.raises(FormReused):
        await book(world, slot, key="k", reason="Autre")


async def test_a_reason_has_140_characters_and_no_more(world: World) -> None:
    slot = await world.slot()
    with pytest.raises(ReasonInvalid):
        await book(world, slot, reason="é" * 141)
    await book(world, slot, reason="é" * 140)


async def test_practitioners_do_not_book(world: World) -> None:
    erin = await at_work(world, world.erin)
    with pytest.raises(NotAllowed):
        await book(world, await world.slot(), member=erin)
    with pytest.raises(NotAllowed):
        await booking.desk(erin, world.alice, Wish(), now=world.now)
    with pytest.raises(NotAllowed):
        await booking.visits_of(erin, world.alice, now=world.now)


async def test_the_page_begins_with_the_type_last_used_and_the_own_practitioner(
    world: World,
) -> None:
    desk = await week(world)
    assert desk.wish.visit_type == world.visit_type
    await world.appointment(world.now + 2 * DAY, visit_type=world.urgent_type)
    await Patient.update({Patient.primary_practitioner: world.practitioner}).where(
        Patient.id == world.alice
    )
    await world.another_practitioner("Abel")
    desk = await week(world)
    assert desk.wish.visit_type == world.visit_type  # an urgent visit says nothing of the next
    member = await at_work(world)
    offered = (await practitioners.pick(member)).beginning_with(desk.primary)
    assert [each.id == world.practitioner for each in offered.listed] == [True, False]
    assert await booking.own_practitioner(member, world.alice) == world.practitioner
    assert await booking.own_practitioner(member, world.bob) is None


async def test_the_page_begins_with_a_practitioner_who_offers_the_type(world: World) -> None:
    member = await at_work(world)
    await Patient.update({Patient.primary_practitioner: world.practitioner}).where(
        Patient.id == world.alice
    )
    own = (member, world.alice)
    assert await booking.own_practitioner(*own, world.visit_type) == world.practitioner
    await db.fetch("DELETE FROM schedule_visit_type WHERE visit_type = {}", world.visit_type)
    assert await booking.own_practitioner(*own, world.visit_type) is None
    wish = Wish(practitioner=world.practitioner)
    shown = (await booking.desk(*own, wish, now=world.now)).wish.visit_type
    assert shown == world.urgent_type


async def test_only_what_is_chosen_is_shown(world: World) -> None:
    await world.slot(world.now + HOUR)
    other = await world.another_practitioner()
    await world.slot(world.now + 2 * HOUR, schedule=other)
    assert await open_times(world) == [world.now + HOUR, world.now + 2 * HOUR]
    wish = Wish(practitioner=world.practitioner, site=world.site)
    assert await open_times(world, wish) == [world.now + HOUR]
    assert await open_times(world, Wish(site=uuid4())) == []


async def test_of_many_at_several_sites_the_times_of_all_are_not_shown_at_once(
    world: World,
) -> None:
    await world.slot(world.now + HOUR)
    wish = Wish(are_many=True)
    assert await open_times(world, wish) == [world.now + HOUR]
    await Site.insert(Site(id=uuid4(), name="Site Sud", street="2, rue du Lac"))
    assert (await week(world, wish)).week is None
    for narrow in (Wish(site=world.site), Wish(practitioner=world.practitioner)):
        assert await open_times(world, replace(narrow, are_many=True)) == [world.now + HOUR]


@pytest.mark.parametrize("monday", ["2027-03-08", "2026-10-26"], ids=["spring", "autumn"])
async def test_the_week_of_the_clock_change_has_its_seven_days(world: World, monday: str) -> None:
    day = datetime.fromisoformat(monday).date()
    begins = local(f"{monday}T09:00")
    times = [local(f"{day + n * DAY}T09:00") for n in range(7)]
    for at in times:
        await world.slot(at)
    assert await open_times(world, Wish(week=day), now=begins - 30 * DAY) == times


async def test_a_free_slot_says_what_fits_in_it(world: World) -> None:
    slot = await booking.free_slot(
        await at_work(world), await world.slot(minutes=15), now=world.now
    )
    assert {each.id for each in slot.types} == {world.visit_type, world.urgent_type}
    short = await world.slot(world.now + 3 * DAY, minutes=5)
    found = await booking.free_slot(await at_work(world), short, now=world.now)
    assert found.types == []
    with pytest.raises(NotFound):
        await booking.free_slot(await at_work(world), uuid4(), now=world.now)


async def test_staff_and_patients_who_book_one_slot_at_once_book_it_once(world: World) -> None:
    """A26, for booking: one of them has it, and the others are told."""
    slot = await world.slot()
    crowd = await records.crowd(world, 10)
    viewers = [(await world.viewer(account), patient) for account, patient in crowd[5:]]

    async def tried(act: Any) -> str:
        try:
            await act
        except Refusal as refusal:
            return type(refusal).__name__
        return "done"

    acts = [
        patients_booking.book(
            viewer, patient, world.choices, slot, form_key=uuid4().hex, now=world.now
        )
        for viewer, patient in viewers
    ]
    acts += [book(world, slot, patient=patient) for _, patient in crowd[:5]]
    answers = Counter(await asyncio.gather(*(tried(act) for act in acts)))
    assert answers == {"done": 1, "SlotTaken": 9}
    assert await records.count("appointment") == 1
    assert await records.mails() == {"booked": 1}


async def test_two_times_at_once_for_one_patient_are_one_visit(world: World) -> None:
    schedule = await world.another_practitioner()
    slots = [await world.slot(), await world.slot(schedule=schedule)]
    answers = await asyncio.gather(*(book(world, slot) for slot in slots), return_exceptions=True)
    assert {type(answer) for answer in answers} == {UUID, ClashesWithOwnVisit}
