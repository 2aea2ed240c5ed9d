import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.accounts.tables import Attempt
from domain.appointments import agenda, attendance, booking, letters, slots, window
from domain.appointments.slots import Search
from domain.audit import Actor
from domain.clinic.tables import ScheduleVisitType
from domain.errors import (
    AlreadyCancelled,
    LinkDead,
    NotAllowed,
    NotFound,
    ProfileLost,
    Refusal,
    SlotNotOffered,
    SlotTaken,
    TooEarlyToConfirm,
    TooLateToCancel,
    TooLateToConfirm,
    TooMany,
)
from domain.links import Links, Purpose
from domain.mail import delivery
from domain.people.policy import Grant
from domain.people.tables import ProxyGrant
from tests.domain import records
from tests.domain.values import local
from tests.world import World

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECRETARY = Actor("staff", uuid4(), "test")
LINKS = Links(["0123456789abcdefghijklmnopqrstuvwxyz"])


async def confirm(world: World, visit: UUID, **options: Any) -> None:
    await _act(attendance.confirm, world, visit, **options)


async def cancel(world: World, visit: UUID, **options: Any) -> None:
    await _act(attendance.cancel, world, visit, **options)


async def move(world: World, visit: UUID, slot: UUID, now: datetime | None = None) -> None:
    await attendance.move(SECRETARY, visit, slot, now=now or world.now)


async def _act(
    verb: Any,
    world: World,
    visit: UUID,
    *,
    account: UUID | None = None,
    patient: UUID | None = None,
    now: datetime | None = None,
) -> None:
    viewer = await world.viewer(account)
    await verb(viewer, patient or world.alice, visit, now=now or world.now)


async def is_open(world: World, slot: UUID, now: datetime | None = None) -> bool:
    viewer = await world.viewer(world.charlie_account)
    profile = viewer.acting_for(world.charlie, Grant.BOOK, world.now)
    return await slots.is_open(Search(viewer, profile, world.choices, now or world.now), slot)


# The limits, in the acts themselves


@pytest.mark.parametrize(
    "starts",
    ["2026-11-27T09:00", "2026-11-02T09:00", "2027-03-15T09:00"],
    ids=["no change", "clocks went back", "clocks went forward"],
)
async def test_the_acts_keep_to_the_second_to_what_is_printed(world: World, starts: str) -> None:
    begins = local(starts)
    visit = await world.appointment(begins)
    shown = await agenda.visit(await world.viewer(), visit, now=world.now)
    with pytest.raises(TooEarlyToConfirm) as early:
        await confirm(world, visit, now=shown.confirm_opens_at - SECOND)
    assert early.value.opens_at == shown.confirm_opens_at == begins - 72 * HOUR
    with pytest.raises(TooLateToCancel) as late:
        await cancel(world, visit, now=shown.cancel_deadline + SECOND)
    assert late.value.deadline == shown.cancel_deadline == begins - 48 * HOUR
    with pytest.raises(TooLateToConfirm):
        await confirm(world, visit, now=begins)
    assert await records.audited(visit) == {}
    await confirm(world, visit, now=shown.confirm_opens_at)
    await cancel(world, visit, now=shown.cancel_deadline)
    assert await records.audited(visit) == {"confirmed": 1, "cancelled": 1}


async def test_the_buttons_are_what_the_acts_allow(world: World) -> None:
    begins = world.now + 10 * DAY
    for before in (73 * HOUR, 72 * HOUR, 48 * HOUR, 48 * HOUR - SECOND, SECOND, -SECOND):
        visit = await world.appointment(begins)
        now = begins - before
        shown = await agenda.visit(await world.viewer(), visit, now=now)
        for act, allowed in ((confirm, shown.may_confirm), (cancel, shown.may_cancel)):
            refused = False
            try:
                await act(world, visit, now=now)
            except Refusal:
                refused = True
            assert refused is not allowed
        await Attempt.delete(force=True)
        begins += DAY


