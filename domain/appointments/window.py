"""Visits that enter the time in which they may be confirmed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from domain import activity, audit, db
from domain.appointments import notices
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.errors import NotFound

BATCH = 100


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
        if opened:
            await _announce(opened, now)
    return len(opened)


async def _window() -> timedelta:
    try:
        return timedelta(hours=(await current_settings()).confirm_window_hours)
    except NotFound:
        return timedelta(0)  # an empty installation


async def _announce(opened: Sequence[dict[str, Any]], now: datetime) -> None:
    told = [(row["patient"], row["id"], row["starts_at"]) for row in opened]
    visits = [(row["id"], row["patient"], row["version"]) for row in opened]
    kind = "appointment_confirmable"
    await db.write(
        activity.entries("confirmable", told, now=now),
        *await notices.mails_of_each(kind, visits, None, now=now),
    )
    acts = [(row["patient"], row["id"]) for row in opened]
    actor = Actor.job("open_confirmation_window")
    await audit.record_acts(actor, "appointment.confirmable", acts, at=now)
