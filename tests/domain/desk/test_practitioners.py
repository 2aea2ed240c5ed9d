"""Whom a form lets choose: all of a few, of many by their name."""

from uuid import UUID, uuid4

import pytest

from domain import db
from domain.desk import practitioners
from domain.desk.practitioners import Pick
from domain.staff.member import Member
from tests import databases
from tests.world import World


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practitioners, "MOST_LISTED", 2)


@pytest.fixture
async def colleagues(world: World) -> dict[str, UUID]:
    """Beside Dre Roy: three called Hugo."""
    return {name: await colleague(world, name) for name in ("Côté-Roy", "Nguyễn", "Tremblay")}


async def colleague(world: World, last_name: str) -> UUID:
    schedule = await world.another_practitioner(last_name)
    (row,) = await db.fetch("SELECT practitioner FROM schedule WHERE id = {}", schedule)
    found: UUID = row["practitioner"]
    return found


def names(pick: Pick) -> list[str]:
    return [each.name.fr.partition(" Hugo ")[2] or each.name.fr for each in pick.listed]


async def test_of_a_few_all_are_listed_and_no_name_is_asked_for(
    dana: Member, colleagues: dict[str, UUID], world: World
) -> None:
    pick = await practitioners.pick(dana, world.practitioner, "Tremblay")
    assert (pick.chosen, pick.are_many, len(pick.listed)) == (world.practitioner, False, 4)
    assert {each.id for each in pick.listed} == {world.practitioner, *colleagues.values()}


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Tremblay", "Tremblay"),
        ("  dr hugo TREMB ", "Tremblay"),
        ("nguyen", "Nguyễn"),
        ("cote", "Côté-Roy"),
        ("Hugo Cote-R", "Côté-Roy"),
        ("côté roy", "Côté-Roy"),
        ("Dr. Tremblay, Hugo", "Tremblay"),
    ],
)
async def test_of_many_a_name_chooses_whom_it_alone_can_mean(
    dana: Member, colleagues: dict[str, UUID], typed: str, meant: str
) -> None:
    pick = await practitioners.pick(dana, colleagues["Tremblay"], typed)
    assert (pick.chosen, names(pick)) == (colleagues[meant], [meant])
    assert (pick.typed, pick.problem, pick.value) == ("", None, str(colleagues[meant]))


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("typed", "problem", "listed"),
    [
        ("zzz", "unknown", []),
        ("%", "unknown", []),
        ("_", "unknown", []),
        ("h", "too_many", []),
        ("roy", "several", ["Côté-Roy"]),
    ],
)
async def test_a_name_that_chooses_nobody_says_why(
    dana: Member,
    world: World,
    colleagues: dict[str, UUID],
    typed: str,
    problem: str,
    listed: list[str],
) -> None:
    if problem == "several":
        (own,) = await db.fetch(
            "UPDATE practitioner SET last_name = 'Royer', first_name = 'Anne', title = 'Dre'"
            " WHERE id = {} RETURNING title || ' ' || first_name || ' ' || last_name AS name",
            world.practitioner,
        )
        listed = [*listed, own["name"]]
    before = [] if problem == "several" else ["Tremblay"]
    chosen = world.practitioner if before == [] else colleagues["Tremblay"]
    pick = await practitioners.pick(dana, chosen, typed)
    assert (pick.chosen, pick.typed, pick.problem) == (None, typed, problem)
    assert names(pick) == [*listed, *before]
    assert pick.value == problem


@pytest.mark.usefixtures("many")
async def test_what_is_done_at_once_takes_a_whole_name(
    dana: Member, colleagues: dict[str, UUID], world: World
) -> None:
    """Of whoever left, a colleague's longer name is left."""
    tran = await colleague(world, "Tran-Roy")
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE last_name = 'Roy'", world.now)
    for part in ("tran", "Roy Tran", "Tran-Roy"):
        pick = await practitioners.pick(dana, None, part, is_final=True)
        assert (pick.chosen, pick.problem, names(pick)) == (None, "alike", ["Tran-Roy"])
    for whole in ("Hugo Tran-Roy", "dr. hugo tran roy"):
        pick = await practitioners.pick(dana, colleagues["Nguyễn"], whole, is_final=True)
        assert (pick.chosen, pick.problem, names(pick)) == (tran, None, ["Tran-Roy"])


@pytest.mark.usefixtures("many")
async def test_those_who_share_a_name_are_told_apart_by_what_they_do(
    dana: Member, colleagues: dict[str, UUID], world: World
) -> None:
    twin = await colleague(world, "Tremblay")
    other = uuid4()
    await db.fetch(
        "INSERT INTO specialty (id, name_fr, name_en) VALUES ({}, 'Nutrition', 'Dietetics')", other
    )
    await db.fetch("UPDATE practitioner SET specialty = {} WHERE id = {}", other, twin)
    pick = await practitioners.pick(dana, None, "Hugo Tremblay")
    assert pick.problem == "several"
    assert {each.id: each.name.en.partition(" (")[2] for each in pick.listed}[twin] == "Dietetics)"
    assert len({each.name.fr for each in pick.listed}) == 2


@pytest.mark.usefixtures("many")
async def test_of_many_the_chosen_one_is_listed_and_ones_own_also_when_they_left(
    dana: Member, colleagues: dict[str, UUID], world: World
) -> None:
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE last_name = 'Tremblay'", world.now)
    await colleague(world, "Abel")
    gone, here = colleagues["Tremblay"], colleagues["Nguyễn"]
    pick = await practitioners.pick(dana, here, kept=gone)
    assert (pick.chosen, names(pick)) == (here, ["Nguyễn", "Tremblay"])
    assert names(await practitioners.pick(dana, gone)) == []
    pick = await practitioners.pick(dana, here, "tremblay", kept=gone)
    assert (pick.problem, names(pick)) == ("unknown", ["Nguyễn", "Tremblay"])
    assert not await practitioners.is_offered(dana, gone)


@pytest.mark.usefixtures("many", "colleagues")
async def test_a_practitioner_chooses_themself_alone(world: World) -> None:
    erin = await world.at_work(world.erin)
    pick = await practitioners.pick(erin, None, "Tremblay")
    assert [each.id for each in pick.listed] == [world.practitioner]
    assert not pick.are_many
    assert await practitioners.first(erin) == world.practitioner


@pytest.mark.usefixtures("many")
async def test_a_list_asks_alike_of_however_many(
    dana: Member, colleagues: dict[str, UUID], world: World
) -> None:
    chosen = colleagues["Nguyễn"]
    with databases.statements() as asked:
        before = await practitioners.pick(dana, chosen)
    for n in range(10):
        await colleague(world, f"Abel {n}")
    with databases.statements() as asked_of_more:
        assert await practitioners.pick(dana, chosen) == before
    assert asked_of_more == asked
