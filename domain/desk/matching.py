"""Who signed up by themself, and which chart is theirs: never bound by name and birth date alone.

Somebody of the staff looks, and says so.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import access, invitations
from domain.accounts.tables import Registration
from domain.desk import patients
from domain.desk.patients import Details
from domain.errors import ChangedMeanwhile, ChartTaken, Invalid, NotFound, PossibleDuplicates
from domain.mail import outbox
from domain.people import names
from domain.people.policy import Grant
from domain.people.tables import Account
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import folded

PAGE = 50
MOST = 6
"""Candidates looked at side by side."""
DECLINED_FOR = timedelta(days=30)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Mark = Literal["same", "different", "missing"]
WEIGHTS = {"health_number": 4, "birth_date": 2, "name": 2, "last_name": 1, "phone": 1}

FREE = """
    a.activated_at IS NOT NULL AND a.disabled_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM proxy_grant g WHERE g.account = a.id
          AND g.relationship = 'self' AND g.withdrawn_at IS NULL)
"""
COLUMNS = """
    r.account, r.first_name, r.last_name, r.birth_date, r.health_number, r.phone, r.phone_kind,
    r.other_phone, r.other_phone_kind, r.asked_at, r.matched_at, a.email, a.language
"""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """As they said who they are."""

    account: UUID
    email: str
    language: str
    first_name: str
    last_name: str
    birth_date: date
    health_number: str
    phone: str
    phone_kind: str
    other_phone: str
    other_phone_kind: str
    asked_at: datetime
    matched_at: datetime | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_declined(self) -> bool:
        return self.matched_at is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chart beside what was typed: of each thing, whether it is the same."""

    patient: UUID
    full_name: str
    birth_date: date
    health_number: str
    phone: str
    other_phone: str
    has_account: bool
    name: Mark
    born: Mark
    number: Mark
    phones: Mark
    score: int
    is_alone: bool = True
    """No other chart stands beside it."""

    @property
    def contradicts(self) -> bool:
        """What hardly changes in a life is not the same."""
        return "different" in (self.born, self.number)

    @property
    def is_certain(self) -> bool:
        """Else somebody must say that they know who the person is."""
        is_same = self.number == "same" and not self.contradicts
        return is_same and self.phones != "different" and self.is_alone


async def waiting(
    member: Member, *, after: UUID | None = None
) -> tuple[list[Newcomer], UUID | None]:
    """Oldest first, and where the next page begins."""
    member.check(Right.PATIENTS)
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM registration r JOIN account a ON a.id = r.account
        WHERE r.matched_at IS NULL AND {FREE} AND (r.asked_at, r.account) > (
            coalesce((SELECT b.asked_at FROM registration b WHERE b.account = {{}}), {{}}),
            {{}})
        ORDER BY r.asked_at, r.account LIMIT {{}}
        """,
        after,
        LONG_AGO,
        after or UUID(int=0),
        PAGE + 1,
    )
    found = [Newcomer(**row) for row in rows]
    return found[:PAGE], found[PAGE - 1].account if len(found) > PAGE else None


async def declined(member: Member, *, now: datetime) -> list[Newcomer]:
    """Lately, should it have been a mistake."""
    member.check(Right.PATIENTS)
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM registration r JOIN account a ON a.id = r.account
        WHERE r.matched_at > {{}} AND {FREE} ORDER BY r.matched_at DESC, r.account LIMIT {{}}
        """,
        now - DECLINED_FOR,
        PAGE,
    )
    return [Newcomer(**row) for row in rows]


async def number_waiting() -> int:
    (row,) = await db.fetch(
        "SELECT count(*) AS n FROM registration r CROSS JOIN account a"  # SQLite keeps this order
        f" WHERE a.id = r.account AND r.matched_at IS NULL AND {FREE}"
    )
    return int(row["n"])


