"""A small proxy before several servers: each in turn, and a page of its own when none answers.

What it may send again it does: a GET, and whatever no server has taken yet.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle

END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
ANSWERED_WITHIN = 30
SORRY = b"<h1>Un instant\xe2\x80\xa6</h1>"
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html; charset=utf-8\r\nretry-after: 2\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(SORRY), SORRY)
)


class NotTaken(Exception):
    """No connection: nothing of the request has left."""


class CutShort(Exception):
    """Taken, and not answered in full."""


@dataclass
class Proxy:
    ports: list[int]
    retried: int = 0
    sorry: int = 0
    answered_by: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._turns = cycle(self.ports)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            request = await _message(reader)
            address = writer.get_extra_info("peername")[0].encode()
            head = b"\r\nX-Forwarded-For: %b\r\nconnection: close\r\n\r\n" % address
            request = CONNECTION.sub(b"", request, count=1).replace(END, head, 1)
            writer.write(await self._answer(request))
            await writer.drain()
        writer.close()

    async def _answer(self, request: bytes) -> bytes:
        may_repeat = request.startswith(b"GET ")
        for _ in self.ports:
            port = next(self._turns)
            try:
                answer = await asyncio.wait_for(_asked(port, request), ANSWERED_WITHIN)
            except NotTaken:
                self.retried += 1
            except (CutShort, TimeoutError):
                if not may_repeat:
                    break
                self.retried += 1
            else:
                self.answered_by.add(port)
                return answer
        self.sorry += 1
        return BAD_GATEWAY


async def _asked(port: int, request: bytes) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        raise NotTaken from error
    try:
        writer.write(request)
        return await _message(reader)
    except (OSError, asyncio.IncompleteReadError) as error:
        raise CutShort from error
    finally:
        writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Its head, and as much body as that announces; without a length, all there is."""
    head = await reader.readuntil(END)
    if found := LENGTH.search(head):
        return head + await reader.readexactly(int(found[1]))
    if head.startswith(b"HTTP/") and head.split(b" ", 2)[1] not in {b"204", b"304"}:
        return head + await reader.read()
    return head


@asynccontextmanager
async def proxy(*ports: int) -> AsyncIterator[tuple[Proxy, int]]:
    made = Proxy(list(ports))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()
