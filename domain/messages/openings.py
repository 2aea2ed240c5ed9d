"""How many attachments may be on their way at once: each takes a connection and some memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from domain.errors import TooBusy

MOST = 16
MOST_OF_ONE = 4
"""Of one account: a browser's own viewer asks for several parts at a time."""
PATIENCE = 5.0
"""Seconds that one waits for a place."""


class Openings:
    """The places of one process."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(MOST)
        # Gone with the last who has one of its places, or waits for it.
        self._of: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, account: UUID) -> AsyncIterator[None]:
        """Until the last byte is sent."""
        own = self._of.setdefault(account, asyncio.Semaphore(MOST_OF_ONE))
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE):
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._all)
            except TimeoutError as error:
                raise TooBusy from error
            yield
