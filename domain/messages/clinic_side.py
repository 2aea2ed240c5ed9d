"""What the clinic does with communications: sends, allows replies, looks after threads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts.access import names_of_holders
from domain.audit import Actor
from domain.clinic.tables import Practitioner, Site, Team
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.mail import delivery as mails
from domain.messages import attachments, texts_to_send, writing
from domain.messages.attachments import File, Stored
from domain.messages.files import Files
from domain.messages.rules import KINDS, LONGEST_SUBJECT, Kind
from domain.messages.tables import Assignment, Message, Thread
from domain.people.tables import Patient
from domain.texts import one_line, read

LONGEST_CLINIC_BODY = 10_000
LONGEST_NAME = 120
TICK = timedelta(microseconds=1)
"""The least by which one time is later than another."""
ANY = UUID(int=0)
"""Of what was seen: whatever stands now."""
WITH_FILES: frozenset[Kind] = frozenset({"document", "invoice"})

SIGNED = re.compile(r" \([0-9a-f-]{36}\)$")
"""The id that a row keeps beside a name."""

Mailed = Literal["sent", "waiting", "dead", "none", "unknown"]
"""Unknown is what was so long ago that its mail, if any, is no longer kept."""


@dataclass(frozen=True, slots=True)
class ToSend:
    """As a member of staff wrote it: signed by a practitioner or by a team."""

    patient: UUID
    kind: Kind
    subject: str
    """Of a new thread; a further message has its thread's."""
    body: str
    written_by: str
    practitioner: UUID | None = None
    team: UUID | None = None
    site: UUID | None = None
    thread: UUID | None = None
    files: tuple[File, ...] = ()
    may_answer: bool = False
    new_thread: UUID | None = None
    """The id of the thread that it begins, where it is known beforehand."""
    seen: UUID | None = None
    """The thread's newest message when this was written, where that is known."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message for one of the accounts it was given to."""

    account: UUID
    name: str
    mailed: Mailed
    read_at: datetime | None
    is_undeliverable: bool = False
    """Its address takes no mail at all: the notices have stopped."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message of a patient's side that nobody has answered yet."""

    message: UUID
    thread: UUID
    patient: UUID
    patient_name: str
    subject: str
    sender: str
    sent_at: datetime
    seen_at: datetime | None
    team: UUID | None
    """To whom the thread is assigned, else whom the patient's side wrote to."""
    practitioner: UUID | None


async def send(actor: Actor, draft: ToSend, *, files: Files, now: datetime) -> UUID:
    """The thread: a new one, or the one that the message goes on with."""
    check(draft)
    await attachments.check_all(draft.files, now=now)
    return await post(actor, draft, await attachments.stored(draft.files, files), now=now)


async def answer(actor: Actor, thread: UUID, draft: ToSend, *, files: Files, now: datetime) -> UUID:
    """The same, to what a patient's side wrote there."""
    return await send(actor, replace(draft, thread=thread), files=files, now=now)


async def post(actor: Actor, draft: ToSend, stored: Sequence[Stored], *, now: datetime) -> UUID:
    """The part of `send` that is one transaction: what is written to the store is there already."""
    async with db.transaction():
        if stored:  # before any other lock, as whoever sends to many at once takes it
            await db.lock_key("attachments")
        sender = await _sender(draft)
        thread = await _thread(draft, now)
        await _check_seen(thread, draft.seen)
        now = await _after_newest(thread, now)
        message = Message(
            id=uuid4(),
            thread=thread.id,
            patient=draft.patient,
            kind=draft.kind,
            sender=sender,
            practitioner=draft.practitioner,
            team=draft.team,
            written_by=draft.written_by,
            body=read(draft.body),
            sent_at=now,
            reply_allowed_at=now if draft.may_answer else None,
            reply_decided_by=draft.written_by if draft.may_answer else "",
        )
        await writing.add(thread, message, file_names=[file.file_name for file in stored])
        await attachments.add(message.id, stored, now=now)
        await _mark_seen(thread.id, draft.written_by, now)
        await _record(actor, "sent", draft.patient, message.id, now)
    thread_id: UUID = thread.id
    return thread_id


