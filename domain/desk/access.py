"""Who acts for a patient, as the staff give it, change it, take it back or block it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.accounts import access, blocking
from domain.accounts.access import HOW_GIVEN, Consent, HeldRow
from domain.accounts.addresses import canonical
from domain.clinic.calendar import moment
from domain.desk import matching, people, search
from domain.desk.people import PatientHead
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.people import access_blocks, policy
from domain.people.access_blocks import Block
from domain.people.coming_of_age import day_of_age, is_of_age
from domain.people.policy import Grant
from domain.people.tables import ProxyConsent, ProxyGrant
from domain.staff import once
from domain.staff.member import Member, signer
from domain.staff.roles import Right
from domain.texts import read_id

FIELDS = {
    "rendez_vous": Grant.BOOK,
    "factures": Grant.READ_INVOICES,
    "documents": Grant.READ_DOCUMENTS,
    "messages": Grant.READ_MESSAGES,
    "ecrire": Grant.SEND_MESSAGES,
}
RELATIONSHIPS = tuple(each for each in access.RELATIONSHIPS if each != "self")
REASONS = ("asked_by_patient", "asked_by_holder", "mistake", "clinic")
"""Why an access is taken back: a word of the journal, so none of the patient's."""
LAST_MOMENT = time(23, 59, 59)
"""Of the last day on which a consent holds."""

Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person of age, or a child about to be, agreed to."""

    id: UUID
    recorded_by: str
    recorded_at: datetime
    how: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """One account, and what it may do for one patient."""

    grant: UUID
    account: UUID
    email: str
    holder: str
    """Empty where the clinic knows no name."""
    is_disabled: bool
    is_unreachable: bool
    """Its address takes no mail."""
    patient: UUID
    patient_name: str
    relationship: str
    grants: frozenset[Grant]
    granted_at: datetime
    granted_by: str
    agreement: Agreement | None
    is_lost: bool

    @property
    def is_own(self) -> bool:
        return self.relationship == "self"


@dataclass(frozen=True, slots=True)
class Holder:
    """An account that may be given something."""

    account: UUID
    email: str
    name: str
    own: UUID | None
    """Its own chart."""
    birth_date: date | None
    is_activated: bool
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Overview:
    person: PatientHead
    own: Access | None
    """The patient's own account."""
    holders: Sequence[Access]
    held: Sequence[Access]
    """For whom the patient's own account acts."""
    blocks: Sequence[Block]
    names: Mapping[UUID, str]
    """Of the blocked accounts: the name, else the address."""
    of_age_on: date | None
    is_of_age: bool


async def overview(member: Member, patient: UUID, *, now: datetime) -> Overview:
    member.check(Right.PATIENTS)
    person = await people.head(patient)
    all_of_them = await _accesses(
        member, now, patients=[patient], accounts=[person.account] if person.account else []
    )
    of_patient = [each for each in all_of_them if each.patient == patient]
    blocks = await access_blocks.of(patient)
    accounts = [each.account for each in blocks if each.account is not None]
    clinic = member.clinic
    return Overview(
        person=person,
        own=next((each for each in of_patient if each.is_own), None),
        holders=[each for each in of_patient if not each.is_own],
        held=[each for each in all_of_them if each.patient != patient],
        blocks=[replace(each, blocked_by=signer(each.blocked_by)) for each in blocks],
        names={each.account: each.name or each.email for each in await _holders(accounts)},
        of_age_on=None
        if clinic.consent_age is None
        else day_of_age(person.birth_date, clinic.consent_age),
        is_of_age=is_of_age(person.birth_date, clinic, now),
    )


async def holders_of(
    member: Member, patients: Sequence[UUID], *, now: datetime
) -> dict[UUID, list[Access]]:
    """Who acts for each of them, but themself."""
    found: dict[UUID, list[Access]] = {patient: [] for patient in patients}
    for each in await _accesses(member, now, patients=patients):
        if not each.is_own:
            found[each.patient].append(each)
    return found


async def one(member: Member, patient: UUID, grant: UUID, *, now: datetime) -> Access:
    member.check(Right.PATIENTS)
    for found in await _accesses(member, now, patients=[patient]):
        if found.grant == grant:
            return found
    raise NotFound


