"""One migrated database per run, and a copy of it for each test."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
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
    async def create(self) -> None: ...
    async def drop(self) -> None: ...
    def empty(self, folder: Path) -> AbstractAsyncContextManager[None]: ...
    def copy(self, folder: Path) -> AbstractAsyncContextManager[None]: ...


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
def template(folder: Path) -> Iterator[Template]:
    with ExitStack() as stack:
        made: Template
        if IS_POSTGRES:
            made = PostgresTemplate(stack.enter_context(pgtmp.server()))
        else:
            made = SQLiteTemplate(folder / "template.sqlite")
        stack.callback(lambda: in_own_loop(made.drop()))
        in_own_loop(made.create())
        yield made


class SQLiteTemplate:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def create(self) -> None:
        engine().path = str(self.path)
        await db.migrate()

    async def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    @asynccontextmanager
    async def copy(self, folder: Path) -> AsyncIterator[None]:
        async with self.empty(folder):
            shutil.copyfile(self.path, engine().path)
            yield

    @asynccontextmanager
    async def empty(self, folder: Path) -> AsyncIterator[None]:
        engine().path = str(folder / "portal.sqlite")
        try:
            yield
        finally:
            engine().path = f"{NOWHERE}/portal.sqlite"


class PostgresTemplate:
    def __init__(self, server: str) -> None:
        self.server = server
        self.name = f"template_{uuid.uuid4().hex}"

    async def create(self) -> None:
        await self.command(f"CREATE DATABASE {self.name}")
        self.point_at(self.name)
        await db.migrate()

    async def drop(self) -> None:
        await self.command(f"DROP DATABASE IF EXISTS {self.name}")

    @asynccontextmanager
    async def copy(self, folder: Path, template: str | None = None) -> AsyncIterator[None]:
        name = f"test_{uuid.uuid4().hex}"
        await self.command(f"CREATE DATABASE {name} TEMPLATE {template or self.name}")
        self.point_at(name)
        try:
            yield
        finally:
            self.point_at("none")
            await self.command(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self, folder: Path) -> AbstractAsyncContextManager[None]:
        return self.copy(folder, template="template0")

    async def command(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def point_at(self, name: str) -> None:
        engine().config["dsn"] = urlsplit(self.server)._replace(path=f"/{name}").geturl()


def engine() -> Any:
    return db.engine()


def in_own_loop(work: Coroutine[Any, Any, None]) -> None:
    """In a thread, for the test runner keeps a loop of its own in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
