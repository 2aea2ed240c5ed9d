from __future__ import annotations

import asyncio
import fcntl
import io
import re
import sqlite3
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
from piccolo.apps.migrations.tables import Migration
from piccolo.querystring import QueryString
from piccolo.table import TABLE_REGISTRY

from domain.engines import (
    CONNECTION_LOST,
    PostgresEngine,
    PostgresTransaction,
    SQLiteEngine,
    SQLiteTransaction,
    close,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from piccolo.table import Table

Conflict = Literal["unique", "fk", "notnull", "check", "overlap", "busy"]

SQLITE_CONFLICTS: dict[str, Conflict] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "fk",
    "SQLITE_CONSTRAINT_NOTNULL": "notnull",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_TRIGGER": "check",
    "SQLITE_BUSY": "busy",
    "SQLITE_BUSY_SNAPSHOT": "busy",
    "SQLITE_LOCKED": "busy",
}
POSTGRES_CONFLICTS: dict[str, Conflict] = {
    "23505": "unique",
    "23503": "fk",
    "23001": "fk",
    "23502": "notnull",
    "23514": "check",
    "23P01": "overlap",
    "40001": "busy",
    "40P01": "busy",
    "55P03": "busy",
}
Trouble = Literal["away", "full", "busy", "damaged"]

SQLITE_TROUBLES: dict[str, Trouble] = {
    "SQLITE_FULL": "full",
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "SQLITE_CANTOPEN": "away",
    "SQLITE_IOERR": "away",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_PROTOCOL": "away",
    "SQLITE_READONLY": "away",
}
POSTGRES_TROUBLES: dict[str, Trouble] = {  # by code, or by the class that its codes begin with
    "53100": "full",
    "53": "away",  # no memory, no connection left
    "08": "away",
    "57P": "away",  # it stops, starts, or has ended this session
    "58": "away",
    "28": "away",  # it does not let us in, or has no such database
    "3D": "away",
    "25006": "away",  # a replica that is not yet the server
    "40": "busy",
    "55P03": "busy",
    "XX001": "damaged",
    "XX002": "damaged",
}
MIGRATION_LOCK = 7_237_406  # any number, the same in every process


class Statement(QueryString):
    """Plain values for the `{}` of a text, which is put into the engine's form only once."""

    def __init__(self, sql: str, values: Sequence[object]) -> None:
        super().__init__(sql)
        self.args = values

    def compile_string(self, engine_type: str = "postgres") -> tuple[str, list[Any]]:
        return _compiled(self.template, engine_type), list(self.args)


@lru_cache(maxsize=1024)
def _compiled(sql: str, engine_type: str) -> str:
    return QueryString(sql, *[None] * sql.count("{}")).compile_string(engine_type)[0]


@cache
def engine() -> SQLiteEngine | PostgresEngine:
    # Piccolo's own finder brings a code formatter along: 8 MB that a server has no use for.
    from piccolo_conf import DB

    return DB


def is_postgres() -> bool:
    return isinstance(engine(), PostgresEngine)


def transaction() -> SQLiteTransaction | PostgresTransaction:
    """The only way to open one. On SQLite it holds the write lock from its beginning."""
    return engine().transaction()


async def fetch(sql: str, *args: object) -> list[dict[str, Any]]:
    """The rows of a statement with `{}` where its arguments go, in the open transaction if any."""
    here = engine()
    return here.transform_response_to_dicts(await here.run_querystring(Statement(sql, args)))


@dataclass(frozen=True, slots=True)
class Write:
    """A statement still to be sent, with what goes in its `{}`."""

    sql: str
    args: tuple[object, ...]


async def write(*writes: Write) -> list[dict[str, Any]]:
    """All of them, none of which may look at what another does; the rows of the last.

    One trip to PostgreSQL, where each costs more than what it does there.
    """
    if not is_postgres():
        rows = []
        for each in writes:
            rows = await fetch(each.sql, *each.args)
        return rows
    *others, last = writes
    before = ", ".join(f"w{n} AS ({each.sql})" for n, each in enumerate(others))
    sql = f"WITH {before} {last.sql}" if others else last.sql
    return await fetch(sql, *(arg for each in writes for arg in each.args))


def places(values: Collection[object]) -> str:
    """The `{}` for each of them, as IN (…) takes them; none is IN (NULL), which nothing is."""
    return ", ".join(["{}"] * len(values)) or "NULL"


