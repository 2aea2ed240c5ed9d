from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from piccolo.columns import UUID, Integer, Timestamptz, Varchar
from piccolo.table import Table

from domain import db
from domain.engines import CONNECTION_LOST, PostgresEngine, SQLiteEngine, answered_within
from domain.engines.sqlite import TURNS, SQLitePool, only_reads
from tests import databases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ROOT = Path(__file__).parents[2]
on_postgres = pytest.mark.postgres

TABLES = (
    """CREATE TABLE room (
        id INTEGER PRIMARY KEY,
        name VARCHAR(9) NOT NULL,
        floor INTEGER CHECK (floor < 9)
    )""",
    """CREATE TABLE seat (
        id INTEGER PRIMARY KEY,
        slot INTEGER,
        room INTEGER REFERENCES room (id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED,
        held INTEGER REFERENCES room (id) ON DELETE RESTRICT
    )""",
    "CREATE UNIQUE INDEX one_per_slot ON seat (slot) WHERE slot IS NOT NULL",
)
OVERLAP = (
    "ALTER TABLE seat ADD CONSTRAINT apart EXCLUDE USING gist (int4range(id, id + 10) WITH &&)"
    if databases.IS_POSTGRES
    else "CREATE TRIGGER apart BEFORE INSERT ON seat"
    " WHEN EXISTS (SELECT 1 FROM seat WHERE abs(id - NEW.id) BETWEEN 1 AND 9)"
    " BEGIN SELECT RAISE(ABORT, 'overlap: seats'); END"
)


class Thing(Table):
    id = UUID(primary_key=True)
    name = Varchar()
    size = Integer()
    made = Timestamptz()


@pytest.fixture
async def tables(database: SQLiteEngine | PostgresEngine) -> None:
    for sql in TABLES:
        await db.fetch(sql)


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[SQLiteEngine]:
    engine = SQLiteEngine(str(tmp_path / "lite.sqlite"), timeout=0.05)
    await engine.start_connection_pool()
    await engine.run_ddl("CREATE TABLE note (id INTEGER PRIMARY KEY, text VARCHAR)")
    yield engine
    await engine.close_connection_pool()


async def count(table: str = "seat") -> int:
    (row,) = await db.fetch(f"SELECT count(*) AS n FROM {table}")
    return int(row["n"])


async def book(slot: int) -> str:
    try:
        async with db.transaction():
            if await db.fetch("SELECT id FROM seat WHERE slot = {}", slot):
                return "taken"
            await db.fetch(
                "INSERT INTO seat (id, slot) VALUES ({}, {})", uuid.uuid4().int % 2**31, slot
            )
    except Exception as error:
        return db.conflict_kind(error) or repr(error)
    return "booked"


def python(code: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, args)],
        cwd=ROOT,
        env=databases.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    with process:
        try:
            output, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, output
    return output


def sqlite_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sqlite"]


# Both engines: one slot, many who want it


async def test_of_fifty_at_once_one_gets_the_slot(tables: None) -> None:
    answers = Counter(await asyncio.gather(*(book(1) for _ in range(50))))
    assert answers["booked"] == 1
    assert answers["taken"] + answers["unique"] == 49
    assert await count() == 1


