"""The clinic asks a patient in: a link by mail, a code in hand, and both are needed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import audit, db, receipts
from domain.accounts import account_links, addresses, codes, password_rules
from domain.accounts.passwords import Passwords
from domain.accounts.tables import Invitation, Registration
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.errors import (
    AddressOfProxy,
    AddressTaken,
    ChartTaken,
    CodeSpent,
    Invalid,
    InvitationExpired,
    InvitationReplaced,
    InvitationSpent,
    InvitationUsed,
    InvitedAsAnother,
    NotFound,
    TooYoung,
    WrongCode,
)
from domain.links import Links, Purpose, hash_of
from domain.mail import outbox
from domain.people import access_blocks
from domain.people.coming_of_age import is_of_age
from domain.people.tables import Account, Patient, ProxyGrant
from domain.people.viewer import Viewer
from domain.texts import read_id

KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Typed:
    code: str
    password: str
    again: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a live link is about."""

    email: str
    language: str
    has_account: bool
    """Somebody signs in with that address already: the chart can only be added to it."""

    def is_for(self, email: str) -> bool:
        return addresses.canonical(self.email) == addresses.canonical(email)


async def invite(
    patient: UUID,
    email: str,
    language: str,
    by: Actor,
    *,
    links: Links,
    passwords: Passwords,
    now: datetime,
    in_spite_of_proxy: bool = False,
    made: UUID | None = None,
    claim: Callable[[], Awaitable[None]] | None = None,
) -> str:
    """The code to hand over; an earlier invitation is dead from then on.

    `claim` refuses, in the same transaction, the form that led to another invitation already.
    """
    send_to, address = addresses.sendable(email), addresses.canonical(email)
    if not send_to:
        raise Invalid({"courriel": "invalid" if email.strip() else "missing"})
    invitation = made or uuid4()
    code = links.secret_code(Purpose.INVITE, invitation)
    code_hash = await passwords.hash(code)
    try:
        async with db.transaction():
            if claim is not None:
                await claim()
            is_of_proxy = await _check_may_invite(patient, address, in_spite_of_proxy, now)
            await _insert(
                invitation,
                patient,
                send_to,
                language=language,
                by=by,
                code_hash=code_hash,
                links=links,
                now=now,
            )
            await outbox.post("invitation", None, address=send_to, invitation=invitation, now=now)
            outcome = "done.in_spite_of_proxy" if is_of_proxy else "done"
            await _record_sent(by, patient, invitation, outcome, now)
    except AddressOfProxy as warning:
        await _record_sent(by, patient, None, f"refused.{warning.code}", now)
        raise
    return code


async def _check_may_invite(
    patient: UUID, address: str, in_spite_of_proxy: bool, now: datetime
) -> bool:
    """Whether the address or the phone is that of a proxy of the patient, whom this locks."""
    person = await _locked(patient)
    await _check_may_have_account(person, now)
    await _check_is_free(patient, address)
    is_of_proxy = await _is_of_a_proxy(person, address)
    if is_of_proxy and not in_spite_of_proxy:
        raise AddressOfProxy
    return is_of_proxy


async def cancel(patient: UUID, by: Actor, *, now: datetime) -> None:
    """Its link and its code open nothing any more."""
    async with db.transaction():
        await db.lock_row(Patient, patient)
        if not await _end(patient, "cancelled", now):
            raise NotFound
        await audit.record(by, "invitation.cancelled", patient=patient, at=now)


async def check_may_be_bound(
    account: UUID, address: str, patient: UUID, *, in_spite_of_proxy: bool, now: datetime
) -> bool:
    """In the transaction of who makes the chart this account's own, without an invitation; one
    that is under way ends. Whether the address or the phone is that of a proxy of the patient."""
    person = await _locked(patient)
    await _check_may_have_account(person, now)
    if await _has_other_part(account, patient):
        raise ChartTaken
    is_of_proxy = await _is_of_a_proxy(person, address)
    if is_of_proxy and not in_spite_of_proxy:
        raise AddressOfProxy
    await _end(patient, "replaced", now)
    return is_of_proxy


async def patient_named(text: str) -> UUID:
    """By id or by the whole name; two of one name are told apart by their ids alone."""
    id = read_id(text)
    if id is not None:
        return (await _patient(id)).id
    rows = await db.fetch(
        "SELECT id FROM patient WHERE first_name || ' ' || last_name = {}", text.strip()
    )
    if len(rows) != 1:
        raise NotFound
    found: UUID = rows[0]["id"]
    return found


async def offer(token: str, *, now: datetime) -> Offer:
    """Looking uses nothing up."""
    row = await _opened(token, now)
    return Offer(row.email, row.language, await _has_account(row))


async def accept(
    token: str, typed: Typed, *, request_id: str, passwords: Passwords, now: datetime
) -> UUID:
    """A new account, bound to the patient. One that there is already is never touched."""
    row = await _opened(token, now)
    if await _has_account(row):
        raise AddressTaken
    if problems := await _problems(row, typed, passwords):
        raise Invalid(problems)
    await _check_code(row, typed.code, Actor.stranger(request_id), passwords, now)
    password_hash = await passwords.hash(typed.password)
    async with db.transaction():
        account = await _new_account(row, password_hash, now)
        await _bind(row, account, Actor("account", account, request_id), now)
    return account


