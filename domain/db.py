from __future__ import annotations

import asyncio
import fcntl
import io
import sqlite3
from contextlib import asynccontextmanager, redirect_stdout
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.commands.forwards import run_forwards
from piccolo.apps.migrations.tables import Migration
from piccolo.engine import engine_finder
from piccolo.querystring import QueryString

from domain.engines import (
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
    found = engine_finder()
    if not isinstance(found, SQLiteEngine | PostgresEngine):
        raise TypeError("piccolo_conf.DB is an engine of domain.engines")
    return found


def is_postgres() -> bool:
    return isinstance(engine(), PostgresEngine)


def transaction() -> SQLiteTransaction | PostgresTransaction:
    """The only way to open one. On SQLite it holds the write lock from its beginning."""
    return engine().transaction()


async def fetch(sql: str, *args: object) -> list[dict[str, Any]]:
    """The rows of a statement with `{}` where its arguments go, in the open transaction if any."""
    here = engine()
    return here.transform_response_to_dicts(await here.run_querystring(Statement(sql, args)))


def places(values: Collection[object]) -> str:
    """The `{}` for each of them, as IN (…) takes them; none is IN (NULL), which nothing is."""
    return ", ".join(["{}"] * len(values)) or "NULL"


async def lock_row(table: type[Table], id: object) -> None:
    """Whoever locks it too waits; a row that only refers to it does not."""
    if not engine().transaction_exists():
        raise RuntimeError("a row is locked until its transaction ends, and there is none")
    if is_postgres():
        key = table._meta.primary_key
        await table.select(key).where(key == id).lock_rows("NO KEY UPDATE")


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


@asynccontextmanager
async def connected() -> AsyncIterator[None]:
    """Connections kept for as long as this lasts; within another `connected()`, the same ones."""
    here = engine()
    if here.pool is not None:
        yield
        return
    await here.start_connection_pool()
    try:
        yield
    finally:
        await here.close_connection_pool()


async def migrate() -> None:
    """All forward migrations; of several processes at once, one works and the others wait."""
    async with _migration_lock(engine()):
        with redirect_stdout(io.StringIO()):  # what went wrong is in the exception
            result = await run_forwards("all")
    if not result.success:
        raise RuntimeError(result.message)


async def schema_is_current() -> bool:
    if not await Migration.table_exists():
        return False
    done = set(await Migration.get_migrations_which_ran())
    manager = BaseMigrationManager()
    return all(
        done.issuperset(manager.get_migration_modules(app.resolved_migrations_folder_path))
        for app in manager.get_app_configs()
    )


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
        database.parent.mkdir(parents=True, exist_ok=True)
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
