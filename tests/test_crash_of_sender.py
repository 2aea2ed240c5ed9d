"""Killed between a file and its row: neither stays alone."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from domain import clock, db
from domain.messages.files import FolderStore
from domain.messages.tables import Attachment, Message
from jobs.sweep_files import sweep_files
from tests import databases, pdfs
from tests.world import World

ROOT = Path(__file__).parents[1]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("place", "is_kept"), [("stored", 0), ("added", 0), ("committed", 1)])
async def test_killed_while_sending_leaves_the_file_and_its_row_or_neither(
    world: World, tmp_path: Path, place: str, is_kept: int
) -> None:
    """A56: kill −9 after the file, before the commit, after it."""
    await world.thread()
    (message,) = await Message.select(Message.id)
    kill(str(message["id"]), tmp_path, place)
    store = FolderStore(tmp_path)
    assert len(await store.names()) == 1
    now = clock.now()
    await sweep_files(store, now=now)
    assert len(await store.names()) == 1  # a sending may still be under way
    assert await sweep_files(store, now=now + 2 * HOUR) == 1 - is_kept
    rows = await Attachment.select(Attachment.stored_as, Attachment.size)
    names = list(await store.names())
    assert [row["stored_as"] for row in rows] == names
    assert len(names) == is_kept
    for name in names:
        assert await store.read(name, 0, 2**20) == pdfs.good()
    if not db.is_postgres():
        assert await db.fetch("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def kill(*arguments: object) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.sender", *map(str, arguments)],
        cwd=ROOT,
        env=databases.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
