import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count as counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.appointments import agenda, attendance, booking, slots, window
from domain.appointments.choices import ANYONE, OFFER_STEPS, STEPS, Choices, Kind, Step
from domain.appointments.slots import Search
from domain.clinic.tables import ScheduleVisitType, Site, Specialty, VisitType
from domain.errors import (
    AlreadyBooked,
    ClashesWithOwnVisit,
    Conflict,
    FormReused,
    NotAllowed,
    NotFound,
    ProfileLost,
    ReasonInvalid,
    Refusal,
    SlotNotOffered,
    SlotTaken,
    TooMany,
    TooManyUpcoming,
)
from domain.people.policy import Grant
from tests.domain import records
from tests.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
keys = counter()


async def book(
    world: World,
    slot: UUID,
    *,
    account: UUID | None = None,
    patient: UUID | None = None,
    choices: Choices | None = None,
    key: str = "",
    now: datetime | None = None,
) -> UUID:
    """Alice books for herself, unless told otherwise."""
    return await booking.book(
        await world.viewer(account),
        patient or world.alice,
        choices or world.choices,
        slot,
        form_key=key or f"key-{next(keys)}",
        now=now or world.now,
    )


async def hold(
    world: World,
    slot: UUID,
    *,
    account: UUID | None = None,
    patient: UUID | None = None,
    choices: Choices | None = None,
    now: datetime | None = None,
) -> None:
    viewer = await world.viewer(account)
    await booking.hold(
        viewer, patient or world.alice, choices or world.choices, slot, now=now or world.now
    )


async def offered(
    world: World,
    *,
    account: UUID | None = None,
    patient: UUID | None = None,
    now: datetime | None = None,
    choices: Choices | None = None,
) -> dict[UUID, bool]:
    """The slots of the first week with any, as this viewer sees them: held by him or not."""
    viewer = await world.viewer(account)
    profile = viewer.acting_for(patient or world.alice, Grant.BOOK, now or world.now)
    search = Search(viewer, profile, choices or world.choices, now or world.now)
    week = await slots.open_week(search, None)
    halves = [half for day in week.days for half in (day.morning, day.afternoon)]
    return {slot.id: slot.is_held for half in halves for slot in half.slots}


async def holds() -> list[dict[str, Any]]:
    return await records.rows("SELECT slot, account, patient FROM hold")


# Booking


async def test_a_booking_takes_its_time_and_place_from_the_slot(world: World) -> None:
    starts = world.now + 3 * DAY
    slot = await world.slot(starts, minutes=30)
    made = await records.visit(
        await book(world, slot, choices=replace(world.choices, reason=" Toux\r\n3 jours "))
    )
    assert (made["slot"], made["patient"], made["booked_by"]) == (
        slot,
        world.alice,
        world.alice_account,
    )
    assert (made["practitioner"], made["site"]) == (world.practitioner, world.site)
    # The rest of a longer slot is not reused.
    assert (made["starts_at"], made["ends_at"]) == (starts, starts + 15 * MINUTE)
    assert (made["reason"], made["version"], made["confirmed_at"]) == ("Toux\n3 jours", 1, None)
    assert await offered(world) == {}


async def test_a_booking_is_journalled_told_and_mailed_once(world: World) -> None:
    visit = await book(world, await world.slot())
    assert await records.audited(visit) == {"booked": 1}
    assert await records.told(visit) == {"booked": 1}
    assert await records.mails(visit) == {"booked": 1}
    assert await records.mailed_to(visit, "booked") == {world.alice_account}


@pytest.mark.parametrize(
    ("hours", "is_asked_at_once"), [(72, True), (71, True), (72 + 1 / 3600, False), (200, False)]
)
async def test_a_visit_booked_inside_the_window_gets_no_second_mail_to_confirm(
    world: World, hours: float, is_asked_at_once: bool
) -> None:
    visit = await book(world, await world.slot(world.now + hours * HOUR))
    for minutes in (0, 1, 2):
        await window.open_due(now=world.now + hours * HOUR - 70 * HOUR + minutes * MINUTE)
    assert (await records.mails(visit))["confirmable"] == (0 if is_asked_at_once else 1)


