"""A thread as its reader sees it: only the messages of the kinds granted to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain import audit, db, receipts
from domain.errors import NotFound
from domain.messages import attachments, rules
from domain.messages.attachments import Shown
from domain.messages.rules import Kind, LatestFromClinic, WhyNoReply
from domain.people.viewer import Profile, Viewer
from domain.texts import Named

State = Literal["sent", "seen", "done"]
PAGE = 50
IS_ANSWERED = """
    CASE WHEN EXISTS (SELECT 1 FROM message a WHERE a.answers = m.id) THEN 1 ELSE 0 END"""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    id: UUID
    kind: Kind
    sender: str
    body: str
    sent_at: datetime
    is_own_side: bool
    """Written for the patient, not by the clinic."""
    is_on_behalf: bool
    """Its writer is not the patient."""
    is_unread: bool
    state: State
    """How far the clinic is with it; of the patient's side's only."""
    attachments: Sequence[Shown]


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """What a reply would answer, and why it may not, if so."""

    latest: UUID | None
    """The clinic's latest message that this viewer may see."""
    why_not: WhyNoReply


@dataclass(frozen=True, slots=True)
class ThreadView:
    id: UUID
    profile: Profile
    subject: str
    site: str
    team: Named | None
    """Whom the patient's side wrote to, where it began the thread."""
    messages: Sequence[ShownMessage]
    """Oldest first: the newest of the thread, or those before another of it."""
    before: UUID | None
    """Before which message these are, if they are not the newest."""
    older: UUID | None
    """Ask again with this to see those before."""
    reply_to: ReplyTo

    @property
    def newest_unread(self) -> UUID | None:
        return next((m.id for m in reversed(self.messages) if m.is_unread), None)


async def open(
    viewer: Viewer,
    patient: UUID,
    thread: UUID,
    *,
    before: UUID | None = None,
    is_read: bool = True,
    now: datetime,
) -> ThreadView:
    """Whoever opens it has read what is shown of it, unless it was only fetched ahead."""
    profile = viewer.reading(patient, now)
    kinds = rules.visible_kinds(viewer, patient, now)
    found = await _rows(viewer, patient, thread, kinds, before)
    if before is not None and not found:
        before, found = None, await _rows(viewer, patient, thread, kinds, None)
    if not found:
        raise NotFound
    rows = found[PAGE - 1 :: -1]
    head = None if before else next((row for row in found if row["account"] is None), None)
    head = head or await _head(patient, thread, kinds)
    unread = [row["id"] for row in rows if row["is_unread"]]
    if is_read and unread:
        await _mark_read(viewer, patient, thread, unread, now)
    attached = await attachments.of_messages([row["id"] for row in rows])
    return ThreadView(
        id=thread,
        profile=profile,
        subject=rows[0]["subject"],
        site=rows[0]["site"],
        team=_team(rows[0], kinds),
        messages=[_shown(row, attached.get(row["id"], ()), head) for row in rows],
        before=before,
        older=rows[0]["id"] if len(found) > PAGE else None,
        reply_to=_reply_to(viewer, patient, head, now),
    )


async def reply_to(viewer: Viewer, patient: UUID, thread: UUID, *, now: datetime) -> ReplyTo:
    viewer.reading(patient, now)
    head = await _head(patient, thread, rules.visible_kinds(viewer, patient, now))
    return _reply_to(viewer, patient, head, now)


def _reply_to(viewer: Viewer, patient: UUID, head: dict[str, Any], now: datetime) -> ReplyTo:
    latest = _latest_from_clinic(head)
    is_closed = head["closed_at"] is not None
    why = rules.why_no_reply(viewer, patient, is_closed=is_closed, latest=latest, now=now)
    return ReplyTo(latest.id if latest else None, why)


def _latest_from_clinic(head: dict[str, Any]) -> LatestFromClinic | None:
    if head["account"] is not None:
        return None
    return LatestFromClinic(
        id=head["id"],
        kind=head["kind"],
        is_reply_allowed=rules.is_reply_allowed(head["reply_allowed_at"], head["reply_refused_at"]),
        is_answered=bool(head["is_answered"]),
    )


