"""What the clinic writes during a story, and the answer to it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.messages import writing
from domain.messages.rules import Kind
from domain.messages.tables import DisclaimerVersion, Message, Thread
from e2e.patient import Patient
from e2e.portal import Portal

SUBJECT = "Confirmation d’inscription"
ASKED = "Bonjour, merci de nous confirmer que l’inscription est complétée."


ANSWER = "Bonjour, je suis inscrite pour le mois de décembre. Merci"


def answers(on: Patient, text: str = ANSWER) -> None:
    """In the form that is open."""
    on.page.locator("#texte").fill(text)
    on.page.locator("#lu").check()
    on.presses("Envoyer")


def patient_of(portal: Portal, name: str) -> str:
    return str(portal.value("SELECT id FROM patient WHERE first_name = ?", name))


def writes(
    portal: Portal,
    name: str,
    *bodies: str,
    subject: str = SUBJECT,
    kind: Kind = "message",
    may_answer: bool = True,
    thread: str = "",
) -> str:
    """The address of the thread, which is a new one unless one is named."""
    portal.clock.advance(minutes=1)  # after what was there, and before what follows
    patient = UUID(patient_of(portal, name))
    written = _write(patient, bodies or (ASKED,), subject, kind, may_answer, thread, portal.clock())
    row = portal.run(written)
    portal.clock.advance(minutes=1)
    return f"/profils/{patient}/communications/{row}"


def id_of(address: str) -> str:
    return address.rsplit("/", 1)[1]


async def _write(
    patient: UUID,
    bodies: tuple[str, ...],
    subject: str,
    kind: Kind,
    may_answer: bool,
    thread: str,
    now: datetime,
) -> UUID:
    async with db.transaction():
        row = await Thread.objects().get(Thread.id == UUID(thread)) if thread else None
        if row is None:
            row = Thread(id=uuid4(), patient=patient, subject=subject, started_at=now)
            await Thread.insert(row)
        for body in bodies:
            await writing.add(row, _message(row, patient, body, kind, may_answer, now))
        await _has_a_disclaimer(now)
    return UUID(str(row.id))


def _message(
    thread: Any, patient: UUID, body: str, kind: Kind, may_answer: bool, now: datetime
) -> Message:
    return Message(
        id=uuid4(),
        thread=thread.id,
        patient=patient,
        kind=kind,
        sender="Administration",
        written_by="accueil",
        body=body,
        sent_at=now,
        reply_allowed_at=now if may_answer else None,
    )


async def _has_a_disclaimer(now: datetime) -> None:
    if not await DisclaimerVersion.exists():
        await DisclaimerVersion.insert(
            DisclaimerVersion(
                id=uuid4(),
                number=1,
                text_fr="Les messages ne sont PAS destinés à poser des questions médicales.",
                text_en="Messages are NOT meant for medical questions.",
                published_at=now,
            )
        )
