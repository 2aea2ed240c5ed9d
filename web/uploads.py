"""How many forms with files may be on their way at once: each takes up to a hundred megabytes."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.errors import UploadsBusy

MOST = 3
PATIENCE = 10.0
"""Seconds that one waits for a place; not a byte is read meanwhile."""
SMALL = 500_000
"""A form of so many bytes needs no place: a letter without files is never kept waiting."""


class Uploads:
    """The places of one process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MOST)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError as error:
            raise UploadsBusy from error
        try:
            yield
        finally:
            gc.collect()  # what a refusal's traceback still holds of the files, for it looks rarely
            self._places.release()