async def candidates(member: Member, text: str, *, now: datetime) -> list[Holder]:
    """Accounts by their exact address, or by whatever a patient who has one is found by."""
    member.check(Right.PATIENTS)
    if "@" in text:
        rows = await db.fetch("SELECT id FROM account WHERE email_canonical = {}", canonical(text))
        return await _holders([row["id"] for row in rows])
    found = await search.search(member, text, now=now)
    rows = await db.fetch(
        f"""
        SELECT account FROM proxy_grant
        WHERE relationship = 'self' AND withdrawn_at IS NULL
          AND patient IN ({db.places(found.rows)})
        """,
        *(row.id for row in found.rows),
    )
    return await _holders([row["account"] for row in rows])


async def candidate(member: Member, account: UUID) -> Holder:
    member.check(Right.PATIENTS)
    for found in await _holders([account]):
        return found
    raise NotFound


async def given_since(
    member: Member, account: UUID, since: datetime, *, now: datetime
) -> list[Access]:
    """What this account may do for others that it could not before."""
    member.check(Right.PATIENTS)
    held = await _accesses(member, now, accounts=[account])
    return [each for each in held if each.granted_at >= since and not each.is_own]


async def blocks_against(member: Member, patient: UUID, account: UUID) -> list[Block]:
    """Those that keep this account from acting for the patient."""
    member.check(Right.PATIENTS)
    return [each for each in await access_blocks.of(patient) if each.account in (None, account)]


async def past_holders(member: Member, patient: UUID) -> list[Holder]:
    """Whoever holds or held the profile, but the patient."""
    member.check(Right.PATIENTS)
    rows = await db.fetch(
        """
        SELECT DISTINCT account FROM proxy_grant g WHERE patient = {} AND NOT EXISTS (
            SELECT 1 FROM proxy_grant own WHERE own.account = g.account
              AND own.patient = g.patient AND own.relationship = 'self'
              AND own.withdrawn_at IS NULL)
        """,
        patient,
    )
    return await _holders([row["account"] for row in rows])


async def give(member: Member, patient: UUID, typed: Typed, *, key: str, now: datetime) -> None:
    """Attach the profile; the same form sent twice attaches it once."""
    person, holder = await people.head(patient), read_id(typed["compte"])
    member.check(Right.PATIENTS)
    if holder is None:
        raise NotFound
    grants = _grants(typed)
    problems = {} if grants else {next(iter(FIELDS)): "missing"}
    if typed["lien"] not in RELATIONSHIPS:
        problems["lien"] = "missing" if not typed["lien"] else "invalid"
    consent = _consent(member, typed, problems, now)
    if consent is None and is_of_age(person.birth_date, member.clinic, now):
        problems["comment"] = "missing"
    _check(problems)
    this = uuid4()
    async with db.transaction():
        content = repr(sorted(typed.items()))
        if await once.claim(member.id, "access", key, content, result=this, now=now) != this:
            return
        await access.grant(
            member.actor,
            holder,
            patient,
            relationship=typed["lien"],
            grants=grants,
            by=member.signature,
            consent=consent,
            now=now,
        )


async def change(
    member: Member, patient: UUID, grant: UUID, typed: Typed, *, now: datetime
) -> None:
    """What they may do, and that the person agrees anew; `vu` and `accord_vu` are what stood
    there when the form was opened. Sent twice, it is done once."""
    found = await one(member, patient, grant, now=now)
    if found.is_own:
        raise NotFound
    grants = _grants(typed)
    problems = {} if grants else {next(iter(FIELDS)): "missing"}
    consent = _consent(member, typed, problems, now)
    is_more = not grants <= found.grants
    if is_more and consent is None and await _is_of_age(member, patient, now):
        problems["comment"] = "missing"
    _check(problems)
    seen = {Grant(each) for each in typed["vu"].split(",") if each in set(Grant)}
    try:
        async with db.transaction():
            await db.lock_row(ProxyGrant, grant)
            is_new = consent is not None and await _is_new(grant, consent, typed["accord_vu"])
            added = consent if is_more else None
            await access.change_grants(
                member.actor, grant, grants, seen=seen, consent=added, now=now
            )
            if consent is not None and is_new and not is_more:
                await access.record_consent(member.actor, grant, consent, now=now)
    except ChangedMeanwhile as refusal:
        raise await _changed(patient, grant) from refusal