async def test_any_practitioner_means_any_of_the_specialty(world: World) -> None:
    other = await world.slot(schedule=await world.another_practitioner())
    with pytest.raises(Conflict):
        await book(world, other)
    visit = await book(world, other, choices=replace(world.choices, practitioner=ANYONE))
    assert (await records.visit(visit))["practitioner"] != world.practitioner


async def test_an_urgent_visit_needs_its_reason(world: World) -> None:
    slot = await world.slot()
    for reason in (None, "", "  \r\n"):
        with pytest.raises(ReasonInvalid):
            await book(world, slot, choices=replace(world.urgent_choices, reason=reason))
    assert await book(world, slot, choices=world.urgent_choices)


async def test_a_reason_too_long_books_nothing(world: World) -> None:
    slot = await world.slot()
    with pytest.raises(ReasonInvalid):
        await book(world, slot, choices=replace(world.choices, reason="a" * 141))
    assert await records.count("appointment") == 0


# What is not offered cannot be booked


async def past(world: World) -> tuple[UUID, Choices]:
    return await world.slot(world.now - HOUR), world.choices


async def within_the_notice(world: World) -> tuple[UUID, Choices]:
    return await world.slot(world.now + HOUR - SECOND), world.choices


async def beyond_the_horizon(world: World) -> tuple[UUID, Choices]:
    return await world.slot(world.now + timedelta(weeks=12)), world.choices


async def ten_years_ahead(world: World) -> tuple[UUID, Choices]:
    return await world.slot(world.now + 3650 * DAY), world.choices


async def withdrawn(world: World) -> tuple[UUID, Choices]:
    slot = await world.slot()
    await records.withdraw(slot, world)
    return slot, world.choices


async def of_another_type(world: World) -> tuple[UUID, Choices]:
    await ScheduleVisitType.delete().where(ScheduleVisitType.visit_type == world.visit_type)
    return await world.slot(), world.choices


async def shorter_than_the_type(world: World) -> tuple[UUID, Choices]:
    await VisitType.update({VisitType.minutes: 16}).where(VisitType.id == world.visit_type)
    return await world.slot(minutes=15), world.choices


async def of_another_practitioner(world: World) -> tuple[UUID, Choices]:
    return await world.slot(schedule=await world.another_practitioner()), world.choices


async def at_another_site(world: World) -> tuple[UUID, Choices]:
    site = Site(
        id=uuid4(), name="Annexe", street="", city="", province="QC", postal_code="", phone=""
    )
    await Site.insert(site)
    return await world.slot(), replace(world.choices, site=site.id)


async def of_another_specialty(world: World) -> tuple[UUID, Choices]:
    specialty = Specialty(id=uuid4(), name_fr="Dermatologie", name_en="Dermatology")
    await Specialty.insert(specialty)
    return await world.slot(), replace(world.choices, specialty=specialty.id, practitioner=ANYONE)


async def an_urgent_type_asked_as_regular(world: World) -> tuple[UUID, Choices]:
    return await world.slot(), replace(world.choices, visit_type=world.urgent_type)


async def a_regular_type_asked_as_urgent(world: World) -> tuple[UUID, Choices]:
    return await world.slot(), replace(world.urgent_choices, visit_type=world.visit_type)


