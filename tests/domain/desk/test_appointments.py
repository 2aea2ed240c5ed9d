"""What the clinic does with a visit, and who is told."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.appointments import agenda, attendance, letters, window
from domain.desk import appointments
from domain.desk.appointments import Move
from domain.errors import (
    ChangedMeanwhile,
    ClashesWithOwnVisit,
    FormReused,
    Invalid,
    NoShowKept,
    NotFound,
    NotYetBegun,
    Refusal,
    SlotHeld,
    SlotTaken,
    TooLateToCancel,
    VisitBegun,
)
from domain.links import Links, Purpose
from domain.mail import delivery
from domain.staff.member import Member
from domain.staff.roles import Role
from tests.domain import records
from tests.domain.values import local
from tests.world import World

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
LINKS = Links(["0123456789abcdefghijklmnopqrstuvwxyz"])


KNOWN: dict[UUID, Member] = {}
"""Each signs in once: more than three sessions at a time end the oldest."""


async def at_work(world: World, member: UUID | None = None) -> Member:
    id = member or world.dana
    if id not in KNOWN:
        KNOWN[id] = await world.at_work(id)
    return KNOWN[id]


async def cancel(world: World, visit: UUID, note: str = "", **options: Any) -> agenda.Visit:
    member = options.pop("member", None) or await at_work(world)
    given = {"version": 1, "now": world.now, **options}
    return await appointments.cancel(member, visit, note=note, **given)


async def confirm(world: World, visit: UUID, **options: Any) -> agenda.Visit:
    given = {"version": 1, "now": world.now, **options}
    return await appointments.confirm(await at_work(world), visit, **given)


async def move(world: World, visit: UUID, slot: UUID, **options: Any) -> agenda.Visit:
    now = options.pop("now", world.now)
    given = {"note": "", "version": 1, "key": uuid4().hex, **options}
    return await appointments.move(await at_work(world), visit, Move(slot, **given), now=now)


async def hold(world: World, slot: UUID) -> None:
    await db.fetch(
        "INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)"
        " VALUES ({}, {}, {}, {}, {}, {})",
        uuid4(),
        slot,
        world.charlie_account,
        world.charlie,
        world.now,
        world.now + HOUR,
    )


# Confirming, cancelling


@pytest.mark.parametrize(
    "starts",
    ["2026-11-27T09:00", "2026-11-02T09:00", "2027-03-15T09:00"],
    ids=["no change", "clocks went back", "clocks went forward"],
)
async def test_the_clinic_confirms_and_cancels_until_the_visit_begins(
    world: World, starts: str
) -> None:
    begins = local(starts)
    visit = await world.appointment(begins)
    for act in (confirm, cancel, move):
        more = (await world.slot(begins + 7 * DAY),) if act is move else ()
        with pytest.raises(VisitBegun):
            await act(world, visit, *more, now=begins)
    assert await records.audited(visit) == {}
    await confirm(world, visit, now=begins - 100 * DAY)
    assert (await cancel(world, visit, now=begins - SECOND)).state == "cancelled"
    assert await records.audited(visit) == {"confirmed": 1, "cancelled": 1}


async def test_a_cancelled_visit_says_by_whom_and_why_and_frees_its_slot(world: World) -> None:
    visit = await world.appointment(world.now + 2 * HOUR, confirmed_at=world.now)
    slot = (await records.visit(visit))["slot"]
    shown = await cancel(world, visit, " La docteure est absente.\r\nDésolés. ")
    assert (shown.state, shown.cancelled_by_clinic) == ("cancelled", True)
    assert shown.clinic_note == "La docteure est absente.\nDésolés."
    row = await records.visit(visit)
    assert (row["cancelled_by"], row["cancelled_by_staff"]) == (None, world.dana)
    assert await records.told(visit) == {"cancelled": 1}
    assert await records.mailed_to(visit, "cancelled") == {world.alice_account}
    again = await world.appointment(world.now + 2 * HOUR, slot=slot, patient=world.charlie)
    assert (await records.visit(again))["slot"] == slot


async def test_a_note_has_300_characters_and_no_more(world: World) -> None:
    visit = await world.appointment(world.now + 2 * HOUR)
    with pytest.raises(Invalid) as refused:
        await cancel(world, visit, "é" * 301)
    assert refused.value.problems == {"mot": "too_long"}
    assert await records.audited(visit) == await records.mails(visit) == {}
    assert (await cancel(world, visit, "é" * 300)).clinic_note == "é" * 300


async def test_the_same_form_sent_twice_cancels_once(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    for _ in range(2):
        await cancel(world, visit, "Désolés.")
    assert await records.audited(visit) == await records.mails(visit) == {"cancelled": 1}


async def test_who_comes_second_is_told_by_whom_it_was_changed(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    fay = await at_work(world, world.fay)
    await cancel(world, visit, member=fay)
    for act in (cancel, confirm):
        with pytest.raises(ChangedMeanwhile) as told:
            await act(world, visit)
        assert (told.value.by, told.value.at) == ("Fay Blais", world.now)
    theirs = await world.appointment(world.now + 70 * HOUR)
    await attendance.cancel(await world.viewer(), world.alice, theirs, now=world.now)
    with pytest.raises(ChangedMeanwhile) as told:
        await cancel(world, theirs)
    assert told.value.by == ""


async def test_whoever_looked_at_an_earlier_time_changes_nothing(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await move(world, visit, await world.slot(world.now + 65 * HOUR))
    before = await records.visit(visit)
    member, later = await at_work(world), before["starts_at"] + HOUR
    for act in (
        cancel(world, visit),
        confirm(world, visit),
        move(world, visit, await world.slot(world.now + 67 * HOUR)),
        appointments.mark_no_show(member, visit, version=1, now=later),
        appointments.undo_no_show(member, visit, version=1, now=later),
    ):
        with pytest.raises(ChangedMeanwhile):
            await act  # type: ignore[misc]
    assert await records.visit(visit) == before


async def test_a_visit_confirmed_on_the_phone_is_asked_no_more(world: World) -> None:
    visit = await world.appointment(world.now + 100 * HOUR)
    await confirm(world, visit)
    await confirm(world, visit)
    await window.open_due(now=world.now + 50 * HOUR)
    assert await records.mails(visit) == {}
    assert await records.audited(visit) == await records.told(visit) == {"confirmed": 1}
    assert (await records.visit(visit))["confirmed_by_staff"] == world.dana


# Who is told


async def test_the_mail_says_that_the_clinic_cancelled_and_what_it_may_of_why(world: World) -> None:
    visit = await world.appointment(world.now + 2 * HOUR)
    await cancel(world, visit, "Absente.")
    (owed,) = await delivery.lease(9, now=world.now)
    letter = await letters.compose(owed, links=LINKS, now=world.now)
    assert letter is not None
    assert (letter.visit.cancelled_by_clinic, letter.visit.clinic_note) == (True, "Absente.")


async def test_a_patient_without_an_account_is_to_be_called(world: World) -> None:
    nobody = await world.patient("Eve", "Roy", world.now.date())
    visit = await world.appointment(world.now + 60 * HOUR, patient=nobody, booked_by_staff=None)
    member = await at_work(world)
    assert await appointments.readers(member, visit, now=world.now) == []
    await cancel(world, visit)
    assert await records.mails(visit) == {}


async def test_staff_see_whom_a_mail_reaches_and_whom_it_does_not(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    member = await at_work(world)

    async def reached() -> list[tuple[str, str, bool]]:
        found = await appointments.readers(member, visit, now=world.now)
        return [(each.name, each.email, each.is_reached) for each in found]

    assert await reached() == [("Alice Gagnon", "alice@example.com", True)]
    await db.fetch(
        "UPDATE account SET undeliverable_at = {} WHERE id = {}", world.now, world.alice_account
    )
    assert await reached() == [("Alice Gagnon", "alice@example.com", False)]
    await db.fetch("UPDATE account SET undeliverable_at = NULL")
    await db.fetch(
        "INSERT INTO mail_preference (id, account, patient, mail_class, refused_at)"
        " VALUES ({}, {}, {}, 'appointment', {})",
        uuid4(),
        world.alice_account,
        world.alice,
        world.now,
    )
    assert await reached() == [("Alice Gagnon", "alice@example.com", False)]
    await cancel(world, visit)
    assert await records.mails(visit) == {}


async def test_what_happened_names_the_staff_and_the_patient(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await attendance.confirm(await world.viewer(), world.alice, visit, now=world.now)
    await move(world, visit, await world.slot(world.now + 80 * HOUR))
    await cancel(world, visit, version=2)
    found = await appointments.happened(await at_work(world), visit, now=world.now)
    assert [(each.what, each.by, each.is_staff) for each in found] == [
        ("confirmed", "Alice Gagnon", False),
        ("moved", "Dana Fortin", True),
        ("cancelled", "Dana Fortin", True),
    ]


# Absences


async def test_an_absence_is_noted_after_the_start_and_withdrawn_on_its_day(world: World) -> None:
    begins = local("2026-11-23T16:00")
    visit = await world.appointment(begins, confirmed_at=world.now)
    member = await at_work(world)
    with pytest.raises(NotYetBegun):
        await appointments.mark_no_show(member, visit, version=1, now=begins - SECOND)
    for _ in range(2):
        await appointments.mark_no_show(member, visit, version=1, now=begins)
    shown = await agenda.visit(await world.viewer(), visit, now=begins)
    assert (shown.state, shown.may_confirm, shown.may_cancel) == ("no_show", False, False)
    row = await records.visit(visit)
    assert (row["no_show_at"], row["no_show_by"]) == (begins, world.dana)
    with pytest.raises(NoShowKept):
        await appointments.undo_no_show(member, visit, version=1, now=local("2026-11-24T00:00"))
    for _ in range(2):
        await appointments.undo_no_show(member, visit, version=1, now=local("2026-11-23T23:59"))
    assert (await agenda.visit(await world.viewer(), visit, now=begins)).state == "confirmed"
    assert await records.audited(visit) == {"no_show": 1, "no_show_undone": 1}
    assert await records.mails(visit) == await records.told(visit) == {}


async def test_who_cancelled_was_not_absent(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await cancel(world, visit)
    with pytest.raises(ChangedMeanwhile):
        await appointments.mark_no_show(
            await at_work(world), visit, version=1, now=world.now + 61 * HOUR
        )


# Moving


async def test_a_moved_visit_is_to_confirm_again_and_tells_why(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await confirm(world, visit)
    await window.open_due(now=world.now)
    target = await world.slot(world.now + 10 * HOUR)
    shown = await move(world, visit, target, note="Plus tôt, comme convenu.")
    assert (shown.slot, shown.version, shown.state) == (target, 2, "booked")
    assert shown.clinic_note == "Plus tôt, comme convenu."
    row = await records.visit(visit)
    assert (row["confirmed_at"], row["confirmed_by_staff"]) == (None, None)
    assert await records.mailed_to(visit, "moved") == {world.alice_account}


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


async def test_the_same_form_moves_once_and_another_text_is_another_form(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    target = await world.slot(world.now + 65 * HOUR)
    for _ in range(2):
        await move(world, visit, target, key="k")
    assert await records.audited(visit) == await records.mails(visit) == {"moved": 1}
    with pytest.raises(FormReused):
        await move(world, visit, target, key="k", note="Autre")
    with pytest.raises(NotFound):
        await move(world, visit, target, key="")


async def test_staff_move_to_no_slot_that_somebody_else_has(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    before = await records.visit(visit)
    taken = await world.slot(world.now + 70 * HOUR)
    await world.appointment(world.now + 70 * HOUR, slot=taken, patient=world.charlie)
    held = await world.slot(world.now + 71 * HOUR)
    await hold(world, held)
    other = await world.another_practitioner()
    busy = await world.slot(world.now + 72 * HOUR, schedule=other)
    await world.appointment(world.now + 72 * HOUR)
    for slot, refusal in ((taken, SlotTaken), (held, SlotHeld), (busy, ClashesWithOwnVisit)):
        with pytest.raises(refusal):
            await move(world, visit, slot)
    assert await records.visit(visit) == before


async def test_a_visit_may_move_by_less_than_its_length(world: World) -> None:
    """The patient's own visit, that is being moved, is no other visit at that time."""
    visit = await world.appointment(world.now + 60 * HOUR)
    schedule = await world.another_practitioner()
    target = await world.slot(world.now + 60 * HOUR + HOUR / 6, schedule=schedule)
    assert (await move(world, visit, target)).slot == target


