"""Mails that did not leave: why, about whom, and what the staff did about each."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from domain import audit, db
from domain.errors import NotFound
from domain.staff.member import Member
from domain.texts import read_id

PAGE = 50
MOST_ADDRESSES = 50
JUST_NOW = timedelta(seconds=30)

Why = Literal["unknown_address", "full", "refused", "busy", "unreachable", "unmade"]
CODE = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
FULL = re.compile(r"\b(552|over ?quota|mailbox.{0,20}full|quota)\b", re.IGNORECASE)
UNKNOWN = re.compile(
    r"no such|unknown|does ?n.t exist|not exist|invalid (recipient|mailbox|address)|\b55[13]\b",
    re.IGNORECASE,
)
ANSWERED = re.compile(r"\b([45])\d\d\b")


_WAITS = "sent_at IS NULL AND dropped_at IS NULL AND dead_at IS NULL"


@dataclass(frozen=True, slots=True)
class Queue:
    """How the sending goes."""

    waiting: int
    oldest_at: datetime | None
    unreachable_since: datetime | None
    """At least: the first mail for which no server answered, since the last that left."""
    dead: int


@dataclass(frozen=True, slots=True)
class DeadMail:
    id: UUID
    kind: str
    masked: str
    why: Why
    created_at: datetime
    dead_at: datetime
    patient: UUID | None
    patient_name: str
    phone: str
    own: UUID | None
    """The chart of whose account it was for: its address is corrected there."""
    is_own_address: bool
    """It went where the account's mails go: correcting that may help."""


@dataclass(frozen=True, slots=True)
class DeadMails:
    rows: Sequence[DeadMail]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class SilentAddress:
    """Three mails in a row were refused: its notices are held back."""

    account: UUID
    masked: str
    since: datetime
    patient: UUID | None
    patient_name: str
    phone: str


async def queue(*, now: datetime) -> Queue:
    """What has just been owed leaves within seconds: it is not said to wait."""
    waiting = await db.fetch(
        f"SELECT created_at FROM outbound_email WHERE {_WAITS} AND created_at <= {{}}"
        " ORDER BY created_at",
        now - JUST_NOW,
    )
    lost = await db.fetch(
        f"""
        SELECT created_at FROM outbound_email
        WHERE {_WAITS} AND tries = 0 AND last_error <> '' AND NOT EXISTS (
            SELECT 1 FROM outbound_email s WHERE s.sent_at > outbound_email.created_at)
        ORDER BY created_at LIMIT 1
        """
    )
    (dead,) = await db.fetch(
        "SELECT count(*) AS n FROM outbound_email WHERE dead_at IS NOT NULL AND handled_at IS NULL"
    )
    return Queue(len(waiting), _first(waiting), _first(lost), dead["n"])


async def dead(*, after: UUID | None = None) -> DeadMails:
    """Those that nobody has seen to, newest first."""
    cursor, values = "", list[object]()
    if after is not None:
        cursor = """AND (o.dead_at, o.id) < (
            SELECT b.dead_at, b.id FROM outbound_email b WHERE b.id = {})"""
        values = [after]
    rows = await db.fetch(
        f"""
        SELECT o.id, o.kind, o.address, o.facts, o.created_at, o.dead_at, o.last_error,
               ac.email, g.patient AS own
        FROM outbound_email o
        LEFT JOIN account ac ON ac.id = o.account
        LEFT JOIN proxy_grant g ON g.account = o.account AND g.relationship = 'self'
            AND g.withdrawn_at IS NULL
        WHERE o.dead_at IS NOT NULL AND o.handled_at IS NULL {cursor}
        ORDER BY o.dead_at DESC, o.id DESC LIMIT {PAGE + 1}
        """,
        *values,
    )
    known = await _patients(rows)
    shown = [_dead(row, known) for row in rows[:PAGE]]
    return DeadMails(shown, shown[-1].id if len(rows) > PAGE else None)


async def silent_addresses() -> list[SilentAddress]:
    rows = await db.fetch(
        """
        SELECT ac.id AS account, ac.email, ac.undeliverable_at AS since, p.id AS patient,
               p.first_name, p.last_name, p.phone
        FROM account ac
        LEFT JOIN proxy_grant g ON g.account = ac.id AND g.relationship = 'self'
            AND g.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = g.patient
        WHERE ac.undeliverable_at IS NOT NULL AND ac.disabled_at IS NULL
        ORDER BY ac.undeliverable_at DESC, ac.id LIMIT {}
        """,
        MOST_ADDRESSES,
    )
    return [
        SilentAddress(
            row["account"],
            masked(row["email"]),
            row["since"],
            row["patient"],
            f"{row['first_name']} {row['last_name']}" if row["patient"] else "",
            row["phone"] or "",
        )
        for row in rows
    ]