async def of_an_unknown_type(world: World) -> tuple[UUID, Choices]:
    return await world.slot(), replace(world.choices, visit_type=uuid4())


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (past, SlotNotOffered),
        (within_the_notice, SlotNotOffered),
        (beyond_the_horizon, SlotNotOffered),
        (ten_years_ahead, SlotNotOffered),
        (withdrawn, SlotNotOffered),
        (of_another_type, SlotNotOffered),
        (shorter_than_the_type, SlotNotOffered),
        (of_another_practitioner, SlotNotOffered),
        (at_another_site, SlotNotOffered),
        (of_another_specialty, SlotNotOffered),
        (an_urgent_type_asked_as_regular, SlotNotOffered),
        (a_regular_type_asked_as_urgent, SlotNotOffered),
        (of_an_unknown_type, NotFound),
    ],
    ids=lambda value: value.__name__,
)
async def test_what_is_not_offered_can_be_neither_held_nor_booked(
    world: World, made: Any, refusal: type[Refusal]
) -> None:
    """A28."""
    slot, choices = await made(world)
    viewer = await world.viewer()
    assert slot not in await offered(world, choices=choices)
    with pytest.raises(refusal):
        await booking.proposal(viewer, world.alice, choices, slot, now=world.now)
    for act in (hold, book):
        with pytest.raises(refusal):
            await act(world, slot, choices=choices)
    assert await records.count("appointment") == 0
    assert await holds() == []


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [(kind, step) for kind, steps in STEPS.items() for step in steps if step in OFFER_STEPS],
)
async def test_a_choice_left_out_does_not_widen_what_may_be_booked(
    world: World, kind: Kind, left_out: Step
) -> None:
    """A28."""
    slot = await world.slot()
    choices = world.choices if kind == "regular" else world.urgent_choices
    blank: dict[str, Any] = {left_out: None}
    partial = replace(choices, **blank)
    with pytest.raises(SlotNotOffered):
        await booking.proposal(await world.viewer(), world.alice, partial, slot, now=world.now)
    for act in (hold, book):
        with pytest.raises(SlotNotOffered):
            await act(world, slot, choices=partial)
    assert await records.count("appointment") == 0
    assert await holds() == []


async def test_the_first_and_the_last_moment_that_can_be_booked(world: World) -> None:
    first = await world.slot(world.now + HOUR)
    last = await world.slot(world.now + timedelta(weeks=12) - SECOND)
    assert await book(world, first)
    assert await book(world, last)


async def test_the_next_availability_is_one_that_can_be_booked(world: World) -> None:
    """After the clinic shortened its horizon, what it published beyond stays out of sight."""
    await world.set_clinic(horizon_weeks=4)
    await world.slot(world.now + timedelta(weeks=5))
    viewer = await world.viewer()
    search = Search(viewer, viewer.held(world.alice), world.choices, world.now)
    assert await slots.first_open(search) is None
    assert await slots.nearest(search, world.now + timedelta(weeks=5)) == []


async def test_a_slot_that_never_was_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await book(world, uuid4())
    with pytest.raises(NotFound):
        await hold(world, uuid4())


async def test_a_switched_off_section_refuses(world: World) -> None:
    slot = await world.slot()
    await world.set_clinic(has_booking=False)
    with pytest.raises(NotAllowed):
        await book(world, slot)
    with pytest.raises(NotAllowed):
        await hold(world, slot)
    assert await book(world, slot, choices=world.urgent_choices)
    await world.set_clinic(has_booking=True, has_urgent_booking=False)
    with pytest.raises(NotAllowed):
        await book(world, await world.slot(world.now + 2 * DAY), choices=world.urgent_choices)


# Who may


async def test_only_who_may_book_for_the_profile_does(world: World) -> None:
    slot = await world.slot()
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob, "read_messages", "read_documents")
    bobs_birthday = datetime(2032, 3, 9, 5, tzinfo=UTC)
    for act in (hold, book):
        with pytest.raises(NotFound):
            await act(world, slot, account=world.charlie_account, patient=world.bob)
        with pytest.raises(NotAllowed):
            await act(world, slot, account=parent, patient=world.bob)
        with pytest.raises(ProfileLost):
            await act(world, slot, patient=world.bob, now=bobs_birthday)
    assert await records.count("appointment") == 0


