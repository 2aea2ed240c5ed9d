"""Connections as bytes: one whose next request never begins does not stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from web import connections

HEAD_WITHIN = 0.1
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@asynccontextmanager
async def line(app: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """To a server whose keep-alive alone would never end within a test."""
    config = Config(app, lifespan="off", timeout_keep_alive=60, log_config=None)
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: connections.Connection(config, state, {}),  # type: ignore[arg-type]
        "127.0.0.1",
        0,
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def answer(_: Any, __: Any, send: Any) -> None:
    headers = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd", "more_body": False})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", HEAD_WITHIN)


@pytest.mark.parametrize("sent", [b"\r\n", b"\r\n\r\n", b"GE"])
async def test_what_begins_no_request_keeps_no_connection(sent: bytes) -> None:
    """Abuse: an empty line after an answer, which ends the timer of the keep-alive."""
    async with line(answer) as (reader, writer), asyncio.timeout(5):
        writer.write(REQUEST)
        await reader.readuntil(b"abcd")
        writer.write(sent)
        assert await reader.read() == b""


async def test_an_idle_connection_takes_the_next_request() -> None:
    async with line(answer) as (reader, writer), asyncio.timeout(5):
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"abcd")
            await asyncio.sleep(2 * HEAD_WITHIN)
        writer.write(b"\r\n" + REQUEST)
        await reader.readuntil(b"abcd")


async def test_a_next_head_that_does_not_end_cuts_no_answer_short() -> None:
    goes_on = asyncio.Event()

    async def slowly(scope: Any, receive: Any, send: Any) -> None:
        async def wait_between(message: Any) -> None:
            await send(message)
            if message.get("more_body"):
                await goes_on.wait()

        await answer(scope, receive, wait_between)

    async with line(slowly) as (reader, writer), asyncio.timeout(5):
        writer.write(REQUEST)
        await reader.readuntil(b"ab")
        writer.write(REQUEST[:10])
        await asyncio.sleep(2 * HEAD_WITHIN)
        goes_on.set()
        assert await reader.read() == b"cd"