async def allow_reply(actor: Actor, message: UUID, *, by: str, now: datetime) -> None:
    await _decide(actor, message, "reply_allowed", by=by, now=now)


async def refuse_reply(actor: Actor, message: UUID, *, by: str, now: datetime) -> None:
    """Also while someone is writing one: the later decision stands."""
    await _decide(actor, message, "reply_refused", by=by, now=now)


async def assign(
    actor: Actor,
    thread: UUID,
    *,
    team: UUID | None = None,
    practitioner: UUID | None = None,
    by: str,
    seen: UUID | None = ANY,
    now: datetime,
) -> None:
    """To whom it is to look after it from now on: a team, or a practitioner.

    `seen`: the assignment that stood when this was decided. To whom it is given already, it is not
    given again.
    """
    await _known_signer(team, practitioner)
    async with db.transaction():
        row = await _locked(thread)
        if await _is_assigned(thread, (team, practitioner), seen):
            return
        await Assignment.insert(
            Assignment(
                id=uuid4(),
                thread=thread,
                team=team,
                practitioner=practitioner,
                assigned_at=now,
                assigned_by=_name(by),
            )
        )
        await _record(actor, "assigned", row.patient, thread, now)


async def close(actor: Actor, thread: UUID, *, by: str, now: datetime) -> None:
    """No reply any more, until the clinic writes again. Once or twice, it is the same."""
    async with db.transaction():
        row = await _locked(thread)
        if row.closed_at is None:
            await _set_closed(thread, now, _name(by))
            await _mark_seen(thread, by, now)
            await _record(actor, "closed", row.patient, thread, now)


async def reopen(actor: Actor, thread: UUID, *, now: datetime) -> None:
    async with db.transaction():
        row = await _locked(thread)
        if row.closed_at is not None:
            await _set_closed(thread, None, "")
            await _record(actor, "reopened", row.patient, thread, now)


async def seen(actor: Actor, message: UUID, *, by: str, now: datetime) -> None:
    """The first opening of a patient's message is the one that is told to its writer."""
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE message SET seen_at = {}, seen_by = {}
            WHERE id = {} AND account IS NOT NULL AND seen_at IS NULL RETURNING patient
            """,
            now,
            _name(by),
            message,
        )
        if rows:
            await _record(actor, "seen", rows[0]["patient"], message, now)
        elif not await Message.exists().where(
            (Message.id == message) & Message.account.is_not_null()
        ):
            raise NotFound


async def delivery(message: UUID, *, now: datetime) -> list[Delivery]:
    """For each account it was given to, whether a mail said so, and when it was read."""
    row = await Message.objects().get((Message.id == message) & Message.account.is_null())
    if row is None:
        raise NotFound
    found = await deliveries(row.patient, {message: row.sent_at}, now=now)
    return found.get(message, [])


async def deliveries(
    patient: UUID, sent_at: Mapping[UUID, datetime], *, now: datetime
) -> dict[UUID, list[Delivery]]:
    """Of several of the clinic's messages to one patient, with when each was sent."""
    if not sent_at:
        return {}
    rows = await db.fetch(
        f"""
        SELECT r.message, r.account, r.read_at, o.sent_at, o.dead_at, o.dropped_at, o.id AS mail,
               ac.undeliverable_at
        FROM receipt r
        JOIN account ac ON ac.id = r.account
        LEFT JOIN outbound_email o ON o.once_key =
            'communication:' || CAST(r.message AS text) || ':' || CAST(r.account AS text)
        WHERE r.message IN ({db.places(sent_at)})
        """,
        *sent_at,
    )
    names = await names_of_holders(patient)
    found: dict[UUID, list[Delivery]] = {}
    for each in rows:
        is_old = sent_at[each["message"]] < now - mails.KEPT
        made = Delivery(
            each["account"],
            names.get(each["account"], ""),
            _mailed(each, is_old=is_old),
            each["read_at"],
            each["undeliverable_at"] is not None,
        )
        found.setdefault(each["message"], []).append(made)
    return {
        message: sorted(each, key=attrgetter("name", "account")) for message, each in found.items()
    }


