"""The audit journal cannot be rewritten, and no act is done without its line and its mail."""

import re
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import audit, db
from domain.appointments import attendance, booking, window
from domain.audit import Actor
from domain.errors import Refusal
from tests import databases
from tests.domain import records
from tests.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SETTLED = timedelta(minutes=6)
SECRETARY = Actor("staff", uuid4(), "test")
JOURNAL = ("audit_line", "audit_seal")


async def lines(world: World, count: int, *, first: int = 0) -> None:
    for n in range(first, first + count):
        await audit.record(
            SECRETARY,
            f"read.{n}",
            patient=world.alice,
            subject=uuid4(),
            at=world.now + n * timedelta(seconds=1),
        )


async def ids() -> list[int]:
    return [row["id"] for row in await records.rows("SELECT id FROM audit_line ORDER BY id")]


async def unlock(table: str) -> None:
    """As someone with the database in hand would."""
    if databases.IS_POSTGRES:
        await db.fetch(f"DROP TRIGGER {table}_append_only ON {table}")
    else:
        for event in ("update", "delete"):
            await db.fetch(f"DROP TRIGGER {table}_append_only_{event}")


# Append-only


@pytest.mark.parametrize("table", JOURNAL)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET id = id",
        "UPDATE {} SET id = id + 1000 WHERE id = (SELECT max(id) FROM {})",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE id = (SELECT max(id) FROM {})",
        pytest.param("TRUNCATE {}", marks=pytest.mark.postgres),
    ],
)
async def test_the_database_refuses_to_change_the_journal(
    world: World, table: str, sql: str
) -> None:
    await lines(world, 3)
    await audit.seal(now=world.now + HOUR)
    before = await records.rows(f"SELECT * FROM {table}")
    assert before
    with pytest.raises(Exception) as error:  # noqa: PT011 - each engine has its own
        await db.fetch(sql.replace("{}", table))
    assert db.conflict_kind(error.value) == "check"
    assert await records.rows(f"SELECT * FROM {table}") == before


# The chain of seals


async def test_untouched_the_seals_hold(world: World) -> None:
    await lines(world, 5)
    assert await audit.seal(now=world.now + SETTLED) == 5
    assert await audit.seal(now=world.now + SETTLED) == 0
    await lines(world, 5, first=5)
    assert await audit.seal(now=world.now + SETTLED + 5 * MINUTE) == 5
    assert await audit.first_broken_seal() is None


async def test_lines_of_the_last_minutes_wait_for_the_next_seal(world: World) -> None:
    """A transaction under way may still add one with a lower number."""
    await lines(world, 3)
    assert await audit.seal(now=world.now + 5 * MINUTE) == 0
    assert await audit.seal(now=world.now + 5 * MINUTE + timedelta(seconds=2)) == 2


async def test_lines_that_were_written_late_do_not_break_a_seal(world: World) -> None:
    """A request that waited writes its line, of an earlier time, after a later one."""
    await audit.record(SECRETARY, "later", at=world.now + 30 * timedelta(seconds=1))
    await audit.record(SECRETARY, "earlier", at=world.now)
    await audit.seal(now=world.now + 5 * MINUTE + timedelta(seconds=10))
    await audit.seal(now=world.now + HOUR)
    assert await audit.first_broken_seal() is None


async def test_more_lines_than_a_batch_are_sealed_in_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 4)
    await lines(world, 10)
    assert [await audit.seal(now=world.now + HOUR) for _ in range(4)] == [4, 4, 2, 0]
    assert await audit.first_broken_seal() is None


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_line SET outcome = 'refused' WHERE id = {}",
        "UPDATE audit_line SET patient = NULL WHERE id = {}",
        "UPDATE audit_line SET actor_kind = 'account' WHERE id = {}",
        "UPDATE audit_line SET at = (SELECT at FROM audit_line ORDER BY id LIMIT 1) WHERE id = {}",
        "DELETE FROM audit_line WHERE id = {}",
        "UPDATE audit_line SET id = id + 100 WHERE id = {}",
    ],
)
@pytest.mark.parametrize(("line", "broken_seal"), [(1, 0), (4, 1), (5, 1)])
async def test_a_changed_line_breaks_the_seal_over_it(
    world: World, tampering: str, line: int, broken_seal: int
) -> None:
    await lines(world, 3)
    await audit.seal(now=world.now + HOUR)
    await lines(world, 3, first=3)
    await audit.seal(now=world.now + HOUR)
    numbers = await ids()
    await unlock("audit_line")
    await db.fetch(tampering, numbers[line])
    assert await audit.first_broken_seal() == [numbers[2], numbers[5]][broken_seal]


