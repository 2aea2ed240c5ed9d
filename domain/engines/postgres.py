from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import asyncpg
from piccolo.engine import postgres

from domain.engines.pool_per_loop import LOCK_WAIT, PoolPerLoop

if TYPE_CHECKING:
    from types import TracebackType

    from piccolo.querystring import QueryString

CONNECTION_LOST = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # lost in the middle of an answer
)
CONNECT_WITHIN = 5
LET_GO_WITHIN = 3
"""Seconds for a connection to be usable again; else it is thrown away, and PostgreSQL undoes."""

_patience: ContextVar[float | None] = ContextVar("patience", default=None)


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """How long, in this block, a statement may take, with its wait for a connection.

    A host that is lost sends nothing, and nothing else would ever tell. Elsewhere there is no
    limit: migrations and jobs may have statements that last.
    """
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


def _in_time() -> asyncio.Timeout:
    return asyncio.timeout(_patience.get())


class PostgresTransaction(postgres.PostgresTransaction):
    engine: PostgresEngine
    ended = False
    _pool: Any

    async def __aenter__(self) -> postgres.PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self._pool = self.engine.pool
        async with _in_time():
            if self._pool is None:
                self.connection = await self.engine.get_new_connection()
            else:
                self.connection = await self._pool.acquire()
        self.transaction = self.connection.transaction()
        try:
            async with _in_time():
                await self.transaction.start()
        except BaseException:
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
            if self._committed or self._rolled_back:
                pass  # by hand
            elif kind is None:
                async with _in_time():
                    await self.transaction.commit()
            else:
                # On a lost connection this fails too, and says less than the error under way.
                with suppress(*CONNECTION_LOST):
                    async with asyncio.timeout(LET_GO_WITHIN):
                        await self.transaction.rollback()
        finally:
            await self._let_go()
        return False

    async def _let_go(self) -> None:
        if self._pool is None:
            await close(self.connection)
        else:
            await self._pool.release(self.connection, timeout=LET_GO_WITHIN)


class PostgresEngine(PoolPerLoop, postgres.PostgresEngine):
    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 10) -> None:
        self.pool_sizes = {"min_size": min_size, "max_size": max_size}
        config = {
            "dsn": url,
            "timeout": CONNECT_WITHIN,
            "server_settings": {
                "lock_timeout": f"{LOCK_WAIT}s",
                # Our statements are few and each is sent again and again: to plan one anew took
                # three times as long as to run it.
                "plan_cache_mode": "force_generic_plan",
            },
        }
        super().__init__(config=config)

    async def check_version(self) -> None:
        """Nothing: the stock one connects as soon as the configuration is imported."""

    async def start_connection_pool(self, **kwargs: Any) -> None:
        if self.pool is not None:
            raise RuntimeError("this loop has its pool already")
        self.pool = await asyncpg.create_pool(
            **{**self.config, **self.pool_sizes, "reset": keep_session, **kwargs}
        )

    async def close_connection_pool(self) -> None:
        pool, self.pool = self.pool, None
        if pool is not None:
            with suppress(TimeoutError):  # it has ended its connections by then all the same
                async with asyncio.timeout(LOCK_WAIT):
                    await pool.close()

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        self._forget_ended_transaction()
        async with _in_time():
            return await super().run_querystring(querystring, in_pool)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        self._forget_ended_transaction()
        async with _in_time():
            return await super().run_ddl(ddl, in_pool)

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:
        self._forget_ended_transaction()
        return PostgresTransaction(engine=self, allow_nested=allow_nested)

    def _forget_ended_transaction(self) -> None:
        if not self.transaction_exists():
            self.current_transaction.set(None)

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> Any:
        pool = self.pool
        connection = await pool.acquire()
        try:
            return await connection.fetch(query, *args or ())
        finally:
            await pool.release(connection, timeout=LET_GO_WITHIN)

    async def _run_in_new_connection(self, query: str, args: Sequence[Any] | None = None) -> Any:
        connection = await self.get_new_connection()
        try:
            return await connection.fetch(query, *args or ())
        finally:
            await close(connection)


async def keep_session(_connection: Any) -> None:
    """Instead of a round trip at each release: we change no session setting outside transactions.

    asyncpg has rolled back what was left open before it calls this.
    """


async def close(connection: Any) -> None:
    try:
        await connection.close(timeout=LOCK_WAIT)
    except BaseException:
        connection.terminate()
        raise