async def test_of_two_processes_with_many_each_one_gets_the_slot(tables: None) -> None:
    code = """if True:
        import asyncio
        from domain import db
        from tests.domain.test_engines import book
        async def main():
            async with db.connected():
                print("ready", flush=True)
                input()
                print(*await asyncio.gather(*(book(n % 5) for n in range(100))))
        asyncio.run(main())
    """
    processes = [python(code) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    for process in processes:
        print(file=process.stdin, flush=True)
    outputs = [await asyncio.to_thread(ended, process) for process in processes]
    answers = Counter(" ".join(outputs).split())
    assert answers["booked"] == 5
    assert answers["taken"] + answers["unique"] == 195
    assert await count() == 5


async def test_two_processes_migrate_at_once(template_database: databases.Template) -> None:
    async with template_database.empty():
        assert await db.lacking_migrations() == db.known_migrations()
        code = "import asyncio; from domain import db; asyncio.run(db.migrate())"
        processes = [python(code) for _ in range(2)]
        for process in processes:
            assert await asyncio.to_thread(ended, process) == ""
        assert (await db.lacking_migrations(), await db.unknown_migrations()) == (set(), set())


# Both engines: transactions


async def test_reads_see_at_once_what_was_committed(tables: None) -> None:
    for n in range(100):
        async with db.transaction():
            await db.fetch("INSERT INTO seat (id) VALUES ({})", n)
        found = await asyncio.gather(*(count() for _ in range(4)))
        assert found == [n + 1] * 4


async def test_only_the_transaction_sees_its_writes_before_it_commits(tables: None) -> None:
    others: asyncio.Queue[int] = asyncio.Queue()
    written, seen = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        await written.wait()
        others.put_nowait(await count())
        seen.set()

    task = asyncio.create_task(look())
    async with db.transaction():
        await db.fetch("INSERT INTO seat (id) VALUES (1)")
        written.set()
        await seen.wait()
        assert await count() == 1
    await task
    assert others.get_nowait() == 0


async def test_a_nested_transaction_joins_the_outer_one(tables: None) -> None:
    async def fail_outside() -> None:
        async with db.transaction() as outer:
            async with db.transaction() as inner:
                await db.fetch("INSERT INTO seat (id) VALUES (1)")
            assert inner is outer
            assert db.engine().transaction_exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_outside()
    assert not db.engine().transaction_exists()
    assert await count() == 0


async def test_a_savepoint_takes_back_a_part(tables: None) -> None:
    async with db.transaction() as transaction:
        await db.fetch("INSERT INTO seat (id, slot) VALUES (1, 1)")
        savepoint = await transaction.savepoint()
        with pytest.raises(Exception, match=r"(?i)unique"):
            await db.fetch("INSERT INTO seat (id, slot) VALUES (2, 1)")
        await savepoint.rollback_to()  # type: ignore[no-untyped-call]
        await db.fetch("INSERT INTO seat (id, slot) VALUES (3, 3)")
    assert await db.fetch("SELECT id FROM seat ORDER BY id") == [{"id": 1}, {"id": 3}]


async def test_after_a_failed_commit_all_goes_on(tables: None) -> None:
    for _ in range(20):  # more often than there are connections
        with pytest.raises(Exception, match=r"(?i)foreign key") as caught:
            async with db.transaction():
                await db.fetch("INSERT INTO seat (id, room) VALUES (1, 404)")
        assert db.conflict_kind(caught.value) == "fk"
        assert not db.engine().transaction_exists()
    assert await book(1) == "booked"
    assert await count() == 1


@pytest.mark.parametrize("moment", ["reading", "writing", "between"])
async def test_cancelled_in_the_middle_it_rolls_back(tables: None, moment: str) -> None:
    reached = asyncio.Event()

    async def work() -> None:
        async with db.transaction():
            await db.fetch("INSERT INTO seat (id) VALUES (1)")
            reached.set()
            if moment == "between":
                await asyncio.sleep(60)
            while True:
                if moment == "reading":
                    await db.fetch("SELECT * FROM seat")
                else:
                    await db.fetch("UPDATE seat SET slot = 1")

    for _ in range(20):
        reached.clear()
        task = asyncio.create_task(work())
        await reached.wait()
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count() == 0
    assert await book(1) == "booked"


async def test_cancelled_at_any_step_it_leaves_the_next_one_free(tables: None) -> None:
    for steps in range(40):
        tasks = [asyncio.create_task(book(steps)) for _ in range(3)]
        for _ in range(steps % 20):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not db.engine().transaction_exists()
    async with asyncio.timeout(5):
        assert await book(1000) == "booked"


async def test_of_writes_at_once_each_has_its_own_answer(tables: None) -> None:
    """One breaks a rule at once, one only at the end, and one is cancelled while it waits."""

    async def seat(id: int, slot: int, room: int | None = None) -> None:
        await db.fetch("INSERT INTO seat (id, slot, room) VALUES ({}, {}, {})", id, slot, room)

    await seat(1000, 0)
    writes = [asyncio.create_task(seat(n * 10, n)) for n in range(1, 9)]
    writes += [asyncio.create_task(seat(200, 0)), asyncio.create_task(seat(300, 300, 404))]
    cancelled = asyncio.create_task(seat(400, 400))
    await asyncio.sleep(0)
    cancelled.cancel()
    answers = await asyncio.gather(*writes, return_exceptions=True)
    kinds = [answer and db.conflict_kind(answer) for answer in answers]
    assert kinds == [None] * 8 + ["unique", "fk"]
    assert await count() == 1 + 8
    assert await book(2000) == "booked"


async def test_writes_that_wait_share_a_commit(lite: SQLiteEngine) -> None:
    statements: list[str] = []
    lite.pool.writer._database.set_trace_callback(statements.append)
    inserts = [f"INSERT INTO note (text) VALUES ('{n}')" for n in range(20)]
    await asyncio.gather(*(lite.run_ddl(insert) for insert in inserts))
    assert statements == ["BEGIN IMMEDIATE", *inserts, "COMMIT"]
    assert len(await lite.run_ddl("SELECT * FROM note")) == 20


async def test_a_task_that_outlives_its_transaction_writes_outside_it(tables: None) -> None:
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        assert not db.engine().transaction_exists()
        await db.fetch("INSERT INTO seat (id) VALUES (2)")
        async with db.transaction():
            await db.fetch("INSERT INTO seat (id) VALUES (3)")

    async def roll_back_meanwhile() -> None:
        async with db.transaction():
            await db.fetch("INSERT INTO seat (id) VALUES (4)")
            over.set()
            await asyncio.sleep(0.01)
            raise ZeroDivisionError

    async with db.transaction():
        await db.fetch("INSERT INTO seat (id) VALUES (1)")
        task = asyncio.create_task(later())
    with pytest.raises(ZeroDivisionError):
        await roll_back_meanwhile()
    await task
    assert await db.fetch("SELECT id FROM seat ORDER BY id") == [{"id": n} for n in (1, 2, 3)]


async def test_a_row_is_locked_only_within_a_transaction(database: object) -> None:
    await Thing.create_table()
    thing = await Thing.objects().create(name="a")
    with pytest.raises(RuntimeError, match="until its transaction ends"):
        await db.lock_row(Thing, thing.id)
    running = most = 0

    async def alone() -> None:
        nonlocal running, most
        async with db.transaction():
            await db.lock_row(Thing, thing.id)
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1

    await asyncio.gather(*(alone() for _ in range(5)))
    assert most == 1


# Both engines: statements


async def test_piccolo_gets_what_it_expects(database: object) -> None:
    await Thing.create_table()
    thing = Thing(name="a", size=1)
    assert await Thing.insert(thing) == [{"id": thing.id}]
    assert await Thing.update({Thing.size: 2}).where(Thing.name == "a").returning(Thing.size) == [
        {"size": 2}
    ]
    (found,) = await db.fetch("SELECT * FROM thing WHERE id = {}", thing.id)
    assert found == {"id": thing.id, "name": "a", "size": 2, "made": thing.made}
    assert await Thing.count() == 1
    assert await Thing.exists().where(Thing.size == 2)
    assert await Thing.delete(force=True).returning(Thing.id) == [{"id": thing.id}]


async def test_statements_are_counted(tables: None) -> None:
    with databases.statements() as asked:
        async with db.transaction():
            await db.fetch("SELECT 1 AS one")
            await count()
    assert len(asked) == 2
    await count()
    assert len(asked) == 2


async def test_run_sync_finds_its_way_beside_a_running_pool(database: object) -> None:
    await Thing.create_table()
    await asyncio.to_thread(Thing.insert(Thing(name="a")).run_sync)
    assert Thing.count().run_sync() == 1


async def test_connected_within_connected_uses_the_same_pool(database: object) -> None:
    pool = db.engine().pool
    async with db.connected():
        assert db.engine().pool is pool
    assert db.engine().pool is pool


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("INSERT INTO seat (id) VALUES (1)", "unique"),
        ("INSERT INTO seat (id, slot) VALUES (100, 1)", "unique"),
        ("INSERT INTO seat (id) VALUES (5)", "overlap"),
        ("INSERT INTO seat (id, room) VALUES (200, 404)", "fk"),
        ("INSERT INTO seat (id, held) VALUES (300, 404)", "fk"),
        ("DELETE FROM room", "fk"),
        ("INSERT INTO room (id, name) VALUES (2, NULL)", "notnull"),
        ("INSERT INTO room (id, name, floor) VALUES (3, 'c', 9)", "check"),
        ("SELECT nothing FROM nowhere", None),
    ],
)
async def test_conflicts_are_told_apart(tables: None, sql: str, kind: str | None) -> None:
    await db.fetch(OVERLAP)
    await db.fetch("INSERT INTO room (id, name) VALUES (1, 'a')")
    await db.fetch("INSERT INTO seat (id, slot, held) VALUES (1, 1, 1)")
    with pytest.raises((sqlite3.Error, asyncpg.PostgresError)) as caught:
        await db.fetch(sql)
    assert db.conflict_kind(caught.value) == kind


