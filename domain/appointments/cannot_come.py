"""« Je ne viendrai pas », once it is too late to cancel: told to the staff, and frees nothing."""

from datetime import datetime
from uuid import UUID

from domain import db
from domain.accounts import requests
from domain.appointments import agenda, rules
from domain.appointments.agenda import Visit
from domain.appointments.tables import Appointment
from domain.errors import NotFound
from domain.people.viewer import Viewer

LONGEST = requests.LONGEST


async def asked(viewer: Viewer, patient: UUID, appointment: UUID, *, now: datetime) -> Visit:
    """The visit that this is about; what is over is none."""
    visit = await agenda.visit_of(viewer, patient, appointment, now=now)
    if now >= visit.ends_at:
        raise NotFound
    return visit


async def tell(
    viewer: Viewer, patient: UUID, appointment: UUID, text: str, *, now: datetime
) -> None:
    """Told twice, by whomever, it is told once."""
    said = requests.read_text(text, is_required=False)
    async with db.transaction():
        await db.lock_row(Appointment, appointment)
        visit = await asked(viewer, patient, appointment, now=now)
        if visit.said_cannot_come:
            return
        rules.check_cannot_come(visit, viewer.clinic, now)
        await requests.add(viewer, "cannot_come", patient, said, subject=appointment, now=now)
