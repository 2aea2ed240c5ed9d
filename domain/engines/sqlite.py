"""SQLite connections are kept, each with its own thread, and not opened anew for every statement.

They drive the `sqlite3` module rather than aiosqlite, for two reasons. What must happen to a
connection in one piece (commit, or else roll back, or else reopen) happens in its thread, where no
cancellation can cut it in two. And a trip to a thread costs five to ten times what finding a few
rows does: so short statements run right here, and the thread is for what may wait or last. Single
writes that come while another waits for the disk are committed together.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

from piccolo.engine import sqlite
from piccolo.engine.sqlite import TransactionType

from domain.engines.pool_per_loop import LOCK_WAIT, PoolPerLoop

if TYPE_CHECKING:
    from types import TracebackType

    from piccolo.querystring import QueryString

# No mmap: what it maps counts as this process's memory, and the cache is as quick.
KEPT = ("foreign_keys = ON", "cache_size = -2000", "mmap_size = 0", "temp_store = MEMORY")
# FULL: in WAL mode NORMAL may lose the last commits at a power cut; it costs next to nothing.
WRITES = ("journal_mode = WAL", "synchronous = FULL", "journal_size_limit = 67108864", *KEPT)
READS = ("query_only = ON", *KEPT)

# Primary result codes after which a connection is not worth keeping:
# IOERR, CORRUPT, CANTOPEN, PROTOCOL, MISUSE, NOTADB.
BROKEN = {10, 11, 14, 15, 21, 26}

SHORT = 0.002  # seconds a read may keep the event loop; then it begins again in the thread
TURNS = 16  # statements run in the loop before it is let go round once

WRITING = frozenset({"INSERT", "UPDATE", "DELETE"})
MENTIONS_WRITE = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)

Rows = list[dict[str, Any]]
Run = Callable[[str, Sequence[Any]], Rows]
Outcome = Rows | Exception


class Connection:
    """A `sqlite3` connection, used in turn by the event loop and by a thread of its own.

    The loop uses it only while the thread has nothing to do. The thread's calls are run in the
    order they were made: whoever queues a rollback may at once let the next one in, whose BEGIN
    comes after.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._database: sqlite3.Connection | None = None
        self._calls: SimpleQueue[tuple[asyncio.Future[Any], Callable[..., Any], Any] | None]
        self._calls = SimpleQueue()
        self._closed = False
        self._ran_here = 0
        self.load = 0  # calls not yet answered; counted in the loop alone
        # A daemon: a connection somebody forgot must not keep the process from ending.
        self._thread = Thread(target=self._serve, name="sqlite", daemon=True)
        self._thread.start()

    # In the event loop

    async def open(self) -> None:
        try:
            await self._call(self._connected)
        except BaseException:
            await self.close()
            raise

    async def read(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        return await self._here_or_there(self._run, sql, args)

    async def write(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        return await self._in_thread(self._run, sql, args)

    def write_together(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
        """In one transaction, for one wait on the disk."""
        return self._call(self._run_together, [(write.sql, write.args) for write in writes])

    async def execute(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        """Within a transaction. (The name is the one Piccolo's savepoints call.)

        Its writes are for a few rows: what may be for thousands is a statement of its own.
        """
        if verb(sql) == "SELECT" or verb(sql) in WRITING:
            return await self._here_or_there(self._run_in_transaction, sql, args)
        return await self._in_thread(self._run_in_transaction, sql, args)

    async def begin(self, kind: TransactionType) -> None:
        sql = f"BEGIN {kind.value}"
        if self._database is not None and not self.load:
            try:
                self._begin_without_waiting(self._database, sql)
                return
            except sqlite3.Error:
                pass  # another process is writing, or the connection is broken: for the thread
        await self._call(self._begin, sql)

    def commit(self) -> asyncio.Future[None]:
        return self._call(self._commit)

    def rollback(self) -> asyncio.Future[None]:
        return self._call(self._recover)

    async def close(self) -> None:
        if not self._closed:
            dropped = self._call(self._drop)
            self._calls.put(None)
            self._closed = True
            await dropped
            self._thread.join()

    async def _here_or_there(self, function: Run, sql: str, args: Sequence[Any]) -> Rows:
        self._ran_here += 1
        if self._ran_here % TURNS == 0:
            await asyncio.sleep(0)
        if self._database is not None and not self.load:
            if verb(sql) in WRITING:  # which could not begin again
                return function(sql, args)
            with suppress(TimeoutError, sqlite3.ProgrammingError):  # too long; or a dead connection
                return self._in_short(self._database, function, sql, args)
        return await self._in_thread(function, sql, args)

    def _in_short(
        self, database: sqlite3.Connection, function: Run, sql: str, args: Sequence[Any]
    ) -> Rows:
        end = perf_counter() + SHORT
        try:
            database.set_progress_handler(lambda: perf_counter() > end, 1000)
            return function(sql, args)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise TimeoutError from None
            raise
        finally:
            if database is self._database:
                database.set_progress_handler(None, 0)

    def _begin_without_waiting(self, database: sqlite3.Connection, sql: str) -> None:
        (patience,) = database.execute("PRAGMA busy_timeout").fetchone()
        database.execute("PRAGMA busy_timeout = 0")
        try:
            database.execute(sql)
        finally:
            database.execute(f"PRAGMA busy_timeout = {patience}")

    async def _in_thread(self, function: Run, sql: str, args: Sequence[Any]) -> Rows:
        rows: Rows = await self._call(function, sql, args)
        return rows

    def _call(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        if self._closed:
            raise sqlite3.ProgrammingError("the connection is closed")
        answer = asyncio.get_running_loop().create_future()
        self._calls.put((answer, function, args))
        self.load += 1
        return answer

    def _settle(
        self, answer: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        self.load -= 1
        if answer.done():  # cancelled
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    # In the thread

    def _serve(self) -> None:
        while call := self._calls.get():
            answer, function, args = call
            result = error = None
            try:
                result = function(*args)
            except BaseException as caught:  # it belongs to whoever awaits the answer
                error = caught
            with suppress(RuntimeError):  # the loop is closed, nobody awaits the answer
                answer.get_loop().call_soon_threadsafe(self._settle, answer, result, error)
            # Idle, keep no rows alive, and no traceback.
            del call, answer, function, args, result, error

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = self._connect()
        return self._database

    def _begin(self, sql: str) -> None:
        try:
            self._connected().execute(sql)
        except BaseException as error:
            self._recover(error)
            raise

    def _commit(self) -> None:
        try:
            self._run_in_transaction("COMMIT", ())
        except BaseException as error:
            self._recover(error)
            raise

    def _run_together(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[Outcome]:
        self._begin("BEGIN IMMEDIATE")
        outcomes = [outcome(self._run_in_transaction, *statement) for statement in statements]
        try:
            self._commit()
        except sqlite3.IntegrityError:  # a deferred check: of which of them?
            return [outcome(self._run, *statement) for statement in statements]
        return outcomes

    # In either

    def _run(self, sql: str, args: Sequence[Any]) -> Rows:
        try:
            return fetch_all(self._connected(), sql, args)
        except BaseException as error:
            self._recover(error)
            raise

    def _run_in_transaction(self, sql: str, args: Sequence[Any]) -> Rows:
        # SQLite itself rolls back on a full disk and its like: what follows must not autocommit.
        if self._database is None or not self._database.in_transaction:
            raise sqlite3.OperationalError("the transaction is over")
        return fetch_all(self._database, sql, args)

    def _recover(self, error: BaseException | None = None) -> None:
        broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN
        try:
            if self._database is not None and self._database.in_transaction:
                self._database.rollback()
        except sqlite3.Error:
            broken = True
        if broken:
            self._drop()

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()


def outcome(function: Run, sql: str, args: Sequence[Any]) -> Outcome:
    try:
        return function(sql, args)
    except Exception as error:
        return error


def fetch_all(database: sqlite3.Connection, sql: str, args: Sequence[Any]) -> Rows:
    cursor = database.execute(sql, args)
    try:
        found = cursor.fetchall()
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found]
    finally:
        cursor.close()  # else a failed one holds on to its snapshot


def verb(sql: str) -> str:
    return sql.lstrip()[:6].upper()


@dataclass(eq=False)
class Write:
    """A statement that waits for its turn to be a transaction of its own."""

    sql: str
    args: Sequence[Any]
    answer: asyncio.Future[Rows]


@dataclass
class SQLitePool:
    writer: Connection
    readers: list[Connection]
    # First come, first served; the busy timeout would have writers of one process poll each other.
    turn_to_write: asyncio.Lock = field(default_factory=asyncio.Lock)

    waiting: list[Write] = field(default_factory=list)
    writing: asyncio.Task[None] | None = None

    def reader(self) -> Connection:
        return min(self.readers, key=lambda reader: reader.load)

    async def write(self, sql: str, args: Sequence[Any]) -> Rows:
        """Those that wait for their turn at the same time are committed together."""
        if verb(sql) not in WRITING:
            async with self.turn_to_write:
                return await self.writer.write(sql, args)
        write = Write(sql, args, asyncio.get_running_loop().create_future())
        self.waiting.append(write)
        if len(self.waiting) == 1:
            # A task of its own: whoever is cancelled takes no one else's write along.
            self.writing = asyncio.create_task(self._write_waiting())
        return await write.answer

    async def _write_waiting(self) -> None:
        async with self.turn_to_write:
            waiting, self.waiting = self.waiting, []
            writes = [write for write in waiting if not write.answer.done()]
            try:
                outcomes = await self.writer.write_together(writes)
            except Exception as error:
                outcomes = [error] * len(writes)
        for write, result in zip(writes, outcomes, strict=True):
            if write.answer.done():  # cancelled meanwhile
                pass
            elif isinstance(result, Exception):
                write.answer.set_exception(result)
            else:
                write.answer.set_result(result)


class SQLiteTransaction(sqlite.SQLiteTransaction):
    engine: SQLiteEngine
    connection: Connection
    ended = False
    _pool: SQLitePool | None

    async def __aenter__(self) -> sqlite.SQLiteTransaction:
        if self._parent is not None:
            return self._parent
        self._pool = self.engine.pool
        if self._pool is None:
            self.connection = await self.engine.new_connection()
        else:
            await self._pool.turn_to_write.acquire()
            self.connection = self._pool.writer
        try:
            await self.begin()
        except BaseException:
            try:
                self.connection.rollback()
            finally:
                await self._let_go()
            raise
        self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._parent is not None:
            return False
        self.ended = True
        self.engine.current_transaction.set(None)
        try:
            if kind is not None:
                await self.rollback()
            elif not self._committed and not self._rolled_back:
                await self.commit()
        finally:
            await self._let_go()
        return False

    async def begin(self) -> None:
        await self.connection.begin(self.transaction_type)

    async def commit(self) -> None:
        await self.connection.commit()
        self._committed = True

    async def rollback(self) -> None:
        await self.connection.rollback()
        self._rolled_back = True

    async def _let_go(self) -> None:
        if self._pool is None:
            await self.connection.close()
        else:
            self._pool.turn_to_write.release()


class SQLiteEngine(PoolPerLoop, sqlite.SQLiteEngine):
    def __init__(self, path: str, *, readers: int = 2, timeout: float = LOCK_WAIT) -> None:
        self.readers = readers
        super().__init__(path=path, timeout=timeout, cached_statements=512, check_same_thread=False)

    async def start_connection_pool(self) -> None:
        if self.pool is not None:
            raise RuntimeError("this loop has its pool already")
        pool = SQLitePool(Connection(self._connect_writer), [])
        try:
            await pool.writer.open()  # first, for it is the one that turns WAL on
            for _ in range(self.readers):
                pool.readers.append(Connection(self._connect_reader))
                await pool.readers[-1].open()
        except BaseException:
            await close_all(pool)
            raise
        self.pool = pool

    async def close_connection_pool(self) -> None:
        pool, self.pool = self.pool, None
        if pool is not None:
            await close_all(pool)

    async def new_connection(self) -> Connection:
        connection = Connection(self._connect_writer)
        await connection.open()
        return connection

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Rows:
        sql, args = querystring.compile_string(engine_type="sqlite")
        return await self._run(sql, args, in_pool)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Rows:
        return await self._run(ddl, (), in_pool)

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = True,
    ) -> SQLiteTransaction:
        if not self.transaction_exists():
            self.current_transaction.set(None)
        return SQLiteTransaction(self, transaction_type, allow_nested)

    def atomic(
        self, transaction_type: TransactionType = TransactionType.immediate
    ) -> sqlite.Atomic:
        return sqlite.Atomic(engine=self, transaction_type=transaction_type)

    async def _run(self, sql: str, args: Sequence[Any], in_pool: bool) -> Rows:
        if transaction := self.open_transaction():
            kept: Connection = transaction.connection
            return await kept.execute(sql, args)
        pool: SQLitePool | None = self.pool if in_pool else None
        if pool is None:
            connection = await self.new_connection()
            try:
                return await connection.write(sql, args)
            finally:
                await connection.close()
        if only_reads(sql):
            return await pool.reader().read(sql, args)
        return await pool.write(sql, args)

    def _connect_writer(self) -> sqlite3.Connection:
        return self._connect(WRITES)

    def _connect_reader(self) -> sqlite3.Connection:
        return self._connect(READS)

    def _connect(self, pragmas: Sequence[str]) -> sqlite3.Connection:
        database: sqlite3.Connection = sqlite3.connect(**self.connection_kwargs)
        try:
            for pragma in pragmas:
                database.execute(f"PRAGMA {pragma}")
        except BaseException:
            database.close()
            raise
        return database


async def close_all(pool: SQLitePool) -> None:
    # The writer last: as the last connection to the file it folds the WAL into it.
    for connection in (*pool.readers, pool.writer):
        await connection.close()


def only_reads(sql: str) -> bool:
    # A wrong «no» for some WITH costs a turn at the writer; a wrong «yes» would be refused.
    return verb(sql) == "SELECT" or (verb(sql)[:4] == "WITH" and not MENTIONS_WRITE.search(sql))
