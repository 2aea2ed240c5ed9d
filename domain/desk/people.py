"""A patient as the head of every page about them shows them."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from domain import db
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class PatientHead:
    id: UUID
    first_name: str
    last_name: str
    birth_date: date
    health_number: str
    phone: str
    other_phone: str
    version: int
    account: UUID | None
    """Of the patient themself."""
    email: str
    is_blocked: bool
    """Whether the clinic keeps somebody from acting for them."""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def age(self, today: date) -> int:
        had_birthday = (today.month, today.day) >= (self.birth_date.month, self.birth_date.day)
        return today.year - self.birth_date.year - (not had_birthday)


HEAD = """
    SELECT p.id, p.first_name, p.last_name, p.birth_date, p.health_number, p.phone, p.other_phone,
           p.version, a.id AS account, a.email,
           CASE WHEN EXISTS (SELECT 1 FROM access_block b WHERE b.patient = p.id
                             AND b.ended_at IS NULL) THEN 1 ELSE 0 END AS is_blocked
    FROM patient p
    LEFT JOIN proxy_grant g ON g.patient = p.id AND g.relationship = 'self'
        AND g.withdrawn_at IS NULL
    LEFT JOIN account a ON a.id = g.account
"""


async def head(patient: UUID) -> PatientHead:
    rows = await db.fetch(f"{HEAD} WHERE p.id = {{}}", patient)
    if not rows:
        raise NotFound
    return head_of(rows[0])


def head_of(row: dict[str, Any]) -> PatientHead:
    more = {"email": row["email"] or "", "is_blocked": bool(row["is_blocked"])}
    return PatientHead(**{**row, **more})