async def newcomer(member: Member, account: UUID) -> Newcomer:
    """Also one who was declined; not one who has a chart."""
    member.check(Right.PATIENTS)
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM registration r JOIN account a ON a.id = r.account"
        f" WHERE r.account = {{}} AND {FREE}",
        account,
    )
    if not rows:
        raise NotFound
    return Newcomer(**rows[0])


async def own_chart(account: UUID) -> UUID | None:
    rows = await db.fetch(
        "SELECT patient FROM proxy_grant WHERE account = {} AND relationship = 'self'"
        " AND withdrawn_at IS NULL",
        account,
    )
    return rows[0]["patient"] if rows else None


async def candidates(
    who: Newcomer, *, also: UUID | None = None, pressed: UUID | None = None
) -> list[Candidate]:
    """The likeliest first, but before them `also`, whom somebody found by searching; `pressed` is
    among them, and moves none."""
    rows = await db.fetch(
        """
        SELECT p.id, p.first_name, p.last_name, p.birth_date, p.health_number, p.phone,
               p.other_phone,
               CASE WHEN EXISTS (
                   SELECT 1 FROM proxy_grant g WHERE g.patient = p.id
                     AND g.relationship = 'self' AND g.withdrawn_at IS NULL
               ) THEN 1 ELSE 0 END AS has_account
        FROM patient p WHERE p.id IN (
            SELECT id FROM patient WHERE birth_date = {}
            UNION SELECT id FROM patient WHERE folded_name = {}
            UNION SELECT id FROM patient WHERE health_number = {} AND health_number <> ''
            UNION SELECT id FROM patient WHERE id IN ({}, {})
        )
        """,
        who.birth_date,
        names.searched(who.first_name, who.last_name),
        who.health_number,
        also or UUID(int=0),
        pressed or UUID(int=0),
    )
    found = [compared(who, row) for row in rows]
    likely = [each for each in found if each.patient in (also, pressed) or is_likely(each)]
    likely.sort(
        key=lambda each: (each.patient != also, -each.score, each.full_name, each.patient.hex)
    )
    shown = likely[:MOST] + [each for each in likely[MOST:] if each.patient == pressed]
    return [replace(each, is_alone=len(shown) == 1) for each in shown]


def compared(who: Newcomer, chart: dict[str, Any]) -> Candidate:
    """Pure."""
    typed_name = names.searched(who.first_name, who.last_name)
    name = names.searched(chart["first_name"], chart["last_name"])
    is_same_family = folded(who.last_name) == folded(chart["last_name"])
    marks: dict[str, Mark] = {
        "name": "same" if typed_name == name else "different",
        "birth_date": "same" if who.birth_date == chart["birth_date"] else "different",
        "health_number": _mark({who.health_number}, {chart["health_number"]}),
        "phone": _mark({who.phone, who.other_phone}, {chart["phone"], chart["other_phone"]}),
    }
    score = sum(WEIGHTS[key] for key, mark in marks.items() if mark == "same")
    if marks["name"] != "same" and is_same_family:
        score += WEIGHTS["last_name"]
    return Candidate(
        patient=chart["id"],
        full_name=f"{chart['first_name']} {chart['last_name']}",
        birth_date=chart["birth_date"],
        health_number=chart["health_number"],
        phone=chart["phone"],
        other_phone=chart["other_phone"],
        has_account=bool(chart["has_account"]),
        name=marks["name"],
        born=marks["birth_date"],
        number=marks["health_number"],
        phones=marks["phone"],
        score=score,
    )


def is_likely(each: Candidate) -> bool:
    """That someone was born on the same day says nothing by itself."""
    return each.score > WEIGHTS["birth_date"] or "same" in (each.name, each.number)


def _mark(typed: set[str], kept: set[str]) -> Mark:
    typed, kept = typed - {""}, kept - {""}
    if not typed or not kept:
        return "missing"
    return "same" if typed & kept else "different"


