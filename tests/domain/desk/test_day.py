"""« Aujourd’hui »: what a day shows, to whom."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import audit, db
from domain.appointments.agenda import ClinicsVisit
from domain.clinic.calendar import moment
from domain.desk import appointments, calls, communications, day
from domain.desk.communications import WaitingCount
from domain.desk.day import Asked, Day
from tests import databases
from tests.domain import records
from tests.domain.desk.test_appointments import at_work
from tests.domain.values import local
from tests.web.staff.newcomers import newcomer
from tests.world import ZONE, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = date(2026, 11, 23)


async def shown(world: World, asked: Asked | None = None, member: UUID | None = None) -> Day:
    return await day.read(await at_work(world, member), asked or Asked(TODAY), now=world.now)


def told(found: Day) -> list[list[str]]:
    """By column: « 10:15 Alice Gagnon », or the free times between two."""
    return [[_row(row) for row in column.rows] for column in found.columns]


def _row(row: ClinicsVisit | list[day.Gap]) -> str:
    if isinstance(row, ClinicsVisit):
        return f"{clock(row.visit.starts_at)} {row.visit.patient_name}"
    return " ".join(clock(gap.starts_at) + "*" * gap.is_held for gap in row)


def clock(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M}"


async def elsewhere(world: World, at: datetime) -> UUID:
    """A visit of a colleague's."""
    schedule = await world.another_practitioner()
    (row,) = await records.rows("SELECT practitioner FROM schedule WHERE id = {}", schedule)
    slot = await world.slot(at, schedule=schedule)
    return await world.appointment(
        at, slot=slot, practitioner=row["practitioner"], patient=world.charlie
    )


async def test_a_day_has_its_visits_and_the_free_times_to_come(world: World) -> None:
    await world.slot(local("2026-11-23T09:00"))  # gone by now: it is 10:00
    await world.appointment(local("2026-11-23T08:00"))
    await world.appointment(local("2026-11-23T11:00"), patient=world.bob)
    for at in ("10:30", "10:45", "13:00"):
        await world.slot(local(f"2026-11-23T{at}"))
    await world.appointment(local("2026-11-24T08:00"))
    found = await shown(world)
    assert told(found) == [["08:00 Alice Gagnon", "10:30 10:45", "11:00 Bob Gagnon", "13:00"]]
    assert found.columns[0].standing == 2
    assert set(day_patients(found)) == {world.alice, world.bob}


def day_patients(found: Day) -> list[UUID]:
    return [row.visit.patient for row in found.visits]


async def test_a_cancelled_visit_stays_and_its_time_is_free_again(world: World) -> None:
    visit = await world.appointment(local("2026-11-23T11:00"))
    member = await at_work(world)
    await appointments.cancel(member, visit, note="", version=1, now=world.now)
    found = await shown(world)
    assert told(found) == [["11:00", "11:00 Alice Gagnon"]]
    assert found.columns[0].standing == 0


async def test_a_time_that_a_patient_holds_is_shown_as_held(world: World) -> None:
    slot = await world.slot(local("2026-11-23T11:00"))
    await db.fetch(
        "INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)"
        " VALUES ({}, {}, {}, {}, {}, {})",
        uuid4(),
        slot,
        world.alice_account,
        world.alice,
        world.now,
        world.now + HOUR,
    )
    assert told(await shown(world)) == [["11:00*"]]


async def test_a_withdrawn_time_is_no_free_time(world: World) -> None:
    await records.withdraw(await world.slot(local("2026-11-23T11:00")), world)
    assert told(await shown(world)) == []


async def test_a_day_is_of_all_or_of_one_practitioner_and_site(world: World) -> None:
    await world.appointment(local("2026-11-23T11:00"))
    await elsewhere(world, local("2026-11-23T11:00"))
    assert told(await shown(world)) == [["11:00 Alice Gagnon"], ["11:00 Charlie Dubois"]]
    own = Asked(TODAY, practitioner=world.practitioner)
    assert told(await shown(world, own)) == [["11:00 Alice Gagnon"]]
    assert len(told(await shown(world, Asked(TODAY, site=world.site)))) == 2
    assert told(await shown(world, Asked(TODAY, site=uuid4()))) == []


async def test_a_practitioner_sees_their_own_whatever_they_ask_for(world: World) -> None:
    await world.appointment(local("2026-11-23T11:00"))
    theirs = await elsewhere(world, local("2026-11-23T12:00"))
    (row,) = await records.rows("SELECT practitioner FROM appointment WHERE id = {}", theirs)
    for asked in (Asked(TODAY), Asked(TODAY, practitioner=row["practitioner"])):
        assert told(await shown(world, asked, world.erin)) == [["11:00 Alice Gagnon"]]
    erin = await at_work(world, world.erin)
    listed = await day.unconfirmed(erin, now=world.now)
    assert [each.visit.patient for each in listed] == [world.alice]


