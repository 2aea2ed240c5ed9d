"""The lists of a profile's threads: what the clinic wrote, and what was sent to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import db
from domain.errors import NotAllowed, NotFound
from domain.messages import rules
from domain.messages.rules import KINDS_OF, Box, Kind
from domain.people.viewer import Profile, Viewer
from domain.texts import Named, folded, read

PAGE = 50
LONGEST_SEARCH = 100
EXCERPT = 160
"""In code points: more than a line shows, on any screen."""
LONGEST_GREETING = 40
BEGINNING = LONGEST_GREETING + EXCERPT


@dataclass(frozen=True, slots=True)
class Row:
    """A thread, by its newest message that this list shows."""

    message: UUID
    thread: UUID
    sent_at: datetime
    sender: str
    is_own_side: bool
    """Written for the patient, not by the clinic."""
    place: str
    kind: Kind
    subject: str
    excerpt: str
    is_unread: bool
    has_attachment: bool
    recipient: str
    """Whom the patient's side answered; else `team` is whom it wrote to."""
    team: Named | None
    has_draft: bool
    """This account began an answer that may still be sent."""


@dataclass(frozen=True, slots=True)
class Listing:
    box: Box
    words: str
    """As searched: no longer than it may be."""
    rows: Sequence[Row]
    before: UUID | None
    """After which message this page goes on, if it is not the first."""
    older: UUID | None
    """Ask again with this to see those before."""
    has_new_draft: bool
    """This account began a new message; not known of where the list is empty."""


def opened(viewer: Viewer, patient: UUID, box: Box, now: datetime) -> Profile:
    """The profile, if this viewer may see that list of it."""
    profile = viewer.reading(patient, now)
    if not rules.is_open(box, viewer):
        raise NotFound
    if not rules.may_open(box, viewer, patient, now):
        raise NotAllowed
    return profile


async def threads(
    viewer: Viewer,
    patient: UUID,
    box: Box,
    *,
    words: str = "",
    before: UUID | None = None,
    now: datetime,
) -> Listing:
    """Newest first. A cursor that is none of this viewer's messages begins at the top."""
    opened(viewer, patient, box, now)
    words = read(words)[:LONGEST_SEARCH].strip()
    words = words if folded(words) else ""  # an accent alone is looked for nowhere
    visible = rules.visible_kinds(viewer, patient, now)
    rows = await _rows(viewer, patient, box, visible, words=words, before=before)
    if before is not None and not rows:
        before = None
        rows = await _rows(viewer, patient, box, visible, words=words, before=before)
    shown = [_row(row, box, viewer) for row in rows[:PAGE]]
    older = shown[-1].message if len(rows) > PAGE else None
    has_new_draft = any(row["has_new_draft"] for row in rows[:1])
    return Listing(box, words, shown, before, older, has_new_draft)


async def _rows(
    viewer: Viewer,
    patient: UUID,
    box: Box,
    visible: frozenset[Kind],
    *,
    words: str,
    before: UUID | None,
) -> list[dict[str, Any]]:
    """One statement, which walks an index down from the cursor and stops after a page."""
    seen, listed = sorted(visible), sorted(visible & KINDS_OF[box])
    parts = [_newest_of_its_thread(listed, is_sent=box == "sent")]
    if before is not None:
        parts.append(_before(before, patient, seen))
    if folded(words):
        parts.append(_with_words(folded(words).split(), seen))
    account = viewer.account.id
    return await db.fetch(
        f"""
        SELECT {_columns(seen, listed)}
        FROM message m
        JOIN thread t ON t.id = m.thread
        LEFT JOIN site s ON s.id = t.site
        LEFT JOIN team tm ON tm.id = t.team
        WHERE m.patient = {{}} AND {" AND ".join(condition for condition, _ in parts)}
        ORDER BY m.sent_at DESC, m.id DESC LIMIT {PAGE + 1}
        """,
        *(*listed, account, *listed, *seen, account, account, patient),
        patient,
        *(value for _, values in parts for value in values),
    )