async def waiting() -> list[Waiting]:
    """Of patients' sides, what nobody has answered or closed; the oldest first."""
    rows = await db.fetch(
        """
        SELECT m.id AS message, m.thread, m.patient, t.subject, m.sender, m.sent_at, m.seen_at,
               p.first_name || ' ' || p.last_name AS patient_name,
               t.team AS chosen_team, a.team, a.practitioner
        FROM message m
        JOIN thread t ON t.id = m.thread AND t.closed_at IS NULL
        JOIN patient p ON p.id = m.patient
        LEFT JOIN assignment a ON a.thread = t.id AND NOT EXISTS (
            SELECT 1 FROM assignment l
            WHERE l.thread = t.id AND (l.assigned_at, l.id) > (a.assigned_at, a.id))
        WHERE m.account IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM message c
            WHERE c.thread = m.thread AND c.account IS NULL AND c.sent_at > m.sent_at)
        ORDER BY m.sent_at, m.id
        """
    )
    return [_waiting(row) for row in rows]


def check(draft: ToSend) -> None:
    """What can be said of it without looking anything up."""
    problems = _problems_of_text(draft)
    if draft.kind not in KINDS:
        problems["kind"] = "unknown"
    if (draft.practitioner is None) == (draft.team is None):
        problems["sender"] = "missing"
    if draft.kind in WITH_FILES and not draft.files:
        problems["files"] = "missing"
    if not 0 < len(draft.written_by) <= LONGEST_NAME:
        problems["written_by"] = "missing"
    if problems:
        raise Invalid(problems)


def _problems_of_text(draft: ToSend) -> dict[str, str]:
    """A document or an invoice may come without a word: its file says it."""
    problems = {}
    subject, body = one_line(draft.subject), read(draft.body)
    if draft.thread is None and not texts_to_send.has_words(subject):
        problems["subject"] = "missing"
    elif len(subject) > LONGEST_SUBJECT:
        problems["subject"] = "too_long"
    if draft.kind not in WITH_FILES and not texts_to_send.has_words(body):
        problems["body"] = "missing"
    elif len(body) > LONGEST_CLINIC_BODY:
        problems["body"] = "too_long"
    return problems


async def _sender(draft: ToSend) -> str:
    """The name that signs it, as it is today."""
    if draft.team is not None:
        rows = await db.fetch("SELECT name_fr AS name FROM team WHERE id = {}", draft.team)
    else:
        rows = await db.fetch(
            "SELECT title || ' ' || first_name || ' ' || last_name AS name FROM practitioner"
            " WHERE id = {}",
            draft.practitioner,
        )
    if not rows:
        raise Invalid({"sender": "unknown"})
    return str(rows[0]["name"]).strip()[: writing.LONGEST_SENDER]


async def _thread(draft: ToSend, now: datetime) -> Thread:
    """Locked, so that no reply comes in between; what was closed is open again."""
    if draft.thread is not None:
        found = await _locked(draft.thread)
        if found.patient != draft.patient:
            raise NotFound
        if found.closed_at is not None:
            await _set_closed(found.id, None, "")
        return found
    if not await Patient.exists().where(Patient.id == draft.patient):
        raise NotFound
    if draft.site is not None and not await Site.exists().where(
        (Site.id == draft.site) & Site.ended_at.is_null()
    ):
        raise Invalid({"site": "unknown"})
    made = Thread(
        id=draft.new_thread or uuid4(),
        patient=draft.patient,
        subject=one_line(draft.subject),
        site=draft.site,
        started_at=now,
    )
    await Thread.insert(made)
    return made


async def _known_signer(team: UUID | None, practitioner: UUID | None) -> None:
    if (team is None) == (practitioner is None):
        raise Invalid({"assignee": "missing"})
    known = (
        await Team.exists().where((Team.id == team) & Team.ended_at.is_null())
        if team is not None
        else await Practitioner.exists().where(
            (Practitioner.id == practitioner) & Practitioner.ended_at.is_null()
        )
    )
    if not known:
        raise Invalid({"assignee": "unknown"})


