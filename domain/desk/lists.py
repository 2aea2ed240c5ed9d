"""What the staff's forms choose from: what is still offered, by name."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import db
from domain.texts import Named


@dataclass(frozen=True, slots=True)
class Choice:
    id: UUID
    name: Named


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