async def test_a_line_put_in_later_breaks_the_seal(world: World) -> None:
    await lines(world, 3)
    numbers = await ids()
    await unlock("audit_line")
    await db.fetch("DELETE FROM audit_line WHERE id = {}", numbers[1])
    await audit.seal(now=world.now + HOUR)
    assert await audit.first_broken_seal() is None
    await db.fetch(
        """
        INSERT INTO audit_line (id, at, actor_kind, action, outcome, request_id)
        VALUES ({}, {}, 'staff', 'read', 'done', '')
        """,
        numbers[1],
        world.now,
    )
    assert await audit.first_broken_seal() == numbers[2]


async def test_a_seal_made_again_over_changed_lines_breaks_the_next(world: World) -> None:
    await lines(world, 3)
    await audit.seal(now=world.now + HOUR)
    await lines(world, 3, first=3)
    await audit.seal(now=world.now + HOUR)
    numbers = await ids()
    for table in JOURNAL:
        await unlock(table)
    await db.fetch("UPDATE audit_line SET outcome = 'refused' WHERE id = {}", numbers[0])
    (first, *_) = await records.rows("SELECT id FROM audit_seal ORDER BY id")
    rows = await records.rows("SELECT * FROM audit_line WHERE id <= {} ORDER BY id", numbers[2])
    forged = audit._digest("", rows)
    await db.fetch("UPDATE audit_seal SET digest = {} WHERE id = {}", forged, first["id"])
    assert await audit.first_broken_seal() == numbers[5]


# One transaction


async def hold(world: World) -> Any:
    """Moves a hold from one slot to another."""
    viewer = await world.viewer()
    first, second = await world.slot(world.now + 80 * HOUR), await world.slot(world.now + 90 * HOUR)
    await booking.hold(viewer, world.alice, world.choices, first, now=world.now)
    return lambda: booking.hold(viewer, world.alice, world.choices, second, now=world.now)


async def book(world: World) -> Any:
    viewer, slot = await world.viewer(), await world.slot()
    await booking.hold(viewer, world.alice, world.choices, slot, now=world.now)
    return lambda: booking.book(
        viewer, world.alice, world.choices, slot, form_key="k", now=world.now
    )


async def confirm(world: World) -> Any:
    viewer, visit = await world.viewer(), await world.appointment(world.now + 60 * HOUR)
    return lambda: attendance.confirm(viewer, world.alice, visit, now=world.now)


async def cancel(world: World) -> Any:
    viewer, visit = await world.viewer(), await world.appointment(world.now + 60 * HOUR)
    return lambda: attendance.cancel(viewer, world.alice, visit, now=world.now)


async def move(world: World) -> Any:
    visit = await world.appointment(world.now + 60 * HOUR, confirmed_at=world.now)
    slot = await world.slot(world.now + 70 * HOUR)
    return lambda: attendance.move(SECRETARY, visit, slot, now=world.now)


async def open_window(world: World) -> Any:
    for n in range(3):
        await world.appointment(world.now + (60 + n) * HOUR)
    return lambda: window.open_due(now=world.now)


WRITES = {
    hold: {"attempt", "hold", "audit_line"},
    book: {"form_key", "attempt", "appointment", "hold", "audit_line", "activity"}
    | {"outbound_email"},
    confirm: {"appointment", "audit_line", "activity"},
    cancel: {"attempt", "appointment", "audit_line", "activity", "outbound_email"},
    move: {"appointment", "audit_line", "activity", "outbound_email"},
    open_window: {"appointment", "audit_line", "activity", "outbound_email"},
}
WRITE = re.compile(r'\b(INSERT INTO|DELETE FROM|UPDATE)\s+"?(\w+)"?', re.IGNORECASE)


def written(statements: list[str]) -> list[tuple[str, str]]:
    """Which tables the statements write, and how."""
    found = []
    for sql in statements:
        if sql.lstrip().upper().startswith("SELECT"):
            continue
        found += [  # several, where they were sent together
            (match[1].split()[0].upper(), match[2].lower())
            for match in WRITE.finditer(sql)
            if sql[: match.start()].split()[-1:] not in (["DO"], ["FOR"])
        ]
    return list(dict.fromkeys(found))


async def everything() -> dict[str, list[str]]:
    if databases.IS_POSTGRES:
        names = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    else:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    tables = sorted(row["name"] for row in await records.rows(names))
    return {
        table: sorted(map(str, await records.rows(f'SELECT * FROM "{table}"'))) for table in tables
    }


