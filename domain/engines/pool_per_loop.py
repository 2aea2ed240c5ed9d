from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

LOCK_WAIT = 10  # seconds: for another process's write (SQLite), for a locked row (PostgreSQL)


class PoolPerLoop:
    """What both engines share: a pool serves the event loop it was started in and no other.

    So a script, a `run_sync()` or a test with its own loop beside a running application finds no
    pool and opens connections of its own, instead of waiting on a loop that is not running.
    """

    current_transaction: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        super().__init__(*args, **kwargs)

    @property
    def pool(self) -> Any:
        try:
            return self._pools.get(asyncio.get_running_loop())
        except RuntimeError:
            return None

    @pool.setter
    def pool(self, pool: Any) -> None:
        if pool is not None:
            self._pools[asyncio.get_running_loop()] = pool
        elif self.pool is not None:
            del self._pools[asyncio.get_running_loop()]

    def transaction_exists(self) -> bool:
        return self.open_transaction() is not None

    def open_transaction(self) -> Any:
        transaction = self.current_transaction.get()
        # A task that was started inside a transaction still carries it when it is over.
        return None if transaction is None or transaction.ended else transaction
