"""Where the content of attachments lies: a folder here, or a bucket (bucket.py)."""

import asyncio
import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from domain.config import Settings

NAME = re.compile(r"[0-9a-f]{64}(\.part)?")
UNFINISHED = ".part"
AT_ONCE = 8
"""So many reads are under way at the same time."""
DAMAGED = {errno.EIO, errno.EISDIR}


class Unreadable(Exception):
    """The store does not have it, or cannot be asked."""


class Away(Unreadable):
    """The store cannot be asked: what it has is not known."""


class Unwritable(Exception):
    """The store has no room, or cannot be asked: nothing of it is there under its name."""


class Files(Protocol):
    async def put(self, name: str, content: bytes) -> None:
        """Once this returns, a power cut does not lose it; raises `Unwritable`."""

    async def read(self, name: str, first: int, size: int) -> bytes:
        """So many bytes from there on, or fewer where it ends; raises `Unreadable`, or `Away`."""

    async def delete(self, name: str) -> None:
        """Nothing, if there is none; raises `Unwritable`."""

    async def names(self) -> dict[str, datetime]:
        """All that is stored, what a crash left unfinished too, and since when; raises `Away`."""


def store_of(settings: Settings, *, is_hurried: bool = True) -> Files:
    if settings.documents_url:
        from domain.messages.bucket import ObjectStore  # 5 MB, which a folder does without

        return ObjectStore(settings.documents_url, is_hurried=is_hurried)
    return FolderStore(settings.data_dir / "documents")


class FolderStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = asyncio.Semaphore(AT_ONCE)

    async def put(self, name: str, content: bytes) -> None:
        try:
            await asyncio.to_thread(self._write, self._path(name), content)
        except OSError as error:
            raise Unwritable(told(error)) from error

    async def read(self, name: str, first: int, size: int) -> bytes:
        async with self._places:
            try:
                return await asyncio.to_thread(_read, self._path(name), first, size)
            except FileNotFoundError as error:
                raise Unreadable(told(error)) from error
            except OSError as error:
                kind = Unreadable if error.errno in DAMAGED else Away
                raise kind(told(error)) from error

    async def delete(self, name: str) -> None:
        try:
            await asyncio.to_thread(self._path(name).unlink, missing_ok=True)
        except OSError as error:
            raise Unwritable(told(error)) from error

    async def names(self) -> dict[str, datetime]:
        try:
            return await asyncio.to_thread(lambda: dict(self._found()))
        except OSError as error:
            raise Away(told(error)) from error

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)[:2] / name

    def _write(self, path: Path, content: bytes) -> None:
        for folder in (self._folder, path.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _sync(folder.parent)
        unfinished = path.with_name(path.name + UNFINISHED)
        try:
            with open(unfinished, "xb", opener=_own) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except OSError:  # such as a full disk
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def _found(self) -> Iterator[tuple[str, datetime]]:
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # gone since
                if NAME.fullmatch(path.name):
                    yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)


def checked(name: str) -> str:
    """Ours, so that no name leads anywhere else."""
    if not NAME.fullmatch(name):
        raise ValueError("not a name of a stored file")
    return name


def told(error: Exception) -> str:
    """Its kind alone: the words of some name an address."""
    code = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(code or 0, type(error).__name__)


def _read(path: Path, first: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(size)


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
