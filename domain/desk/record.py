"""A patient's record at a glance: who they are, their account, and what is going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.accounts import codes, sessions, sign_in_notices, throttles
from domain.desk import access, people
from domain.desk.people import PatientHead
from domain.errors import NotFound
from domain.people.coming_of_age import is_of_age
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named

SHOWN = 3
State = Literal["none", "invited", "expired", "active", "disabled"]


@dataclass(frozen=True, slots=True)
class Invited:
    email: str
    language: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AccountState:
    """How the patient themself gets in."""

    state: State
    email: str = ""
    language: str = "fr"
    since: datetime | None = None
    signed_in_at: datetime | None = None
    undeliverable_at: datetime | None = None
    disabled_at: datetime | None = None
    is_locked: bool = False
    has_second_factor: bool = False
    sessions: int = 0
    new_email: str = ""
    """Asked for, and not proven yet."""
    new_email_until: datetime | None = None
    invited: Invited | None = None


@dataclass(frozen=True, slots=True)
class ComingVisit:
    id: UUID
    starts_at: datetime
    practitioner: str
    visit_type: Named
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class LatestThread:
    id: UUID
    subject: str
    written_at: datetime
    is_of_patient: bool


@dataclass(frozen=True, slots=True)
class Record:
    head: PatientHead
    phone_kind: str
    other_phone_kind: str
    practitioner: str
    created_at: datetime | None
    is_of_age: bool
    account: AccountState
    holders: int
    """Who acts for them."""
    requests: int
    visits: int
    threads: int
    coming: Sequence[ComingVisit]
    latest: Sequence[LatestThread]


async def record(member: Member, patient: UUID, *, now: datetime) -> Record:
    member.check(Right.PATIENTS)
    head = await people.head(patient)
    (row,) = await db.fetch(
        """
        SELECT p.phone_kind, p.other_phone_kind, p.created_at,
               pr.title, pr.first_name, pr.last_name,
               (SELECT count(*) FROM clinic_request r WHERE r.handled_at IS NULL
                  AND r.patient = p.id) AS requests,
               (SELECT count(*) FROM appointment a WHERE a.patient = p.id
                  AND a.cancelled_at IS NULL AND a.starts_at > {}) AS visits,
               (SELECT count(*) FROM thread t WHERE t.patient = p.id) AS threads
        FROM patient p LEFT JOIN practitioner pr ON pr.id = p.primary_practitioner
        WHERE p.id = {}
        """,
        now,
        patient,
    )
    everyone = (await access.holders_of(member, [patient], now=now))[patient]
    holders = [each for each in everyone if not each.is_lost]
    names = (row["title"], row["first_name"], row["last_name"])
    return Record(
        head=head,
        phone_kind=row["phone_kind"],
        other_phone_kind=row["other_phone_kind"],
        practitioner=" ".join(name for name in names if name),
        created_at=row["created_at"],
        is_of_age=is_of_age(head.birth_date, member.clinic, now),
        account=await account_of(patient, now=now),
        holders=len(holders),
        requests=row["requests"],
        visits=row["visits"],
        threads=row["threads"],
        coming=await _coming(patient, now),
        latest=await _latest(patient),
    )


async def account_of(patient: UUID, *, now: datetime) -> AccountState:
    rows = await db.fetch(
        """
        SELECT a.id, a.email, a.email_canonical, a.language, a.activated_at, a.disabled_at,
               a.undeliverable_at, a.totp_since, e.new_email, e.expires_at AS new_email_until,
               (SELECT count(*) FROM session s
                WHERE s.account = a.id AND s.created_at > {}) AS sessions
        FROM proxy_grant g JOIN account a ON a.id = g.account
        LEFT JOIN email_change e ON e.account = a.id AND e.done_at IS NULL
            AND e.ended_at IS NULL AND e.expires_at > {}
        WHERE g.patient = {} AND g.relationship = 'self' AND g.withdrawn_at IS NULL
        ORDER BY e.asked_at DESC LIMIT 1
        """,
        now - sessions.ABSOLUTE_LIFE,
        now,
        patient,
    )
    if not rows:
        return await _invited(patient, now)
    row = rows[0]
    return AccountState(
        state="disabled" if row["disabled_at"] else "active",
        email=row["email"],
        language=row["language"],
        since=row["activated_at"],
        signed_in_at=await sign_in_notices.last_success(row["id"]),
        undeliverable_at=row["undeliverable_at"],
        disabled_at=row["disabled_at"],
        is_locked=await is_locked(row["id"], row["email_canonical"], now),
        has_second_factor=row["totp_since"] is not None,
        sessions=row["sessions"],
        new_email=row["new_email"] or "",
        new_email_until=row["new_email_until"],
    )


def counts(account: UUID, address: str) -> list[tuple[throttles.Limit, str]]:
    """All that may keep the holder out: of any browser, and of one that they signed in from."""
    known = (False, True)
    return [
        *((throttles.SIGN_IN_PER_ADDRESS, throttles.of(address, is_known=k)) for k in known),
        *((throttles.SECOND_FACTOR, throttles.of(account.hex, is_known=k)) for k in known),
        *((throttles.SECOND_FACTOR_A_DAY, throttles.of(account.hex, is_known=k)) for k in known),
        *((limit, address) for limit in throttles.RESETS_PER_ADDRESS),
    ]


async def is_locked(account: UUID, address: str, now: datetime) -> bool:
    used = [
        await throttles.is_used_up(limit, who, now=now) for limit, who in counts(account, address)
    ]
    return any(used)


async def account_id(patient: UUID) -> UUID:
    """Of the patient themself."""
    head = await people.head(patient)
    if head.account is None:
        raise NotFound
    return head.account


async def _invited(patient: UUID, now: datetime) -> AccountState:
    """The newest invitation, if there was one and the clinic did not take it back."""
    rows = await db.fetch(
        """
        SELECT email, language, invited_at, expires_at, tries, ended_at, ended_why
        FROM invitation WHERE patient = {} AND accepted_at IS NULL
        ORDER BY invited_at DESC LIMIT 1
        """,
        patient,
    )
    if not rows or rows[0]["ended_why"] in ("cancelled", "replaced"):
        return AccountState("none")
    row = rows[0]
    invited = Invited(row["email"], row["language"], row["invited_at"], row["expires_at"])
    is_alive = not row["ended_at"] and row["tries"] < codes.TRIES and now < row["expires_at"]
    state: State = "invited" if is_alive else "expired"
    return AccountState(state, language=row["language"], invited=invited)


async def _coming(patient: UUID, now: datetime) -> list[ComingVisit]:
    rows = await db.fetch(
        """
        SELECT a.id, a.starts_at, a.confirmed_at, pr.title, pr.first_name, pr.last_name,
               v.name_fr, v.name_en
        FROM appointment a JOIN practitioner pr ON pr.id = a.practitioner
        JOIN visit_type v ON v.id = a.visit_type
        WHERE a.patient = {} AND a.cancelled_at IS NULL AND a.starts_at > {}
        ORDER BY a.starts_at, a.id LIMIT {}
        """,
        patient,
        now,
        SHOWN,
    )
    return [
        ComingVisit(
            id=row["id"],
            starts_at=row["starts_at"],
            practitioner=" ".join(
                name for name in (row["title"], row["first_name"], row["last_name"]) if name
            ),
            visit_type=Named(row["name_fr"], row["name_en"]),
            is_confirmed=row["confirmed_at"] is not None,
        )
        for row in rows
    ]


async def _latest(patient: UUID) -> list[LatestThread]:
    """The newest message of each of the last threads."""
    rows: list[dict[str, Any]] = await db.fetch(
        """
        SELECT t.id, t.subject, m.sent_at, m.account FROM message m JOIN thread t ON t.id = m.thread
        WHERE m.patient = {} AND NOT EXISTS (
            SELECT 1 FROM message l WHERE l.thread = m.thread
              AND (l.sent_at, l.id) > (m.sent_at, m.id))
        ORDER BY m.sent_at DESC, m.id DESC LIMIT {}
        """,
        patient,
        SHOWN,
    )
    return [
        LatestThread(row["id"], row["subject"], row["sent_at"], row["account"] is not None)
        for row in rows
    ]
