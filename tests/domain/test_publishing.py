"""Published slots never overlap, whoever publishes and whatever the template says."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.clinic import publishing
from domain.clinic.tables import Schedule, ScheduleVisitType, Site, WeeklyHours
from tests.domain import records
from tests.domain.contender import publish_in_processes
from tests.world import World

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

OVERLAPPING = """
    SELECT count(*) AS n FROM slot a JOIN slot b ON a.practitioner = b.practitioner AND a.id < b.id
    WHERE a.withdrawn_at IS NULL AND b.withdrawn_at IS NULL
      AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
"""


async def hours(schedule: UUID, weekday: int, opens: time, closes: time, minutes: int) -> None:
    await WeeklyHours.insert(
        WeeklyHours(
            id=uuid4(),
            schedule=schedule,
            weekday=weekday,
            opens=opens,
            closes=closes,
            slot_minutes=minutes,
        )
    )


async def test_two_processes_that_publish_at_once_publish_once(world: World) -> None:
    other = await world.another_practitioner()
    for weekday in range(5):
        await hours(world.schedule, weekday, time(8), time(12), 20)
        await hours(other, weekday, time(13), time(17), 30)
    counts = await publish_in_processes(2, world.now)
    assert sum(counts) == await records.count("slot") > 500
    assert (await records.rows(OVERLAPPING))[0]["n"] == 0
    assert await publishing.publish(now=world.now) == 0


async def test_lines_of_a_template_that_overlap_publish_one_slot_a_time(world: World) -> None:
    """One practitioner cannot be at two sites at once, whatever the templates say."""
    annex = Site(
        id=uuid4(), name="Annexe", street="", city="", province="QC", postal_code="", phone=""
    )
    await Site.insert(annex)
    there = Schedule(id=uuid4(), practitioner=world.practitioner, site=annex.id)
    await Schedule.insert(there)
    await ScheduleVisitType.insert(
        ScheduleVisitType(id=uuid4(), schedule=there.id, visit_type=world.visit_type)
    )
    await hours(world.schedule, 1, time(9), time(12), 30)
    await hours(there.id, 1, time(11, 15), time(14), 30)
    assert await publishing.publish(now=world.now) == 12 * (6 + 3)
    assert (await records.rows(OVERLAPPING))[0]["n"] == 0


async def overlap_by_insert(world: World, offset: int, minutes: int) -> None:
    await world.slot(world.now + DAY + offset * MINUTE, minutes=minutes)


async def overlap_by_update(world: World, offset: int, minutes: int) -> None:
    slot = await world.slot(world.now + 9 * DAY)
    starts = world.now + DAY + offset * MINUTE
    await db.fetch(
        "UPDATE slot SET starts_at = {}, ends_at = {} WHERE id = {}",
        starts,
        starts + minutes * MINUTE,
        slot,
    )


async def overlap_by_bringing_back(world: World, offset: int, minutes: int) -> None:
    slot = uuid4()
    starts = world.now + DAY + offset * MINUTE
    await db.fetch(
        """
        INSERT INTO slot (id, schedule, practitioner, site, starts_at, ends_at, minutes,
            withdrawn_at)
        VALUES ({}, {}, {}, {}, {}, {}, {}, {})
        """,
        slot,
        world.schedule,
        world.practitioner,
        world.site,
        starts,
        starts + minutes * MINUTE,
        minutes,
        world.now,
    )
    await db.fetch("UPDATE slot SET withdrawn_at = NULL WHERE id = {}", slot)


@pytest.mark.parametrize(
    ("offset", "minutes", "is_refused"),
    [
        (0, 30, True),
        (29, 15, True),
        (-14, 15, True),
        (-10, 60, True),
        (10, 5, True),
        (30, 15, False),
        (-15, 15, False),
    ],
)
@pytest.mark.parametrize(
    "act",
    [overlap_by_insert, overlap_by_update, overlap_by_bringing_back],
    ids=lambda act: act.__name__,
)
async def test_the_database_refuses_overlapping_slots(
    world: World, act: Any, offset: int, minutes: int, is_refused: bool
) -> None:
    await world.slot(world.now + DAY, minutes=30)
    if not is_refused:
        await act(world, offset, minutes)
        return
    with pytest.raises(Exception) as error:  # noqa: PT011 - each engine has its own
        await act(world, offset, minutes)
    assert db.conflict_kind(error.value) == "overlap"


async def test_a_withdrawn_slot_and_another_practitioner_leave_the_time_free(world: World) -> None:
    slot = await world.slot(world.now + DAY)
    await world.slot(world.now + DAY, schedule=await world.another_practitioner())
    await records.withdraw(slot, world)
    await world.slot(world.now + DAY)