async def end_agreement(member: Member, patient: UUID, grant: UUID, *, now: datetime) -> None:
    """Pressed twice, it ended once."""
    found = await one(member, patient, grant, now=now)
    if found.agreement is not None:
        await access.withdraw_consent(member.actor, grant, now=now)


async def detach(member: Member, patient: UUID, grant: UUID, why: str, *, now: datetime) -> None:
    """Pressed twice, it is taken back once. Of the patient's own account too, bound by mistake."""
    member.check(Right.PATIENTS)
    if not await ProxyGrant.exists().where(
        (ProxyGrant.id == grant) & (ProxyGrant.patient == patient)
    ):
        raise NotFound
    if why and why not in REASONS:
        raise Invalid({"motif": "invalid"})
    async with db.transaction():
        await db.lock_row(ProxyGrant, grant)
        row = await ProxyGrant.objects().get(ProxyGrant.id == grant)
        if row is not None and row.withdrawn_at is None:
            await access.withdraw(member.actor, grant, by=member.signature, why=why, now=now)
            if row.relationship == "self":
                await matching.put_back(row.account)


async def block(member: Member, patient: UUID, typed: Typed, *, key: str, now: datetime) -> None:
    """`qui`: everyone (« tous »), an account that holds or held the profile, or one by address."""
    member.check(Right.PATIENTS)
    await people.head(patient)
    problems: dict[str, str] = {}
    account = await _blocked(typed, problems)
    if not typed["motif"].strip():
        problems["motif"] = "missing"
    _check(problems)
    this = uuid4()
    async with db.transaction():
        content = repr(sorted(typed.items()))
        if await once.claim(member.id, "block", key, content, result=this, now=now) != this:
            return
        await blocking.block(
            member.actor,
            patient,
            account,
            reason=typed["motif"],
            by=member.signature,
            quietly=bool(typed["sans_courriel"]),
            now=now,
        )


async def blocked(member: Member, patient: UUID, block: UUID) -> Block:
    member.check(Right.PATIENTS)
    for found in await access_blocks.of(patient):
        if found.id == block:
            return found
    raise NotFound


async def lift(member: Member, patient: UUID, block: UUID, *, now: datetime) -> None:
    member.check(Right.PATIENTS)
    await blocking.lift(member.actor, patient, block, by=member.signature, now=now)


async def _blocked(typed: Typed, problems: dict[str, str]) -> UUID | None:
    who = typed["qui"]
    if who == "tous":
        return None
    if who == "autre":
        rows = await db.fetch(
            "SELECT id FROM account WHERE email_canonical = {}", canonical(typed["courriel"])
        )
        if not rows:
            problems["courriel"] = "unknown" if typed["courriel"].strip() else "missing"
        return rows[0]["id"] if rows else None
    account = read_id(who)
    if account is None:
        problems["qui"] = "missing"
    return account


def _grants(typed: Typed) -> frozenset[Grant]:
    return policy.whole(grant for field, grant in FIELDS.items() if typed[field])


def _consent(
    member: Member, typed: Typed, problems: dict[str, str], now: datetime
) -> Consent | None:
    """What was written down of it; a date without a how is an unfinished one."""
    how, last_day = typed["comment"], typed["jusqu_au"].strip()
    if not (how or last_day):
        return None
    if how not in HOW_GIVEN:
        problems["comment"] = "missing"
    until = None
    if last_day:
        try:
            until = moment(date.fromisoformat(last_day), LAST_MOMENT, member.clinic.zone)
        except (ValueError, OverflowError):
            problems["jusqu_au"] = "invalid"
    if until is not None and until <= now:
        problems["jusqu_au"] = "past"
    return Consent(member.signature, how, until)


def _check(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)


async def _is_of_age(member: Member, patient: UUID, now: datetime) -> bool:
    return is_of_age((await people.head(patient)).birth_date, member.clinic, now)


async def _is_new(grant: UUID, consent: Consent, seen: str) -> bool:
    """Whether it was not written down already; what others wrote meanwhile is not overwritten."""
    running = await ProxyConsent.objects().get(
        (ProxyConsent.grant == grant) & ProxyConsent.withdrawn_at.is_null()
    )
    if running is not None and (running.recorded_by, running.how_given, running.until) == (
        consent.recorded_by[:120],
        consent.how,
        consent.until,
    ):
        return False
    if str(running.id if running else "") != seen:
        raise ChangedMeanwhile
    return True


