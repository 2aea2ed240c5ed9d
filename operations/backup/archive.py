"""What lies in a backup, in this order: the database in parts, the documents, the manifest.

It is a tar archive inside the seal, written and read from beginning to end; of a file's bytes
no more than one document or one part of the database is in memory.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from domain.messages.files import checked
from operations.backup.sealing import CannotOpen, Opener, Sealer

MANIFEST = "manifest.json"
DATABASE = "database/"
DOCUMENTS = "documents/"
LARGEST_MEMBER = 64 * 2**20
LARGEST_MANIFEST = 2**30


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    size: int
    sha256: str


@dataclass
class Manifest:
    engine: str
    taken_at: str
    migrations: list[str]
    """Those that the database had seen: what tells an older portal that this is not for it."""
    database_size: int = 0
    database_sha256: str = ""
    documents: list[Document] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Documents of the database that the store no longer had, or had otherwise than stored."""

    def text(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def of(cls, text: bytes) -> Self:
        try:
            found = json.loads(text)
            documents = [Document(**document) for document in found.pop("documents")]
            return cls(**found, documents=documents)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CannotOpen("the manifest of this backup is not one of ours") from None

    @property
    def size(self) -> int:
        return self.database_size + sum(document.size for document in self.documents)


class Writer:
    def __init__(self, archive: tarfile.TarFile, manifest: Manifest, now: datetime) -> None:
        self.manifest = manifest
        self._archive = archive
        self._now = now
        self._digest = sha256()
        self._parts = 0

    def add_part(self, content: bytes) -> None:
        self._parts += 1
        self._digest.update(content)
        self.manifest.database_size += len(content)
        self.manifest.database_sha256 = self._digest.hexdigest()
        self._add(f"{DATABASE}{self._parts:08}", content)

    def add_document(self, document: Document, content: bytes) -> None:
        self._add(f"{DOCUMENTS}{document.name}", content)
        self.manifest.documents.append(document)

    def finish(self) -> None:
        self._add(MANIFEST, self.manifest.text())

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o600, int(self._now.timestamp())
        self._archive.addfile(member, io.BytesIO(content))
        _forget(self._archive)


@contextmanager
def writing(file: BinaryIO, key: str, manifest: Manifest, now: datetime) -> Iterator[Writer]:
    sealer = Sealer(file, key)
    with tarfile.open(fileobj=cast("Any", sealer), mode="w|", format=tarfile.PAX_FORMAT) as archive:
        writer = Writer(archive, manifest, now)
        yield writer
        writer.finish()
    sealer.close()


def members(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Each with its content, once it is known to be what was sealed; to the very end."""
    try:
        with path.open("rb") as file:
            opener = Opener(file, keys)
            with tarfile.open(fileobj=cast("Any", opener), mode="r|") as archive:
                while member := archive.next():
                    _forget(archive)
                    yield member.name, _content(archive, member)
            while opener.read(2**20):  # what tar does not look at is to be whole too
                pass
    except tarfile.TarError as error:
        raise CannotOpen(f"this backup is not readable: {error}") from error


def _forget(archive: tarfile.TarFile) -> None:
    """What it has passed: else it keeps a note of each in memory."""
    archive.members = []  # type: ignore[attr-defined]


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    most = LARGEST_MANIFEST if member.name == MANIFEST else LARGEST_MEMBER
    if not member.isreg() or member.size > most:
        raise CannotOpen(f"there is something else than files in this backup: {member.name}")
    file = archive.extractfile(member)
    return file.read() if file else b""


def _document_name(name: str) -> str:
    try:
        return checked(name.removeprefix(DOCUMENTS))
    except ValueError:
        raise CannotOpen("a document of this backup has a name that is none of ours") from None


def verified(path: Path, keys: Sequence[str]) -> Manifest:
    """Reads all of it, and compares each hash with the manifest's, before anything is written."""
    database, documents, manifest = sha256(), list[Document](), None
    for name, content in members(path, keys):
        if manifest is not None:
            raise CannotOpen("something follows the manifest of this backup")
        if name == MANIFEST:
            manifest = Manifest.of(content)
        elif name.startswith(DATABASE):
            database.update(content)
        else:
            digest = sha256(content).hexdigest()
            documents.append(Document(_document_name(name), len(content), digest))
    if manifest is None:
        raise CannotOpen("this backup has no manifest")
    if database.hexdigest() != manifest.database_sha256 or documents != manifest.documents:
        raise CannotOpen("this backup does not hold what its manifest says")
    return manifest
