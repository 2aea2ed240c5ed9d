"""Sends a document as the clinic does, and waits where it is told to: `… sender MESSAGE FOLDER at`.

It tells « there » when it has come to that place, and is killed there.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from domain import clock, db
from domain.messages import attachments
from domain.messages.files import FolderStore
from tests import pdfs


async def send(message: UUID, folder: Path, place: str) -> None:
    store = FolderStore(folder)
    async with db.connected():
        stored = await attachments.stored([attachments.File("a.pdf", pdfs.good())], store)
        wait_if(place == "stored")
        async with db.transaction():
            await attachments.add(message, stored, now=clock.now())
            wait_if(place == "added")
        wait_if(place == "committed")


def wait_if(is_here: bool) -> None:
    if is_here:
        sys.stdout.write("there\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(send(UUID(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
