"""What the clinic does about a patient's account at their asking. It never sets a password."""

from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import account_links, email_change, sessions, throttles
from domain.accounts.passwords import Passwords
from domain.desk import record
from domain.errors import Conflict, Invalid
from domain.links import Links
from domain.mail import outbox
from domain.people.tables import Account
from domain.staff.member import Member
from domain.staff.roles import Right


async def unlock(member: Member, patient: UUID, *, now: datetime) -> None:
    """The tries that were counted are forgotten: they may sign in again at once."""
    member.check(Right.PATIENTS)
    async with db.transaction():
        account = await _locked(patient)
        await throttles.forget(*record.counts(account.id, account.email_canonical))
        await _note(member, "account.unlocked", patient, account.id, now)


async def mail_reset_link(member: Member, patient: UUID, *, links: Links, now: datetime) -> None:
    """To the address of the account: whoever reads its mails chooses the password."""
    member.check(Right.PATIENTS)
    async with db.transaction():
        account = await _open(patient)
        link = await account_links.issue(account.id, "reset", links=links, now=now)
        await outbox.post("password_reset", account.id, link=link, now=now)
        await _note(member, "account.reset_mailed", patient, account.id, now)


async def end_sessions(member: Member, patient: UUID, *, now: datetime) -> None:
    member.check(Right.PATIENTS)
    async with db.transaction():
        account = await _locked(patient)
        await sessions.end_all(account.id)
        await _note(member, "account.sessions_ended", patient, account.id, now)


async def disable(member: Member, patient: UUID, *, now: datetime) -> None:
    """Out at once, and whatever was mailed opens nothing; it is not written to any more."""
    member.check(Right.PATIENTS)
    async with db.transaction():
        account = await _open(patient)
        await Account.update({Account.disabled_at: now}).where(Account.id == account.id)
        await sessions.end_all(account.id)
        await account_links.end_all(account.id, now=now)
        await _note(member, "account.disabled", patient, account.id, now)


async def enable(member: Member, patient: UUID, *, now: datetime) -> None:
    member.check(Right.PATIENTS)
    async with db.transaction():
        account = await _locked(patient)
        if account.disabled_at is None:
            raise Conflict
        await Account.update({Account.disabled_at: None}).where(Account.id == account.id)
        await _note(member, "account.enabled", patient, account.id, now)


async def change_email(
    member: Member,
    patient: UUID,
    email: str,
    *,
    is_verified: bool,
    links: Links,
    passwords: Passwords,
    now: datetime,
) -> str:
    """The code to say to the patient, who needs it with the link that the new address gets."""
    member.check(Right.PATIENTS)
    problems = {} if email.strip() else {"courriel": "missing"}
    if not is_verified:
        problems["identite"] = "missing"
    if problems:
        raise Invalid(problems)
    account = await record.account_id(patient)
    return await email_change.ask_for(
        account, email, member.actor, patient=patient, links=links, passwords=passwords, now=now
    )


async def _locked(patient: UUID) -> Account:
    account = await record.account_id(patient)
    await db.lock_row(Account, account)
    row = await Account.objects().get(Account.id == account)
    if row is None:
        raise Conflict
    return row


async def _open(patient: UUID) -> Account:
    row = await _locked(patient)
    if row.disabled_at is not None:
        raise Conflict
    return row


async def _note(member: Member, action: str, patient: UUID, account: UUID, now: datetime) -> None:
    await audit.record(member.actor, action, patient=patient, subject=account, at=now)