@pytest.mark.parametrize(
    ("change", "hours"), [(date(2027, 3, 14), 23), (date(2026, 11, 1), 25)], ids=str
)
async def test_a_day_of_the_clock_change_is_whole(world: World, change: date, hours: int) -> None:
    begin, end = (moment(change + n * DAY, time(0), ZONE) for n in range(2))
    assert end - begin == hours * HOUR
    for at in (begin - HOUR, begin, end - HOUR, end):
        await world.appointment(at)
    assert [len(column) for column in told(await shown(world, Asked(change)))] == [2]


async def test_unconfirmed_are_those_of_the_next_48_hours(world: World) -> None:
    now = world.now
    coming = [await world.appointment(now + n * HOUR) for n in (1, 47)]
    await world.appointment(now + 48 * HOUR)
    await world.appointment(now - HOUR)
    await world.appointment(now + 2 * HOUR, confirmed_at=now)
    await world.appointment(now + 3 * HOUR, cancelled_at=now)
    found = await day.unconfirmed(await at_work(world), now=now)
    assert [each.visit.id for each in found] == coming


async def test_the_mark_changes_with_what_is_shown_and_with_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await at_work(world)
    visit = await world.appointment(local("2026-11-23T11:00"))

    async def mark() -> str:
        return (await day.board(member, Asked(TODAY), now=world.now)).mark

    first = await mark()
    assert await mark() == first
    await appointments.confirm(member, visit, version=1, now=world.now)
    second = await mark()
    assert second != first
    await world.slot(local("2026-11-23T12:00"))
    third = await mark()
    assert third not in (first, second)
    monkeypatch.setattr(day, "COLUMNS", 1)
    assert await mark() == third
    await world.slot(local("2026-11-23T12:00"), schedule=await world.another_practitioner("Zola"))
    assert await mark() != third  # there is a second page now


async def test_what_waits_is_counted_for_whom_it_waits(world: World) -> None:
    thread = await world.thread(may_answer=True)
    await world.message(thread, "Bonjour.", account=world.alice_account, at=world.now)
    await db.fetch(
        "INSERT INTO clinic_request (id, account, kind, text, asked_at)"
        " VALUES ({}, {}, {}, {}, {})",
        uuid4(),
        world.alice_account,
        "attach",
        "Mon fils",
        world.now,
    )
    waits = await day.waiting(await at_work(world), now=world.now)
    assert (waits.matching, waits.requests, waits.messages) == (0, 1, WaitingCount(1, 1, 0))
    member = await at_work(world, world.erin)
    erin = await day.waiting(member, now=world.now)
    own = await communications.count_waiting(member, now=world.now)
    assert (erin.matching, erin.requests, erin.messages) == (None, None, own)


async def test_a_newcomer_who_has_a_chart_waits_for_none(world: World) -> None:
    """The count is that of the page behind it."""
    await newcomer(world)
    member = await at_work(world)
    assert (await day.waiting(member, now=world.now)).matching == 1
    await db.fetch(
        "INSERT INTO registration (account, first_name, last_name, birth_date, asked_at)"
        " VALUES ({}, 'Alice', 'Gagnon', {}, {})",
        world.alice_account,
        TODAY,
        world.now,
    )
    assert (await day.waiting(member, now=world.now)).matching == 1


async def test_what_an_open_page_shows_again_is_journalled_once_a_day(world: World) -> None:
    member = await at_work(world)
    await world.appointment(local("2026-11-23T11:00"))
    board = await day.board(member, Asked(TODAY), now=world.now)
    assert set(await day.newly_shown(member, board, now=world.now)) == {world.alice}
    await audit.record_each(member.actor, "read.staff.day", [world.alice], at=world.now)
    await world.appointment(local("2026-11-23T12:00"), patient=world.bob)
    board = await day.board(member, Asked(TODAY), now=world.now)
    assert set(await day.newly_shown(member, board, now=world.now)) == {world.bob}
    fay = await at_work(world, world.fay)
    assert set(await day.newly_shown(fay, board, now=world.now)) == {world.alice, world.bob}
    tomorrow = local("2026-11-24T00:00")
    assert world.alice in await day.newly_shown(member, board, now=tomorrow)


