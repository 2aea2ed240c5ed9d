"""Asked to stop, the portal finishes what is under way, and ends soon."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from domain import clock
from tests.crash.server import Server, environment, nursery
from tests.world import World, build

FORM = b"courriel=alice%40example.com&mot_de_passe=x"
HEAD = (
    b"POST /connexion HTTP/1.1\r\nhost: portail.example\r\nsec-fetch-site: same-origin\r\n"
    b"content-type: application/x-www-form-urlencoded\r\ncontent-length: %d\r\n\r\n" % len(FORM)
)


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
        writer.write(HEAD + FORM[:10])
        await asyncio.sleep(0.3)
        began = time.monotonic()
        ended = asyncio.create_task(asyncio.to_thread(server.kill, signal.SIGTERM))
        await asyncio.sleep(0.7)
        assert not ended.done()
        with pytest.raises(OSError, match="Connect"):  # nobody new is let in
            await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(FORM[10:])
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 403 ")  # a form without its token, in full
        assert answer.rstrip().endswith(b"</html>")
        writer.close()
        await ended
        assert time.monotonic() - began < 30
        assert "Traceback" not in server.log.read_text()
        assert " ERROR " not in server.log.read_text()
