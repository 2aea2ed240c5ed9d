"""« Répondre »: one reply to each message of the clinic, whoever writes it for the patient."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import once, throttles
from domain.errors import (
    AnotherMessageCame,
    Conflict,
    FormReused,
    NotFound,
    Refusal,
    ReplyNotOpen,
    TooMany,
)
from domain.messages import drafts, texts_to_send, threads, writing
from domain.messages.tables import Thread
from domain.people.policy import Grant
from domain.people.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Reply:
    """As it was typed and sent."""

    text: str
    has_agreed: bool
    answers: UUID | None
    """The clinic's message that the form was opened for."""


async def send(
    viewer: Viewer, patient: UUID, thread: UUID, reply: Reply, *, key: str, now: datetime
) -> UUID:
    """The new message's id; the same form sent again gives the same one."""
    viewer.acting_for(patient, Grant.SEND_MESSAGES, now)
    await threads.reply_to(viewer, patient, thread, now=now)  # none that they may not see
    body = texts_to_send.check(reply.text, has_agreed=reply.has_agreed)
    try:
        # Counted apart: what was refused is no reply, and must not use up those of the day.
        await throttles.take(throttles.TRIES_TO_REPLY, str(viewer.account.id), now=now)
        return await _send(viewer, patient, thread, reply, body, key=key, now=now)
    except (Conflict, TooMany) as refusal:
        await _keep(viewer, patient, thread, reply, refusal=refusal, now=now)
        raise


async def _send(
    viewer: Viewer,
    patient: UUID,
    thread: UUID,
    reply: Reply,
    body: str,
    *,
    key: str,
    now: datetime,
) -> UUID:
    message = await writing.from_patient_side(
        viewer, thread, patient, body, answers=reply.answers, now=now
    )
    content = json.dumps([str(thread), str(reply.answers), body])
    try:
        async with db.transaction():
            await db.lock_row(Thread, thread)
            first = await once.claim(
                viewer.account.id, "reply", key, content, result=message.id, now=now
            )
            if first != message.id:
                return first
            await throttles.take(throttles.REPLIES, str(viewer.account.id), now=now)
            await _check(viewer, patient, thread, reply, now)
            await writing.add(await _thread(thread), message)
            await drafts.drop(viewer, patient, thread)
            await audit.record(
                viewer.actor, "message.sent", patient=patient, subject=message.id, at=now
            )
    except FormReused:  # it has sent its reply, and came back with another text
        raise ReplyNotOpen("used") from None
    except Exception as error:
        if db.conflict_kind(error) != "unique":
            raise
        raise ReplyNotOpen("used") from error
    return message.id


async def _check(viewer: Viewer, patient: UUID, thread: UUID, reply: Reply, now: datetime) -> None:
    """The same rule as the page's, asked again of what is there now."""
    open_to = await threads.reply_to(viewer, patient, thread, now=now)
    if open_to.latest is not None and open_to.latest != reply.answers:
        raise AnotherMessageCame
    if open_to.why_not:
        raise ReplyNotOpen(open_to.why_not)


async def _thread(thread: UUID) -> Thread:
    found = await Thread.objects().get(Thread.id == thread)
    if found is None:
        raise NotFound
    return found


async def _keep(
    viewer: Viewer, patient: UUID, thread: UUID, reply: Reply, *, refusal: Refusal, now: datetime
) -> None:
    """What was written is not lost."""
    await drafts.save(
        viewer, patient, thread, body=reply.text, has_agreed=reply.has_agreed, now=now
    )
    await audit.record(
        viewer.actor,
        "message.refused",
        patient=patient,
        subject=thread,
        outcome=refusal.code,
        at=now,
    )
