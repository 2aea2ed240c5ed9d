"""One migrated database per run, and a copy of it for each test; others can be kept besides."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from domain import db
from tests import pgtmp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    from piccolo.querystring import QueryString

NOWHERE = "/nonexistent"
IS_POSTGRES = os.environ.get("TEST_ENGINE", "sqlite") == "postgres"


class Template(Protocol):
    home: asyncio.AbstractEventLoop | None

    async def create(self) -> None: ...
    async def drop(self) -> None: ...
    def keep(self, name: str, *, of: str = "") -> AbstractAsyncContextManager[None]:
        """What is written in this block, to a copy of another one, is there to be copied."""

    def empty(self) -> AbstractAsyncContextManager[None]: ...
    async def let_go(self) -> None: ...
    def copy(self, name: str = "") -> AbstractAsyncContextManager[None]:
        """With its connections open, of what is kept under this name; of none, only migrated."""


def point_nowhere() -> None:
    """Before anything imports piccolo_conf: no test may find the developer's own database."""
    if "piccolo_conf" in sys.modules:
        raise RuntimeError("something imported piccolo_conf before the tests chose a database")
    os.environ["DATABASE_URL"] = "postgres://127.0.0.1:1/none" if IS_POSTGRES else ""
    os.environ["DATA_DIR"] = NOWHERE


def environment() -> dict[str, str]:
    """For another process, so that it works on the database of the test under way."""
    if IS_POSTGRES:
        return {**os.environ, "DATABASE_URL": engine().config["dsn"]}
    return {**os.environ, "DATA_DIR": str(Path(engine().path).parent)}


@contextmanager
def statements() -> Iterator[list[str]]:
    """What was asked of the database in this block, apart from BEGIN and COMMIT."""
    asked: list[str] = []
    here = engine()
    run = here.run_querystring

    async def note(querystring: QueryString, in_pool: bool = True) -> Any:
        asked.append(querystring.compile_string(engine_type=here.engine_type)[0])
        return await run(querystring, in_pool)

    here.run_querystring = note
    try:
        yield asked
    finally:
        del here.run_querystring


@contextmanager
def template() -> Iterator[Template]:
    with ExitStack() as stack:
        made: Template
        if IS_POSTGRES:
            made = PostgresTemplate(stack.enter_context(pgtmp.server()))
        else:
            made = SQLiteTemplate(Path(stack.enter_context(folder())))
        stack.callback(lambda: in_own_loop(made.drop()))
        in_own_loop(made.create())
        yield made


def folder() -> TemporaryDirectory[str]:
    """In memory if need be: nothing waits for the disk there."""
    return TemporaryDirectory(prefix="portal-", dir=pgtmp.parent(), ignore_cleanup_errors=True)


class SQLiteTemplate:
    home: asyncio.AbstractEventLoop | None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def create(self) -> None:
        engine().path = str(self.path(""))
        await db.migrate()

    async def let_go(self) -> None:
        """Nothing: each copy is closed after its test."""

    async def drop(self) -> None:
        """Nothing: the folder goes with all that is in it."""

    @asynccontextmanager
    async def keep(self, name: str, *, of: str = "") -> AsyncIterator[None]:
        shutil.copyfile(self.path(of), self.path(name))
        engine().path = str(self.path(name))
        async with db.connected():
            yield

    @asynccontextmanager
    async def copy(self, name: str = "") -> AsyncIterator[None]:
        async with self.empty():
            shutil.copyfile(self.path(name), engine().path)
            async with db.connected():
                yield

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[None]:
        with folder() as own:
            engine().path = str(Path(own) / "portal.sqlite")
            try:
                yield
            finally:
                engine().path = f"{NOWHERE}/portal.sqlite"

    def path(self, name: str) -> Path:
        return self.folder / f"{name or 'migrated'}.sqlite"


CATALOGUES = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_constraint": "oid",
    "pg_trigger": "oid",
    "pg_proc": "oid",
}
FIRST_OWN = 16384
"""What PostgreSQL itself brings has a lower number."""
USES = 100
"""After so many a copy is full of dead rows."""


@dataclass
class Copy:
    name: str
    uses: int = 0
    pool: Any = None


@dataclass(frozen=True)
class Original:
    """What a copy is made of, and how it becomes again what it was."""

    name: str
    schema: str
    restore: str


