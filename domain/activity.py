from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from domain import db


@dataclass(frozen=True, slots=True)
class Entry:
    kind: str
    subject: UUID
    about: datetime
    happened_at: datetime

    @property
    def is_about_access(self) -> bool:
        return self.kind.startswith("access_")


async def tell(patient: UUID, kind: str, subject: UUID, *, about: datetime, now: datetime) -> None:
    """An entry in the profile's « Activité », in the transaction of what it tells."""
    await db.fetch(
        "INSERT INTO activity (id, patient, kind, subject, about, happened_at)"
        " VALUES ({}, {}, {}, {}, {}, {})",
        uuid4(),
        patient,
        kind,
        subject,
        about,
        now,
    )


async def latest(patient: UUID, *, visits: bool = True, access: bool = True) -> list[Entry]:
    """The newest entries of what this reader may know of."""
    rows = await db.fetch(
        """
        SELECT kind, subject, about, happened_at FROM activity
        WHERE patient = {}
          AND ((kind LIKE 'access_%' AND {} = 1) OR (kind NOT LIKE 'access_%' AND {} = 1))
        ORDER BY happened_at DESC LIMIT 8
        """,
        patient,
        int(access),
        int(visits),
    )
    return [Entry(**row) for row in rows]