async def attach(
    viewer: Viewer, token: str, code: str, *, passwords: Passwords, now: datetime
) -> None:
    """The chart becomes the own one of the account that was invited, and of no other."""
    row = await _for(viewer, token, now)
    await _check_code(row, code, viewer.actor, passwords, now)
    async with db.transaction():
        await db.lock_row(Account, viewer.account.id)
        await _bind(row, viewer.account.id, viewer.actor, now)


async def offer_to(viewer: Viewer, token: str, *, now: datetime) -> Offer:
    """The same, to who is signed in: it must be theirs, and there must be room for it."""
    row = await _for(viewer, token, now)
    return Offer(row.email, row.language, has_account=True)


async def purge(*, now: datetime) -> None:
    """Addresses of those that opened nothing, or did so long ago; the journal keeps that."""
    await Invitation.delete().where(Invitation.expires_at < now - KEPT)


async def expire(*, now: datetime) -> int:
    """Marks those whose time is over; the rule itself looks at the time."""
    rows = await db.fetch(
        "UPDATE invitation SET ended_at = {}, ended_why = 'expired'"
        " WHERE accepted_at IS NULL AND ended_at IS NULL AND expires_at <= {} RETURNING id",
        now,
        now,
    )
    return len(rows)


async def code_again(invitation: UUID, *, links: Links) -> str | None:
    """The code of one that still waits, for whoever has just made it."""
    row = await Invitation.objects().get(Invitation.id == invitation)
    if row is None or row.accepted_at is not None or row.ended_at is not None:
        return None
    return links.mailed_code(Purpose.INVITE, row.id, row.token_hash)


async def _insert(
    invitation: UUID,
    patient: UUID,
    email: str,
    *,
    language: str,
    by: Actor,
    code_hash: str,
    links: Links,
    now: datetime,
) -> None:
    """In the place of an earlier one."""
    await _end(patient, "replaced", now)
    days = (await current_settings()).invitation_days
    await Invitation.insert(
        Invitation(
            id=invitation,
            patient=patient,
            email=email,
            email_canonical=addresses.canonical(email),
            language=language,
            token_hash=hash_of(links.secret_token(Purpose.INVITE, invitation)),
            code_hash=code_hash,
            invited_at=now,
            invited_by=_name(by),
            expires_at=now + timedelta(days=days),
        )
    )


async def _record_sent(
    by: Actor, patient: UUID, invitation: UUID | None, outcome: str, now: datetime
) -> None:
    await audit.record(
        by, "invitation.sent", patient=patient, subject=invitation, outcome=outcome, at=now
    )


async def _opened(token: str, now: datetime) -> Invitation:
    row = await Invitation.objects().get(Invitation.token_hash == hash_of(token))
    if row is None:
        raise InvitationExpired
    if row.accepted_at is not None:
        raise InvitationUsed
    if row.tries >= codes.TRIES:
        raise InvitationSpent
    if row.ended_why == "replaced":
        raise InvitationReplaced
    if row.ended_at is not None or now >= row.expires_at:
        raise InvitationExpired
    return row


async def _for(viewer: Viewer, token: str, now: datetime) -> Invitation:
    row = await _opened(token, now)
    if addresses.canonical(viewer.account.email) != row.email_canonical:
        raise InvitedAsAnother
    if await _has_other_part(viewer.account.id, row.patient):
        raise ChartTaken
    return row


async def _has_account(row: Invitation) -> bool:
    """One that was never activated does not count: nobody proved that the address is theirs."""
    return await Account.exists().where(
        (Account.email_canonical == row.email_canonical)
        & (Account.activated_at.is_not_null() | Account.disabled_at.is_not_null())
    )


async def _new_account(row: Invitation, password_hash: str, now: datetime) -> UUID:
    """The unique index decides whether there is one already; an unproven one is begun anew."""
    rows = await db.fetch(
        """
        INSERT INTO account (id, email, email_canonical, password_hash, language, created_at,
            password_changed_at, activated_at, totp_secret, totp_last_step)
        VALUES ({}, {}, {}, {}, {}, {}, {}, {}, '', 0)
        ON CONFLICT (email_canonical) DO UPDATE SET email = excluded.email,
            password_hash = excluded.password_hash, language = excluded.language,
            created_at = excluded.created_at, activated_at = excluded.activated_at,
            password_changed_at = excluded.password_changed_at
        WHERE account.activated_at IS NULL AND account.disabled_at IS NULL
        RETURNING id
        """,
        uuid4(),
        row.email,
        row.email_canonical,
        password_hash,
        row.language,
        now,
        now,
        now,
    )
    if not rows:
        raise AddressTaken
    account: UUID = rows[0]["id"]
    await Registration.delete().where(Registration.account == account)
    await account_links.end_all(account, now=now)
    return account


