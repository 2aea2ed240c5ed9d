"""The clinic's inbox: what waits for an answer, a thread as the staff read it, and their acts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.clinic.calendar import moment
from domain.clinic.settings import ClinicSettings
from domain.desk import people
from domain.desk.people import PatientHead
from domain.errors import NotFound
from domain.messages import attachments, clinic_side, rules
from domain.messages.attachments import Opened, Shown
from domain.messages.clinic_side import Delivery
from domain.messages.files import Files
from domain.messages.inbox import BEGINNING, LONGEST_SEARCH, excerpt, literal
from domain.messages.rules import Kind
from domain.staff.member import Member
from domain.texts import Named, folded, read

Status = Literal["waiting", "assigned", "closed", "all"]
STATUSES: tuple[Status, ...] = ("waiting", "assigned", "closed", "all")
PAGE = 50
SATURDAY = 5
DAY = timedelta(days=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Before anything was sent."""

_LATEST_ASSIGNMENT = """
    LEFT JOIN assignment a ON a.thread = t.id AND NOT EXISTS (
        SELECT 1 FROM assignment l
        WHERE l.thread = t.id AND (l.assigned_at, l.id) > (a.assigned_at, a.id))
"""
_LOOKED_AFTER = f"""
    {_LATEST_ASSIGNMENT}
    LEFT JOIN practitioner pr ON pr.id = a.practitioner
    LEFT JOIN team tm ON tm.id = CASE WHEN a.id IS NULL THEN t.team ELSE a.team END
"""
_OWN = """(a.practitioner = {} OR EXISTS (
    SELECT 1 FROM message o
    WHERE o.thread = t.id AND o.account IS NULL AND o.practitioner = {}))"""
_NEWEST = """NOT EXISTS (
    SELECT 1 FROM message l WHERE l.thread = m.thread AND (l.sent_at, l.id) > (m.sent_at, m.id))"""
_UNANSWERED = f"""
    WITH unanswered AS MATERIALIZED (
        SELECT m.id, m.thread, m.sent_at, m.seen_at
        FROM message m JOIN thread t ON t.id = m.thread
        WHERE m.account IS NOT NULL AND t.closed_at IS NULL AND {_NEWEST})
"""
"""Found in indexes alone, before anything else is read of them."""
_STATUS: dict[Status, str] = {
    "waiting": "1 = 1",
    "assigned": "m.thread IN (SELECT s.thread FROM assignment s) AND t.closed_at IS NULL",
    "closed": "t.closed_at IS NOT NULL",
    "all": "1 = 1",
}


@dataclass(frozen=True, slots=True)
class Party:
    """Of the clinic: one of the two."""

    practitioner: UUID | None = None
    team: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the inbox to show."""

    status: Status = "waiting"
    party: Party = Party()
    """Whose: the team's or the practitioner's."""
    is_mine: bool = False
    words: str = ""
    after: UUID | None = None
    """The message at which the page before ended."""
    patient: UUID | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.party != Party() or self.is_mine or self.words)


@dataclass(frozen=True, slots=True)
class Assignee:
    """Whom a thread was given to; else the team that its writer chose."""

    name: Named
    is_chosen_by_patient: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A thread by its newest message."""

    message: UUID
    thread: UUID
    patient: UUID
    patient_name: str
    birth_date: date
    kind: Kind
    subject: str
    excerpt: str
    sender: str
    sent_at: datetime
    is_waiting: bool
    is_late: bool
    is_new: bool
    """Nobody at the clinic has opened it."""
    is_closed: bool
    has_attachment: bool
    assignee: Assignee | None


@dataclass(frozen=True, slots=True)
class Inbox:
    asked: Asked
    rows: Sequence[Row]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """How many threads wait for the clinic's answer."""

    unseen: int
    """Of these, nobody at the clinic has opened the newest message."""
    waiting: int
    late: int


@dataclass(frozen=True, slots=True)
class StaffMessage:
    id: UUID
    kind: Kind
    sender: str
    written_by: str
    """Of the clinic's: the member who sent it."""
    body: str
    sent_at: datetime
    is_from_patient: bool
    is_on_behalf: bool
    attachments: Sequence[Shown]
    deliveries: Sequence[Delivery]
    is_reply_allowed: bool
    is_answered: bool


