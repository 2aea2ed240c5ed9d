"""Whom the clinic keeps from acting for a patient: asked whenever a profile is given or used."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import db
from domain.errors import AccessBlocked
from domain.people.tables import AccessBlock

BLOCKED = """
    EXISTS (SELECT 1 FROM access_block b WHERE b.patient = g.patient AND b.ended_at IS NULL
            AND (b.account = g.account OR (b.account IS NULL AND g.relationship <> 'self')))
"""
"""Of the grant `g`."""


@dataclass(frozen=True, slots=True)
class Block:
    id: UUID
    account: UUID | None
    """None: everyone but the patient."""
    reason: str
    blocked_at: datetime
    blocked_by: str


async def of(patient: UUID) -> list[Block]:
    """Those in force."""
    return [
        Block(row.id, row.account, row.reason, row.blocked_at, row.blocked_by)
        for row in await AccessBlock.objects()
        .where((AccessBlock.patient == patient) & AccessBlock.ended_at.is_null())
        .order_by(AccessBlock.blocked_at)
    ]


async def check(account: UUID, patient: UUID, *, is_own: bool) -> None:
    """Before this account is given the profile, in the transaction that holds the patient."""
    if await is_blocked(account, patient, is_own=is_own):
        raise AccessBlocked


async def is_blocked(account: UUID, patient: UUID, *, is_own: bool) -> bool:
    rows = await db.fetch(
        """
        SELECT id FROM access_block
        WHERE patient = {} AND ended_at IS NULL AND (account = {} OR (account IS NULL AND {} = 0))
        """,
        patient,
        account,
        int(is_own),
    )
    return bool(rows)