async def _problems(row: Invitation, typed: Typed, passwords: Passwords) -> dict[str, str]:
    person = await _patient(row.patient)
    about = (person.first_name, person.last_name, (await current_settings()).name)
    problems = await password_rules.problems(
        typed.password, typed.again, email=row.email, about=about, passwords=passwords
    )
    try:
        codes.typed(typed.code)
    except Invalid as refusal:
        return refusal.problems | problems
    return problems


async def _check_code(
    row: Invitation, code: str, actor: Actor, passwords: Passwords, now: datetime
) -> None:
    try:
        await codes.check(row, code, passwords=passwords, now=now)
    except (WrongCode, CodeSpent) as refusal:
        await audit.record(
            actor,
            "invitation.accepted",
            patient=row.patient,
            subject=row.id,
            outcome=f"refused.{refusal.code}",
            at=now,
        )
        if isinstance(refusal, CodeSpent):
            raise InvitationSpent from refusal
        raise


async def _bind(row: Invitation, account: UUID, actor: Actor, now: datetime) -> None:
    """Whatever was true when the clinic invited must still be."""
    await _check_may_have_account(await _locked(row.patient), now)
    is_blocked = await access_blocks.is_blocked(account, row.patient, is_own=True)
    if is_blocked or await _has_other_part(account, row.patient):
        raise ChartTaken  # and no word of which
    taken = await db.fetch(
        "UPDATE invitation SET accepted_at = {} WHERE id = {} AND accepted_at IS NULL"
        " AND ended_at IS NULL AND expires_at > {} RETURNING id",
        now,
        row.id,
        now,
    )
    if not taken:
        raise InvitationUsed
    await ProxyGrant.insert(
        ProxyGrant(
            id=uuid4(),
            account=account,
            patient=row.patient,
            relationship="self",
            granted_at=now,
            granted_by=row.invited_by,
            may_book=True,
            may_read_invoices=True,
            may_read_documents=True,
            may_read_messages=True,
            may_send_messages=True,
        )
    )
    await receipts.hand_over(account, row.patient)
    await audit.record(actor, "invitation.accepted", patient=row.patient, subject=row.id, at=now)


async def _check_may_have_account(person: Patient, now: datetime) -> None:
    clinic = await current_settings()
    if clinic.consent_age is None or not is_of_age(person.birth_date, clinic, now):
        raise TooYoung
    if await ProxyGrant.exists().where(
        (ProxyGrant.patient == person.id)
        & (ProxyGrant.relationship == "self")
        & ProxyGrant.withdrawn_at.is_null()
    ):
        raise ChartTaken


async def _check_is_free(patient: UUID, address: str) -> None:
    """An account that cannot take the chart, whoever signs in to it, would be a dead end."""
    account = await Account.objects().get(Account.email_canonical == address)
    if account is None or (account.activated_at is None and account.disabled_at is None):
        return
    if (
        account.disabled_at is not None
        or await _has_other_part(account.id, patient)
        or await access_blocks.is_blocked(account.id, patient, is_own=True)
    ):
        raise Invalid({"courriel": "not_free"})


async def _has_other_part(account: UUID, patient: UUID) -> bool:
    """It has a chart of its own, or acts for this patient: it is somebody else's."""
    rows = await db.fetch(
        "SELECT id FROM proxy_grant WHERE account = {} AND withdrawn_at IS NULL"
        " AND (relationship = 'self' OR patient = {})",
        account,
        patient,
    )
    return bool(rows)


async def _is_of_a_proxy(person: Patient, address: str) -> bool:
    """Whether those who act for the patient, or did, are reached at this address or phone."""
    rows = await db.fetch(
        """
        SELECT a.email_canonical, r.phone AS phone_1, r.other_phone AS phone_2,
               p.phone AS phone_3, p.other_phone AS phone_4
        FROM proxy_grant g
        JOIN account a ON a.id = g.account
        LEFT JOIN registration r ON r.account = a.id
        LEFT JOIN proxy_grant own ON own.account = a.id AND own.relationship = 'self'
            AND own.withdrawn_at IS NULL
        LEFT JOIN patient p ON p.id = own.patient
        WHERE g.patient = {} AND g.relationship <> 'self'
        """,
        person.id,
    )
    phones = {person.phone, person.other_phone} - {""}
    return any(
        row["email_canonical"] == address or phones & {row[f"phone_{n}"] for n in (1, 2, 3, 4)}
        for row in rows
    )


async def _locked(patient: UUID) -> Patient:
    """Of two who would be this patient's account at once, one waits for the other."""
    await db.lock_row(Patient, patient)
    return await _patient(patient)


async def _patient(patient: UUID) -> Patient:
    person = await Patient.objects().get(Patient.id == patient)
    if person is None:
        raise NotFound
    return person


async def _end(patient: UUID, why: str, now: datetime) -> bool:
    ended = (
        await Invitation.update({Invitation.ended_at: now, Invitation.ended_why: why})
        .where(
            (Invitation.patient == patient)
            & Invitation.accepted_at.is_null()
            & Invitation.ended_at.is_null()
        )
        .returning(Invitation.id)
    )
    return bool(ended)


def _name(by: Actor) -> str:
    return by.kind if by.id is None else f"{by.kind} {by.id}"
