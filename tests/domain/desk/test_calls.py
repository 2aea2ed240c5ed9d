"""Whom somebody has to call after the clinic cancelled, and who called."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import db
from domain.desk import appointments, calls
from domain.errors import NotFound, VisitBegun
from tests.domain import records
from tests.domain.desk.test_appointments import at_work, cancel, confirm
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def nobody(world: World) -> UUID:
    """A patient without an account."""
    return await world.patient("Eve", "Roy", world.now.date())


async def cancelled(world: World, patient: UUID | None = None, after: timedelta = DAY) -> UUID:
    visit = await world.appointment(world.now + after, patient=patient or await nobody(world))
    await cancel(world, visit)
    return visit


async def to_call(world: World, member: UUID | None = None, **options: object) -> list[UUID]:
    now = options.get("now", world.now)
    found = await calls.to_call(await at_work(world, member), now=now)  # type: ignore[arg-type]
    return [each.row.visit.id for each in found]


async def call(world: World, visit: UUID, outcome: str, **options: object) -> None:
    member = await at_work(world, options.get("member"))  # type: ignore[arg-type]
    await calls.record(member, visit, outcome, now=options.get("now", world.now))  # type: ignore[arg-type]


async def outcomes(visit: UUID) -> list[str]:
    rows = await db.fetch(
        "SELECT outcome FROM audit_line WHERE subject = {} AND action = {} ORDER BY id",
        visit,
        "appointment.called",
    )
    return [row["outcome"] for row in rows]


async def test_who_is_told_by_no_mail_is_called_until_somebody_did(world: World) -> None:
    alone = await cancelled(world)
    told = await cancelled(world, world.alice, 2 * DAY)
    assert await records.mails(told) == {"cancelled": 1}
    assert await to_call(world) == [alone]
    assert await calls.tally([alone, told], now=world.now) == (1, 1)
    await call(world, alone, "no_answer")
    (left,) = await calls.to_call(await at_work(world), now=world.now)
    assert left.last is not None
    assert (left.last.outcome, left.last.by, left.last.at) == (
        "no_answer",
        "Dana Fortin",
        world.now,
    )
    await call(world, alone, "reached", now=world.now + MINUTE)
    assert await to_call(world, now=world.now + MINUTE) == []
    seen = await appointments.open_visit(await at_work(world), alone, now=world.now + MINUTE)
    assert not seen.is_to_call


@pytest.mark.parametrize(
    ("change", "is_called"),
    [
        ("SET sent_at = created_at", False),
        ("SET dead_at = created_at", True),
        ("SET dead_at = created_at, handled_at = created_at", False),
        ("SET dropped_at = created_at", True),
    ],
)
async def test_a_mail_that_did_not_arrive_announced_nothing(
    world: World, change: str, is_called: bool
) -> None:
    visit = await cancelled(world, world.alice)
    await db.fetch(f"UPDATE outbound_email {change}")
    assert await to_call(world) == [visit] * is_called


async def test_an_address_that_takes_no_mail_is_called(world: World) -> None:
    visit = await cancelled(world, world.alice)
    await db.fetch("UPDATE account SET undeliverable_at = {}", world.now)
    assert await to_call(world) == [visit]


async def test_what_the_patient_cancelled_or_is_past_is_not_called_about(world: World) -> None:
    eve = await nobody(world)
    await world.appointment(world.now + DAY, patient=eve, cancelled_at=world.now)
    visit = await cancelled(world, eve, HOUR)
    assert await to_call(world) == [visit]
    assert await to_call(world, now=world.now + HOUR) == []
    with pytest.raises(VisitBegun):
        await call(world, visit, "reached", now=world.now + HOUR)


async def test_a_call_before_the_cancelling_was_not_about_it(world: World) -> None:
    visit = await world.appointment(world.now + DAY, patient=await nobody(world))
    await call(world, visit, "reached")
    await cancel(world, visit, now=world.now + HOUR)
    assert await to_call(world, now=world.now + HOUR) == [visit]


async def test_the_same_press_twice_is_one_call(world: World) -> None:
    visit = await cancelled(world)
    for outcome in ("no_answer", "no_answer", "reached", "reached"):
        await call(world, visit, outcome)
    await call(world, visit, "reached", member=world.fay, now=world.now + HOUR)
    assert await outcomes(visit) == ["done.no_answer", "done"]


async def test_calling_later_is_another_call_and_who_confirmed_is_called_no_more(
    world: World,
) -> None:
    visit = await world.appointment(world.now + DAY)
    await call(world, visit, "no_answer")
    await call(world, visit, "no_answer", now=world.now + HOUR)
    await confirm(world, visit, now=world.now + HOUR)
    await call(world, visit, "message_left", now=world.now + 2 * HOUR)
    assert await outcomes(visit) == ["done.no_answer"] * 2


async def test_an_outcome_that_there_is_not_is_not_noted(world: World) -> None:
    visit = await cancelled(world)
    for outcome in ("", "done", "x" * 500):
        with pytest.raises(NotFound):
            await call(world, visit, outcome)
    assert await outcomes(visit) == []


async def test_a_practitioner_sees_their_own_alone(world: World) -> None:
    visit = await cancelled(world)
    assert await to_call(world, world.erin) == [visit]
    await world.another_practitioner()
    await db.fetch(
        "UPDATE appointment SET practitioner ="
        " (SELECT id FROM practitioner WHERE last_name = 'Tran')"
    )
    assert await to_call(world, world.erin) == []
    assert await to_call(world) == [visit]
    with pytest.raises(NotFound):
        await call(world, visit, "reached", member=world.erin)


async def test_what_happened_names_the_calls(world: World) -> None:
    visit = await cancelled(world)
    await call(world, visit, "message_left")
    happened = await appointments.happened(await at_work(world), visit, now=world.now)
    assert [(each.what, each.by) for each in happened] == [
        ("cancelled", "Dana Fortin"),
        ("message_left", "Dana Fortin"),
    ]
