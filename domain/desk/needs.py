"""What still needs something that the clinic wants to offer no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain import db

SHOWN = 20

What = Literal["visit", "schedule", "practitioner", "thread"]


@dataclass(frozen=True, slots=True)
class Need:
    what: What
    id: UUID
    name: str
    """A patient's, a practitioner's."""
    at: datetime | None = None
    patient: UUID | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    number: int = 0
    first: Sequence[Need] = ()


_VISITS = """
    SELECT 'visit' AS what, ap.id, p.first_name || ' ' || p.last_name AS name,
           ap.starts_at AS at, ap.patient
    FROM appointment ap JOIN patient p ON p.id = ap.patient
    WHERE ap.cancelled_at IS NULL AND ap.starts_at > {}
"""
_OF_SITE = f"""
    {_VISITS} AND ap.site = {{}} ORDER BY ap.starts_at
"""
_OF_PRACTITIONER = f"""
    {_VISITS} AND ap.practitioner = {{}} ORDER BY ap.starts_at
"""
_SCHEDULE = """
    SELECT 'schedule' AS what, pr.id,
           pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS name
    FROM schedule sc JOIN practitioner pr ON pr.id = sc.practitioner
    WHERE sc.ended_at IS NULL AND pr.ended_at IS NULL
"""
_SCHEDULES_OF_SITE = f"""
    {_SCHEDULE} AND sc.site = {{}} ORDER BY pr.last_name, pr.id
"""
_ONLY_TYPE = f"""
    {_SCHEDULE} AND EXISTS (
        SELECT 1 FROM schedule_visit_type sv WHERE sv.schedule = sc.id AND sv.visit_type = {{}}
    ) AND NOT EXISTS (
        SELECT 1 FROM schedule_visit_type sv JOIN visit_type vt ON vt.id = sv.visit_type
        WHERE sv.schedule = sc.id AND vt.id <> {{}} AND vt.ended_at IS NULL
    ) ORDER BY pr.last_name, pr.id
"""
_OF_SPECIALTY = """
    SELECT 'practitioner' AS what, id, title || ' ' || first_name || ' ' || last_name AS name
    FROM practitioner WHERE ended_at IS NULL AND specialty = {} ORDER BY last_name, id
"""
_OF_TEAM = """
    SELECT 'thread' AS what, t.id, p.first_name || ' ' || p.last_name AS name,
           t.started_at AS at, t.patient
    FROM thread t JOIN patient p ON p.id = t.patient
    WHERE t.team = {} AND t.closed_at IS NULL ORDER BY t.started_at, t.id
"""


async def of(table: str, id: UUID, *, now: datetime) -> Needed:
    """How many, and the first of them by their time."""
    match table:
        case "site":
            rows = await db.fetch(_OF_SITE, now, id) + await db.fetch(_SCHEDULES_OF_SITE, id)
        case "practitioner":
            rows = await db.fetch(_OF_PRACTITIONER, now, id)
        case "specialty":
            rows = await db.fetch(_OF_SPECIALTY, id)
        case "visit_type":
            rows = await db.fetch(_ONLY_TYPE, id, id)
        case _:
            rows = await db.fetch(_OF_TEAM, id)
    return Needed(len(rows), [Need(**row) for row in rows[:SHOWN]])


async def slots_at(site: UUID, *, now: datetime) -> list[UUID]:
    """The practitioners who have published slots there, in the order in which they are locked."""
    rows = await db.fetch(
        """
        SELECT pr.id FROM practitioner pr WHERE EXISTS (
            SELECT 1 FROM slot sl WHERE sl.practitioner = pr.id AND sl.starts_at > {}
              AND sl.site = {} AND sl.withdrawn_at IS NULL)
        ORDER BY pr.id
        """,
        now,
        site,
    )
    return [row["id"] for row in rows]


async def is_ended_specialty(id: UUID) -> bool:
    """Also where there is none of that id. In a transaction, nobody ends it meanwhile."""
    rows = await db.fetch(
        f"SELECT id FROM specialty WHERE id = {{}} AND ended_at IS NULL {db.for_share()}", id
    )
    return not rows


async def unfitting() -> dict[UUID, int]:
    """For each type of visit, the lines of templates that offer it and are cut too short for it."""
    rows = await db.fetch(
        """
        SELECT vt.id, count(*) AS number
        FROM visit_type vt
        JOIN schedule_visit_type sv ON sv.visit_type = vt.id
        JOIN schedule sc ON sc.id = sv.schedule AND sc.ended_at IS NULL
        JOIN practitioner pr ON pr.id = sc.practitioner AND pr.ended_at IS NULL
        JOIN weekly_hours w ON w.schedule = sc.id AND w.slot_minutes < vt.minutes
        GROUP BY vt.id
        """
    )
    return {row["id"]: row["number"] for row in rows}
