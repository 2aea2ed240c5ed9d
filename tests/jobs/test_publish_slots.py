"""The weekly template becomes slots, once, less the absences, also where the clocks change."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from domain.clinic.tables import Absence, Slot, WeeklyHours
from jobs.publish_slots import publish_slots
from tests.world import ZONE, World

SUNDAY, MONDAY, TUESDAY = 6, 0, 1


async def hours(
    world: World,
    weekday: int,
    opens: str,
    closes: str,
    *,
    minutes: int = 30,
    schedule: UUID | None = None,
) -> None:
    line = WeeklyHours(
        id=uuid4(),
        schedule=schedule or world.schedule,
        weekday=weekday,
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        slot_minutes=minutes,
    )
    await WeeklyHours.insert(line)


async def absence(first: date, last: date, practitioner: UUID | None = None) -> None:
    away = Absence(id=uuid4(), practitioner=practitioner, first_day=first, last_day=last)
    await Absence.insert(away)


async def published(day: date | None = None) -> list[str]:
    """The starts as the clinic's clock shows them."""
    starts = [
        slot.starts_at.astimezone(ZONE) for slot in await Slot.objects().order_by("starts_at")
    ]
    return [f"{at:%m-%d %H:%M}" for at in starts if day in (None, at.date())]


async def test_the_template_is_published_to_the_horizon_and_no_further(world: World) -> None:
    await world.set_clinic(horizon_weeks=2)
    await hours(world, TUESDAY, "09:00", "10:15")
    assert await publish_slots(now=world.now) == 4
    assert await published() == ["11-24 09:00", "11-24 09:30", "12-01 09:00", "12-01 09:30"]
    slot = await Slot.objects().order_by(Slot.starts_at).first()
    assert slot is not None
    assert (slot.practitioner, slot.site, slot.minutes) == (world.practitioner, world.site, 30)


async def test_nothing_is_published_in_the_past(world: World) -> None:
    await world.set_clinic(horizon_weeks=1)
    await hours(world, MONDAY, "09:00", "11:00")
    await publish_slots(now=world.now)  # a Monday at 10:00
    assert await published() == ["11-23 10:30", "11-30 09:00", "11-30 09:30"]


async def test_published_again_it_adds_nothing_and_a_day_later_a_day(world: World) -> None:
    await hours(world, MONDAY, "09:00", "12:00")
    await hours(world, TUESDAY, "09:00", "12:00")
    await publish_slots(now=world.now)
    before = await published()
    assert await publish_slots(now=world.now) == 0
    assert await published() == before
    assert await publish_slots(now=world.now + timedelta(days=1)) == 6


async def test_published_by_two_at_once_nothing_comes_twice(world: World) -> None:
    await hours(world, TUESDAY, "08:00", "12:00", minutes=20)
    together = await asyncio.gather(*[publish_slots(now=world.now) for _ in range(3)])
    assert sum(together) == await Slot.count() == 12 * 12


async def test_a_slot_that_staff_withdrew_is_not_published_again(world: World) -> None:
    await hours(world, TUESDAY, "09:00", "10:00")
    await publish_slots(now=world.now)
    await Slot.update({Slot.withdrawn_at: world.now, Slot.withdrawn_why: "staff"}, force=True)
    assert await publish_slots(now=world.now + timedelta(minutes=1)) == 0


async def test_a_slot_added_by_hand_is_kept_and_not_overlapped(world: World) -> None:
    await hours(world, TUESDAY, "09:00", "10:30")
    by_hand = datetime(2026, 11, 24, 9, 15, tzinfo=ZONE).astimezone(UTC)
    await world.slot(by_hand, minutes=30)
    await publish_slots(now=world.now)
    assert await published(date(2026, 11, 24)) == ["11-24 09:15", "11-24 10:00"]


async def test_no_slots_on_days_of_absence_of_one_or_of_all(world: World) -> None:
    await world.set_clinic(horizon_weeks=4)
    await hours(world, TUESDAY, "09:00", "09:30")
    colleague = await world.another_practitioner()
    await hours(world, TUESDAY, "14:00", "14:30", schedule=colleague)
    await absence(date(2026, 11, 30), date(2026, 12, 1), world.practitioner)
    await absence(date(2026, 12, 8), date(2026, 12, 8))
    await publish_slots(now=world.now)
    assert await published() == [
        "11-24 09:00",
        "11-24 14:00",
        "12-01 14:00",
        "12-15 09:00",
        "12-15 14:00",
    ]


@pytest.mark.parametrize(
    ("now", "before", "change", "offsets"),
    [
        ("2026-10-25T12:00+00:00", "10-26 09:00", "11-02 09:00", (-4, -5)),
        ("2027-03-07T12:00+00:00", "03-08 09:00", "03-15 09:00", (-5, -4)),
    ],
)
async def test_a_template_keeps_its_wall_clock_times_across_a_change(
    world: World, now: str, before: str, change: str, offsets: tuple[int, int]
) -> None:
    await world.set_clinic(horizon_weeks=2)
    await hours(world, MONDAY, "09:00", "09:30")
    await publish_slots(now=datetime.fromisoformat(now))
    assert await published() == [before, change]
    slots = await Slot.objects().order_by(Slot.starts_at)
    assert [slot.starts_at.hour for slot in slots] == [9 - offset for offset in offsets]


@pytest.mark.parametrize(
    ("now", "sunday", "expected"),
    [
        # 01:30 would end at the second 01:00; the hour that is repeated counts once.
        (
            "2026-10-30T12:00+00:00",
            date(2026, 11, 1),
            ["00:00", "00:30", "01:00", "02:00", "02:30", "03:00", "03:30"],
        ),
        # 02:00 to 03:00 does not happen: 01:30 ends, half an hour later, at 03:00.
        (
            "2027-03-12T12:00+00:00",
            date(2027, 3, 14),
            ["00:00", "00:30", "01:00", "01:30", "03:00", "03:30"],
        ),
    ],
)
async def test_in_the_night_of_a_change_every_slot_has_its_length_and_none_comes_twice(
    world: World, now: str, sunday: date, expected: list[str]
) -> None:
    await world.set_clinic(horizon_weeks=1)
    await hours(world, SUNDAY, "00:00", "04:00")
    await publish_slots(now=datetime.fromisoformat(now))
    assert [text.split()[1] for text in await published(sunday)] == expected
    slots = await Slot.objects().order_by(Slot.starts_at)
    assert all(slot.ends_at - slot.starts_at == timedelta(minutes=30) for slot in slots)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(slots))


async def test_a_clinic_without_a_template_publishes_nothing(world: World) -> None:
    assert await publish_slots(now=world.now) == 0
