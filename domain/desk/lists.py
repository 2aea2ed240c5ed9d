"""What the staff's forms choose from: what is still offered, by name."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import db
from domain.staff.member import Member
from domain.texts import Named


@dataclass(frozen=True, slots=True)
class Choice:
    id: UUID
    name: Named


async def practitioners(member: Member) -> list[Choice]:
    """Those this member sees: a practitioner, themself alone."""
    rows = await db.fetch(
        """
        SELECT id, title || ' ' || first_name || ' ' || last_name AS fr FROM practitioner
        WHERE ended_at IS NULL ORDER BY last_name, first_name
        """
    )
    return [_choice(row) for row in rows if member.only in (None, row["id"])]


async def practitioner_ended(practitioner: UUID) -> list[Choice]:
    """Who is offered no more, by name: somebody's own, still."""
    rows = await db.fetch(
        "SELECT id, title || ' ' || first_name || ' ' || last_name AS fr FROM practitioner"
        " WHERE id = {} AND ended_at IS NOT NULL",
        practitioner,
    )
    return [_choice(row) for row in rows]


async def sites() -> list[Choice]:
    rows = await db.fetch(
        "SELECT id, name AS fr FROM site WHERE ended_at IS NULL ORDER BY position, name"
    )
    return [_choice(row) for row in rows]


async def specialties() -> list[Choice]:
    return await _named("specialty")


async def teams() -> list[Choice]:
    return await _named("team")


async def visit_types() -> list[Choice]:
    return await _named("visit_type")


async def _named(table: str) -> list[Choice]:
    rows = await db.fetch(
        f"SELECT id, name_fr AS fr, name_en AS en FROM {table}"
        " WHERE ended_at IS NULL ORDER BY position, name_fr"
    )
    return [_choice(row) for row in rows]


def _choice(row: dict[str, Any]) -> Choice:
    return Choice(row["id"], Named(row["fr"], row.get("en") or row["fr"]))
