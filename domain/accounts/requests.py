"""What someone asks of the clinic's staff."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from domain import audit, db, texts
from domain.accounts import throttles
from domain.accounts.tables import ClinicRequest
from domain.errors import Invalid
from domain.people.tables import Account
from domain.people.viewer import Viewer

LONGEST = 500

Kind = Literal["attach", "correct", "cannot_come"]


async def ask_to_attach(viewer: Viewer, text: str, *, now: datetime) -> None:
    await _ask(viewer, "attach", None, text, now)


async def ask_to_correct(viewer: Viewer, patient: UUID, text: str, *, now: datetime) -> None:
    profile = viewer.opening(patient, now)
    await _ask(viewer, "correct", profile.id, text, now)


def read_text(text: str, *, is_required: bool = True) -> str:
    said = texts.read(text)
    if is_required and not said:
        raise Invalid({"texte": "missing"})
    if len(said) > LONGEST:
        raise Invalid({"texte": "too_long"})
    return said


async def _ask(viewer: Viewer, kind: Kind, patient: UUID | None, text: str, now: datetime) -> None:
    said = read_text(text)
    async with db.transaction():
        await db.lock_row(Account, viewer.account.id)
        if await _is_waiting(viewer, kind, patient, said):
            return  # sent twice: they have it
        await add(viewer, kind, patient, said, now=now)


async def add(
    viewer: Viewer,
    kind: Kind,
    patient: UUID | None,
    text: str,
    *,
    subject: UUID | None = None,
    now: datetime,
) -> None:
    """One more for the staff, in the caller's transaction."""
    made = uuid4()
    await throttles.take(throttles.REQUESTS, str(viewer.account.id), now=now)
    await ClinicRequest.insert(
        ClinicRequest(
            id=made,
            account=viewer.account.id,
            patient=patient,
            kind=kind,
            subject=subject,
            text=text,
            asked_at=now,
        )
    )
    await audit.record(viewer.actor, f"request.{kind}", patient=patient, subject=made, at=now)


async def _is_waiting(viewer: Viewer, kind: Kind, patient: UUID | None, text: str) -> bool:
    return bool(
        await ClinicRequest.exists().where(
            (ClinicRequest.account == viewer.account.id)
            & (ClinicRequest.kind == kind)
            & (ClinicRequest.patient == patient)
            & (ClinicRequest.text == text)
            & ClinicRequest.handled_at.is_null()
        )
    )