@dataclass(frozen=True, slots=True)
class StaffThread:
    id: UUID
    patient: PatientHead
    subject: str
    site: str
    assignee: Assignee | None
    assignment: UUID | None
    newest: UUID
    """Whoever acts next has seen the two."""
    party: Party
    """Who is likely to answer: whom it was given to, else who wrote last, else whom one chose."""
    waiting_since: datetime | None
    is_late: bool
    closed_at: datetime | None
    closed_by: str
    messages: Sequence[StaffMessage]
    """Oldest first."""
    before: UUID | None
    older: UUID | None
    latest: StaffMessage | None
    """The clinic's latest on this page: the one that may be answered."""


async def inbox(member: Member, asked: Asked, *, now: datetime) -> Inbox:
    """Those that wait, the one that has waited longest first; the others, newest first."""
    words = folded(read(asked.words)[:LONGEST_SEARCH]).split()
    conditions = [(_STATUS[asked.status], []), *_narrowing(member, asked, words)]
    is_forward = asked.status == "waiting"
    before_all, source = "", "message m"
    if is_forward:
        before_all, source = _UNANSWERED, "(unanswered u JOIN message m ON m.id = u.id)"
    else:
        conditions.append((_NEWEST, []))
    if asked.after is not None:
        sign = ">" if is_forward else "<"
        cursor = (
            f"(m.sent_at, m.id) {sign} (SELECT b.sent_at, b.id FROM message b WHERE b.id = {{}})"
        )
        conditions.append((cursor, [asked.after]))
    direction = "ASC" if is_forward else "DESC"
    rows = await db.fetch(
        f"""
        {before_all}
        SELECT m.id AS message, m.thread, m.patient, m.kind, m.sender, m.account, m.sent_at,
               m.seen_at, substr(m.body, 1, {BEGINNING}) AS beginning, t.subject, t.closed_at,
               p.first_name, p.last_name, p.birth_date, a.id AS assignment,
               pr.title, pr.first_name AS pr_first, pr.last_name AS pr_last,
               tm.name_fr AS team_fr, tm.name_en AS team_en,
               CASE WHEN EXISTS (SELECT 1 FROM attachment f WHERE f.message = m.id)
                    THEN 1 ELSE 0 END AS has_attachment
        FROM {source}
        JOIN thread t ON t.id = m.thread
        JOIN patient p ON p.id = m.patient
        {_LOOKED_AFTER}
        WHERE {" AND ".join(condition for condition, _ in conditions)}
        ORDER BY m.sent_at {direction}, m.id {direction} LIMIT {PAGE + 1}
        """,
        *(value for _, values in conditions for value in values),
    )
    shown = [_row(row, member.clinic, now) for row in rows[:PAGE]]
    return Inbox(asked, shown, shown[-1].message if len(rows) > PAGE else None)


async def count_waiting(member: Member, *, now: datetime) -> WaitingCount:
    """The same threads as the inbox's first tab, whoever asks."""
    conditions = [("1 = 1", []), *_narrowing(member, Asked(), [])]
    (row,) = await db.fetch(
        f"""
        {_UNANSWERED}
        SELECT count(*) AS waiting,
               coalesce(sum(CASE WHEN m.seen_at IS NULL THEN 1 ELSE 0 END), 0) AS unseen,
               coalesce(sum(CASE WHEN m.sent_at < {{}} THEN 1 ELSE 0 END), 0) AS late
        FROM unanswered m JOIN thread t ON t.id = m.thread {_LATEST_ASSIGNMENT}
        WHERE {" AND ".join(condition for condition, _ in conditions)}
        """,
        late_before(member.clinic, now),
        *(value for _, values in conditions for value in values),
    )
    return WaitingCount(row["unseen"], row["waiting"], row["late"])


async def open(
    member: Member, thread: UUID, *, before: UUID | None = None, is_read: bool = True, now: datetime
) -> StaffThread:
    """Whoever opens it has seen what the patient's side wrote there."""
    head = await _thread(member, thread)
    found = await _messages(thread, before)
    if before is not None and not found:
        before, found = None, await _messages(thread, None)
    rows = found[PAGE - 1 :: -1]
    unseen = [row["id"] for row in rows if row["account"] and row["seen_at"] is None]
    for message in unseen if is_read else ():
        await clinic_side.seen(member.actor, message, by=member.signature, now=now)
    files = await attachments.of_messages([row["id"] for row in rows])
    sent = {row["id"]: row["sent_at"] for row in rows if row["account"] is None}
    told = await clinic_side.deliveries(head["patient"], sent, now=now)
    messages = [_message(row, files.get(row["id"], ()), told.get(row["id"], ())) for row in rows]
    newest = messages[-1]
    is_waiting = newest.is_from_patient and head["closed_at"] is None and before is None
    return StaffThread(
        id=thread,
        patient=await people.head(head["patient"]),
        subject=head["subject"],
        site=head["site"] or "",
        assignee=_assignee(head),
        assignment=head["assignment"],
        newest=newest.id,
        party=_party(head, rows),
        waiting_since=newest.sent_at if is_waiting else None,
        is_late=is_waiting and is_late(newest.sent_at, member.clinic, now),
        closed_at=head["closed_at"],
        closed_by=name_of(head["closed_by"]),
        messages=messages,
        before=before,
        older=rows[0]["id"] if len(found) > PAGE else None,
        latest=next((each for each in reversed(messages) if not each.is_from_patient), None),
    )