async def _head(patient: UUID, thread: UUID, kinds: frozenset[Kind]) -> dict[str, Any]:
    """The clinic's latest message that may be seen; where there is none, any other of them."""
    rows = await db.fetch(
        f"""
        SELECT m.id, m.kind, m.sent_at, m.account, m.reply_allowed_at, m.reply_refused_at,
               t.closed_at, {IS_ANSWERED} AS is_answered
        FROM message m JOIN thread t ON t.id = m.thread
        WHERE m.thread = {{}} AND m.patient = {{}} AND m.kind IN ({db.places(kinds)})
        ORDER BY CASE WHEN m.account IS NULL THEN 0 ELSE 1 END, m.sent_at DESC, m.id DESC LIMIT 1
        """,
        thread,
        patient,
        *sorted(kinds),
    )
    if not rows:
        raise NotFound
    return rows[0]


async def _rows(
    viewer: Viewer, patient: UUID, thread: UUID, kinds: frozenset[Kind], before: UUID | None
) -> list[dict[str, Any]]:
    """Newest first, and one more than a page shows."""
    cursor, values = "", list[object]()
    if before is not None:
        cursor = f"""AND (m.sent_at, m.id) < (
            SELECT b.sent_at, b.id FROM message b WHERE b.id = {{}} AND b.thread = m.thread
              AND b.patient = m.patient AND b.kind IN ({db.places(kinds)}))"""
        values = [before, *sorted(kinds)]
    return await db.fetch(
        f"""
        SELECT m.id, m.kind, m.sender, m.body, m.sent_at, m.account, m.seen_at,
               m.reply_allowed_at, m.reply_refused_at, t.subject, t.closed_at,
               coalesce(s.name, '') AS site, tm.name_fr AS team_fr, tm.name_en AS team_en,
               CASE WHEN r.id IS NOT NULL AND r.read_at IS NULL THEN 1 ELSE 0 END AS is_unread,
               {IS_ANSWERED} AS is_answered,
               CASE WHEN EXISTS (
                   SELECT 1 FROM proxy_grant g
                   WHERE g.account = m.account AND g.patient = m.patient
                     AND g.relationship = 'self') THEN 1 ELSE 0 END AS is_by_patient
        FROM message m JOIN thread t ON t.id = m.thread
        LEFT JOIN site s ON s.id = t.site
        LEFT JOIN team tm ON tm.id = t.team
        LEFT JOIN receipt r ON r.message = m.id AND r.account = {{}}
        WHERE m.thread = {{}} AND m.patient = {{}}
          AND m.kind IN ({db.places(kinds)}) {cursor}
        ORDER BY m.sent_at DESC, m.id DESC LIMIT {PAGE + 1}
        """,
        viewer.account.id,
        thread,
        patient,
        *sorted(kinds),
        *values,
    )


async def _mark_read(
    viewer: Viewer, patient: UUID, thread: UUID, shown: Sequence[UUID], now: datetime
) -> None:
    """What came in since it was read out of the database has not been seen."""
    kinds = rules.visible_kinds(viewer, patient, now)
    account, actor = viewer.account.id, viewer.actor
    async with db.transaction():
        if await receipts.mark_read(account, thread, kinds, messages=shown, now=now):
            await audit.record(actor, "message.read", patient=patient, subject=thread, at=now)


def _shown(row: dict[str, Any], attached: Sequence[Shown], head: dict[str, Any]) -> ShownMessage:
    is_before = (row["sent_at"], row["id"]) < (head["sent_at"], head["id"])
    is_own_side = row["account"] is not None
    return ShownMessage(
        id=row["id"],
        kind=row["kind"],
        sender=row["sender"],
        body=row["body"],
        sent_at=row["sent_at"],
        is_own_side=is_own_side,
        is_on_behalf=is_own_side and not row["is_by_patient"],
        is_unread=bool(row["is_unread"]),
        state=_state(row, is_answered=is_before and head["account"] is None),
        attachments=attached,
    )


def _team(row: dict[str, Any], kinds: frozenset[Kind]) -> Named | None:
    if not row["team_fr"] or "message" not in kinds:
        return None
    return Named(row["team_fr"], row["team_en"])


def _state(row: dict[str, Any], *, is_answered: bool) -> State:
    """Done with where the clinic has written after it, or closed its thread."""
    is_closed = row["closed_at"] is not None and row["sent_at"] <= row["closed_at"]
    if is_answered or is_closed:
        return "done"
    return "seen" if row["seen_at"] is not None else "sent"
