"""« Nouveau message »: to one of the clinic's teams, about a patient."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import once, throttles
from domain.errors import Invalid, NotAllowed, TooMany
from domain.messages import drafts, rules, texts_to_send, writing
from domain.messages.rules import LONGEST_SUBJECT
from domain.messages.tables import Thread
from domain.people.policy import Grant
from domain.people.tables import Account
from domain.people.viewer import Profile, Viewer
from domain.texts import Named, one_line

ACTION = "new_message"


@dataclass(frozen=True, slots=True)
class TeamName(Named):
    """Whom one may write to."""

    id: UUID


@dataclass(frozen=True, slots=True)
class NewMessage:
    """As it was typed and sent."""

    team: UUID | None
    subject: str
    text: str
    has_agreed: bool


async def open_form(viewer: Viewer, patient: UUID, *, now: datetime) -> Profile:
    profile = viewer.acting_for(patient, Grant.SEND_MESSAGES, now)
    if not rules.may_write(viewer, patient, now):
        raise NotAllowed
    return profile


async def teams() -> list[TeamName]:
    rows = await db.fetch(
        """
        SELECT id, name_fr AS fr, name_en AS en FROM team
        WHERE takes_messages = {} AND ended_at IS NULL ORDER BY position, name_fr
        """,
        True,
    )
    return [TeamName(**row) for row in rows]


async def send(viewer: Viewer, patient: UUID, new: NewMessage, *, key: str, now: datetime) -> UUID:
    """The new thread's id; the same form sent again gives the same one."""
    await open_form(viewer, patient, now=now)
    subject, body = _checked(new, {team.id for team in await teams()})
    try:
        return await _send(viewer, patient, new.team, subject, body, key=key, now=now)
    except TooMany as refusal:
        await _keep(viewer, patient, new, refusal=refusal, now=now)
        raise


async def _send(
    viewer: Viewer,
    patient: UUID,
    team: UUID | None,
    subject: str,
    body: str,
    *,
    key: str,
    now: datetime,
) -> UUID:
    thread = Thread(id=uuid4(), patient=patient, subject=subject, team=team, started_at=now)
    message = await writing.from_patient_side(viewer, thread.id, patient, body, now=now)
    content = json.dumps([str(patient), str(team), subject, body])
    async with db.transaction():
        await db.lock_row(Account, viewer.account.id)
        account = viewer.account.id
        first = await once.claim(account, ACTION, key, content, result=thread.id, now=now)
        if first != thread.id:
            return first
        await throttles.take(throttles.NEW_MESSAGES, str(account), now=now)
        await Thread.insert(thread)
        await writing.add(thread, message)
        await drafts.drop(viewer, patient, None)
        await audit.record(
            viewer.actor, "message.begun", patient=patient, subject=message.id, at=now
        )
    return thread.id


def _checked(new: NewMessage, teams: set[UUID]) -> tuple[str, str]:
    subject, problems = one_line(new.subject), {}
    if new.team not in teams:
        problems["equipe"] = "missing"
    if not texts_to_send.has_words(subject):
        problems["sujet"] = "missing"
    elif len(subject) > LONGEST_SUBJECT:
        problems["sujet"] = "too_long"
    try:
        body = texts_to_send.check(new.text, has_agreed=new.has_agreed)
    except Invalid as refusal:
        raise Invalid(problems | refusal.problems) from refusal
    if problems:
        raise Invalid(problems)
    return subject, body


async def _keep(
    viewer: Viewer, patient: UUID, new: NewMessage, *, refusal: TooMany, now: datetime
) -> None:
    """What was written is not lost."""
    await drafts.save(
        viewer,
        patient,
        None,
        team=new.team,
        subject=new.subject,
        body=new.text,
        has_agreed=new.has_agreed,
        now=now,
    )
    await audit.record(
        viewer.actor, "message.refused", patient=patient, outcome=refusal.code, at=now
    )
