from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from domain import db

VISITS = ("booked", "confirmed", "cancelled", "moved", "confirmable")
ACCESS = ("access_given", "access_withdrawn", "access_lost")
COMMUNICATIONS = {
    "message": ("message_received", "reply_sent"),
    "document": ("document_received",),
    "invoice": ("invoice_received",),
}
"""By the kind of message that their reader must be allowed to read."""


@dataclass(frozen=True, slots=True)
class Entry:
    kind: str
    subject: UUID
    about: datetime
    happened_at: datetime
    title: str | None = None
    """Of a communication: its thread's."""
    started_at: datetime | None = None
    """Of a communication: when its thread began."""

    @property
    def is_about_access(self) -> bool:
        return self.kind in ACCESS

    @property
    def is_communication(self) -> bool:
        return any(self.kind in kinds for kinds in COMMUNICATIONS.values())

    @property
    def starts_thread(self) -> bool:
        return self.started_at == self.about


async def tell(patient: UUID, kind: str, subject: UUID, *, about: datetime, now: datetime) -> None:
    """An entry in the profile's « Activité », in the transaction of what it tells."""
    await db.write(entry(patient, kind, subject, about=about, now=now))


def entry(patient: UUID, kind: str, subject: UUID, *, about: datetime, now: datetime) -> db.Write:
    """The same, to be written together with what it tells."""
    return entries(kind, [(patient, subject, about)], now=now)


def entries(kind: str, told: Sequence[tuple[UUID, UUID, datetime]], *, now: datetime) -> db.Write:
    """Of some dozens at once: patient, subject, about."""
    rows = [(uuid4(), patient, kind, subject, about, now) for patient, subject, about in told]
    places = ", ".join(["({}, {}, {}, {}, {}, {})"] * len(rows))
    return db.Write(
        f"INSERT INTO activity (id, patient, kind, subject, about, happened_at) VALUES {places}",
        tuple(value for row in rows for value in row),
    )


async def latest(
    patient: UUID, *, visits: bool = True, access: bool = True, kinds: Collection[str] = ()
) -> list[Entry]:
    """The newest entries of what this reader may know of; `kinds` are those of messages."""
    told = [*(VISITS if visits else ()), *(ACCESS if access else ())]
    told += [kind for readable in sorted(kinds) for kind in COMMUNICATIONS[readable]]
    if not told:
        return []
    rows = await db.fetch(
        f"""
        SELECT a.kind, a.subject, a.about, a.happened_at, t.subject AS title, t.started_at
        FROM activity a LEFT JOIN thread t ON t.id = a.subject
        WHERE a.patient = {{}} AND a.kind IN ({db.places(told)})
        ORDER BY a.happened_at DESC LIMIT 8
        """,
        patient,
        *told,
    )
    return [Entry(**row) for row in rows]