async def match(
    member: Member,
    account: UUID,
    patient: UUID,
    *,
    beside: UUID | None = None,
    is_verified: bool = False,
    in_spite_of_proxy: bool = False,
    now: datetime,
) -> None:
    """The chart is the account's own from now on. Whoever was faster wins.

    `beside`: the chart that somebody had found by searching, which was shown too.
    """
    member.check(Right.PATIENTS)
    if await own_chart(account) == patient:
        return  # sent twice
    who = await _held(member, account)
    charts = await candidates(who, also=beside, pressed=patient)
    found = [each for each in charts if each.patient == patient]
    if not found:
        raise NotFound
    if not found[0].is_certain and not is_verified:
        raise Invalid({"identite": "missing"})
    async with db.transaction():
        await _lock(account)
        is_of_proxy = await invitations.check_may_be_bound(
            account, who.email, patient, in_spite_of_proxy=in_spite_of_proxy, now=now
        )
        await _bind(member, who, patient, "done.in_spite_of_proxy" if is_of_proxy else "done", now)


async def create(
    member: Member, account: UUID, *, in_spite_of_similar: bool = False, now: datetime
) -> UUID:
    """A chart from what they typed, when the clinic has none of them."""
    who = await _held(member, account)
    if not (who.first_name and who.last_name):
        raise Invalid({"nom": "missing"})
    likely = await candidates(who)
    if likely and not in_spite_of_similar:
        raise PossibleDuplicates(likely)
    made = uuid4()
    async with db.transaction():
        await _lock(account)
        await patients.insert(member, made, _details(who), now=now)
        await invitations.check_may_be_bound(
            account, who.email, made, in_spite_of_proxy=False, now=now
        )
        await _bind(member, who, made, "done", now)
    return made


async def decline(member: Member, account: UUID, *, now: datetime) -> None:
    """They are told to call, once. The account stays, for a child's profile may be attached."""
    async with db.transaction():
        await _lock(account)
        who = await _held(member, account)
        if who.is_declined:
            return
        await _settle(member, who, now)
        await outbox.post("not_matched", account, now=now)
        await audit.record(member.actor, "registration.declined", subject=account, at=now)


async def put_back(account: UUID) -> None:
    """Its chart was not theirs: they wait again, in the transaction that takes it from them."""
    await Registration.update({Registration.matched_at: None, Registration.matched_by: ""}).where(
        Registration.account == account
    )


async def _held(member: Member, account: UUID) -> Newcomer:
    """Who has got a chart meanwhile is none any more: a colleague was faster."""
    if await own_chart(account) is not None:
        raise ChartTaken
    return await newcomer(member, account)


async def _lock(account: UUID) -> None:
    await db.lock_row(Account, account)


async def _settle(member: Member, who: Newcomer, now: datetime) -> None:
    seen = who.matched_at
    was = Registration.matched_at.is_null() if seen is None else Registration.matched_at == seen
    settled = await (
        Registration.update(
            {Registration.matched_at: now, Registration.matched_by: member.signature}
        )
        .where((Registration.account == who.account) & was)
        .returning(Registration.id)
    )
    if not settled:
        raise ChangedMeanwhile


async def _bind(member: Member, who: Newcomer, patient: UUID, outcome: str, now: datetime) -> None:
    await _settle(member, who, now)
    await access.grant(
        member.actor,
        who.account,
        patient,
        relationship="self",
        grants=tuple(Grant),
        by=member.signature,
        now=now,
    )
    await outbox.post("matched", who.account, now=now, patient=patient)
    await audit.record(
        member.actor,
        "registration.matched",
        patient=patient,
        subject=who.account,
        outcome=outcome,
        at=now,
    )


def _details(who: Newcomer) -> Details:
    return Details(
        first_name=who.first_name,
        last_name=who.last_name,
        birth_date=who.birth_date,
        health_number=who.health_number,
        phone=who.phone,
        phone_kind=who.phone_kind,
        other_phone=who.other_phone,
        other_phone_kind=who.other_phone_kind,
        primary_practitioner=None,
    )
