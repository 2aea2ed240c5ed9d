"""Takes a backup of a portal that goes on working."""

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from domain.messages.files import Away, Files, Unreadable
from operations.backup import archive, databases
from operations.backup.archive import Document, Manifest, Writer
from operations.backup.databases import DatabaseFailed
from operations.backup.naming import give_name

NAME = "portal-{:%Y%m%dT%H%M%SZ}.backup"
OURS = "portal-????????T??????Z.backup"
UNFINISHED = ".part"
ABANDONED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Taken:
    path: Path
    manifest: Manifest


async def take(to: Path, files: Files, key: str, *, now: datetime) -> Taken:
    """The database first and the documents after it: those it names are there, or are named."""
    path = _in(to, now)
    async with AsyncExitStack() as held:
        copy = await held.enter_async_context(databases.copied())
        manifest = Manifest(copy.engine, now.isoformat(), copy.migrations)
        with _new(path) as file, archive.writing(file, key, manifest, now) as writer:
            async for part in copy.parts():
                writer.add_part(part)
            await held.aclose()  # a snapshot keeps old rows alive, a copy takes as much room again
            for document in copy.documents:
                await _add(document, files, writer)
    return Taken(path, manifest)


def forget_old(folder: Path, keep: int, *, now: datetime) -> list[Path]:
    """All but the newest that have a name of ours here, and what a killed one left long ago."""
    abandoned = (now - ABANDONED).timestamp()
    unfinished = folder.glob(f"{OURS}{UNFINISHED}")
    old = sorted(folder.glob(OURS))[:-keep]
    old += [path for path in unfinished if path.stat().st_mtime < abandoned]
    for path in old:
        path.unlink()
    return old


def _in(to: Path, now: datetime) -> Path:
    return to / NAME.format(now) if to.is_dir() else to


async def _add(document: Document, files: Files, writer: Writer) -> None:
    try:
        content = await files.read(document.name, 0, document.size + 1)
    except Away as error:
        raise Away(f"{error}, asked for {document.name}") from error
    except Unreadable:
        content = b""
    if sha256(content).hexdigest() == document.sha256:
        writer.add_document(document, content)
    else:
        writer.manifest.missing.append(document.name)


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """Has its name once all of it is on the disk, and never replaces another."""
    unfinished = path.with_name(path.name + UNFINISHED)
    if path.exists():
        raise DatabaseFailed(f"{path} is there already")
    try:
        made = open(unfinished, "wb", opener=_own)  # noqa: SIM115 - what another made is not ours
    except FileExistsError:
        raise DatabaseFailed(
            f"{unfinished} is there: another backup is writing it, or one that was killed left it;"
            " if none is running, delete it"
        ) from None
    try:
        with made as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        give_name(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _own(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL | os.O_NOFOLLOW, 0o600)