def test_any_other_error_is_no_conflict() -> None:
    assert db.conflict_kind(ValueError("overlap: no")) is None


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", True),
        ("  select 1", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", False),
        ("with a as (select 1) delete from t", False),
        ("INSERT INTO t SELECT 1", False),
        ("PRAGMA foreign_keys", False),
    ],
)
def test_reads_are_told_from_writes(sql: str, reads: bool) -> None:
    assert only_reads(sql) == reads


# SQLite


PRAGMAS = {"foreign_keys": 1, "journal_mode": "wal"}


async def test_pragmas_hold_on_every_connection(tmp_path: Path) -> None:
    engine = SQLiteEngine(str(tmp_path / "lite.sqlite"))
    pool = await started(engine)
    wanted = {**PRAGMAS, "busy_timeout": 10_000, "synchronous": 2, "query_only": 0}
    assert await pragmas(engine.run_ddl, wanted) == wanted
    async with engine.transaction():
        assert await pragmas(engine.run_ddl, wanted) == wanted
    for reader in pool.readers:
        wanted = {**PRAGMAS, "busy_timeout": 10_000, "query_only": 1}
        assert await pragmas(reader.read, wanted) == wanted
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await reader.read("CREATE TABLE t (id INTEGER)")
    await engine.close_connection_pool()
    wanted = {**PRAGMAS, "busy_timeout": 10_000, "synchronous": 2}
    assert await pragmas(engine.run_ddl, wanted) == wanted
    async with engine.transaction():
        assert await pragmas(engine.run_ddl, wanted) == wanted