class PostgresTemplate:
    """Copying a database takes far longer than to put back its rows: so a copy is used again."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.originals: dict[str, Original] = {}
        self.copies: dict[tuple[str, bool], Copy] = {}
        self.home: asyncio.AbstractEventLoop | None = None
        """The loop that the tests share: only there are a copy's connections kept for the next."""

    async def create(self) -> None:
        name = await self.create_copy("template0")
        await db.migrate()
        async with db.connected():
            self.originals[""] = await original(name)

    async def let_go(self) -> None:
        for copy in self.copies.values():
            if copy.pool is not None:
                copy.pool = await shut(copy.pool)

    async def drop(self) -> None:
        for each in (*self.originals.values(), *self.copies.values()):
            await self.command(f"DROP DATABASE {each.name} WITH (FORCE)")

    @asynccontextmanager
    async def keep(self, name: str, *, of: str = "") -> AsyncIterator[None]:
        made = await self.create_copy(self.originals[of].name)
        try:
            async with db.connected():
                yield
                self.originals[name] = await original(made)
        except BaseException:
            await self.command(f"DROP DATABASE {made} WITH (FORCE)")
            raise

    @asynccontextmanager
    async def copy(self, name: str = "") -> AsyncIterator[None]:
        of = self.originals[name]
        is_home = asyncio.get_running_loop() is self.home
        copy = self.copies.pop((name, is_home), None) or Copy(await self.create_copy(of.name))
        self.point_at(copy.name)
        here = engine()
        here.pool = copy.pool
        is_restored = False
        try:
            if here.pool is None:
                await here.start_connection_pool()
            yield
            is_restored = copy.uses < USES and await restored(of)
        finally:
            self.point_at("none")
            pool, here.pool = here.pool, None
            if pool is not None and not (is_home and is_restored):
                pool = await shut(pool)
            if is_restored:
                self.copies[name, is_home] = Copy(copy.name, copy.uses + 1, pool)
            else:
                await self.command(f"DROP DATABASE {copy.name} WITH (FORCE)")

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[None]:
        name = await self.create_copy("template0")
        try:
            yield
        finally:
            self.point_at("none")
            await self.command(f"DROP DATABASE {name} WITH (FORCE)")

    async def create_copy(self, of: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        await self.command(f"CREATE DATABASE {name} TEMPLATE {of}")
        self.point_at(name)
        return name

    async def command(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def point_at(self, name: str) -> None:
        engine().config["dsn"] = urlsplit(self.server)._replace(path=f"/{name}").geturl()


async def shut(pool: asyncpg.Pool) -> None:
    """Also where somebody still waits in it."""
    try:
        await asyncio.wait_for(pool.close(), 1)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        pool.terminate()


async def original(name: str) -> Original:
    async with engine().pool.acquire() as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [f'"{row["tablename"]}"' for row in rows]
        script = [
            "SET LOCAL session_replication_role = replica",  # no trigger, and no foreign key
            "SET LOCAL lock_timeout = '1s'",
            *(f"DELETE FROM {table}" for table in tables),
        ]
        for table in tables:
            held = await connection.fetchval(f"SELECT quote_literal(json_agg(t)) FROM {table} t")
            if held is not None:
                script.append(
                    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
                    f" SELECT * FROM json_populate_recordset(NULL::{table}, {held})"
                )
        for row in await connection.fetch("SELECT sequencename, last_value FROM pg_sequences"):
            name_, last = row
            script.append(f"SELECT setval('{name_}', {last or 1}, {'true' if last else 'false'})")
        return Original(name, await schema(connection), "; ".join(script))


async def restored(of: Original) -> bool:
    """Whether this copy is as it was, but for who waits in it or has changed its tables."""
    try:
        async with engine().pool.acquire() as connection:
            if await schema(connection) != of.schema:
                return False
            await connection.execute(of.restore)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def schema(connection: asyncpg.Connection) -> str:
    """Changes with every change of a table, a constraint, a trigger or a function."""
    parts = [
        f"(SELECT (count(*), max(xmin::text::bigint)) FROM {name} WHERE {number} >= {FIRST_OWN})"
        for name, number in CATALOGUES.items()
    ]
    return str(await connection.fetchval(f"SELECT concat({', '.join(parts)})"))


def engine() -> Any:
    return db.engine()


def in_own_loop(work: Coroutine[Any, Any, None]) -> None:
    """In a thread, for the test runner keeps a loop of its own in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
