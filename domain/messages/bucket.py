"""The content of attachments in a bucket, which several machines share."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from domain.messages.files import AT_ONCE, NAME, Away, Unreadable, Unwritable, checked, told

PATIENCE = timedelta(seconds=10)
"""For all of one request to a bucket, its second try too: someone waits for the page."""
CONNECTS_WITHIN = timedelta(seconds=3)
TRIES = 1
UNHURRIED = timedelta(minutes=10)
"""For a whole document over a slow line, when nobody waits for a page."""
UNHURRIED_TRIES = 10
TRIED_FOR = timedelta(minutes=1)


class ObjectStore:
    """A bucket that speaks S3; its address and keys are where every such client looks for them."""

    def __init__(self, url: str, *, is_hurried: bool = True) -> None:
        place = urlsplit(url)
        self._store = S3Store(
            place.netloc,
            prefix=place.path.strip("/") or None,
            client_options={
                "timeout": PATIENCE if is_hurried else UNHURRIED,
                "connect_timeout": CONNECTS_WITHIN,
                "allow_http": True,  # on this machine alone: `Settings` sees to it
            },
            retry_config={
                "max_retries": TRIES if is_hurried else UNHURRIED_TRIES,
                "retry_timeout": CONNECTS_WITHIN if is_hurried else TRIED_FOR,
            },
        )
        self._places = asyncio.Semaphore(AT_ONCE)

    async def put(self, name: str, content: bytes) -> None:
        try:
            await self._store.put_async(checked(name), content, use_multipart=False)
        except (BaseError, OSError) as error:
            raise Unwritable(told(error)) from error

    async def read(self, name: str, first: int, size: int) -> bytes:
        async with self._places:
            try:
                return bytes(
                    await self._store.get_range_async(checked(name), start=first, length=size)
                )
            except FileNotFoundError as error:
                raise Unreadable(told(error)) from error
            except (BaseError, OSError) as error:
                raise Away(told(error)) from error

    async def delete(self, name: str) -> None:
        try:
            with suppress(FileNotFoundError):
                await self._store.delete_async(checked(name))
        except (BaseError, OSError) as error:
            raise Unwritable(told(error)) from error

    async def names(self) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        try:
            async for some in obstore.list(self._store, chunk_size=1000):
                found |= {m["path"]: m["last_modified"] for m in some if NAME.fullmatch(m["path"])}
        except (BaseError, OSError) as error:
            raise Away(told(error)) from error
        return found
