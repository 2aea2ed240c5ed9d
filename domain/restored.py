"""A database that came back from a backup opens nothing by what was open then."""

from datetime import datetime

from domain import audit, db
from domain.audit import Actor

JOB = Actor.job("restore")


async def shut(*, now: datetime) -> None:
    """Nobody is signed in, and no link that opens an account works: all may have ended since."""
    async with db.transaction():
        await db.fetch("DELETE FROM session")
        await db.fetch("DELETE FROM staff_session")
        await db.fetch(
            "UPDATE account_link SET ended_at = {} WHERE used_at IS NULL AND ended_at IS NULL", now
        )
        await db.fetch(
            "UPDATE staff_link SET ended_at = {} WHERE used_at IS NULL AND ended_at IS NULL", now
        )
        await audit.record(JOB, "clinic.restored", at=now)