async def _decide(
    actor: Actor,
    message: UUID,
    decision: Literal["reply_allowed", "reply_refused"],
    *,
    by: str,
    now: datetime,
) -> None:
    async with db.transaction():
        rows = await db.fetch(
            f"""
            UPDATE message SET {decision}_at = {{}}, reply_decided_by = {{}}
            WHERE id = {{}} AND account IS NULL RETURNING patient
            """,
            now,
            _name(by),
            message,
        )
        if not rows:
            raise NotFound
        await _record(actor, decision, rows[0]["patient"], message, now)


async def _locked(thread: UUID) -> Thread:
    await db.lock_row(Thread, thread)
    found = await Thread.objects().get(Thread.id == thread)
    if found is None:
        raise NotFound
    return found


async def _check_seen(thread: Thread, seen: UUID | None) -> None:
    """The patient gets one answer of the clinic's, unless the second knows of the first."""
    rows = (
        []
        if seen is None
        else await db.fetch(
            """
        SELECT m.written_by, m.sent_at FROM message m
        WHERE m.thread = {} AND m.account IS NULL AND (m.sent_at, m.id) > (
            SELECT s.sent_at, s.id FROM message s WHERE s.id = {} AND s.thread = m.thread)
        ORDER BY m.sent_at DESC, m.id DESC LIMIT 1
        """,
            thread.id,
            seen,
        )
    )
    if rows:
        raise _changed_by(rows[0]["written_by"], rows[0]["sent_at"])


async def _is_assigned(
    thread: UUID, to: tuple[UUID | None, UUID | None], seen: UUID | None
) -> bool:
    """To them already; to others, by someone else since, it is refused."""
    latest = await (
        Assignment.objects()
        .where(Assignment.thread == thread)
        .order_by(Assignment.assigned_at, Assignment.id, ascending=False)
        .first()
    )
    if latest is not None and (latest.team, latest.practitioner) == to:
        return True
    if seen not in (ANY, latest.id if latest else None):
        raise _changed_by(latest.assigned_by, latest.assigned_at) if latest else ChangedMeanwhile
    return False


def _changed_by(signature: str, at: datetime) -> ChangedMeanwhile:
    return ChangedMeanwhile(SIGNED.sub("", signature), at)


async def _after_newest(thread: Thread, now: datetime) -> datetime:
    """Its files were looked at before it had its turn: what came meanwhile stands before it."""
    newest = await db.fetch(
        "SELECT sent_at FROM message WHERE thread = {} ORDER BY sent_at DESC LIMIT 1", thread.id
    )
    times: list[datetime] = [row["sent_at"] + TICK for row in newest]
    return max([now, *times])


async def _mark_seen(thread: UUID, by: str, now: datetime) -> None:
    """Whoever answers or closes it has read what the patient's side wrote."""
    await db.fetch(
        """
        UPDATE message SET seen_at = {}, seen_by = {}
        WHERE thread = {} AND account IS NOT NULL AND seen_at IS NULL
        """,
        now,
        _name(by),
        thread,
    )


async def _set_closed(thread: UUID, at: datetime | None, by: str) -> None:
    await Thread.update({Thread.closed_at: at, Thread.closed_by: by}).where(Thread.id == thread)


async def _record(actor: Actor, what: str, patient: UUID, subject: UUID, now: datetime) -> None:
    await audit.record(actor, f"communication.{what}", patient=patient, subject=subject, at=now)


def _waiting(row: dict[str, Any]) -> Waiting:
    chosen = row.pop("chosen_team")
    is_assigned = row["team"] is not None or row["practitioner"] is not None
    return Waiting(**row if is_assigned else row | {"team": chosen})


def _mailed(row: dict[str, Any], *, is_old: bool) -> Mailed:
    if row["mail"] is None:
        return "unknown" if is_old else "none"
    if row["sent_at"] is not None:
        return "sent"
    if row["dead_at"] is not None:
        return "dead"
    return "none" if row["dropped_at"] is not None else "waiting"


def _name(by: str) -> str:
    """Of a member of staff, as the row keeps it."""
    return by[:LONGEST_NAME]
