"""Copying a database out while it is written to, and back into an empty place, in either engine."""

import asyncio
import fcntl
import os
import sqlite3
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Protocol

from domain import db
from domain.engines import PostgresEngine, SQLiteEngine, close
from operations.backup import postgres_tools
from operations.backup.archive import Document
from operations.backup.naming import give_name

PART = 4 * 2**20
LOCK_WAIT = "30s"
DOCUMENTS = "SELECT stored_as, size, sha256 FROM attachment ORDER BY stored_as"
MIGRATIONS = "SELECT app_name, name FROM migration ORDER BY app_name, name"
TABLES = """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname <> 'information_schema'
      AND n.nspname NOT LIKE 'pg\\_%'
"""
RESTORING = "restoring"
BESIDE = ("", "-wal", "-shm", "-journal")


class DatabaseFailed(Exception):
    """It could not be copied out or back; what it says is the database's, never a row's."""


class Copy(Protocol):
    """The database as it was at one moment."""

    engine: str
    documents: list[Document]
    migrations: list[str]

    def parts(self) -> AsyncIterator[bytes]: ...


class Place(Protocol):
    async def is_empty(self) -> bool: ...

    async def fill(self, parts: Iterator[bytes]) -> None:
        """Once this returns it is all there; if it raises, nothing is."""


@asynccontextmanager
async def copied() -> AsyncIterator[Copy]:
    here = db.engine()
    if isinstance(here, PostgresEngine):
        async with _snapshot(here) as snapshot:
            yield snapshot
    else:
        with _scratch(Path(here.path)) as scratch:
            yield await asyncio.to_thread(SQLiteCopy, Path(here.path), scratch / "copy.sqlite")


def place() -> Place:
    here = db.engine()
    return PostgresPlace(here) if isinstance(here, PostgresEngine) else SQLitePlace(here)


class SQLiteCopy:
    engine = "sqlite"

    def __init__(self, path: Path, copy: Path) -> None:
        if not path.exists():
            raise DatabaseFailed(f"there is no database at {path}")
        self._copy = copy
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # in one step: writers in WAL mode do not wait for it
            self.documents = [Document(*row) for row in target.execute(DOCUMENTS)]
            self.migrations = [".".join(row) for row in target.execute(MIGRATIONS)]

    async def parts(self) -> AsyncIterator[bytes]:
        with self._copy.open("rb") as file:
            while part := file.read(PART):
                yield part


class SQLitePlace:
    def __init__(self, engine: SQLiteEngine) -> None:
        self._path = Path(engine.path)

    async def is_empty(self) -> bool:
        beside = [Path(f"{self._path}{end}") for end in BESIDE]
        return not any(path.exists() for path in beside)

    async def fill(self, parts: Iterator[bytes]) -> None:
        with _scratch(self._path) as scratch:
            await asyncio.to_thread(self._fill, scratch / RESTORING, parts)

    def _fill(self, unfinished: Path, parts: Iterator[bytes]) -> None:
        with unfinished.open("xb") as file:
            unfinished.chmod(0o600)
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        with closing(sqlite3.connect(unfinished)) as database:
            ((found,),) = database.execute("PRAGMA integrity_check(1)")
            if found != "ok":
                raise DatabaseFailed("SQLite finds the restored database damaged")
        give_name(unfinished, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A folder beside the database, so as safe as it is; what a killed one left goes first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    start = f".{path.name}.copy-"
    with path.with_name(f"{path.name}.copy.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseFailed("another backup or restore of this database is running") from None
        for left in path.parent.glob(f"{start}*"):
            rmtree(left)
        folder = Path(mkdtemp(prefix=start, dir=path.parent))
        try:
            yield folder
        finally:
            rmtree(folder)


@asynccontextmanager
async def _snapshot(engine: PostgresEngine) -> AsyncIterator["PostgresCopy"]:
    connection = await engine.get_new_connection()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            copy = PostgresCopy(engine.config["dsn"], snapshot)
            copy.documents = [Document(*row) for row in await connection.fetch(DOCUMENTS)]
            copy.migrations = [".".join(row) for row in await connection.fetch(MIGRATIONS)]
            yield copy
    finally:
        await close(connection)


class PostgresCopy:
    engine = "postgres"
    documents: list[Document]
    migrations: list[str]

    def __init__(self, url: str, snapshot: str) -> None:
        self._url = url
        self._snapshot = snapshot

    async def parts(self) -> AsyncIterator[bytes]:
        process = await postgres_tools.started(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--lock-wait-timeout={LOCK_WAIT}",
            f"--snapshot={self._snapshot}",
            url=self._url,
            stdin=DEVNULL,
        )
        try:
            told = asyncio.create_task(_told(process.stderr))
            async for part in _in_parts(process.stdout):
                yield part
            if await process.wait():
                raise DatabaseFailed(f"pg_dump failed: {await told}")
        finally:
            await postgres_tools.stopped(process)


class PostgresPlace:
    def __init__(self, engine: PostgresEngine) -> None:
        self._engine = engine
        self._url = str(engine.config["dsn"])

    async def is_empty(self) -> bool:
        connection = await self._engine.get_new_connection()
        try:
            return int(await connection.fetchval(TABLES)) == 0
        finally:
            await close(connection)

    async def fill(self, parts: Iterator[bytes]) -> None:
        process = await postgres_tools.started(
            "pg_restore",
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-comments",  # on extensions: of whoever created them beforehand
            f"--dbname={postgres_tools.database(self._url)}",
            url=self._url,
            stdin=PIPE,
        )
        try:
            told = asyncio.create_task(_told(process.stderr))
            await _feed(process.stdin, parts)
            if await process.wait():
                raise DatabaseFailed(f"pg_restore failed, nothing was restored: {await told}")
        finally:
            await postgres_tools.stopped(process)
        await self._analyze()

    async def _analyze(self) -> None:
        connection = await self._engine.get_new_connection()
        try:
            await connection.execute("ANALYZE")
        finally:
            await close(connection)


async def _in_parts(output: Any) -> AsyncIterator[bytes]:
    part = bytearray()
    while some := await output.read(PART):
        part += some
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


async def _feed(stdin: Any, parts: Iterator[bytes]) -> None:
    try:
        for part in parts:
            stdin.write(part)
            await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it has ended, and says why
    stdin.close()


async def _told(stderr: Any) -> str:
    """Its first lines: where a row is at fault, the lines below may quote it."""
    text = (await stderr.read()).decode(errors="replace")
    lines = [line for line in text.splitlines() if ": error: " in line or "FATAL" in line]
    return " ".join(lines[:2])[:500] or "it does not say why"
