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

State = Literal["sent", "seen", "done"]


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
    messages: Sequence[ShownMessage]
    """Oldest first."""
    reply_to: ReplyTo

    @property
    def newest_unread(self) -> UUID | None:
        return next((m.id for m in reversed(self.messages) if m.is_unread), None)


async def open(
    viewer: Viewer, patient: UUID, thread: UUID, *, is_read: bool = True, now: datetime
) -> ThreadView:
    """Whoever opens it has read it, unless it was only fetched ahead."""
    profile = viewer.reading(patient, now)
    kinds = rules.visible_kinds(viewer, patient, now)
    rows = await _rows(viewer, patient, thread, kinds)
    if not rows:
        raise NotFound
    unread = [row["id"] for row in rows if row["is_unread"]]
    if is_read and unread:
        await _mark_read(viewer, patient, thread, unread, now)
    attached = await attachments.of_messages([row["id"] for row in rows])
    return ThreadView(
        id=thread,
        profile=profile,
        subject=rows[0]["subject"],
        site=rows[0]["site"],
        messages=[_shown(row, attached.get(row["id"], ())) for row in rows],
        reply_to=_reply_to(viewer, patient, rows, now),
    )


async def reply_to(viewer: Viewer, patient: UUID, thread: UUID, *, now: datetime) -> ReplyTo:
    viewer.reading(patient, now)
    rows = await _rows(viewer, patient, thread, rules.visible_kinds(viewer, patient, now))
    if not rows:
        raise NotFound
    return _reply_to(viewer, patient, rows, now)


def _reply_to(
    viewer: Viewer, patient: UUID, rows: Sequence[dict[str, Any]], now: datetime
) -> ReplyTo:
    latest = _latest_from_clinic(rows)
    is_closed = rows[0]["closed_at"] is not None
    why = rules.why_no_reply(viewer, patient, is_closed=is_closed, latest=latest, now=now)
    return ReplyTo(latest.id if latest else None, why)


def _latest_from_clinic(rows: Sequence[dict[str, Any]]) -> LatestFromClinic | None:
    for row in reversed(rows):
        if row["account"] is None:
            return LatestFromClinic(
                id=row["id"],
                kind=row["kind"],
                is_reply_allowed=rules.is_reply_allowed(
                    row["reply_allowed_at"], row["reply_refused_at"]
                ),
                is_answered=bool(row["is_answered"]),
            )
    return None


async def _rows(
    viewer: Viewer, patient: UUID, thread: UUID, kinds: frozenset[Kind]
) -> list[dict[str, Any]]:
    return await db.fetch(
        f"""
        SELECT m.id, m.kind, m.sender, m.body, m.sent_at, m.account, m.seen_at,
               m.reply_allowed_at, m.reply_refused_at, t.subject, t.closed_at,
               coalesce(s.name, '') AS site,
               CASE WHEN r.id IS NOT NULL AND r.read_at IS NULL THEN 1 ELSE 0 END AS is_unread,
               CASE WHEN EXISTS (SELECT 1 FROM message a WHERE a.answers = m.id)
                    THEN 1 ELSE 0 END AS is_answered,
               CASE WHEN EXISTS (
                   SELECT 1 FROM proxy_grant g
                   WHERE g.account = m.account AND g.patient = m.patient
                     AND g.relationship = 'self') THEN 1 ELSE 0 END AS is_by_patient
        FROM message m JOIN thread t ON t.id = m.thread
        LEFT JOIN site s ON s.id = t.site
        LEFT JOIN receipt r ON r.message = m.id AND r.account = {{}}
        WHERE m.thread = {{}} AND m.patient = {{}}
          AND m.kind IN ({db.places(kinds)})
        ORDER BY m.sent_at, m.id
        """,
        viewer.account.id,
        thread,
        patient,
        *sorted(kinds),
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


def _shown(row: dict[str, Any], attached: Sequence[Shown]) -> ShownMessage:
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
        state=_state(row),
        attachments=attached,
    )


def _state(row: dict[str, Any]) -> State:
    if row["closed_at"] is not None and row["sent_at"] <= row["closed_at"]:
        return "done"
    return "seen" if row["seen_at"] is not None else "sent"