async def resend(member: Member, mail: UUID, *, now: datetime) -> None:
    """From its first try on. It is the same mail: whoever got it after all knows it again."""
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE outbound_email SET dead_at = NULL, tries = 0, due_at = {}, last_error = '',
                leased_until = NULL
            WHERE id = {} AND dead_at IS NOT NULL AND handled_at IS NULL
            RETURNING id, account, facts
            """,
            now,
            mail,
        )
        await _record(member, "mail.resent", mail, rows, now)


async def handle(member: Member, mail: UUID, *, now: datetime) -> None:
    """Seen to in another way, such as by phone: it is asked about no more."""
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE outbound_email SET handled_at = {}, handled_by = {}
            WHERE id = {} AND dead_at IS NOT NULL AND handled_at IS NULL
            RETURNING id, account, facts
            """,
            now,
            member.signature,
            mail,
        )
        await _record(member, "mail.handled", mail, rows, now)


def masked(address: str) -> str:
    """« j***@example.com »: enough to know it again, not to copy it."""
    name, sign, host = address.rpartition("@")
    return f"{name[:1]}***{sign}{host}" if sign else "***"


def reason(error: str) -> Why:
    """In plain words, from what the server said; it may say it in many ways."""
    code = CODE.search(error)
    if FULL.search(error) or (code and code[0].endswith(".2.2")):
        return "full"
    answered = ANSWERED.search(error)
    if answered is None:
        return "unmade" if re.fullmatch(r"\w*(Error|Undefined\w*)?", error) else "unreachable"
    if answered[1] == "4" and not error.startswith("hard:"):
        return "unreachable" if error.startswith(("SMTPConnect", "SMTPServer")) else "busy"
    if UNKNOWN.search(error) or (code and code[2] == "1"):
        return "unknown_address"
    return "refused"


async def _record(
    member: Member, action: str, mail: UUID, rows: list[dict[str, Any]], now: datetime
) -> None:
    """Done already, by oneself or a colleague, is no fault; a mail that never was is."""
    if rows:
        own = await db.fetch(
            "SELECT patient FROM proxy_grant WHERE account = {} AND relationship = 'self'"
            " AND withdrawn_at IS NULL",
            rows[0]["account"],
        )
        rows[0]["own"] = own[0]["patient"] if own else None
        known = await _patients(rows)
        patient = next(iter(known), None)
        await audit.record(member.actor, action, patient=patient, subject=mail, at=now)
    elif not await db.fetch("SELECT 1 FROM outbound_email WHERE id = {}", mail):
        raise NotFound


async def _patients(rows: Sequence[dict[str, Any]]) -> dict[UUID, dict[str, Any]]:
    """Whom these mails are about, by the patient's id."""
    visits = [id for row in rows if (id := _fact(row, "appointment"))]
    found = await db.fetch(
        f"SELECT id, patient FROM appointment WHERE id IN ({db.places(visits)})", *visits
    )
    of_visit = {row["id"]: row["patient"] for row in found}
    about = set()
    for row in rows:
        row["about"] = (
            _fact(row, "patient") or of_visit.get(_fact(row, "appointment")) or row.get("own")
        )
        about |= {row["about"]} - {None}
    people = await db.fetch(
        f"SELECT id, first_name, last_name, phone FROM patient WHERE id IN ({db.places(about)})",
        *about,
    )
    return {row["id"]: row for row in people}


def _first(rows: Sequence[dict[str, Any]]) -> datetime | None:
    return rows[0]["created_at"] if rows else None


def _fact(row: dict[str, Any], name: str) -> UUID | None:
    facts = row["facts"]
    known = json.loads(facts) if isinstance(facts, str) else facts
    return read_id(str(known.get(name, "")))


def _dead(row: dict[str, Any], known: dict[UUID, dict[str, Any]]) -> DeadMail:
    person = known.get(row["about"])
    return DeadMail(
        id=row["id"],
        kind=row["kind"],
        masked=masked(row["address"] or row["email"] or ""),
        why=reason(row["last_error"]),
        created_at=row["created_at"],
        dead_at=row["dead_at"],
        patient=person["id"] if person else None,
        patient_name=f"{person['first_name']} {person['last_name']}" if person else "",
        phone=person["phone"] if person else "",
        own=row["own"],
        is_own_address=not row["address"],
    )