# Whose it is


async def test_a_practitioner_sees_and_changes_their_own_alone(world: World) -> None:
    erin = await at_work(world, world.erin)
    own = await world.appointment(world.now + 60 * HOUR)
    schedule = await world.another_practitioner()
    (row,) = await records.rows("SELECT practitioner FROM schedule WHERE id = {}", schedule)
    slot = await world.slot(world.now + 61 * HOUR, schedule=schedule)
    theirs = await world.appointment(
        world.now + 61 * HOUR, slot=slot, practitioner=row["practitioner"]
    )
    assert (await appointments.open_visit(erin, own, now=world.now)).visit.id == own
    asked = Move(await world.slot(world.now + 80 * HOUR), "", 1, "k")
    for act in (
        appointments.open_visit(erin, theirs, now=world.now),
        appointments.readers(erin, theirs, now=world.now),
        appointments.happened(erin, theirs, now=world.now),
        appointments.confirm(erin, theirs, version=1, now=world.now),
        appointments.cancel(erin, theirs, note="", version=1, now=world.now),
        appointments.move(erin, theirs, asked, now=world.now),
        appointments.mark_no_show(erin, theirs, version=1, now=world.now),
        appointments.undo_no_show(erin, theirs, version=1, now=world.now),
    ):
        with pytest.raises(NotFound):
            await act
    free = await world.slot(world.now + 90 * HOUR, schedule=schedule)
    with pytest.raises(NotFound):
        await appointments.move(erin, own, Move(free, "", 1, "k2"), now=world.now)


