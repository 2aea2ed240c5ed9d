"""Puts a backup back into an empty place: first the documents, last and in one piece the database.

Until that is there nothing looks like an installation, and the same restore may begin again.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from domain import audit, clock, db, restored
from domain.messages.files import UNFINISHED, Files
from operations.backup import archive, databases
from operations.backup.archive import DATABASE, DOCUMENTS, Manifest
from operations.backup.sealing import CannotOpen


class NotEmpty(Exception):
    pass


class NotWhole(Exception):
    """It was restored, and is not what it should be."""


async def restore(path: Path, files: Files, keys: Sequence[str]) -> Manifest:
    manifest = await checked(path, keys)
    place = databases.place()
    if not await place.is_empty():
        raise NotEmpty("there is a database already: a backup is restored into an empty one")
    await _make_room(files, manifest)
    for name, content in archive.members(path, keys):
        if name.startswith(DOCUMENTS):
            await _put(name.removeprefix(DOCUMENTS), content, files)
    await place.fill(_database(path, keys))
    await _look_at_it(files, manifest)
    return manifest


async def checked(path: Path, keys: Sequence[str]) -> Manifest:
    """Whole, ours, and not of a newer portal nor for the other engine; nothing is written."""
    manifest = archive.verified(path, keys)
    if unknown := set(manifest.migrations) - db.known_migrations():
        raise CannotOpen(
            f"this backup is of a newer portal: {max(unknown)} is not known here; install that one"
        )
    here = "postgres" if db.is_postgres() else "sqlite"
    if manifest.engine != here:
        raise CannotOpen(
            f"this backup is of {manifest.engine}, and DATABASE_URL leads to {here}:"
            " it is restored into the engine that it was taken from"
        )
    return manifest


async def _make_room(files: Files, manifest: Manifest) -> None:
    """What a restore that was cut short has left may stay; nothing else."""
    found = set(await files.names())
    unfinished = {name for name in found if name.endswith(UNFINISHED)}
    if found - unfinished - {document.name for document in manifest.documents}:
        raise NotEmpty("the store holds other documents: a backup is restored into an empty one")
    for name in unfinished:
        await files.delete(name)


async def _put(name: str, content: bytes, files: Files) -> None:
    await files.delete(name)
    await files.put(name, content)
    stored = await files.read(name, 0, len(content) + 1)
    if sha256(stored).digest() != sha256(content).digest():
        raise NotWhole(f"the store did not keep {name} as it was written; nothing more was done")


def _database(path: Path, keys: Sequence[str]) -> Iterator[bytes]:
    for name, content in archive.members(path, keys):
        if name.startswith(DATABASE):
            yield content


async def _look_at_it(files: Files, manifest: Manifest) -> None:
    async with db.connected():
        await restored.shut(now=clock.now())
        if (broken := await audit.first_broken_seal()) is not None:
            raise NotWhole(f"restored, but the journal was changed at or before line {broken}")
    stored = await files.names()
    lost = [document.name for document in manifest.documents if document.name not in stored]
    if lost:
        raise NotWhole(f"restored, but the store has lost {', '.join(lost)}")
