"""What the clinic offers no more: nothing is published from it, and nobody adds to it meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.appointments.tables import Hold
from domain.clinic import publishing
from domain.clinic.hours import TypedLine
from domain.clinic.tables import Site, Specialty, WeeklyHours
from domain.desk import hours, offered
from domain.desk.hours import Typed
from domain.errors import ChangedMeanwhile, Invalid
from domain.staff.member import Member
from tests.domain import records
from tests.world import World

TUESDAY = TypedLine("1", "09:00", "10:00", "30")


@pytest.fixture
async def fay(world: World) -> Member:
    return await world.at_work(world.fay)


@pytest.fixture
async def published(world: World) -> None:
    """Tuesdays from 9 to 10."""
    line = {"weekday": 1, "opens": time(9), "closes": time(10), "slot_minutes": 30}
    await WeeklyHours.insert(WeeklyHours(id=uuid4(), schedule=world.schedule, **line))
    await publishing.publish(now=world.now)


def typed(world: World, site: UUID | None = None) -> Typed:
    return Typed(str(site or world.site), frozenset({str(world.visit_type)}), (TUESDAY,))


async def live() -> int:
    (row,) = await db.fetch("SELECT count(*) AS n FROM slot WHERE withdrawn_at IS NULL")
    return int(row["n"])


async def hold_first(world: World) -> None:
    rows = await db.fetch("SELECT id FROM slot ORDER BY starts_at LIMIT 1")
    await Hold.insert(
        Hold(
            id=uuid4(),
            slot=rows[0]["id"],
            account=world.alice_account,
            patient=world.alice,
            placed_at=world.now,
            expires_at=world.now + timedelta(minutes=5),
        )
    )


async def end(world: World, member: Member, word: str, id: UUID) -> None:
    version = (await offered.one(member, word, id)).version
    await offered.end(member, word, id, version=version, now=world.now)


@pytest.mark.usefixtures("published")
async def test_who_leaves_takes_every_free_slot_along_also_a_held_one(
    world: World, fay: Member
) -> None:
    await hold_first(world)
    await end(world, fay, "intervenants", world.practitioner)
    assert await live() == 0
    whys = await records.rows("SELECT DISTINCT withdrawn_why FROM slot")
    assert [row["withdrawn_why"] for row in whys] == [publishing.TEMPLATE]


@pytest.mark.usefixtures("published")
async def test_who_comes_back_has_no_hours_until_they_are_set_anew(
    world: World, fay: Member
) -> None:
    before = await live()
    await end(world, fay, "intervenants", world.practitioner)
    version = (await offered.one(fay, "intervenants", world.practitioner)).version
    args = fay, "intervenants", world.practitioner
    await offered.offer_again(*args, version=version, now=world.now)
    assert await publishing.publish(now=world.now) == 0
    assert await live() == 0
    await hours.add(fay, world.practitioner, typed(world), key="k", now=world.now)
    assert await live() == before


@pytest.mark.usefixtures("published")
async def test_a_place_that_ends_takes_its_last_free_slots_along_at_once(
    world: World, fay: Member
) -> None:
    await hold_first(world)
    await hours.end(fay, world.practitioner, world.schedule, version=1, now=world.now)
    assert await live() == 1
    await end(world, fay, "lieux", world.site)
    assert await live() == 0


async def test_who_changed_it_is_looked_for_in_the_last_day_alone(
    world: World, fay: Member
) -> None:
    """The journal is long, and has no index by what its lines are about."""

    async def late(days: int) -> tuple[str, object]:
        form, now = {"nom": "Soins"}, world.now + timedelta(days=days)
        with pytest.raises(ChangedMeanwhile) as refusal:
            await offered.save(fay, "equipes", world.team, form, version=1, now=now)
        return refusal.value.by, refusal.value.at

    form = {"nom": "Accueil et rendez-vous"}
    await offered.save(fay, "equipes", world.team, form, version=1, now=world.now)
    assert await late(0) == ("Fay Blais", world.now)
    assert await late(2) == ("", None)


# At the same instant

Act = Callable[[], Awaitable[Any]]


async def both(*acts: Act) -> list[str]:
    """The second comes up to where it waits for the first; what became of each."""
    has_acted = asyncio.Event()

    async def first() -> None:
        try:
            async with db.transaction():
                await acts[0]()
                has_acted.set()
                await asyncio.sleep(0.3)
        finally:
            has_acted.set()

    async def second() -> None:
        await has_acted.wait()
        await acts[1]()

    answers = await asyncio.gather(first(), second(), return_exceptions=True)
    return ["done" if answer is None else type(answer).__name__ for answer in answers]


def in_order(adds_first: bool, add: Act, end: Act) -> tuple[Act, Act]:
    return (add, end) if adds_first else (end, add)


ORDERS = pytest.mark.parametrize(
    ("adds_first", "answers"), [(True, ["done", "StillInUse"]), (False, ["done", "Invalid"])]
)


@ORDERS
async def test_hours_are_never_added_at_a_place_that_ends(
    world: World, fay: Member, adds_first: bool, answers: list[str]
) -> None:
    annex = uuid4()
    of = dict.fromkeys(("street", "city", "postal_code", "phone"), "")
    await Site.insert(Site(id=annex, name="Annexe", province="QC", **of))
    form = typed(world, annex)
    acts = in_order(
        adds_first,
        lambda: hours.add(fay, world.practitioner, form, key="k", now=world.now),
        lambda: end(world, fay, "lieux", annex),
    )
    assert await both(*acts) == answers


@ORDERS
async def test_nobody_is_added_to_a_specialty_that_ends(
    world: World, fay: Member, adds_first: bool, answers: list[str]
) -> None:
    other = uuid4()
    await Specialty.insert(Specialty(id=other, name_fr="Pédiatrie", name_en="Pediatrics"))
    form = {"prenom": "Émile", "nom": "Côté", "specialite": str(other)}
    acts = in_order(
        adds_first,
        lambda: offered.add(fay, "intervenants", form, key="k", now=world.now),
        lambda: end(world, fay, "specialites", other),
    )
    assert await both(*acts) == answers


@pytest.mark.parametrize("adds_first", [True, False])
async def test_who_leaves_gets_no_hours_meanwhile(
    world: World, fay: Member, adds_first: bool
) -> None:
    acts = in_order(
        adds_first,
        lambda: hours.add(fay, world.practitioner, typed(world), key="k", now=world.now),
        lambda: end(world, fay, "intervenants", world.practitioner),
    )
    assert await both(*acts) == ["done", "done" if adds_first else "NotFound"]
    left = await records.rows("SELECT id FROM schedule WHERE ended_at IS NULL")
    assert (left, await live()) == ([], 0)


async def test_two_types_that_end_at_once_leave_one_to_their_schedule(
    world: World, fay: Member
) -> None:
    answers = await both(
        lambda: end(world, fay, "types", world.visit_type),
        lambda: end(world, fay, "types", world.urgent_type),
    )
    assert answers == ["done", "StillInUse"]


async def test_hours_are_not_saved_with_a_type_that_has_ended(world: World, fay: Member) -> None:
    await end(world, fay, "types", world.visit_type)
    with pytest.raises(Invalid) as refusal:
        await hours.add(fay, world.practitioner, typed(world), key="k", now=world.now)
    assert refusal.value.problems == {"types": "missing"}
