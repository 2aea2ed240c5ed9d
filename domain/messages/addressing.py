"""Whom the clinic means by what it types: a patient, a signer, a thread."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import db
from domain.accounts.addresses import canonical
from domain.errors import Invalid
from domain.texts import read_id


@dataclass(frozen=True, slots=True)
class Signer:
    """One of the two."""

    practitioner: UUID | None = None
    team: UUID | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A thread, its patient, and the clinic's latest message there."""

    thread: UUID
    patient: UUID
    latest: UUID | None


async def patient_of(email: str, profile: str = "") -> UUID:
    """A profile that this account holds: by its whole name, else the account's own."""
    rows = await db.fetch(
        """
        SELECT p.id, p.first_name || ' ' || p.last_name AS name, g.relationship
        FROM account a
        JOIN proxy_grant g ON g.account = a.id AND g.withdrawn_at IS NULL
        JOIN patient p ON p.id = g.patient
        WHERE a.email_canonical = {} AND a.disabled_at IS NULL
        """,
        canonical(email),
    )
    if not rows:
        raise Invalid({"to": "unknown"})
    wanted = [
        row
        for row in rows
        if (row["name"] == profile if profile else row["relationship"] == "self")
    ]
    if not (wanted or profile):
        raise Invalid({"profile": "not_own"})
    return _only(wanted, "profile")


async def signer(text: str) -> Signer:
    """A team by its name, a practitioner by title and last name, or in full; none that ended."""
    name = text.strip()
    teams = await db.fetch(
        "SELECT id FROM team WHERE ended_at IS NULL AND (name_fr = {} OR name_en = {})", name, name
    )
    if teams:
        return Signer(team=_only(teams, "sender"))
    practitioners = await db.fetch(
        """
        SELECT id FROM practitioner
        WHERE ended_at IS NULL AND (
            title || ' ' || last_name = {} OR title || ' ' || first_name || ' ' || last_name = {})
        """,
        name,
        name,
    )
    return Signer(practitioner=_only(practitioners, "sender"))


async def thread(text: str) -> Found:
    id = read_id(text)
    rows = [] if id is None else await db.fetch("SELECT id, patient FROM thread WHERE id = {}", id)
    found = _only(rows, "thread")
    latest = await db.fetch(
        """
        SELECT id FROM message WHERE thread = {} AND account IS NULL
        ORDER BY sent_at DESC, id DESC LIMIT 1
        """,
        found,
    )
    return Found(found, rows[0]["patient"], latest[0]["id"] if latest else None)


def _only(rows: list[dict[str, Any]], field: str) -> UUID:
    if len(rows) != 1:
        raise Invalid({field: "several" if rows else "unknown"})
    found: UUID = rows[0]["id"]
    return found