async def test_a_practitioner_without_a_calendar_sees_none(world: World) -> None:
    nobody = await world.at_work(await world.member(role=Role.PRACTITIONER))
    visit = await world.appointment(world.now + 60 * HOUR)
    with pytest.raises(NotFound):
        await appointments.open_visit(nobody, visit, now=world.now)


async def test_what_the_page_offers_is_what_the_acts_allow(world: World) -> None:
    member = await at_work(world)
    begins = world.now + 10 * HOUR
    visit = await world.appointment(begins)

    async def offered(now: datetime) -> tuple[bool, ...]:
        desk = await appointments.open_visit(member, visit, now=now)
        return desk.may_confirm, desk.stands, desk.may_mark_no_show, desk.may_undo_no_show

    assert await offered(begins - SECOND) == (True, True, False, False)
    assert await offered(begins) == (False, False, True, False)
    await appointments.mark_no_show(member, visit, version=1, now=begins)
    assert await offered(begins) == (False, False, False, True)
    assert await offered(begins + DAY) == (False, False, False, False)


async def test_a_withdrawn_slot_is_said_to_be_offered_to_nobody(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await records.withdraw((await records.visit(visit))["slot"], world)
    desk = await appointments.open_visit(await at_work(world), visit, now=world.now)
    assert desk.is_slot_withdrawn


# All at the same instant


async def attempt(act: Any) -> str:
    try:
        await act
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


async def test_staff_cancel_and_patient_confirm_at_once_end_in_one_state(world: World) -> None:
    """A26, with the clinic's side: the mails and the journal match what happened."""
    shuffled = random.Random(11)
    viewer = await world.viewer()
    for n in range(12):
        now = world.now + n * 7 * DAY
        visit = await world.appointment(now + 60 * HOUR)
        acts = {
            "cancelled": cancel(world, visit, now=now),
            "confirmed": attendance.confirm(viewer, world.alice, visit, now=now),
        }
        names = shuffled.sample(list(acts), 2)
        answers = await asyncio.gather(*(attempt(acts[name]) for name in names))
        outcome = dict(zip(names, answers, strict=True))
        row = await records.visit(visit)
        assert outcome["cancelled"] == "done"
        assert row["cancelled_by_staff"] == world.dana
        assert outcome["confirmed"] in ("done", "AlreadyCancelled")
        assert (outcome["confirmed"] == "done") is (row["confirmed_at"] is not None)
        done = Counter(name for name, answer in outcome.items() if answer == "done")
        assert await records.audited(visit) == await records.told(visit) == done
        assert await records.mails(visit) == {"cancelled": 1}


async def test_staff_move_and_patient_cancel_at_once_are_one_of_the_two(world: World) -> None:
    """A26: whoever comes second is told; after the move it is too late to cancel."""
    shuffled = random.Random(5)
    for n in range(12):
        await db.fetch("DELETE FROM attempt")
        now = world.now + n * 7 * DAY
        visit = await world.appointment(now + 60 * HOUR)
        target = await world.slot(now + 47 * HOUR)
        viewer = await world.viewer()
        acts = {
            "moved": move(world, visit, target, now=now),
            "cancelled": attendance.cancel(viewer, world.alice, visit, now=now),
        }
        names = shuffled.sample(list(acts), 2)
        answers = await asyncio.gather(*(attempt(acts[name]) for name in names))
        outcome = dict(zip(names, answers, strict=True))
        assert sorted(outcome.values()) in (
            ["ChangedMeanwhile", "done"],
            [TooLateToCancel.__name__, "done"],
        )
        done = {name for name, answer in outcome.items() if answer == "done"}
        assert await records.audited(visit) == await records.mails(visit) == Counter(done)


async def test_of_two_secretaries_who_move_one_visit_the_second_is_told(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    targets = [await world.slot(world.now + (70 + n) * HOUR) for n in range(4)]
    answers = await asyncio.gather(*(attempt(move(world, visit, slot)) for slot in targets))
    assert Counter(answers) == {"done": 1, "ChangedMeanwhile": 3}
    assert await records.audited(visit) == await records.mails(visit) == {"moved": 1}


async def test_of_two_secretaries_who_cancel_one_is_told(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    fay = await at_work(world, world.fay)
    answers = await asyncio.gather(
        attempt(cancel(world, visit)), attempt(cancel(world, visit, member=fay))
    )
    assert Counter(answers) == {"done": 1, "ChangedMeanwhile": 1}
    assert await records.mails(visit) == {"cancelled": 1}