async def test_a_practitioner_at_two_sites_has_one_day_in_the_order_of_the_clock(
    world: World,
) -> None:
    (other,) = await db.fetch(
        "INSERT INTO site (id, name, street, city, province, postal_code, phone)"
        " VALUES ({}, 'Nord', '', '', 'QC', '', '') RETURNING id",
        uuid4(),
    )
    visits = [await world.appointment(local(f"2026-11-23T{at}:00")) for at in (11, 12, 13)]
    await db.fetch("UPDATE appointment SET site = {} WHERE id = {}", other["id"], visits[1])
    (column,) = (await shown(world)).columns
    assert [clock(row.visit.starts_at) for row in column.visits] == ["11:00", "12:00", "13:00"]
    assert len(column.sites) == 2
    assert column.visits[1].visit.place.name == "Nord"


async def test_the_free_times_of_a_chosen_site_are_found_among_many_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day, "COLUMNS", 1)
    await world.slot(local("2026-11-23T11:00"))
    theirs = await world.slot(
        local("2026-11-23T13:00"), schedule=await world.another_practitioner()
    )
    annex = uuid4()
    await db.fetch("INSERT INTO site (id, name, province) VALUES ({}, 'Annexe', 'QC')", annex)
    await db.fetch("UPDATE slot SET site = {} WHERE id = {}", annex, theirs)
    assert told(await shown(world)) == [["11:00"]]
    assert told(await shown(world, Asked(TODAY, site=annex))) == [["13:00"]]


async def test_free_times_are_of_those_who_still_work_and_asked_for_alike_however_many(
    world: World,
) -> None:
    await world.slot(local("2026-11-23T11:00"))
    with databases.statements() as asked:
        assert told(await shown(world)) == [["11:00"]]
    await world.slot(local("2026-11-23T13:00"), schedule=await world.another_practitioner())
    with databases.statements() as asked_of_two:
        assert told(await shown(world)) == [["11:00"], ["13:00"]]
    assert len(asked_of_two) == len(asked)
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE last_name = 'Tran'", world.now)
    assert told(await shown(world)) == [["11:00"]]


async def test_a_day_of_many_has_pages_of_those_who_are_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name; whoever left keeps their visits, and one who has nothing that day takes no room."""
    monkeypatch.setattr(day, "COLUMNS", 2)
    for name in ("Abel", "Tran", "Zola"):
        schedule = await world.another_practitioner(name)
        if name != "Abel":
            await world.slot(local("2026-11-23T12:00"), schedule=schedule)
    await world.appointment(local("2026-11-23T11:00"))
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE last_name <> 'Zola'", world.now)
    await elsewhere(world, local("2026-11-23T13:00"))
    pages = [await shown(world, Asked(TODAY, page=page)) for page in (1, 2, 3)]
    first = [["11:00 Alice Gagnon"], ["13:00 Charlie Dubois"]]
    assert [told(page) for page in pages] == [first, [["12:00"]], first]
    assert [(page.asked.page, page.has_more) for page in pages] == [
        (1, True),
        (2, False),
        (1, True),
    ]


async def test_whoever_has_times_at_a_site_that_ended_alone_takes_no_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day, "COLUMNS", 1)
    await world.slot(local("2026-11-23T11:00"), schedule=await world.another_practitioner("Abel"))
    await db.fetch("UPDATE site SET ended_at = {}", world.now)
    await world.appointment(local("2026-11-23T12:00"))
    found = await shown(world)
    assert (told(found), found.has_more) == ([["12:00 Alice Gagnon"]], False)


async def test_who_is_there_is_found_by_their_own_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the indexes, in the order of the names: of a big clinic's day, no more than is shown."""
    plan = await plan_of(monkeypatch, day, lambda: shown(world))
    assert "practitioner_by_name" in plan
    assert "hashed" not in plan
    if not db.is_postgres():  # which of two indexes of empty tables it takes there says nothing
        assert "slot_of_practitioner" in plan
        assert "appointment_of_practitioner" in plan


async def test_whom_to_call_is_found_without_the_visits_that_stand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await at_work(world)
    plan = await plan_of(monkeypatch, calls, lambda: calls.to_call(member, now=world.now))
    assert "appointment_cancelled_by_staff" in plan


async def plan_of(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, ask: Callable[[], Awaitable[Any]]
) -> str:
    """How the engine finds what the module's one statement asks for."""
    plans: list[str] = []
    how = "EXPLAIN" if db.is_postgres() else "EXPLAIN QUERY PLAN"

    async def explain(sql: str, *args: object) -> list[dict[str, Any]]:
        plans.append(str(await records.rows(f"{how} {sql}", *args)))
        return []

    monkeypatch.setattr(module, "db", SimpleNamespace(fetch=explain))
    async with db.transaction():
        if db.is_postgres():  # for a handful of rows it would not open an index
            await db.fetch("SET LOCAL enable_seqscan = off")
            await db.fetch("SET LOCAL enable_sort = off")
        await ask()
    (plan,) = plans
    return plan
