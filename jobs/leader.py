"""Of all the processes that offer to run the jobs, one does.

It holds a lock that goes when it dies: `flock` on a file beside the SQLite database, or a session
lock on a PostgreSQL connection of its own. The others ask for it again and again.
"""

import asyncio
import fcntl
import io
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from domain import db
from domain.engines import CONNECTION_LOST, PostgresEngine, SQLiteEngine
from domain.failures import place_of
from jobs.office import Clock
from jobs.runner import running
from jobs.schedule import Task

POLL = 1.0
PATIENCE = 5
LOCK = 7_237_407  # any number, the same in every process
log = logging.getLogger("portal.jobs")


class Lock(Protocol):
    async def take(self) -> bool: ...
    async def lost(self) -> None: ...  # returns when it is
    async def let_go(self) -> None: ...


async def run_as_leader(tasks: Sequence[Task], *, now: Clock) -> None:
    """Offer to lead, and lead when it is our turn, until cancelled."""
    lock = _lock(db.engine())
    told = ""
    try:
        while True:
            try:
                await _lead_if_first(lock, tasks, now)
                told = ""
            except Exception as error:  # whatever it was, someone has to lead
                if told != (told := place_of(error)):  # while it lasts, once
                    log.error("leading the jobs failed: %s", told)
                await lock.let_go()
            await asyncio.sleep(POLL)
    finally:
        await lock.let_go()


async def _lead_if_first(lock: Lock, tasks: Sequence[Task], now: Clock) -> None:
    if not await lock.take():
        return
    log.info("this process runs the jobs")
    async with running(tasks, now=now):
        await lock.lost()
    log.warning("this process no longer runs the jobs: it lost the lock")


class FileLock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.TextIOBase | None = None

    async def take(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    async def lost(self) -> None:
        await asyncio.Event().wait()  # never: it goes with the process

    async def let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class SessionLock:
    def __init__(self, engine: PostgresEngine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._is_closed = asyncio.Event()

    async def take(self) -> bool:
        if self._connection is None:
            self._connection = await self._engine.get_new_connection()
            self._is_closed.clear()
            self._connection.add_termination_listener(lambda _: self._is_closed.set())
        return await self._ask(f"SELECT pg_try_advisory_lock({LOCK})")

    async def lost(self) -> None:
        while await self._ask("SELECT true"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_closed.wait(), POLL)

    async def let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _ask(self, sql: str) -> bool:
        try:
            return bool(await self._connection.fetchval(sql, timeout=PATIENCE))
        except CONNECTION_LOST:
            await self.let_go()
            return False


def _lock(engine: SQLiteEngine | PostgresEngine) -> Lock:
    if isinstance(engine, PostgresEngine):
        return SessionLock(engine)
    return FileLock(Path(f"{engine.path}.jobs.lock"))