async def started(engine: SQLiteEngine) -> SQLitePool:
    await engine.start_connection_pool()
    pool = engine.pool
    assert isinstance(pool, SQLitePool)
    return pool


async def pragmas(
    run: Callable[[str], Awaitable[list[dict[str, Any]]]], names: dict[str, Any]
) -> dict[str, Any]:
    found = {}
    for name in names:
        (row,) = await run(f"PRAGMA {name}")
        (found[name],) = row.values()
    return found


@pytest.mark.parametrize("is_pooled", [True, False])
async def test_a_begin_that_fails_leaves_nothing_behind(
    lite: SQLiteEngine, is_pooled: bool
) -> None:
    if not is_pooled:
        await lite.close_connection_pool()
    threads = len(sqlite_threads())
    other = sqlite3.connect(lite.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError) as caught:
            async with lite.transaction():
                pass
        assert db.conflict_kind(caught.value) == "busy"
        assert not lite.transaction_exists()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await lite.run_ddl("INSERT INTO note (text) VALUES ('a')")
    assert await lite.run_ddl("SELECT * FROM note") == []
    other.execute("ROLLBACK")
    other.close()
    async with lite.transaction():
        await lite.run_ddl("INSERT INTO note (text) VALUES ('a')")
    assert len(await lite.run_ddl("SELECT * FROM note")) == 1
    assert len(sqlite_threads()) == threads


