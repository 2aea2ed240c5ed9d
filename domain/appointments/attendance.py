"""Confirming, cancelling and moving a visit: the same two rules on every path."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from domain import activity, audit, db
from domain.accounts import throttles
from domain.appointments import agenda, notices, rules, slots
from domain.appointments.agenda import Visit
from domain.appointments.tables import Appointment
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.errors import AlreadyCancelled, LinkDead, NotFound, Refusal, SlotNotOffered, SlotTaken
from domain.people.tables import Patient
from domain.people.viewer import Viewer


async def confirm(
    viewer: Viewer, patient: UUID, appointment: UUID, *, version: int | None = None, now: datetime
) -> Visit:
    """Confirming twice is confirming once. With a version, only the visit as it was then."""
    async with db.transaction():
        await db.lock_row(Appointment, appointment)
        visit = await agenda.visit_of(viewer, patient, appointment, now=now)
        _check_version(visit, version)
        if visit.state == "confirmed":
            return visit
        rules.check_confirm(visit, viewer.clinic, now)
        if not await mark(visit, "confirmed", account=viewer.account.id, now=now):
            raise AlreadyCancelled
        await tell(viewer.actor, visit, "confirmed", now=now)
    return await agenda.visit_of(viewer, patient, appointment, now=now)


async def cancel(
    viewer: Viewer, patient: UUID, appointment: UUID, *, version: int | None = None, now: datetime
) -> Visit:
    """Frees the slot at once. Cancelling twice is cancelling once."""
    async with db.transaction():
        await db.lock_row(Appointment, appointment)
        visit = await agenda.visit_of(viewer, patient, appointment, now=now)
        _check_version(visit, version)
        if visit.state == "cancelled":
            return visit
        rules.check_cancel(visit, viewer.clinic, now)
        await throttles.take(throttles.CANCELLATIONS, str(viewer.account.id), now=now)
        if not await mark(visit, "cancelled", account=viewer.account.id, now=now):
            raise AlreadyCancelled
        await tell(viewer.actor, visit, "cancelled", now=now)
        await notices.post(
            "appointment_cancelled", appointment, patient, viewer, version=visit.version, now=now
        )
    return await agenda.visit_of(viewer, patient, appointment, now=now)


async def move(
    actor: Actor, appointment: UUID, slot: UUID, *, note: str = "", now: datetime
) -> None:
    """The clinic's act: the visit goes to another slot, unconfirmed, and old links die."""
    async with db.transaction():
        await db.lock_row(Appointment, appointment)
        row = await _movable(appointment, now)
        patient = row["patient"]
        await db.lock_row(Patient, patient)
        moved = await _to_slot(appointment, slot, row, note, now)
        await audit.record(actor, "appointment.moved", patient=patient, subject=appointment, at=now)
        about = moved["starts_at"]
        await activity.tell(patient, "moved", appointment, about=about, now=now)
        await notices.post(
            "appointment_moved", appointment, patient, None, version=moved["version"], now=now
        )


async def _to_slot(
    appointment: UUID, slot: UUID, row: dict[str, Any], note: str, now: datetime
) -> dict[str, Any]:
    starts_at, ends_at = await _times_in(slot, row)
    if await agenda.is_busy(row["patient"], starts_at, ends_at, other_than=appointment):
        raise SlotNotOffered
    window = timedelta(hours=(await current_settings()).confirm_window_hours)
    # Inside the window its moved mail already asks to confirm: the job adds nothing.
    announced_at = now if starts_at - now <= window else None
    with slots.taken_on_conflict():
        moved = await db.fetch(
            """
            UPDATE appointment SET slot = sl.id, practitioner = sl.practitioner, site = sl.site,
                starts_at = sl.starts_at, ends_at = {}, version = version + 1,
                confirmed_at = NULL, confirmed_by = NULL, confirmed_by_staff = NULL,
                confirmable_at = {}, clinic_note = {}
            FROM slot sl
            WHERE appointment.id = {} AND appointment.cancelled_at IS NULL AND sl.id = {}
              AND sl.withdrawn_at IS NULL AND sl.starts_at > {}
              AND NOT EXISTS (SELECT 1 FROM appointment ap
                              WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
            RETURNING appointment.version, appointment.starts_at
            """,
            ends_at,
            announced_at,
            note,
            appointment,
            slot,
            now,
        )
    if not moved:
        raise SlotTaken
    return moved[0]


async def record_refusal(
    viewer: Viewer, patient: UUID, appointment: UUID, refusal: Refusal, *, now: datetime
) -> None:
    await audit.record(
        viewer.actor,
        "appointment.refused",
        patient=patient,
        subject=appointment,
        outcome=f"refused.{refusal.code}",
        at=now,
    )


def _check_version(visit: Visit, version: int | None) -> None:
    """A mailed link that the clinic's move overtook is dead, even at the last moment."""
    if version is not None and visit.version != version:
        raise LinkDead


async def mark(
    visit: Visit,
    what: Literal["confirmed", "cancelled"],
    *,
    account: UUID | None = None,
    staff: UUID | None = None,
    now: datetime,
) -> bool:
    """Compare and set: only from the state that was looked at."""
    changed = await db.fetch(
        f"""
        UPDATE appointment SET {what}_at = {{}}, {what}_by = {{}}, {what}_by_staff = {{}}
        WHERE id = {{}} AND version = {{}} AND cancelled_at IS NULL AND {what}_at IS NULL
        RETURNING id
        """,
        now,
        account,
        staff,
        visit.id,
        visit.version,
    )
    return bool(changed)


async def tell(actor: Actor, visit: Visit, what: str, *, now: datetime) -> None:
    """In the journal and in the patient's « Activité »."""
    await audit.record(
        actor, f"appointment.{what}", patient=visit.patient, subject=visit.id, at=now
    )
    await activity.tell(visit.patient, what, visit.id, about=visit.starts_at, now=now)


async def _movable(appointment: UUID, now: datetime) -> dict[str, Any]:
    rows = await db.fetch(
        """
        SELECT patient, visit_type, starts_at, ends_at FROM appointment
        WHERE id = {} AND cancelled_at IS NULL AND starts_at > {}
        """,
        appointment,
        now,
    )
    if not rows:
        raise NotFound
    return rows[0]


async def _times_in(slot: UUID, row: dict[str, Any]) -> tuple[datetime, datetime]:
    """When the visit would be in that slot, if the slot is long enough and for its type."""
    share = "FOR SHARE OF sl" if db.is_postgres() else ""
    rows = await db.fetch(
        f"""
        SELECT sl.starts_at, sl.minutes, sv.id AS offer FROM slot sl
        LEFT JOIN schedule_visit_type sv ON sv.schedule = sl.schedule AND sv.visit_type = {{}}
        WHERE sl.id = {{}} {share}
        """,
        row["visit_type"],
        slot,
    )
    if not rows:
        raise NotFound
    duration = row["ends_at"] - row["starts_at"]
    found = rows[0]
    if found["offer"] is None or timedelta(minutes=found["minutes"]) < duration:
        raise SlotNotOffered
    return found["starts_at"], found["starts_at"] + duration
