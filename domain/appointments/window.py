"""Visits that enter the time in which they may be confirmed."""

from datetime import datetime, timedelta
from typing import Any

from domain import activity, audit, db
from domain.appointments import notices
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.errors import NotFound

BATCH = 20


async def open_due(*, now: datetime) -> int:
    """Announce each once, however often this runs and whoever else runs it."""
    window = await _window()
    skip = "FOR UPDATE SKIP LOCKED" if db.is_postgres() else ""
    async with db.transaction():
        opened = await db.fetch(
            f"""
            UPDATE appointment SET confirmable_at = {{}}
            WHERE id IN (
                SELECT id FROM appointment
                WHERE confirmable_at IS NULL AND confirmed_at IS NULL AND cancelled_at IS NULL
                  AND starts_at > {{}} AND starts_at <= {{}}
                ORDER BY starts_at LIMIT {{}} {skip}
            )
            RETURNING id, patient, version, starts_at
            """,
            now,
            now,
            now + window,
            BATCH,
        )
        for row in opened:
            await _announce(row, now)
    return len(opened)


async def _window() -> timedelta:
    try:
        return timedelta(hours=(await current_settings()).confirm_window_hours)
    except NotFound:
        return timedelta(0)  # an empty installation


async def _announce(row: dict[str, Any], now: datetime) -> None:
    visit, patient = row["id"], row["patient"]
    await activity.tell(patient, "confirmable", visit, about=row["starts_at"], now=now)
    await notices.post(
        "appointment_confirmable", visit, patient, None, version=row["version"], now=now
    )
    actor = Actor.job("open_confirmation_window")
    await audit.record(actor, "appointment.confirmable", patient=patient, subject=visit, at=now)