async def _changed(patient: UUID, grant: UUID) -> ChangedMeanwhile:
    """By whom and when: the journal knows."""
    rows = await db.fetch(
        """
        SELECT l.at, m.first_name, m.last_name
        FROM audit_line l LEFT JOIN staff_member m ON m.id = l.actor
        WHERE l.patient = {} AND l.subject = {} ORDER BY l.id DESC LIMIT 1
        """,
        patient,
        grant,
    )
    if not rows:
        return ChangedMeanwhile()
    first_name, last_name = rows[0]["first_name"] or "", rows[0]["last_name"] or ""
    return ChangedMeanwhile(f"{first_name} {last_name}".strip(), rows[0]["at"])


_ACCESSES = """
    SELECT g.id, g.account, g.patient, g.relationship, g.granted_at, g.granted_by, g.may_book,
           g.may_read_invoices, g.may_read_documents, g.may_read_messages, g.may_send_messages,
           a.email, a.disabled_at, a.undeliverable_at,
           p.first_name, p.last_name, p.birth_date,
           pc.id AS consent, pc.until, pc.recorded_by, pc.recorded_at, pc.how_given
    FROM proxy_grant g
    JOIN account a ON a.id = g.account
    JOIN patient p ON p.id = g.patient
    LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
    WHERE g.withdrawn_at IS NULL AND
"""


async def _accesses(
    member: Member,
    now: datetime,
    *,
    patients: Sequence[UUID] = (),
    accounts: Sequence[UUID] = (),
) -> list[Access]:
    """Those of these patients, or of these accounts."""
    rows = await db.fetch(
        f"""
        {_ACCESSES}
        (g.patient IN ({db.places(patients)}) OR g.account IN ({db.places(accounts)}))
        ORDER BY g.granted_at, g.id
        """,
        *patients,
        *accounts,
    )
    holders = await _holders([row["account"] for row in rows])
    names = {each.account: each.name for each in holders}
    return [_access(row, names[row["account"]], member, now) for row in rows]


def _access(row: dict[str, Any], holder: str, member: Member, now: datetime) -> Access:
    held = HeldRow(row["birth_date"], row)
    return Access(
        grant=row["id"],
        account=row["account"],
        email=row["email"],
        holder=holder,
        is_disabled=row["disabled_at"] is not None,
        is_unreachable=row["undeliverable_at"] is not None,
        patient=row["patient"],
        patient_name=f"{row['first_name']} {row['last_name']}",
        relationship=row["relationship"],
        grants=policy.whole(each for each in Grant if row[f"may_{each}"]),
        granted_at=row["granted_at"],
        granted_by=signer(row["granted_by"]),
        agreement=_agreement(row),
        is_lost=policy.is_lost(held, member.clinic, now),
    )


def _agreement(row: dict[str, Any]) -> Agreement | None:
    if row["consent"] is None:
        return None
    by, at = signer(row["recorded_by"]), row["recorded_at"]
    return Agreement(row["consent"], by, at, row["how_given"], row["until"])


async def _holders(accounts: Sequence[UUID]) -> list[Holder]:
    rows = await db.fetch(
        f"""
        SELECT a.id, a.email, a.activated_at, a.disabled_at, p.id AS own, p.birth_date,
               coalesce(p.first_name, r.first_name, '') AS first_name,
               coalesce(p.last_name, r.last_name, '') AS last_name, r.birth_date AS said_birth
        FROM account a
        LEFT JOIN proxy_grant s
          ON s.account = a.id AND s.relationship = 'self' AND s.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = s.patient
        LEFT JOIN registration r ON r.account = a.id
        WHERE a.id IN ({db.places(accounts)}) ORDER BY last_name, first_name, a.email
        """,
        *accounts,
    )
    return [
        Holder(
            account=row["id"],
            email=row["email"],
            name=f"{row['first_name']} {row['last_name']}".strip(),
            own=row["own"],
            birth_date=row["birth_date"] or row["said_birth"],
            is_activated=row["activated_at"] is not None,
            is_disabled=row["disabled_at"] is not None,
        )
        for row in rows
    ]
