import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Self
from uuid import UUID

from domain import db
from domain.journal.tables import AuditLine, AuditSeal

BATCH = 5000
AT_ONCE = 1000
"""Lines in a statement: a database takes so many values and no more."""
SETTLED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Actor:
    kind: str
    id: UUID | None
    request_id: str

    @classmethod
    def stranger(cls, request_id: str) -> Self:
        return cls("stranger", None, request_id)

    @classmethod
    def job(cls, name: str) -> Self:
        return cls("job", None, name)


async def record(
    actor: Actor,
    action: str,
    *,
    at: datetime,
    patient: UUID | None = None,
    subject: UUID | None = None,
    outcome: str = "done",
) -> None:
    """One line, in the caller's transaction if there is one: no act without its line."""
    await db.write(line(actor, action, at=at, patient=patient, subject=subject, outcome=outcome))


def line(
    actor: Actor,
    action: str,
    *,
    at: datetime,
    patient: UUID | None = None,
    subject: UUID | None = None,
    outcome: str = "done",
) -> db.Write:
    """The same, to be written together with what it is about."""
    return _lines([(at, actor.kind, actor.id, patient, action, subject, outcome, actor.request_id)])


async def is_recorded(
    actor: Actor, action: str, *, patient: UUID, subject: UUID, since: datetime
) -> bool:
    """Whether this actor's doing just that is in the journal already."""
    rows = await db.fetch(
        """
        SELECT 1 FROM audit_line
        WHERE patient = {} AND subject = {} AND actor = {} AND action = {} AND outcome = 'done'
          AND at > {} LIMIT 1
        """,
        patient,
        subject,
        actor.id,
        action,
        since,
    )
    return bool(rows)


async def shown_since(actor: Actor, action: str, since: datetime) -> frozenset[UUID]:
    """Of which patients the journal says already that they were shown to this actor there."""
    rows = await db.fetch(
        "SELECT DISTINCT patient FROM audit_line WHERE actor = {} AND action = {} AND at >= {}",
        actor.id,
        action,
        since,
    )
    return frozenset(row["patient"] for row in rows)


async def record_each(actor: Actor, action: str, patients: Sequence[UUID], *, at: datetime) -> None:
    """A line for each patient of whom something was shown at once."""
    await _insert(
        [
            (at, actor.kind, actor.id, patient, action, None, "done", actor.request_id)
            for patient in patients
        ]
    )


async def record_acts(
    actor: Actor, action: str, acts: Sequence[tuple[UUID, UUID]], *, at: datetime
) -> None:
    """A line for each patient with the subject that something was done to."""
    await _insert(
        [
            (at, actor.kind, actor.id, patient, action, subject, "done", actor.request_id)
            for patient, subject in acts
        ]
    )


async def _insert(lines: list[tuple[Any, ...]]) -> None:
    for first in range(0, len(lines), AT_ONCE):
        await db.write(_lines(lines[first : first + AT_ONCE]))


def _lines(lines: list[tuple[Any, ...]]) -> db.Write:
    columns = "at, actor_kind, actor, patient, action, subject, outcome, request_id"
    places = ", ".join(["({}, {}, {}, {}, {}, {}, {}, {})"] * len(lines))
    values = tuple(value for line in lines for value in line)
    return db.Write(f"INSERT INTO audit_line ({columns}) VALUES {places}", values)


async def seal(*, now: datetime) -> int:
    """Chain the hash of the lines that have settled since the last seal."""
    sealed = 0
    async with db.transaction():
        await db.lock_key("audit-seal")
        previous = await _last_seal()
        lines = await _lines_after(previous.last_line if previous else 0, until=now - SETTLED_AFTER)
        if lines:
            digest = _digest(previous.digest if previous else "", lines)
            await AuditSeal.insert(
                AuditSeal(last_line=lines[-1]["id"], lines=len(lines), digest=digest, sealed_at=now)
            )
            sealed = len(lines)
    return sealed


async def first_broken_seal() -> int | None:
    """The last line of the first seal that its lines no longer match."""
    previous, after = "", 0
    for seal_row in await AuditSeal.objects().order_by(AuditSeal.last_line):
        lines = await db.fetch(
            "SELECT * FROM audit_line WHERE id > {} AND id <= {} ORDER BY id",
            after,
            seal_row.last_line,
        )
        if len(lines) != seal_row.lines or _digest(previous, lines) != seal_row.digest:
            return int(seal_row.last_line)
        previous, after = seal_row.digest, seal_row.last_line
    return None


async def _last_seal() -> AuditSeal | None:
    return await AuditSeal.objects().order_by(AuditSeal.last_line, ascending=False).first()


async def _lines_after(line: int, *, until: datetime) -> list[dict[str, Any]]:
    """Up to the first that may still have a neighbour in an open transaction."""
    lines = await db.fetch(
        "SELECT * FROM audit_line WHERE id > {} ORDER BY id LIMIT {}", line, BATCH
    )
    return list(takewhile(lambda found: found["at"] < until, lines))


def _digest(previous: str, lines: list[dict[str, Any]]) -> str:
    digest = hashlib.sha256(previous.encode())
    names = [column._meta.name for column in AuditLine._meta.columns]
    for line in lines:
        digest.update("|".join(_text(line[name]) for name in names).encode() + b"\n")
    return digest.hexdigest()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