async def test_other_settings_of_the_clinic_count(world: World) -> None:
    await world.set_clinic(confirm_window_hours=24, cancel_limit_hours=2)
    visit = await world.appointment(world.now + 24 * HOUR + SECOND)
    with pytest.raises(TooEarlyToConfirm):
        await confirm(world, visit)
    await confirm(world, visit, now=world.now + SECOND)
    with pytest.raises(TooLateToCancel):
        await cancel(world, visit, now=world.now + 22 * HOUR + 2 * SECOND)
    await cancel(world, visit, now=world.now + 22 * HOUR + SECOND)


# Once, and by whom


async def test_confirming_twice_is_confirming_once(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await confirm(world, visit)
    first = (await records.visit(visit))["confirmed_at"]
    await confirm(world, visit, now=world.now + HOUR)
    assert (await records.visit(visit))["confirmed_at"] == first
    assert await records.audited(visit) == {"confirmed": 1}
    assert await records.told(visit) == {"confirmed": 1}


async def test_cancelling_twice_is_cancelling_once(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await cancel(world, visit)
    await cancel(world, visit, now=world.now + HOUR)
    assert await records.audited(visit) == {"cancelled": 1}
    assert await records.told(visit) == {"cancelled": 1}
    assert await records.mails(visit) == {"cancelled": 1}


async def test_a_cancelled_visit_cannot_be_confirmed(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await cancel(world, visit)
    with pytest.raises(AlreadyCancelled):
        await confirm(world, visit)


async def test_only_who_may_book_for_the_profile_acts_on_its_visits(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    reader = await world.account("denis@example.com")
    await world.grant(reader, world.bob, "read_messages", "send_messages", "read_documents")
    birthday = local("2032-03-09T00:00")
    for act in (confirm, cancel):
        with pytest.raises(NotFound):
            await act(world, visit, account=world.charlie_account, patient=world.bob)
        with pytest.raises(NotFound):  # a profile of one's own does not open another's visit
            await act(world, visit, account=world.charlie_account, patient=world.charlie)
        with pytest.raises(NotFound):
            await act(world, visit, patient=world.alice)
        with pytest.raises(NotAllowed):
            await act(world, visit, account=reader, patient=world.bob)
        with pytest.raises(ProfileLost):
            await act(world, visit, patient=world.bob, now=birthday)
        with pytest.raises(NotFound):
            await act(world, uuid4())
    assert await records.audited(visit) == {}


async def test_a_refused_attempt_is_journalled_by_its_name(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await attendance.record_refusal(
        await world.viewer(), world.alice, visit, TooLateToConfirm(), now=world.now
    )
    (line,) = await records.rows("SELECT action, outcome FROM audit_line")
    told = ("appointment.refused", "refused.too_late_to_confirm")
    assert (line["action"], line["outcome"]) == told


# Cancelling


async def test_a_cancelled_slot_is_open_at_once_and_can_be_booked(world: World) -> None:
    starts = world.now + 60 * HOUR
    slot = await world.slot(starts)
    visit = await world.appointment(starts, slot=slot)
    assert not await is_open(world, slot)
    await cancel(world, visit)
    assert await is_open(world, slot)
    viewer = await world.viewer(world.charlie_account)
    again = await booking.book(
        viewer, world.charlie, world.choices, slot, form_key="a", now=world.now
    )
    assert not await is_open(world, slot)
    assert (await records.visit(again))["slot"] == slot
    with pytest.raises(SlotTaken):
        await booking.book(
            await world.viewer(), world.alice, world.choices, slot, form_key="b", now=world.now
        )


async def test_five_cancellations_a_day(world: World) -> None:
    visits = [await world.appointment(world.now + (9 + n) * DAY) for n in range(6)]
    for n, visit in enumerate(visits[:5]):
        await cancel(world, visit, now=world.now + n * HOUR)
    with pytest.raises(TooMany) as refusal:
        await cancel(world, visits[5], now=world.now + 23 * HOUR)
    assert refusal.value.again_at == world.now + DAY
    assert (await records.visit(visits[5]))["cancelled_at"] is None
    # One already cancelled asks for nothing, and another account has its own five.
    await cancel(world, visits[0], now=world.now + 23 * HOUR)
    bobs = await world.appointment(world.now + 20 * DAY, patient=world.bob)
    other = await world.account("denis@example.com")
    await world.grant(other, world.bob)
    await cancel(world, bobs, account=other, patient=world.bob, now=world.now + 23 * HOUR)
    await cancel(world, visits[5], now=world.now + DAY)


async def test_a_refused_cancellation_does_not_count_towards_the_day(world: World) -> None:
    late = await world.appointment(world.now + 47 * HOUR)
    for _ in range(6):
        with pytest.raises(TooLateToCancel):
            await cancel(world, late)
    await cancel(world, await world.appointment(world.now + 60 * HOUR))


# Moving, the clinic's act


async def test_moving_takes_the_new_slots_time_and_frees_the_old_one(world: World) -> None:
    starts, later = world.now + 60 * HOUR, world.now + 90 * HOUR
    old, new = await world.slot(starts), await world.slot(later, minutes=30)
    visit = await world.appointment(starts, slot=old, confirmed_at=world.now)
    await move(world, visit, new)
    row = await records.visit(visit)
    assert (row["slot"], row["starts_at"], row["ends_at"]) == (new, later, later + HOUR / 4)
    assert (row["version"], row["confirmed_at"], row["confirmed_by"]) == (2, None, None)
    assert await is_open(world, old)
    assert not await is_open(world, new)
    assert await records.audited(visit) == {"moved": 1}
    assert await records.told(visit) == {"moved": 1}
    assert await records.mails(visit) == {"moved": 1}


async def test_moving_to_another_practitioner_takes_that_ones_place(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    schedule = await world.another_practitioner()
    new = await world.slot(world.now + 60 * HOUR, schedule=schedule)
    await move(world, visit, new)
    assert (await records.visit(visit))["practitioner"] != world.practitioner


async def test_moving_kills_the_links_of_earlier_mails(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await window.open_due(now=world.now)
    (before,) = await delivery.lease(9, now=world.now)
    letter = await letters.compose(before, links=LINKS, now=world.now)
    assert letter is not None
    assert letter.confirm_token is not None
    await move(world, visit, await world.slot(world.now + 65 * HOUR))
    link = LINKS.read_visit(Purpose.CONFIRM, letter.confirm_token)
    assert link.version != (await records.visit(visit))["version"]
    # And a mail of the earlier time that has not left never does.
    assert await letters.compose(before, links=LINKS, now=world.now) is None
    with pytest.raises(LinkDead):
        LINKS.read_visit(Purpose.CANCEL, letter.confirm_token)


@pytest.mark.parametrize(("hours", "second_mail"), [(65, 0), (72, 0), (100, 1)])
async def test_a_moved_visit_is_asked_to_confirm_once(
    world: World, hours: int, second_mail: int
) -> None:
    """Inside the window the mail about the move asks; else the job does when its time comes."""
    visit = await world.appointment(world.now + 60 * HOUR)
    await window.open_due(now=world.now)
    await move(world, visit, await world.slot(world.now + hours * HOUR))
    for n in range(4):
        await window.open_due(now=world.now + n * 10 * HOUR)
    assert await records.mails(visit) == Counter(confirmable=1 + second_mail, moved=1)


async def taken(world: World) -> UUID:
    starts = world.now + 70 * HOUR
    slot = await world.slot(starts)
    await world.appointment(starts, slot=slot, patient=world.charlie)
    return slot


async def withdrawn(world: World) -> UUID:
    slot = await world.slot(world.now + 70 * HOUR)
    await records.withdraw(slot, world)
    return slot


async def past(world: World) -> UUID:
    return await world.slot(world.now - HOUR)


async def too_short(world: World) -> UUID:
    return await world.slot(world.now + 70 * HOUR, minutes=10)


async def unknown(world: World) -> UUID:
    return uuid4()


async def overlapping_a_visit_of_a_withdrawn_slot(world: World) -> UUID:
    starts = world.now + 70 * HOUR
    slot = await world.slot(starts)
    await world.appointment(starts, slot=slot, patient=world.charlie)
    await records.withdraw(slot, world)
    return await world.slot(starts + HOUR / 6)


async def of_another_type(world: World) -> UUID:
    schedule = await world.another_practitioner()
    await ScheduleVisitType.delete().where(
        (ScheduleVisitType.schedule == schedule)
        & (ScheduleVisitType.visit_type == world.visit_type)
    )
    return await world.slot(world.now + 70 * HOUR, schedule=schedule)


async def at_the_time_of_another_visit_of_the_patient(world: World) -> UUID:
    schedule = await world.another_practitioner()
    elsewhere = await world.another_practitioner("Côté")
    starts = world.now + 70 * HOUR
    (row,) = await records.rows("SELECT practitioner FROM schedule WHERE id = {}", elsewhere)
    await world.appointment(
        starts,
        slot=await world.slot(starts, schedule=elsewhere),
        practitioner=row["practitioner"],
    )
    return await world.slot(starts + HOUR / 6, schedule=schedule)


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        (taken, SlotTaken),
        (withdrawn, SlotTaken),
        (past, SlotTaken),
        (overlapping_a_visit_of_a_withdrawn_slot, SlotTaken),
        (too_short, SlotNotOffered),
        (of_another_type, SlotNotOffered),
        (at_the_time_of_another_visit_of_the_patient, SlotNotOffered),
        (unknown, NotFound),
    ],
    ids=lambda value: value.__name__,
)
async def test_a_visit_cannot_be_moved_to_a_slot(
    world: World, target: Any, refusal: type[Refusal]
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, confirmed_at=world.now)
    slot = await target(world)
    before = await records.visit(visit)
    with pytest.raises(refusal):
        await move(world, visit, slot)
    assert await records.visit(visit) == before
    assert await records.audited(visit) == await records.mails(visit) == {}


async def test_only_a_visit_that_stands_can_be_moved(world: World) -> None:
    cancelled = await world.appointment(world.now + 60 * HOUR)
    await cancel(world, cancelled)
    over = await world.appointment(world.now)
    free = await world.slot(world.now + 70 * HOUR)
    for visit in (cancelled, over, uuid4()):
        with pytest.raises(NotFound):
            await move(world, visit, free)


# Who is written to


async def test_mails_go_to_who_acted_who_booked_and_the_patients_own_account(world: World) -> None:
    """And to no other parent."""
    accounts = [await world.account(f"{name}@example.com") for name in ("denis", "eve", "bob")]
    parent, bystander, child = accounts
    await world.grant(parent, world.bob)
    await world.grant(bystander, world.bob)
    await world.grant(child, world.bob, relationship="self")
    visit = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    await cancel(world, visit, account=parent, patient=world.bob)
    assert await records.mailed_to(visit, "cancelled") == {parent, child, world.alice_account}


async def test_the_clinics_acts_are_mailed_to_who_booked_or_else_to_all_who_may(
    world: World,
) -> None:
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    first = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    await move(world, first, await world.slot(world.now + 62 * HOUR))
    assert await records.mailed_to(first, "moved") == {world.alice_account}
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        (ProxyGrant.account == world.alice_account) & (ProxyGrant.patient == world.bob)
    )
    second = await world.appointment(world.now + 64 * HOUR, patient=world.bob)
    await move(world, second, await world.slot(world.now + 66 * HOUR))
    assert await records.mailed_to(second, "moved") == {parent}


async def test_nobody_is_written_to_about_a_profile_lost(world: World) -> None:
    birthday = local("2032-03-09T00:00")
    visit = await world.appointment(birthday + 60 * HOUR, patient=world.bob)
    await window.open_due(now=birthday)
    assert await records.mails(visit) == {}
    assert await records.audited(visit) == {"confirmable": 1}


# All at the same instant


async def late(turns: int, act: Awaitable[None]) -> None:
    """A cancelling looks at more before it locks the visit: else the move would always be first."""
    for turn in range(turns):
        await asyncio.sleep(0.004 * 2**turn)
    await act


async def test_confirm_cancel_and_move_at_once_end_in_one_state(world: World) -> None:
    """A26: After the move, cancelling is too late: so exactly one of the two happens."""
    winners: Counter[str] = Counter()
    shuffled = random.Random(7)
    for n in range(30):
        await Attempt.delete(force=True)
        now = world.now + n * 7 * DAY
        visit = await world.appointment(now + 60 * HOUR)
        target = await world.slot(now + 47 * HOUR)
        acts = {
            "confirmed": confirm(world, visit, now=now),
            "cancelled": cancel(world, visit, now=now),
            "moved": late(n % 6, move(world, visit, target, now=now)),
        }
        names = shuffled.sample(list(acts), 3)
        answers = await asyncio.gather(*(acts[name] for name in names), return_exceptions=True)
        outcome = dict(zip(names, answers, strict=True))
        done = {name for name, answer in outcome.items() if answer is None}
        row = await records.visit(visit)

        assert len(done & {"cancelled", "moved"}) == 1
        if "cancelled" in done:
            assert row["cancelled_at"] is not None
            assert row["version"] == 1
            assert isinstance(outcome["moved"], NotFound)
            assert ("confirmed" in done) is (row["confirmed_at"] is not None)
            assert "confirmed" in done or isinstance(outcome["confirmed"], AlreadyCancelled)
        else:
            assert row["cancelled_at"] is None
            assert (row["version"], row["slot"]) == (2, target)
            assert isinstance(outcome["cancelled"], TooLateToCancel)
            assert "confirmed" in done
        assert await records.audited(visit) == Counter(done)
        assert await records.told(visit) == Counter(done)
        assert await records.mails(visit) == Counter(done - {"confirmed"})
        winners.update(done & {"cancelled", "moved"})
    assert set(winners) == {"cancelled", "moved"}


async def test_many_who_cancel_at_once_cancel_once(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    answers = await asyncio.gather(*(cancel(world, visit) for _ in range(8)))
    assert answers == [None] * 8
    assert await records.audited(visit) == {"cancelled": 1}
    assert await records.mails(visit) == {"cancelled": 1}


async def test_visits_moved_to_one_slot_at_once_do_not_share_it(world: World) -> None:
    visits = [
        await world.appointment(world.now + (60 + n) * HOUR, patient=patient)
        for n, (_, patient) in enumerate(await records.crowd(world, 6))
    ]
    target = await world.slot(world.now + 90 * HOUR)
    answers = await asyncio.gather(
        *(move(world, visit, target) for visit in visits), return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"NoneType": 1, "SlotTaken": 5}


async def test_two_visits_of_a_patient_moved_at_once_do_not_meet(world: World) -> None:
    visits = [await world.appointment(world.now + (60 + n) * HOUR) for n in range(2)]
    starts = world.now + 90 * HOUR
    targets = [
        await world.slot(starts),
        await world.slot(starts, schedule=await world.another_practitioner()),
    ]
    answers = await asyncio.gather(
        *(move(world, visit, slot) for visit, slot in zip(visits, targets, strict=True)),
        return_exceptions=True,
    )
    assert {type(answer).__name__ for answer in answers} == {"NoneType", "SlotNotOffered"}