async def test_two_accounts_of_one_child_see_and_cancel_each_others_bookings(world: World) -> None:
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    visit = await book(world, await world.slot(), patient=world.bob)
    other = await world.slot(world.now + 4 * DAY)
    second = await book(world, other, account=parent, patient=world.bob)
    assert (await records.visit(visit))["booked_by"] == world.alice_account
    assert (await records.visit(second))["booked_by"] == parent
    for account in (world.alice_account, parent):
        seen = await agenda.upcoming(await world.viewer(account), [world.bob], now=world.now)
        assert [each.id for each in seen] == [visit, second]
    await attendance.cancel(await world.viewer(), world.bob, second, now=world.now)
    assert (await records.visit(second))["cancelled_by"] == world.alice_account


async def test_two_accounts_cannot_put_one_child_in_two_places(world: World) -> None:
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    here = await world.slot()
    there = await world.slot(schedule=await world.another_practitioner())
    anyone = replace(world.choices, practitioner=ANYONE)
    answers = await asyncio.gather(
        book(world, here, patient=world.bob, choices=anyone),
        book(world, there, account=parent, patient=world.bob, choices=anyone),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["ClashesWithOwnVisit", "UUID"]
    assert await records.count("appointment") == 1


# Holds


async def test_a_held_slot_is_its_holders_alone_for_five_minutes(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    assert await offered(world) == {slot: True}
    stranger = {"account": world.charlie_account, "patient": world.charlie}
    assert await offered(world, **stranger) == {}
    assert await offered(world, patient=world.bob) == {}
    just_before, just_then = world.now + 5 * MINUTE - SECOND, world.now + 5 * MINUTE
    for act in (hold, book):
        with pytest.raises(SlotTaken):
            await act(world, slot, **stranger, now=just_before)
    assert await offered(world, **stranger, now=just_then) == {slot: False}
    assert await book(world, slot, **stranger, now=just_then)


async def test_the_card_tells_until_when_it_is_held(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    viewer = await world.viewer()

    async def held_until(now: datetime) -> datetime | None:
        proposal = await booking.proposal(viewer, world.alice, world.choices, slot, now=now)
        return proposal.held_until

    assert await held_until(world.now) == world.now + 5 * MINUTE
    assert await held_until(world.now + 5 * MINUTE) is None


async def test_the_same_choice_again_keeps_the_hold_as_it_runs(world: World) -> None:
    """Else a slot could be kept for ever."""
    slot = await world.slot()
    await hold(world, slot)
    await hold(world, slot, now=world.now + 4 * MINUTE)
    stranger = {"account": world.charlie_account, "patient": world.charlie}
    assert await offered(world, **stranger, now=world.now + 5 * MINUTE) == {slot: False}
    assert await records.audited(slot) == {"slot.held": 1}


async def test_another_choice_moves_the_hold(world: World) -> None:
    first, second = await world.slot(), await world.slot(world.now + 2 * DAY)
    await hold(world, first)
    await hold(world, second)
    assert await offered(world) == {first: False, second: True}
    assert [each["slot"] for each in await holds()] == [second]


async def test_each_profile_has_a_hold_of_its_own(world: World) -> None:
    first, second = await world.slot(), await world.slot(world.now + 2 * DAY)
    await hold(world, first)
    await hold(world, second, patient=world.bob)
    assert {each["patient"] for each in await holds()} == {world.alice, world.bob}


async def test_two_tabs_holding_at_once_leave_one_hold(world: World) -> None:
    chosen = [await world.slot(world.now + days * DAY) for days in range(1, 7)]
    answers = await asyncio.gather(*(hold(world, slot) for slot in chosen), return_exceptions=True)
    assert answers == [None] * 6
    assert len(await holds()) == 1


async def test_a_lost_hold_still_books_what_is_free(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    later = world.now + 6 * MINUTE
    await booking.release_expired(now=later)
    assert await holds() == []
    assert await book(world, slot, now=later)


async def test_a_lost_hold_on_what_was_taken_since_says_so(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot)
    later = world.now + 6 * MINUTE
    await book(world, slot, account=world.charlie_account, patient=world.charlie, now=later)
    with pytest.raises(SlotTaken):
        await book(world, slot, now=later)


async def test_booking_ends_the_hold_and_running_ones_stay(world: World) -> None:
    mine, theirs = await world.slot(), await world.slot(world.now + 2 * DAY)
    await hold(world, mine)
    await hold(world, theirs, account=world.charlie_account, patient=world.charlie)
    await book(world, mine)
    await booking.release_expired(now=world.now + 4 * MINUTE)
    assert [each["slot"] for each in await holds()] == [theirs]


async def test_a_refused_hold_keeps_the_one_before(world: World) -> None:
    mine, theirs = await world.slot(), await world.slot(world.now + 2 * DAY)
    await hold(world, mine)
    await hold(world, theirs, account=world.charlie_account, patient=world.charlie)
    with pytest.raises(SlotTaken):
        await hold(world, theirs)
    assert (await offered(world))[mine]


async def test_how_long_a_hold_lasts_is_the_clinics_setting(world: World) -> None:
    await world.set_clinic(hold_minutes=2)
    slot = await world.slot()
    await hold(world, slot)
    stranger = {"account": world.charlie_account, "patient": world.charlie}
    assert await offered(world, **stranger, now=world.now + 2 * MINUTE) == {slot: False}


# One practitioner, one time


async def test_a_taken_slot_is_taken(world: World) -> None:
    slot = await world.slot()
    await book(world, slot)
    stranger = {"account": world.charlie_account, "patient": world.charlie}
    for act in (hold, book):
        with pytest.raises(SlotTaken):
            await act(world, slot, **stranger)


@pytest.mark.parametrize(("offset", "minutes"), [(0, 15), (5, 15), (-10, 15), (-5, 30), (5, 5)])
async def test_a_withdrawn_slot_keeps_its_visits_time(
    world: World, offset: int, minutes: int
) -> None:
    """The new slot may overlap the withdrawn one; the visit in it still has the practitioner."""
    starts = world.now + 3 * DAY
    old = await world.slot(starts)
    visit = await book(world, old)
    await records.withdraw(old, world)
    await VisitType.update({VisitType.minutes: 5}).where(VisitType.id == world.visit_type)
    new = await world.slot(starts + offset * MINUTE, minutes=minutes)
    await VisitType.update({VisitType.minutes: minutes}).where(VisitType.id == world.visit_type)
    with pytest.raises(SlotTaken):
        await book(world, new, account=world.charlie_account, patient=world.charlie)
    await attendance.cancel(await world.viewer(), world.alice, visit, now=world.now)
    assert await book(world, new, account=world.charlie_account, patient=world.charlie)


async def test_a_changed_duration_of_the_type_moves_no_visit(world: World) -> None:
    starts = world.now + 3 * DAY
    visit = await book(world, await world.slot(starts, minutes=60))
    await VisitType.update({VisitType.minutes: 45}).where(VisitType.id == world.visit_type)
    kept = await records.visit(visit)
    assert kept["ends_at"] - kept["starts_at"] == 15 * MINUTE
    shown = await agenda.visit(await world.viewer(), visit, now=world.now)
    assert shown.minutes == 15
    # And what its own time leaves free is free for the patient.
    other = await world.slot(starts + 15 * MINUTE, schedule=await world.another_practitioner())
    await VisitType.update({VisitType.minutes: 10}).where(VisitType.id == world.visit_type)
    assert await book(world, other, choices=replace(world.choices, practitioner=ANYONE))


# The patient's own visits


@pytest.mark.parametrize(
    ("offset", "clashes"), [(-15, False), (-14, True), (14, True), (15, False)]
)
async def test_a_patient_is_not_in_two_places(world: World, offset: int, clashes: bool) -> None:
    starts = world.now + 3 * DAY
    visit = await book(world, await world.slot(starts))
    other = await world.slot(starts + offset * MINUTE, schedule=await world.another_practitioner())
    anyone = replace(world.choices, practitioner=ANYONE)
    if clashes:
        for act in (hold, book):
            with pytest.raises(ClashesWithOwnVisit) as refusal:
                await act(world, other, choices=anyone)
            assert refusal.value.visit.id == visit  # type: ignore[attr-defined]
        await attendance.cancel(await world.viewer(), world.alice, visit, now=world.now)
    assert await book(world, other, choices=anyone)


async def test_what_one_booked_oneself_is_not_called_taken(world: World) -> None:
    """From another tab, or by another account of the same child: the booking had worked."""
    slot = await world.slot()
    visit = await book(world, slot, patient=world.bob)
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    for account in (world.alice_account, parent):
        for act in (hold, book):
            with pytest.raises(AlreadyBooked) as refusal:
                await act(world, slot, account=account, patient=world.bob)
            assert refusal.value.appointment == visit


async def test_two_of_a_family_may_come_at_the_same_time(world: World) -> None:
    here = await world.slot()
    there = await world.slot(schedule=await world.another_practitioner())
    assert await book(world, here)
    assert await book(
        world, there, patient=world.bob, choices=replace(world.choices, practitioner=ANYONE)
    )


async def test_no_more_coming_visits_of_a_type_than_the_limit(world: World) -> None:
    coming = [await book(world, await world.slot(world.now + n * DAY)) for n in range(3, 8)]
    next_one = await world.slot(world.now + 9 * DAY)
    with pytest.raises(TooManyUpcoming) as refusal:
        await book(world, next_one)
    assert refusal.value.limit == 5
    # Another type, another profile, a cancelled one and a past one do not count.
    assert await book(world, await world.slot(world.now + 10 * DAY), choices=world.urgent_choices)
    assert await book(world, await world.slot(world.now + 11 * DAY), patient=world.bob)
    await attendance.cancel(await world.viewer(), world.alice, coming[0], now=world.now)
    assert await book(world, next_one)
    assert await book(
        world, await world.slot(world.now + 12 * DAY), now=world.now + 4 * DAY + SECOND
    )


async def test_no_more_than_ten_bookings_an_hour(world: World) -> None:
    """A29."""
    await world.set_clinic(most_upcoming=50)
    free = [await world.slot(world.now + n * DAY) for n in range(3, 15)]
    for n in range(10):
        await book(world, free[n], now=world.now + n * SECOND)
    with pytest.raises(TooMany) as refusal:
        await book(world, free[10], now=world.now + HOUR - SECOND)
    assert refusal.value.again_at == world.now + HOUR
    assert await book(world, free[10], now=world.now + HOUR)
    assert await book(
        world, free[11], account=world.charlie_account, patient=world.charlie, now=world.now
    )


async def test_tries_that_were_refused_count_towards_the_hour_too(world: World) -> None:
    """A script may not try for a slot without end."""
    taken = await world.slot()
    await book(world, taken, account=world.charlie_account, patient=world.charlie)
    free = await world.slot(world.now + 2 * DAY)
    for _ in range(10):
        with pytest.raises(SlotTaken):
            await book(world, taken)
    with pytest.raises(TooMany):
        await book(world, free)
    assert await book(world, free, now=world.now + HOUR)


async def test_no_more_than_sixty_holds_an_hour(world: World) -> None:
    first, second = await world.slot(), await world.slot(world.now + 2 * DAY)
    for n in range(30):
        await hold(world, first, now=world.now + n * SECOND)
        await hold(world, second, now=world.now + n * SECOND)
    with pytest.raises(TooMany):
        await hold(world, first, now=world.now + HOUR - SECOND)
    await hold(world, first, now=world.now + HOUR + 30 * SECOND)


# The same form sent again


async def test_the_same_form_twice_books_once(world: World) -> None:
    slot = await world.slot()
    first = await book(world, slot, key="a")
    assert await book(world, slot, key="a") == first
    assert await records.count("appointment") == 1
    assert await records.mails(first) == {"booked": 1}
    assert await records.audited(first) == {"booked": 1}


async def test_a_double_click_books_once(world: World) -> None:
    slot = await world.slot()
    answers = await asyncio.gather(*(book(world, slot, key="a") for _ in range(5)))
    assert len(set(answers)) == 1
    assert await records.count("appointment") == 1
    assert await records.mails() == {"booked": 1}


async def test_a_form_key_with_other_content_is_refused(world: World) -> None:
    slot, other = await world.slot(), await world.slot(world.now + 2 * DAY)
    await book(world, slot, key="a")
    reworded = replace(world.choices, reason="autre")
    for changed in ({"slot": other}, {"slot": slot, "choices": reworded}):
        with pytest.raises(FormReused):
            await book(world, **changed, key="a")
    with pytest.raises(FormReused):
        await book(world, slot, patient=world.bob, key="a")
    assert await records.count("appointment") == 1


async def test_a_form_sent_again_after_cancelling_does_not_book_again(world: World) -> None:
    slot = await world.slot(world.now + 3 * DAY)
    first = await book(world, slot, key="a")
    await attendance.cancel(await world.viewer(), world.alice, first, now=world.now)
    assert await book(world, slot, key="a", now=world.now + 23 * HOUR) == first
    assert (await records.visit(first))["cancelled_at"] is not None
    assert await records.count("appointment") == 1


async def test_a_refused_form_may_be_sent_again(world: World) -> None:
    slot = await world.slot()
    await hold(world, slot, account=world.charlie_account, patient=world.charlie)
    with pytest.raises(SlotTaken):
        await book(world, slot, key="a")
    assert await book(world, slot, key="a", now=world.now + 5 * MINUTE)


async def test_form_keys_are_each_accounts_own(world: World) -> None:
    first = await book(world, await world.slot(), key="a")
    second = await book(
        world,
        await world.slot(world.now + 2 * DAY),
        account=world.charlie_account,
        patient=world.charlie,
        key="a",
    )
    assert first != second


# What the database itself refuses, whoever asks


async def insert_visit(world: World, slot: UUID, starts: datetime, minutes: int) -> None:
    await db.fetch(
        """
        INSERT INTO appointment (id, slot, patient, visit_type, practitioner, site, starts_at,
            ends_at, reason, version, booked_at)
        VALUES ({}, {}, {}, {}, {}, {}, {}, {}, '', 1, {})
        """,
        uuid4(),
        slot,
        world.charlie,
        world.visit_type,
        world.practitioner,
        world.site,
        starts,
        starts + minutes * MINUTE,
        world.now,
    )


@pytest.mark.parametrize(
    ("offset", "minutes", "is_refused"),
    [
        (0, 15, True),
        (14, 15, True),
        (-14, 15, True),
        (-30, 75, True),
        (5, 5, True),
        (15, 15, False),
        (-15, 15, False),
    ],
)
async def test_the_database_refuses_two_visits_at_one_time(
    world: World, offset: int, minutes: int, is_refused: bool
) -> None:
    starts = world.now + 3 * DAY
    await world.appointment(starts)
    elsewhere = await world.slot(world.now + 9 * DAY)
    insert = insert_visit(world, elsewhere, starts + offset * MINUTE, minutes)
    if is_refused:
        with pytest.raises(Exception) as error:  # noqa: PT011 - each engine has its own
            await insert
        assert db.conflict_kind(error.value) == "overlap"
    else:
        await insert


async def test_the_database_refuses_a_second_visit_of_a_slot(world: World) -> None:
    starts = world.now + 3 * DAY
    slot = await world.slot(starts)
    await world.appointment(starts, slot=slot)
    with pytest.raises(Exception) as error:  # noqa: PT011
        await insert_visit(world, slot, starts + DAY, 15)
    assert db.conflict_kind(error.value) == "unique"


async def test_the_database_refuses_to_bring_back_a_visit_whose_time_is_taken(
    world: World,
) -> None:
    starts = world.now + 3 * DAY
    slot = await world.slot(starts)
    first = await world.appointment(starts, slot=slot, cancelled_at=world.now)
    await records.withdraw(slot, world)
    await world.appointment(starts, slot=await world.slot(starts))
    with pytest.raises(Exception) as error:  # noqa: PT011
        await db.fetch("UPDATE appointment SET cancelled_at = NULL WHERE id = {}", first)
    assert db.conflict_kind(error.value) == "overlap"