def _columns(seen: Sequence[Kind], listed: Sequence[Kind]) -> str:
    """Asks for: listed, account, listed, seen, account, account, patient."""
    return f"""
        m.id AS message, m.thread, m.sent_at, m.sender, m.account, t.subject,
        coalesce((
            SELECT k.kind FROM message k
            WHERE k.thread = m.thread AND {_among("k", listed)} AND k.account IS NULL
            ORDER BY k.sent_at DESC, k.id DESC LIMIT 1), m.kind) AS kind,
        substr(m.body, 1, {BEGINNING}) AS beginning, s.name AS site,
        CASE WHEN EXISTS (
            SELECT 1 FROM receipt r
            WHERE r.account = {{}} AND r.patient = m.patient AND r.thread = m.thread
              AND r.read_at IS NULL AND {_among("r", listed)}
        ) THEN 1 ELSE 0 END AS is_unread,
        CASE WHEN EXISTS (SELECT 1 FROM attachment a WHERE a.message = m.id)
             THEN 1 ELSE 0 END AS has_attachment,
        (SELECT q.sender FROM message q
         WHERE q.id = m.answers AND {_among("q", seen)}) AS recipient,
        tm.name_fr AS team_fr, tm.name_en AS team_en,
        CASE WHEN t.closed_at IS NULL AND EXISTS (
            SELECT 1 FROM draft d
            WHERE d.account = {{}} AND d.patient = m.patient AND d.thread = m.thread
              AND NOT EXISTS (
                  SELECT 1 FROM message y WHERE y.thread = d.thread
                    AND y.account IS NOT NULL AND y.sent_at > d.saved_at)
        ) THEN 1 ELSE 0 END AS has_draft,
        CASE WHEN EXISTS (
            SELECT 1 FROM draft n WHERE n.account = {{}} AND n.patient = {{}} AND n.thread IS NULL
        ) THEN 1 ELSE 0 END AS has_new_draft"""


Condition = tuple[str, list[object]]
"""With its values, in their order."""


def _newest_of_its_thread(listed: Sequence[Kind], *, is_sent: bool) -> Condition:
    """Of those that this list shows."""
    this, later = (
        f"{_among(name, listed)}{f' AND {name}.account IS NOT NULL' if is_sent else ''}"
        for name in ("m", "l")
    )
    condition = f"""{this} AND NOT EXISTS (
        SELECT 1 FROM message l WHERE l.thread = m.thread AND {later}
          AND (l.sent_at, l.id) > (m.sent_at, m.id))"""
    return condition, [*listed, *listed]


def _before(message: UUID, patient: UUID, seen: Sequence[Kind]) -> Condition:
    condition = f"""(m.sent_at, m.id) < (
        SELECT b.sent_at, b.id FROM message b
        WHERE b.id = {{}} AND b.patient = {{}} AND {_among("b", seen)})"""
    return condition, [message, patient, *seen]


def _with_words(words: Sequence[str], seen: Sequence[Kind]) -> Condition:
    """All of them in one message of the thread."""
    each = " AND ".join("f.folded LIKE {} ESCAPE '!'" for _ in words)
    condition = f"""EXISTS (SELECT 1 FROM message f WHERE f.thread = m.thread
        AND {_among("f", seen)} AND {each})"""
    return condition, [*seen, *(f"%{literal(word)}%" for word in words)]


def _among(alias: str, kinds: Sequence[str]) -> str:
    return f"{alias}.kind IN ({db.places(kinds)})"


def literal(word: str) -> str:
    """What stands for itself in a LIKE."""
    for sign in "!%_":
        word = word.replace(sign, f"!{sign}")
    return word


def _place(site: str | None, clinic: str) -> str:
    """By its own name: whose « Clinique des Érables – Rosemont » is, its reader knows."""
    if site is None:
        return clinic
    return site.removeprefix(clinic).strip(" –—-,") or site


def excerpt(beginning: str) -> str:
    """On one line; « Bonjour Heather, » says less than what comes after it."""
    first, _, rest = read(beginning).partition("\n")
    is_greeting = len(first) <= LONGEST_GREETING and first.rstrip().endswith(",")
    return " ".join((rest if is_greeting and rest.strip() else beginning).split())[:EXCERPT]


def _row(row: dict[str, Any], box: Box, viewer: Viewer) -> Row:
    return Row(
        message=row["message"],
        thread=row["thread"],
        sent_at=row["sent_at"],
        sender=row["sender"],
        is_own_side=row["account"] is not None,
        place=_place(row["site"], viewer.clinic.name),
        kind=row["kind"],
        subject=row["subject"],
        excerpt=excerpt(row["beginning"]),
        is_unread=bool(row["is_unread"]) and box != "sent",
        has_attachment=bool(row["has_attachment"]),
        recipient=row["recipient"] or "",
        team=Named(row["team_fr"], row["team_en"]) if row["team_fr"] else None,
        has_draft=bool(row["has_draft"]),
    )
