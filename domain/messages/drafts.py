"""What is being written: one draft for each account, patient and thread (or new message)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.accounts import once
from domain.errors import DraftIsNewer, Invalid, NotAllowed, ReplyNotOpen
from domain.messages import rules, threads
from domain.messages.tables import Thread
from domain.people.policy import Grant
from domain.people.tables import Account
from domain.people.viewer import Viewer
from domain.texts import unfinished

LONGEST_KEPT = 5_000
"""More than may be sent: nothing typed is lost."""
LONGEST_SUBJECT_KEPT = 500
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Draft:
    team: UUID | None
    subject: str
    body: str
    has_agreed: bool
    saved_at: datetime
    was_cut: bool = False
    """Just now: its end was too long to be kept."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form that a draft is saved from: its key, and the draft that it knows of."""

    key: str
    seen: datetime | None
    is_sure: bool = False
    """It is the last to have saved, whatever it has heard of its saving."""
    is_whole: bool = False
    """What is too long is refused, not cut: its writer leaves this page for the draft."""


def too_long(subject: str, body: str) -> dict[str, str]:
    """What of it would lose its end, as `Invalid` says it."""
    problems = {}
    if len(unfinished(subject)) > LONGEST_SUBJECT_KEPT:
        problems["sujet"] = "too_long"
    if len(unfinished(body)) > LONGEST_KEPT:
        problems["texte"] = "too_long"
    return problems


async def find(viewer: Viewer, patient: UUID, thread: UUID | None) -> Draft | None:
    rows = await db.fetch(
        f"SELECT team, subject, body, has_agreed, saved_at FROM draft WHERE {_of(thread)}",
        *_key(viewer, patient, thread),
    )
    return Draft(**rows[0] | {"has_agreed": bool(rows[0]["has_agreed"])}) if rows else None


async def save(
    viewer: Viewer,
    patient: UUID,
    thread: UUID | None,
    *,
    team: UUID | None = None,
    subject: str = "",
    body: str = "",
    has_agreed: bool = False,
    form: Form | None = None,
    typed_at: datetime | None = None,
    now: datetime,
) -> Draft | None:
    """The draft that stands now; None where nothing is left of it, or it has been sent.

    Without a form, the text that was typed later stands; the caller has asked whether one may
    write there.
    """
    new = _cut(team, subject, body, has_agreed, now)
    if form is not None:
        await _check_writing(viewer, patient, thread, now)
        if form.is_whole and new.was_cut:
            raise Invalid(too_long(subject, body))
    async with db.transaction():
        # As the one that sends does: what was sent is not saved again behind it.
        await _lock(viewer, thread)
        if form is not None:
            if await once.was_used(viewer.account.id, form.key):
                return None
            _check_newest(await find(viewer, patient, thread), new, form)
        elif typed_at is not None:
            stored = await find(viewer, patient, thread)
            if stored is not None and stored.saved_at > typed_at:
                return stored
        if not (new.body.strip() or new.subject.strip()):
            await drop(viewer, patient, thread)
            return None
        await _put(viewer, patient, thread, new)
    return new


def _cut(team: UUID | None, subject: str, body: str, has_agreed: bool, now: datetime) -> Draft:
    return Draft(
        team,
        unfinished(subject)[:LONGEST_SUBJECT_KEPT],
        unfinished(body)[:LONGEST_KEPT],
        has_agreed,
        now,
        was_cut=bool(too_long(subject, body)),
    )


async def hand_over(
    viewer: Viewer, patient: UUID, thread: UUID | None, typed: dict[str, Any], *, now: datetime
) -> None:
    """What was sent while its session had ended. Whether it may still go is asked when it does."""
    viewer.acting_for(patient, Grant.SEND_MESSAGES, now)
    if thread is not None:
        await threads.reply_to(viewer, patient, thread, now=now)
    await save(viewer, patient, thread, now=now, **typed)


async def drop(viewer: Viewer, patient: UUID, thread: UUID | None) -> None:
    """Also within the transaction that sends it."""
    await db.fetch(f"DELETE FROM draft WHERE {_of(thread)}", *_key(viewer, patient, thread))


async def delete(
    viewer: Viewer, patient: UUID, thread: UUID | None, *, key: str = "", now: datetime
) -> None:
    """And nothing more is saved from the form that asked for it."""
    viewer.acting_for(patient, Grant.SEND_MESSAGES, now)
    async with db.transaction():
        await _lock(viewer, thread)
        if key:
            await once.close(viewer.account.id, key, now=now)
        await drop(viewer, patient, thread)


async def purge(*, now: datetime) -> None:
    await db.fetch("DELETE FROM draft WHERE saved_at < {}", now - KEPT)


async def _check_writing(viewer: Viewer, patient: UUID, thread: UUID | None, now: datetime) -> None:
    viewer.acting_for(patient, Grant.SEND_MESSAGES, now)
    if thread is None:
        if not rules.may_write(viewer, patient, now):
            raise NotAllowed
        return
    open_to = await threads.reply_to(viewer, patient, thread, now=now)
    if open_to.why_not:
        raise ReplyNotOpen(open_to.why_not)


def _check_newest(stored: Draft | None, new: Draft, form: Form) -> None:
    if stored is None or form.is_sure or stored.saved_at == form.seen:
        return
    if (stored.body, stored.subject) != (new.body, new.subject):
        raise DraftIsNewer


async def _lock(viewer: Viewer, thread: UUID | None) -> None:
    if thread is None:
        await db.lock_row(Account, viewer.account.id)
    else:
        await db.lock_row(Thread, thread)


async def _put(viewer: Viewer, patient: UUID, thread: UUID | None, new: Draft) -> None:
    one_each = "(account, patient, thread) WHERE thread IS NOT NULL"
    if thread is None:
        one_each = "(account, patient) WHERE thread IS NULL"
    await db.fetch(
        f"""
        INSERT INTO draft (id, account, patient, thread, team, subject, body, has_agreed, saved_at)
        VALUES ({{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}})
        ON CONFLICT {one_each} DO UPDATE SET
            team = excluded.team, subject = excluded.subject, body = excluded.body,
            has_agreed = excluded.has_agreed, saved_at = excluded.saved_at
        """,
        uuid4(),
        viewer.account.id,
        patient,
        thread,
        new.team,
        new.subject,
        new.body,
        new.has_agreed,
        new.saved_at,
    )


def _of(thread: UUID | None) -> str:
    return f"account = {{}} AND patient = {{}} AND thread {'IS NULL' if thread is None else '= {}'}"


def _key(viewer: Viewer, patient: UUID, thread: UUID | None) -> tuple[UUID, ...]:
    key = (viewer.account.id, patient)
    return key if thread is None else (*key, thread)
