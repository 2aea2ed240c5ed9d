"""Whose calendar a page is about."""

from dataclasses import dataclass
from uuid import UUID

from domain import db
from domain.errors import NotFound
from domain.staff.member import Member
from domain.staff.roles import Right


@dataclass(frozen=True, slots=True)
class Whose:
    id: UUID
    name: str
    has_ended: bool


async def whose(member: Member, practitioner: UUID, right: Right = Right.CALENDAR) -> Whose:
    """Another's calendar does not exist for a practitioner."""
    member.check(right)
    member.check_practitioner(practitioner)
    rows = await db.fetch(
        "SELECT id, title || ' ' || first_name || ' ' || last_name AS name, ended_at"
        " FROM practitioner WHERE id = {}",
        practitioner,
    )
    if not rows:
        raise NotFound
    return Whose(rows[0]["id"], rows[0]["name"], rows[0]["ended_at"] is not None)
