"""The PDFs of messages: stored before their rows, shown, opened by who may, swept."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.audit import Actor
from domain.errors import FileMissing, FilesNotKept, NotFound, PdfRefused
from domain.messages import pdf_check
from domain.messages.file_names import readable, title
from domain.messages.files import Files, Unreadable, Unwritable
from domain.messages.rules import visible_kinds
from domain.messages.tables import Attachment
from domain.people.viewer import Viewer

MOST_FILES = 5
"""Of one message."""
MOST_BYTES_A_DAY = 200 * 2**20
DAY = timedelta(days=1)
READ = "read.attachment"
COLUMNS = "a.id, a.file_name, a.size, a.sha256, a.stored_as, m.kind, m.patient"
PART = 512 * 1024
"""Of a file: so much of it is in memory at once."""
OPENING = timedelta(hours=1)
GRACE = timedelta(hours=1)
"""Longer than any transaction: a file older than this has its row, or never will."""
MOST_ORPHANS = 100
"""At once: beyond, this is more likely another database's folder than a crash's leavings."""
log = logging.getLogger("portal.files")


@dataclass(frozen=True, slots=True)
class File:
    """As someone at the clinic chose it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Written, and without a row yet."""

    file_name: str
    size: int
    sha256: str
    stored_as: str


@dataclass(frozen=True, slots=True)
class Shown:
    id: UUID
    file_name: str
    title: str
    """The name without « .pdf »."""
    size: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Found as it was stored; read again, part by part, while it is sent."""

    id: UUID
    file_name: str
    size: int
    stored_as: str
    digests: Sequence[str]
    """Of its parts: nothing else is sent, whatever becomes of the file meanwhile."""
    store: Files

    async def parts(self, first: int, last: int) -> AsyncIterator[bytes]:
        """From the first byte to the last, both of them in it."""
        for number in range(first // PART, last // PART + 1):
            start = number * PART
            part = await self.store.read(self.stored_as, start, min(PART, self.size - start))
            if not hmac.compare_digest(await _digest(part), self.digests[number]):
                log.error("the file of attachment %s changed while it was sent", self.id)
                raise Unreadable("changed")
            yield part[max(first - start, 0) : last + 1 - start]


async def check_all(files: Sequence[File], *, copies: int = 1, now: datetime) -> None:
    """Before anything is stored; refuses the whole message for one bad file."""
    if len(files) > MOST_FILES:
        raise PdfRefused("too_many")
    for file in files:
        await pdf_check.check(file.name, file.content)
    await _check_day(copies * sum(len(file.content) for file in files), now)


async def stored(files: Sequence[File], store: Files) -> list[Stored]:
    """Before the transaction: where it fails, what was written here is swept later."""
    return [await _store(file, store) for file in files]


async def add(message: UUID, stored: Sequence[Stored], *, now: datetime) -> None:
    """Within the caller's transaction, after the message's own row."""
    if stored:
        await db.lock_key("attachments")
        await _check_day(sum(file.size for file in stored), now)
    for position, file in enumerate(stored):
        await Attachment.insert(
            Attachment(
                id=uuid4(),
                message=message,
                position=position,
                file_name=file.file_name,
                size=file.size,
                sha256=file.sha256,
                stored_as=file.stored_as,
                added_at=now,
            )
        )


async def of_messages(messages: Collection[UUID]) -> dict[UUID, list[Shown]]:
    """For a page that shows these messages; those without any are not in it."""
    if not messages:
        return {}
    places = db.places(messages)
    rows = await db.fetch(
        f"""
        SELECT id, message, file_name, size FROM attachment
        WHERE message IN ({places}) ORDER BY message, position
        """,
        *messages,
    )
    found: dict[UUID, list[Shown]] = {}
    for row in rows:
        shown = Shown(row["id"], row["file_name"], title(row["file_name"]), row["size"])
        found.setdefault(row["message"], []).append(shown)
    return found


async def open(
    viewer: Viewer,
    patient: UUID,
    attachment: UUID,
    store: Files,
    *,
    is_beginning: bool = True,
    now: datetime,
) -> Opened:
    """For whoever may read its message. The parts that a viewer asks for later are one opening."""
    row = await _visible(viewer, patient, attachment, now)
    return await _open(viewer.actor, patient, row, store, is_beginning=is_beginning, now=now)


async def open_at_clinic(
    actor: Actor,
    thread: UUID,
    attachment: UUID,
    store: Files,
    *,
    is_beginning: bool = True,
    now: datetime,
) -> Opened:
    """For someone of the clinic who may read that thread."""
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM attachment a JOIN message m ON m.id = a.message
        WHERE a.id = {{}} AND m.thread = {{}}
        """,
        attachment,
        thread,
    )
    if not rows:
        raise NotFound
    return await _open(
        actor, rows[0]["patient"], rows[0], store, is_beginning=is_beginning, now=now
    )


async def _open(
    actor: Actor,
    patient: UUID,
    row: dict[str, Any],
    store: Files,
    *,
    is_beginning: bool,
    now: datetime,
) -> Opened:
    attachment = row["id"]
    opened = await _opened(attachment, row, store)
    record = partial(audit.record, actor, patient=patient, subject=attachment, at=now)
    if opened is None:
        await record("attachment.missing")
        raise FileMissing
    if is_beginning or not await audit.is_recorded(
        actor, READ, patient=patient, subject=attachment, since=now - OPENING
    ):
        await record(READ)
    return opened


async def sweep(store: Files, *, now: datetime) -> int:
    """What a crash left without a row; and the alert for rows without their file."""
    names = await store.names()
    rows = await db.fetch("SELECT stored_as, added_at FROM attachment")
    known = {row["stored_as"] for row in rows}
    missing = sum(row["added_at"] < now - GRACE and row["stored_as"] not in names for row in rows)
    if missing:
        log.error("%d attachments have lost their file", missing)
    orphans = [name for name, since in names.items() if since < now - GRACE and name not in known]
    if len(orphans) > max(MOST_ORPHANS, len(names) // 2):
        log.error("%d stored files have no row: is this another database's store?", len(orphans))
        return 0
    for name in orphans:
        await store.delete(name)
    return len(orphans)


async def _check_day(more: int, now: datetime) -> None:
    if not more:
        return
    (row,) = await db.fetch(
        "SELECT coalesce(sum(size), 0) AS bytes FROM attachment WHERE added_at > {}", now - DAY
    )
    if row["bytes"] + more > MOST_BYTES_A_DAY:
        raise PdfRefused("too_much_today")


async def _store(file: File, store: Files) -> Stored:
    made = Stored(
        file_name=readable(file.name),
        size=len(file.content),
        sha256=await _digest(file.content),
        stored_as=secrets.token_hex(32),
    )
    try:
        await store.put(made.stored_as, file.content)
    except Unwritable as error:
        log.error("a file cannot be stored: %s", error)
        raise FilesNotKept from error
    return made


async def _visible(
    viewer: Viewer, patient: UUID, attachment: UUID, now: datetime
) -> dict[str, Any]:
    viewer.reading(patient, now)
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM attachment a JOIN message m ON m.id = a.message
        WHERE a.id = {{}} AND m.patient = {{}}
        """,
        attachment,
        patient,
    )
    if not rows or rows[0]["kind"] not in visible_kinds(viewer, patient, now):
        raise NotFound
    return rows[0]


async def _opened(attachment: UUID, row: dict[str, Any], store: Files) -> Opened | None:
    """As it was stored, or nothing at all: never a part of it, never something else."""
    name, size = row["stored_as"], row["size"]
    whole, digests = hashlib.sha256(), []
    try:
        for start in range(0, size, PART):
            part = await store.read(name, start, min(PART, size - start))
            await asyncio.to_thread(whole.update, part)
            digests.append(await _digest(part))
    except Unreadable as error:
        log.error("the file of attachment %s cannot be read: %s", attachment, error)
        return None
    if hmac.compare_digest(whole.hexdigest(), row["sha256"]):
        return Opened(attachment, row["file_name"], size, name, digests, store)
    log.error("the file of attachment %s is not what was stored", attachment)
    return None


async def _digest(content: bytes) -> str:
    return (await asyncio.to_thread(hashlib.sha256, content)).hexdigest()