@asynccontextmanager
async def failing(verb: str, table: str) -> Any:
    """Whatever writes this table in this way fails, when it has done so."""
    if databases.IS_POSTGRES:
        await db.fetch(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'injected'; END $$"
        )
        await db.fetch(
            f"CREATE TRIGGER failing AFTER {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
        )
    else:
        await db.fetch(
            f"CREATE TRIGGER failing AFTER {verb} ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'injected'); END"
        )
    try:
        yield
    finally:
        if databases.IS_POSTGRES:
            await db.fetch(f"DROP TRIGGER failing ON {table}")
            await db.fetch("DROP FUNCTION fail()")
        else:
            await db.fetch("DROP TRIGGER failing")


@pytest.mark.parametrize("prepare", WRITES, ids=lambda prepare: prepare.__name__)
async def test_an_act_that_fails_after_any_of_its_statements_leaves_nothing(
    world: World, prepare: Callable[[World], Awaitable[Callable[[], Awaitable[Any]]]]
) -> None:
    act = await prepare(world)
    before = await everything()
    with databases.statements() as asked:
        async with _undone():
            await act()
    assert await everything() == before
    writes = written(asked)
    assert {table for _, table in writes} == WRITES[prepare]
    untouched = await everything()
    for verb, table in writes:
        async with failing(verb, table):
            with pytest.raises(Exception, match="injected") as error:
                await act()
            assert not isinstance(error.value, Refusal)
        assert await everything() == untouched, (verb, table)
    # And nothing of all this stands in the way of the act itself.
    await act()
    after = await everything()
    changed = {table for table in before if after[table] != before[table]}
    assert changed == WRITES[prepare]


@asynccontextmanager
async def _undone() -> Any:
    """Do it, to see what it does, and take it back."""

    class Undo(Exception):
        pass

    try:
        async with db.transaction():
            yield
            raise Undo
    except Undo:
        pass


async def test_a_mail_to_a_second_reader_that_fails_takes_all_with_it(world: World) -> None:
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    child = await world.account("bob@example.com")
    await world.grant(child, world.bob, relationship="self")
    visit = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    both = await world.viewer(parent)
    await db.fetch("CREATE UNIQUE INDEX one_mail_a_visit ON outbound_email (kind)")
    before = await everything()
    with pytest.raises(Exception) as error:  # noqa: PT011
        await attendance.cancel(both, world.bob, visit, now=world.now)
    assert db.conflict_kind(error.value) == "unique"
    assert await everything() == before


# What the journal does not hold


async def test_a_reason_stands_with_its_visit_and_nowhere_else(world: World) -> None:
    """Not in the journal, the activity, the outbox, nor in what keeps a form from acting twice."""
    marker = "Zébulon-7431"
    viewer, slot = await world.viewer(), await world.slot(world.now + 60 * HOUR)
    choices = replace(world.urgent_choices, reason=f"Rougeur {marker}")
    await booking.hold(viewer, world.alice, choices, slot, now=world.now)
    visit = await booking.book(viewer, world.alice, choices, slot, form_key="k", now=world.now)
    await attendance.confirm(viewer, world.alice, visit, now=world.now)
    await attendance.move(SECRETARY, visit, await world.slot(world.now + 65 * HOUR), now=world.now)
    await attendance.cancel(viewer, world.alice, visit, now=world.now)
    holding = {
        table for table, rows in (await everything()).items() if any(marker in row for row in rows)
    }
    assert holding == {"appointment"}


async def test_the_journal_names_people_by_number_only(world: World) -> None:
    act = await book(world)
    await act()
    text = " ".join((await everything())["audit_line"])
    assert str(world.alice) in text
    assert str(world.alice_account) in text
    for secret in ("Alice", "Gagnon", "alice@", "example.com", "Roy", "Suivi"):
        assert secret not in text


async def test_an_act_is_journalled_with_who_did_it_for_whom(world: World) -> None:
    viewer, slot = await world.viewer(), await world.slot()
    visit = await booking.book(viewer, world.bob, world.choices, slot, form_key="k", now=world.now)
    (line,) = await records.rows("SELECT * FROM audit_line WHERE subject = {}", visit)
    known = {name: line[name] for name in ("actor_kind", "actor", "patient", "action", "at")}
    assert known == {
        "actor_kind": "account",
        "actor": world.alice_account,
        "patient": world.bob,
        "action": "appointment.booked",
        "at": world.now,
    }
    assert (line["outcome"], line["request_id"]) == ("done", "test")
    assert isinstance(line["subject"], UUID)
