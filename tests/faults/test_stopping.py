"""Asked to stop, the portal finishes what is under way, and ends soon."""

import asyncio
import signal
from pathlib import Path

import pytest

from domain import clock
from tests.crash.server import Server, environment, nursery
from tests.world import World, build

FORM = b"courriel=alice%40example.com&mot_de_passe=x"
HEAD = (
    b"POST /connexion HTTP/1.1\r\nhost: portail.example\r\nsec-fetch-site: same-origin\r\n"
    b"content-type: application/x-www-form-urlencoded\r\ncontent-length: %d\r\n"
    b"expect: 100-continue\r\n\r\n" % len(FORM)
)
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
SOON = 30


@pytest.fixture
async def clinic(database: object) -> World:
    return await build(clock.now().replace(microsecond=0))


async def test_stopped_under_a_request_it_answers_it_and_ends(
    clinic: World, tmp_path: Path
) -> None:
    with nursery(environment(9), tmp_path / "nursery.log") as born:
        server = Server(born, tmp_path / "server.log")
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HEAD)
        assert await reader.readexactly(len(GO_ON)) == GO_ON  # the form is waited for
        writer.write(FORM[:10])
        ended = asyncio.create_task(asyncio.to_thread(server.kill, signal.SIGTERM))
        async with asyncio.timeout(SOON):
            while await lets_in(server.port):
                await asyncio.sleep(0.02)
        assert not ended.done()
        writer.write(FORM[10:])
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 403 ")  # a form without its token, in full
        assert answer.rstrip().endswith(b"</html>")
        writer.close()
        async with asyncio.timeout(SOON):
            await ended
        assert "Traceback" not in server.log.read_text()
        assert " ERROR " not in server.log.read_text()


async def lets_in(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