async def lock_row(table: type[Table], id: object) -> None:
    """Whoever locks it too waits; a row that only refers to it does not."""
    if not engine().transaction_exists():
        raise RuntimeError("a row is locked until its transaction ends, and there is none")
    if is_postgres():
        name = table._meta.tablename
        await fetch(f"SELECT id FROM {name} WHERE id = {{}} FOR NO KEY UPDATE", id)


def for_share() -> str:
    """Ends a SELECT: what it found, others change or lock only after this transaction."""
    return "FOR SHARE" if is_postgres() and engine().transaction_exists() else ""


async def lock_key(name: str) -> None:
    """Whoever locks the same name waits until this transaction ends (SQLite: all do anyway)."""
    if is_postgres():
        await fetch("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))", name)


def conflict_kind(error: BaseException) -> Conflict | None:
    if isinstance(error, asyncpg.PostgresError):
        return POSTGRES_CONFLICTS.get(error.sqlstate)
    if not isinstance(error, sqlite3.Error):
        return None
    if str(error).startswith("overlap"):  # a trigger's RAISE(ABORT, 'overlap: …')
        return "overlap"
    if str(error).startswith("FOREIGN KEY"):  # ON DELETE RESTRICT comes as a trigger's refusal
        return "fk"
    return SQLITE_CONFLICTS.get(getattr(error, "sqlite_errorname", ""))


def trouble_of(error: BaseException) -> Trouble | None:
    """What keeps the database from answering anyone; None where it is this statement's fault."""
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return next((POSTGRES_TROUBLES[c] for c in _begins(code) if c in POSTGRES_TROUBLES), None)
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        primary = "_".join(name.split("_")[:2])  # SQLITE_IOERR_WRITE is one kind of SQLITE_IOERR
        return SQLITE_TROUBLES.get(primary)
    if isinstance(error, ValueError):  # as asyncpg calls an argument that it cannot send
        return None
    return "away" if is_postgres() and isinstance(error, CONNECTION_LOST) else None


def _begins(code: str) -> tuple[str, str, str]:
    return code, code[:3], code[:2]


@asynccontextmanager
async def connected() -> AsyncIterator[None]:
    """Connections kept for as long as this lasts; within another `connected()`, the same ones."""
    here = engine()
    if here.pool is not None:
        yield
        return
    for table in TABLE_REGISTRY:  # else each would ask Piccolo's finder
        table._meta.db = here
    await here.start_connection_pool()
    try:
        yield
    finally:
        await here.close_connection_pool()


async def migrate() -> None:
    """All forward migrations; of several processes at once, one works and the others wait.

    Each with its own record in one transaction: killed at any moment, it was done or not begun.
    """
    async with _migration_lock(engine()):
        for name in sorted(await lacking_migrations()):
            async with transaction():
                await _migrate_to(name)


async def _migrate_to(name: str) -> None:
    from piccolo.apps.migrations.commands.forwards import run_forwards

    app, _, migration = name.partition(".")
    with redirect_stdout(io.StringIO()):  # what went wrong is in the exception
        result = await run_forwards(app, migration)
    if not result.success:
        raise RuntimeError(result.message)


async def lacking_migrations() -> set[str]:
    """Those of this code that the database has not seen."""
    return known_migrations() - await seen_migrations()


async def unknown_migrations() -> set[str]:
    """Those of a newer portal: this one does not know what its tables mean."""
    return await seen_migrations() - known_migrations()


async def seen_migrations() -> set[str]:
    if not await Migration.table_exists():
        return set()
    rows = await fetch("SELECT app_name, name FROM migration")
    return {f"{row['app_name']}.{row['name']}" for row in rows}


def known_migrations() -> set[str]:
    files = (Path(__file__).parent / "migrations").glob("*.py")
    found = (re.search(r'^ID = "(.+)"$', file.read_text(), re.MULTILINE) for file in files)
    return {f"portal.{match[1]}" for match in found if match}


@asynccontextmanager
async def _migration_lock(here: SQLiteEngine | PostgresEngine) -> AsyncIterator[None]:
    if isinstance(here, PostgresEngine):
        connection = await here.get_new_connection()
        try:
            await connection.execute("SET lock_timeout = 0")
            await connection.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
            yield
        finally:
            await close(connection)  # and the lock goes with it
    else:
        database = Path(here.path)
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with database.with_name(f"{database.name}.migrate.lock").open("w") as file:
            while not _locked(file):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(0.05)
            yield


def _locked(file: io.TextIOBase) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