async def allow_reply(
    member: Member, thread: UUID, message: UUID, *, is_allowed: bool, now: datetime
) -> None:
    await _thread(member, thread)
    rows = await db.fetch("SELECT 1 FROM message WHERE id = {} AND thread = {}", message, thread)
    if not rows:
        raise NotFound
    decide = clinic_side.allow_reply if is_allowed else clinic_side.refuse_reply
    await decide(member.actor, message, by=member.signature, now=now)


async def assign(
    member: Member, thread: UUID, to: Party, *, seen: UUID | None = clinic_side.ANY, now: datetime
) -> None:
    """To a team, or to a practitioner; of these a practitioner names only themself."""
    await _thread(member, thread)
    if to.practitioner is not None:
        member.check_practitioner(to.practitioner)
    await clinic_side.assign(
        member.actor,
        thread,
        team=to.team,
        practitioner=to.practitioner,
        by=member.signature,
        seen=seen,
        now=now,
    )


async def close(member: Member, thread: UUID, *, now: datetime) -> None:
    await _thread(member, thread)
    await clinic_side.close(member.actor, thread, by=member.signature, now=now)


async def reopen(member: Member, thread: UUID, *, now: datetime) -> None:
    await _thread(member, thread)
    await clinic_side.reopen(member.actor, thread, now=now)


async def open_attachment(
    member: Member,
    thread: UUID,
    attachment: UUID,
    store: Files,
    *,
    is_beginning: bool,
    now: datetime,
) -> Opened:
    await _thread(member, thread)
    return await attachments.open_at_clinic(
        member.actor, thread, attachment, store, is_beginning=is_beginning, now=now
    )


async def patient_of(member: Member, thread: UUID) -> UUID:
    """Whose thread it is, if this member may see it."""
    patient: UUID = (await _thread(member, thread))["patient"]
    return patient


def is_late(sent_at: datetime, clinic: ClinicSettings, now: datetime) -> bool:
    """Beyond the usual answer time: from the day after its last working day."""
    return sent_at < late_before(clinic, now)


def late_before(clinic: ClinicSettings, now: datetime) -> datetime:
    """What was sent before then is late: the day's beginning that many working days ago."""
    if not clinic.answer_days:
        return NEVER
    day, left = clinic.today(now), clinic.answer_days
    while left:
        day -= DAY
        left -= day.weekday() < SATURDAY
    return moment(day, time(0), clinic.zone)


def name_of(signature: str) -> str:
    """Without the id that a row keeps beside the name."""
    return clinic_side.SIGNED.sub("", signature)


Condition = tuple[str, list[object]]


def _narrowing(member: Member, asked: Asked, words: Collection[str]) -> list[Condition]:
    found: list[Condition] = []
    if member.only is not None:
        found.append((_OWN, [member.only, member.only]))
    if asked.patient is not None:
        found.append(("m.patient = {}", [asked.patient]))
    if asked.party.team is not None:
        found.append(("tm.id = {}", [asked.party.team]))
    if asked.party.practitioner is not None:
        found.append((_OWN, [asked.party.practitioner, asked.party.practitioner]))
    if asked.is_mine and member.practitioner is None:
        mine = """EXISTS (SELECT 1 FROM message w WHERE w.thread = t.id
            AND w.account IS NULL AND w.written_by LIKE {})"""
        found.append((mine, [f"%({member.id})"]))
    for word in words:
        like = f"%{literal(word)}%"
        where = """(p.folded_name LIKE {} ESCAPE '!' OR EXISTS (
            SELECT 1 FROM message f WHERE f.thread = t.id AND f.folded LIKE {} ESCAPE '!'))"""
        found.append((where, [like, like]))
    return found