async def test_it_waits_for_another_process_without_stopping_the_loop(tmp_path: Path) -> None:
    engine = SQLiteEngine(str(tmp_path / "lite.sqlite"))
    await engine.start_connection_pool()
    await engine.run_ddl("CREATE TABLE note (text VARCHAR)")
    other = sqlite3.connect(engine.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with engine.transaction():
            await engine.run_ddl("INSERT INTO note VALUES ('a')")

    task = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    assert not task.done()
    other.execute("COMMIT")
    other.close()
    await task
    assert await engine.run_ddl("SELECT text FROM note") == [{"text": "a"}]
    await engine.close_connection_pool()


def test_the_process_ends_after_a_failed_begin_or_a_forgotten_pool(tmp_path: Path) -> None:
    code = """if True:
        import asyncio, sqlite3, sys
        from domain.engines import SQLiteEngine
        async def main():
            engine = SQLiteEngine(sys.argv[1], timeout=0.01)
            await engine.run_ddl("CREATE TABLE note (id INTEGER PRIMARY KEY)")
            other = sqlite3.connect(sys.argv[1], isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                for _ in range(5):
                    try:
                        async with engine.transaction():
                            print("never")
                    except sqlite3.OperationalError:
                        pass
                await (engine.start_connection_pool() if engine.pool is None else asyncio.sleep(0))
            print("end")
            other.close()
        asyncio.run(main())
    """
    assert ended(python(code, tmp_path / "lite.sqlite")) == "end\n"


def test_a_pool_opens_and_closes_in_one_loop_after_another(tmp_path: Path) -> None:
    engine = SQLiteEngine(str(tmp_path / "lite.sqlite"))

    async def cycle(n: int) -> list[dict[str, Any]]:
        await engine.start_connection_pool()
        try:
            await engine.run_ddl("CREATE TABLE IF NOT EXISTS note (n INTEGER)")

            async def write() -> None:
                async with engine.transaction():
                    await engine.run_ddl(f"INSERT INTO note VALUES ({n})")

            await asyncio.gather(*(write() for _ in range(10)))
            return await engine.run_ddl("SELECT DISTINCT n FROM note ORDER BY n")
        finally:
            await engine.close_connection_pool()

    assert asyncio.run(cycle(1)) == [{"n": 1}]
    assert asyncio.run(cycle(2)) == [{"n": 1}, {"n": 2}]
    assert sqlite_threads() == []
    assert [path.name for path in tmp_path.iterdir()] == ["lite.sqlite"]


async def test_a_pool_that_cannot_open_leaves_no_thread(tmp_path: Path) -> None:
    engine = SQLiteEngine(str(tmp_path / "missing" / "lite.sqlite"))
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await engine.start_connection_pool()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await engine.run_ddl("SELECT 1")
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await engine.transaction().__aenter__()
    assert sqlite_threads() == []


async def test_a_dead_connection_is_replaced(lite: SQLiteEngine) -> None:
    pool: SQLitePool = lite.pool
    for connection in (pool.writer, *pool.readers):
        assert connection._database is not None
        connection._database.close()
    with pytest.raises(sqlite3.ProgrammingError):
        async with lite.transaction():
            pass
    for reader in pool.readers:
        with pytest.raises(sqlite3.ProgrammingError):
            await reader.read("SELECT 1")
        assert await reader.read("SELECT 1 AS one") == [{"one": 1}]
    async with lite.transaction():
        await lite.run_ddl("INSERT INTO note (text) VALUES ('a')")
    assert len(await lite.run_ddl("SELECT * FROM note")) == 1


async def test_a_connection_that_dies_in_a_transaction_takes_nothing_with_it(
    lite: SQLiteEngine,
) -> None:
    async def die() -> None:
        async with lite.transaction():
            await lite.run_ddl("INSERT INTO note (text) VALUES ('a')")
            lite.pool.writer._database.close()
            await lite.run_ddl("INSERT INTO note (text) VALUES ('b')")

    with pytest.raises(sqlite3.ProgrammingError):
        await die()
    async with lite.transaction():
        await lite.run_ddl("INSERT INTO note (text) VALUES ('c')")
    assert await lite.run_ddl("SELECT text FROM note") == [{"text": "c"}]


async def test_what_sqlite_has_rolled_back_is_not_carried_on(lite: SQLiteEngine) -> None:
    async def carry_on() -> None:
        async with lite.transaction():
            await lite.run_ddl("INSERT INTO note (id) VALUES (1)")
            with pytest.raises(sqlite3.IntegrityError):
                await lite.run_ddl("INSERT OR ROLLBACK INTO note (id) VALUES (1)")
            with pytest.raises(sqlite3.OperationalError, match="over"):
                await lite.run_ddl("SELECT * FROM note")
            await lite.run_ddl("INSERT INTO note (id) VALUES (2)")

    with pytest.raises(sqlite3.OperationalError, match="over"):
        await carry_on()
    assert await lite.run_ddl("SELECT * FROM note") == []


async def test_a_long_read_leaves_the_loop_to_others(lite: SQLiteEngine) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    task = asyncio.create_task(turn())
    sql = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT count(*) AS rows FROM n"""
    long = asyncio.create_task(lite.run_ddl(sql))
    await asyncio.sleep(0.01)
    assert await lite.run_ddl("SELECT 1 AS one") == [{"one": 1}]  # another reader is free
    assert not long.done()
    assert await long == [{"rows": 1_000_000}]
    async with lite.transaction():
        await lite.run_ddl("INSERT INTO note (text) VALUES ('a')")
        assert await lite.run_ddl(sql) == [{"rows": 1_000_000}]
        assert len(await lite.run_ddl("SELECT * FROM note")) == 1
    task.cancel()
    assert turns > 20


async def test_many_short_reads_leave_the_loop_to_others(lite: SQLiteEngine) -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    for _ in range(TURNS):
        await lite.run_ddl("SELECT 1")
    assert done.is_set()


# PostgreSQL


@on_postgres
async def test_lost_connections_are_replaced(tables: None) -> None:
    await asyncio.gather(*(book(n) for n in range(30)))
    await db.fetch("INSERT INTO room (id, name) VALUES (1, 'a')")
    kill = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""

    async def lose_everything() -> None:
        async with db.transaction():
            await db.fetch("DELETE FROM room")
            await asyncio.create_task(outside(kill))
            await db.fetch("SELECT 1 AS one")

    with pytest.raises(CONNECTION_LOST):
        await lose_everything()
    await asyncio.sleep(0.05)  # they have ended: now our side hears of it
    answers = await asyncio.gather(*(book(n) for n in range(100, 130)), return_exceptions=True)
    assert answers == ["booked"] * 30
    assert await count("room") == 1


async def outside(sql: str) -> None:
    engine = db.engine()
    assert isinstance(engine, PostgresEngine)
    engine.current_transaction.set(None)
    await engine._run_in_new_connection(sql)


@on_postgres
async def test_connections_come_back_from_begins_and_bodies_that_fail(tables: None) -> None:
    engine = db.engine()
    for _ in range(15):
        transaction = engine.transaction()
        with pytest.raises(asyncpg.PostgresError):
            async with transaction:
                await db.fetch("SELECT nothing FROM nowhere")
    assert engine.pool.get_size() - engine.pool.get_idle_size() == 0


@on_postgres
async def test_a_statement_is_cut_off_only_where_an_answer_is_waited_for_in_vain(
    tables: None,
) -> None:
    """What lasts and has no such limit, as a migration or a job, goes on to its end."""
    long, engine = "SELECT pg_sleep(0.2)::text AS slept", db.engine()
    with answered_within(0.05):
        with pytest.raises(TimeoutError):
            await db.fetch(long)
        with pytest.raises(TimeoutError):
            await in_one_transaction("INSERT INTO room (id, name) VALUES (1, 'a')", long)
    async with every_connection_held():
        with answered_within(0.05), pytest.raises(TimeoutError):
            await db.fetch("SELECT 1 AS one")
    assert engine.pool.get_size() - engine.pool.get_idle_size() == 0
    assert await db.fetch(long) == [{"slept": ""}]
    assert await count("room") == 0


async def in_one_transaction(*statements: str) -> None:
    async with db.transaction():
        for sql in statements:
            await db.fetch(sql)


@asynccontextmanager
async def every_connection_held() -> AsyncIterator[None]:
    most = db.engine().pool.get_max_size()
    all_held, let_go = asyncio.Barrier(most + 1), asyncio.Event()
    async with asyncio.TaskGroup() as holders:
        for _ in range(most):
            holders.create_task(hold_a_connection(all_held, let_go))
        await all_held.wait()
        try:
            yield
        finally:
            let_go.set()


async def hold_a_connection(all_held: asyncio.Barrier, let_go: asyncio.Event) -> None:
    db.engine().current_transaction.set(None)
    async with db.transaction():
        await all_held.wait()
        await let_go.wait()


@on_postgres
async def test_a_row_locked_too_long_is_a_conflict(tables: None) -> None:
    await db.fetch("INSERT INTO room (id, name) VALUES (1, 'a')")

    async def wait() -> None:
        db.engine().current_transaction.set(None)
        async with db.transaction():
            await db.fetch("SET LOCAL lock_timeout = 10")
            await db.fetch("SELECT * FROM room FOR UPDATE")

    async with db.transaction():
        await db.fetch("SELECT * FROM room FOR UPDATE")
        with pytest.raises(asyncpg.LockNotAvailableError) as caught:
            await asyncio.create_task(wait())
    assert db.conflict_kind(caught.value) == "busy"


def test_no_server_is_needed_to_import_the_configuration() -> None:
    PostgresEngine("postgres://127.0.0.1:1/none")
