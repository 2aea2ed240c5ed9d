"""What patients ask of the staff: who asks, about whom, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain import audit, db, texts
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.mail import outbox
from domain.staff.member import Member, signer
from domain.staff.roles import Right

PAGE = 50
LONGEST_NOTE = 500
OUTCOMES = ("done", "declined")


@dataclass(frozen=True, slots=True)
class About:
    """A patient."""

    id: UUID
    full_name: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class VisitAskedAbout:
    id: UUID
    starts_at: datetime
    practitioner: str
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class Asked:
    id: UUID
    kind: str
    text: str
    asked_at: datetime
    account: UUID
    email: str
    asker: str
    """Empty where the clinic knows no name."""
    own: UUID | None
    """The asker's own chart."""
    about: About | None
    visit: VisitAskedAbout | None
    handled_at: datetime | None
    handled_by: str
    outcome: str
    note: str

    @property
    def patients(self) -> list[UUID]:
        """Of whom it shows something."""
        return [id for id in (self.about.id if self.about else None, self.own) if id is not None]


@dataclass(frozen=True, slots=True)
class Listed:
    asked: Sequence[Asked]
    next: UUID | None
    is_first_page: bool


_REQUESTS = """
    SELECT r.id, r.kind, r.text, r.asked_at, r.account, r.handled_at, r.handled_by, r.outcome,
           r.note, a.email, own.id AS own,
           coalesce(own.first_name, reg.first_name, '') AS by_first_name,
           coalesce(own.last_name, reg.last_name, '') AS by_last_name,
           p.id AS patient, p.first_name, p.last_name, p.birth_date,
           ap.id AS visit, ap.starts_at, ap.cancelled_at,
           pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS practitioner
    FROM clinic_request r
    JOIN account a ON a.id = r.account
    LEFT JOIN proxy_grant s ON s.account = a.id AND s.relationship = 'self'
        AND s.withdrawn_at IS NULL
    LEFT JOIN patient own ON own.id = s.patient
    LEFT JOIN registration reg ON reg.account = a.id
    LEFT JOIN patient p ON p.id = r.patient
    LEFT JOIN appointment ap ON ap.id = r.subject
    LEFT JOIN practitioner pr ON pr.id = ap.practitioner
"""


async def waiting(member: Member, *, after: UUID | None = None) -> Listed:
    """The oldest first."""
    return await _listed(
        member,
        """
        WHERE r.handled_at IS NULL AND ({} = 0 OR
            (r.asked_at, r.id) > (SELECT c.asked_at, c.id FROM clinic_request c WHERE c.id = {}))
        ORDER BY r.asked_at, r.id
        """,
        after,
    )


async def handled(member: Member, *, after: UUID | None = None) -> Listed:
    """The latest first."""
    return await _listed(
        member,
        """
        WHERE r.handled_at IS NOT NULL AND ({} = 0 OR (r.handled_at, r.id) <
            (SELECT c.handled_at, c.id FROM clinic_request c WHERE c.id = {}))
        ORDER BY r.handled_at DESC, r.id DESC
        """,
        after,
    )


async def count() -> int:
    """How many wait."""
    (row,) = await db.fetch("SELECT count(*) AS n FROM clinic_request WHERE handled_at IS NULL")
    return int(row["n"])


async def one(member: Member, request: UUID) -> Asked:
    member.check(Right.REQUESTS)
    rows = await db.fetch(f"{_REQUESTS} WHERE r.id = {{}}", request)
    if not rows:
        raise NotFound
    return _asked(rows[0])


async def of_patient(member: Member, patient: UUID) -> list[Asked]:
    """Those that wait, about this patient or of their account."""
    member.check(Right.REQUESTS)
    rows = await db.fetch(
        f"""{_REQUESTS} WHERE r.handled_at IS NULL AND (r.patient = {{}} OR s.patient = {{}})
        ORDER BY r.asked_at, r.id LIMIT {PAGE}""",
        patient,
        patient,
    )
    return [_asked(row) for row in rows]


async def kept_out_of(account: UUID) -> list[About]:
    """For whom the clinic does not let this account act."""
    rows = await db.fetch(
        """
        SELECT p.id, p.first_name, p.last_name, p.birth_date
        FROM access_block b JOIN patient p ON p.id = b.patient
        WHERE b.account = {} AND b.ended_at IS NULL ORDER BY p.folded_name, p.id
        """,
        account,
    )
    return [_about(row) for row in rows]


async def handle(member: Member, request: UUID, outcome: str, note: str, *, now: datetime) -> None:
    """Once, by one of the staff: another is told who did."""
    member.check(Right.REQUESTS)
    said = texts.read(note)
    problems = {} if outcome in OUTCOMES else {"suite": "missing"}
    if len(said) > LONGEST_NOTE:
        problems["note"] = "too_long"
    if problems:
        raise Invalid(problems)
    async with db.transaction():
        taken = await db.fetch(
            """
            UPDATE clinic_request SET handled_at = {}, handled_by = {}, outcome = {}, note = {}
            WHERE id = {} AND handled_at IS NULL RETURNING id
            """,
            now,
            member.signature,
            outcome,
            said,
            request,
        )
        asked = await one(member, request)
        if not taken:
            await _check_same(member, request, outcome, said)
            return
        about = asked.about.id if asked.about else None
        await audit.record(
            member.actor,
            "request.handled",
            patient=about,
            subject=request,
            outcome=f"done.{outcome}",
            at=now,
        )
        if not (asked.visit and asked.visit.is_cancelled):  # of which they were told already
            refused: dict[str, Any] = {"declined": 1} if outcome == "declined" else {}
            await outbox.post("request_handled", asked.account, now=now, request=request, **refused)


async def _check_same(member: Member, request: UUID, outcome: str, note: str) -> None:
    """The same form sent twice is no news."""
    (row,) = await db.fetch(
        "SELECT handled_at, handled_by, outcome, note FROM clinic_request WHERE id = {}", request
    )
    if (row["handled_by"], row["outcome"], row["note"]) != (member.signature, outcome, note):
        raise ChangedMeanwhile(signer(row["handled_by"]), row["handled_at"])


async def _listed(member: Member, which: str, after: UUID | None) -> Listed:
    member.check(Right.REQUESTS)
    rows = await db.fetch(
        f"{_REQUESTS} {which} LIMIT {PAGE + 1}", int(after is not None), after or UUID(int=0)
    )
    shown = [_asked(row) for row in rows[:PAGE]]
    return Listed(shown, shown[-1].id if rows[PAGE:] else None, after is None)


def _asked(row: dict[str, Any]) -> Asked:
    return Asked(
        id=row["id"],
        kind=row["kind"],
        text=row["text"],
        asked_at=row["asked_at"],
        account=row["account"],
        email=row["email"],
        asker=f"{row['by_first_name']} {row['by_last_name']}".strip(),
        own=row["own"],
        about=_about({**row, "id": row["patient"]}) if row["patient"] else None,
        visit=_visit(row) if row["visit"] else None,
        handled_at=row["handled_at"],
        handled_by=signer(row["handled_by"]),
        outcome=row["outcome"],
        note=row["note"],
    )


def _about(row: dict[str, Any]) -> About:
    return About(row["id"], f"{row['first_name']} {row['last_name']}", row["birth_date"])


def _visit(row: dict[str, Any]) -> VisitAskedAbout:
    return VisitAskedAbout(
        row["visit"], row["starts_at"], row["practitioner"], row["cancelled_at"] is not None
    )