async def _thread(member: Member, thread: UUID) -> dict[str, Any]:
    """What is not theirs to read does not exist for a practitioner."""
    only = member.only
    own, values = ("", []) if only is None else (f"AND {_OWN}", [only, only])
    rows = await db.fetch(
        f"""
        SELECT t.patient, t.subject, t.closed_at, t.closed_by, s.name AS site, a.id AS assignment,
               a.practitioner AS given_practitioner, a.team AS given_team, t.team AS chosen_team,
               pr.title, pr.first_name AS pr_first, pr.last_name AS pr_last,
               tm.name_fr AS team_fr, tm.name_en AS team_en
        FROM thread t
        LEFT JOIN site s ON s.id = t.site
        {_LOOKED_AFTER}
        WHERE t.id = {{}} {own}
        """,
        thread,
        *values,
    )
    if not rows:
        raise NotFound
    return rows[0]


async def _messages(thread: UUID, before: UUID | None) -> list[dict[str, Any]]:
    """Newest first, and one more than a page shows."""
    cursor = ""
    if before is not None:
        cursor = """AND (m.sent_at, m.id) < (
            SELECT b.sent_at, b.id FROM message b WHERE b.id = {} AND b.thread = m.thread)"""
    return await db.fetch(
        f"""
        SELECT m.id, m.kind, m.sender, m.practitioner, m.team, m.written_by, m.body, m.sent_at,
               m.account, m.seen_at,
               m.reply_allowed_at, m.reply_refused_at,
               CASE WHEN EXISTS (SELECT 1 FROM message r WHERE r.answers = m.id)
                    THEN 1 ELSE 0 END AS is_answered,
               CASE WHEN EXISTS (
                   SELECT 1 FROM proxy_grant g
                   WHERE g.account = m.account AND g.patient = m.patient
                     AND g.relationship = 'self') THEN 1 ELSE 0 END AS is_by_patient
        FROM message m WHERE m.thread = {{}} {cursor}
        ORDER BY m.sent_at DESC, m.id DESC LIMIT {PAGE + 1}
        """,
        thread,
        *([] if before is None else [before]),
    )


def _row(row: dict[str, Any], clinic: ClinicSettings, now: datetime) -> Row:
    is_waiting = row["account"] is not None and row["closed_at"] is None
    return Row(
        message=row["message"],
        thread=row["thread"],
        patient=row["patient"],
        patient_name=f"{row['first_name']} {row['last_name']}",
        birth_date=row["birth_date"],
        kind=row["kind"],
        subject=row["subject"],
        excerpt=excerpt(row["beginning"]),
        sender=row["sender"],
        sent_at=row["sent_at"],
        is_waiting=is_waiting,
        is_late=is_waiting and is_late(row["sent_at"], clinic, now),
        is_new=is_waiting and row["seen_at"] is None,
        is_closed=row["closed_at"] is not None,
        has_attachment=bool(row["has_attachment"]),
        assignee=_assignee(row),
    )


def _message(
    row: dict[str, Any], files: Sequence[Shown], deliveries: Sequence[Delivery]
) -> StaffMessage:
    is_from_patient = row["account"] is not None
    return StaffMessage(
        id=row["id"],
        kind=row["kind"],
        sender=row["sender"],
        written_by=name_of(row["written_by"]),
        body=row["body"],
        sent_at=row["sent_at"],
        is_from_patient=is_from_patient,
        is_on_behalf=is_from_patient and not row["is_by_patient"],
        attachments=files,
        deliveries=deliveries,
        is_reply_allowed=rules.is_reply_allowed(row["reply_allowed_at"], row["reply_refused_at"]),
        is_answered=bool(row["is_answered"]),
    )


def _party(head: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Party:
    if head["assignment"]:
        return Party(head["given_practitioner"], head["given_team"])
    written = next((row for row in reversed(rows) if row["account"] is None), None)
    if written is not None and (written["practitioner"] or written["team"]):
        return Party(written["practitioner"], written["team"])
    return Party(team=head["chosen_team"])


def _assignee(row: dict[str, Any]) -> Assignee | None:
    if row["pr_last"]:
        name = f"{row['title']} {row['pr_first']} {row['pr_last']}".strip()
        return Assignee(Named(name, name))
    if row["team_fr"]:
        return Assignee(Named(row["team_fr"], row["team_en"]), row["assignment"] is None)
    return None
