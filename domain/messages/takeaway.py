"""All that was written to and for a patient, for whoever takes their data along."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import db
from domain.messages import rules
from domain.messages.rules import Kind
from domain.people.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Kept:
    """A message, with the names of its files."""

    kind: Kind
    sender: str
    is_own_side: bool
    sent_at: datetime
    read_at: datetime | None
    body: str
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeptThread:
    subject: str
    messages: Sequence[Kept]


async def threads(viewer: Viewer, patient: UUID, *, now: datetime) -> list[KeptThread]:
    """Of the kinds this viewer may see, and with what this account has read."""
    viewer.reading(patient, now)
    kinds = sorted(rules.visible_kinds(viewer, patient, now))
    places = db.places(kinds)
    rows = await db.fetch(
        f"""
        SELECT m.id, m.thread, t.subject, m.kind, m.sender, m.account, m.sent_at, m.body,
               r.read_at, a.file_name
        FROM message m JOIN thread t ON t.id = m.thread
        LEFT JOIN receipt r ON r.message = m.id AND r.account = {{}}
        LEFT JOIN attachment a ON a.message = m.id
        WHERE m.patient = {{}} AND m.kind IN ({places})
        ORDER BY t.started_at, t.id, m.sent_at, m.id, a.position
        """,
        viewer.account.id,
        patient,
        *kinds,
    )
    subjects: dict[UUID, str] = {row["thread"]: row["subject"] for row in rows}
    messages: dict[UUID, dict[UUID, Kept]] = {thread: {} for thread in subjects}
    for row in rows:
        kept = messages[row["thread"]].setdefault(
            row["id"],
            Kept(
                kind=row["kind"],
                sender=row["sender"],
                is_own_side=row["account"] is not None,
                sent_at=row["sent_at"],
                read_at=row["read_at"],
                body=row["body"],
            ),
        )
        if row["file_name"] is not None:
            kept.files.append(row["file_name"])
    return [
        KeptThread(subjects[thread], list(found.values())) for thread, found in messages.items()
    ]
