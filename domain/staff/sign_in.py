"""Signing in on the clinic's side: a password, then always a code."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import addresses, sign_in_alerts, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser
from domain.audit import Actor
from domain.errors import NotSignedIn, SignInOver, WrongCredentials
from domain.links import Links, Purpose, hash_of
from domain.staff import codes, limits, notices, sessions
from domain.staff.member import Member
from domain.staff.tables import StaffMember


@dataclass(frozen=True, slots=True)
class Entry:
    """Of who has just proven to be this member."""

    member: UUID
    token: str
    """Of a fresh session; empty until the code is given: see `first_step`."""
    proof: str
    """Of the password that they then had."""
    password_changed_at: datetime


async def sign_in(
    email: str, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> Entry:
    """Whatever is wrong, the work is the same: one look-up, three counts, one hash."""
    address = addresses.canonical(email)
    row = await StaffMember.objects().get(StaffMember.email_canonical == address)
    who = address or email[:300]
    is_known = _is_known(row, browser)
    counted = await _count(who, browser, is_known=is_known, now=now)
    async with throttles.unless_busy(counted):
        matches = await passwords.verify(_usable_hash(row), password)
    if not matches or row is None:
        await sign_in_alerts.count(browser.ip, who, now=now)
        await _refuse(row, throttles.of(who, is_known=is_known), browser, now)
        raise WrongCredentials
    await throttles.give_back(*counted)
    return _entry(row, hash_of(await _renewed_hash(row, password, passwords)))


async def problem_of_password(
    member: Member, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> str:
    """Whoever is signed in shows again to be the one; counted as signing in is."""
    if not password:
        return "missing"
    row = await present(member.id)
    is_known = _is_known(row, browser)
    counted = await _count(row.email_canonical, browser, is_known=is_known, now=now)
    async with throttles.unless_busy(counted):
        matches = await passwords.verify(_usable_hash(row), password)
    if matches:
        await throttles.give_back(*counted)
        return ""
    await audit.record(
        member.actor, "staff.password_asked", subject=member.id, outcome="refused", at=now
    )
    return "wrong"


def after_password(row: StaffMember, password_hash: str, changed_at: datetime) -> Entry:
    """As if the password that was just chosen had been typed: the code is still asked for."""
    return Entry(row.id, "", hash_of(password_hash), changed_at)


def first_step(entry: Entry, *, links: Links, now: datetime) -> str:
    """What the page that asks for the code carries: it is worth no more than the password."""
    return links.sign_first_step(entry.member, entry.proof, now, Purpose.STAFF_CODE)


def remembered(entry: Entry, browser: Browser, *, links: Links, now: datetime) -> str:
    """What this browser keeps, to be known by the next time."""
    return links.sign_known(browser.knowing(entry.member, entry.password_changed_at, now).known)


async def enter_code(
    first_step: str, code: str, browser: Browser, *, links: Links, box: SecretBox, now: datetime
) -> Entry:
    """The second step, in one transaction with the code."""
    member, proof = links.read_first_step(first_step, now, Purpose.STAFF_CODE)
    row = await StaffMember.objects().get(StaffMember.id == member)
    if row is None or not _is_still(row, proof):
        raise SignInOver
    actor, is_known = Actor.stranger(browser.request_id), _is_known(row, browser)
    async with codes.proved(row.id, code, actor, is_known=is_known, box=box, now=now):
        current = await locked(row.id)
        if not _is_still(current, proof):
            raise SignInOver
        return await open_session(current, browser, now)


async def open_session(row: StaffMember, browser: Browser, now: datetime) -> Entry:
    """In the caller's transaction, with the member's row locked."""
    token = await sessions.begin(row.id, device=browser.device, now=now)
    actor = Actor("staff", row.id, browser.request_id)
    await audit.record(actor, "staff.sign_in", subject=row.id, at=now)
    return Entry(row.id, token, hash_of(row.password_hash), row.password_changed_at)


async def locked(member: UUID) -> StaffMember:
    """A change of the member waits for the session that it then ends, or comes before it."""
    await db.lock_row(StaffMember, member)
    return await present(member)


async def present(member: UUID) -> StaffMember:
    row = await StaffMember.objects().get(StaffMember.id == member)
    if row is None or row.deactivated_at is not None:
        raise NotSignedIn
    return row


def _entry(row: StaffMember, proof: str) -> Entry:
    return Entry(row.id, "", proof, row.password_changed_at)


def _is_still(row: StaffMember, proof: str) -> bool:
    return (
        row.deactivated_at is None
        and row.totp_secret != ""
        and row.password_hash != ""
        and proof == hash_of(row.password_hash)
    )


def _is_known(row: StaffMember | None, browser: Browser) -> bool:
    return (
        row is not None
        and row.password_changed_at is not None
        and browser.knows(row.id, row.password_changed_at)
    )


def _usable_hash(row: StaffMember | None) -> str | None:
    if row is None or row.deactivated_at is not None or not row.totp_secret:
        return None
    return str(row.password_hash) or None


async def _count(who: str, browser: Browser, *, is_known: bool, now: datetime) -> list[UUID]:
    by_address, by_ip = limits.SIGN_IN_PER_ADDRESS, limits.SIGN_IN_PER_IP
    return await throttles.take_of_browser(
        (by_address, who), (by_ip, browser.ip), is_known=is_known, now=now
    )


async def _refuse(
    row: StaffMember | None, by_address: str, browser: Browser, now: datetime
) -> None:
    async with db.transaction():
        await audit.record(
            Actor.stranger(browser.request_id),
            "staff.sign_in",
            subject=row.id if row else None,
            outcome="refused",
            at=now,
        )
        is_paused = await throttles.is_used_up(limits.SIGN_IN_PER_ADDRESS, by_address, now=now)
        if is_paused and row is not None and row.deactivated_at is None:
            # One row more than for an unknown address, once a day: far less time than one hash
            # differs from the next by, and there is nobody to owe such a mail to.
            await notices.alert_once_a_day(row.id, row.email, "password", now=now)


async def _renewed_hash(row: StaffMember, password: str, passwords: Passwords) -> str:
    if not passwords.is_outdated(row.password_hash):
        return str(row.password_hash)
    fresh = await passwords.hash(password)
    renewed = (
        await StaffMember.update({StaffMember.password_hash: fresh})
        .where((StaffMember.id == row.id) & (StaffMember.password_hash == row.password_hash))
        .returning(StaffMember.id)
    )
    return fresh if renewed else str(row.password_hash)
