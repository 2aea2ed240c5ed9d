from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import (
    addresses,
    authenticator,
    sessions,
    sign_in_alerts,
    sign_in_notices,
    throttles,
)
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.audit import Actor
from domain.errors import NotActivated, NotSignedIn, SignInOver, WrongCredentials
from domain.links import Known, Links, hash_of
from domain.people.tables import Account
from domain.people.viewer import Viewer

MOST_KNOWN = 5
"""How many accounts a browser remembers: those of a household."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where someone signs in from, and who did before."""

    ip: str
    device: str
    request_id: str
    known: tuple[Known, ...] = ()

    def knows(self, account: UUID, password_changed_at: datetime) -> bool:
        """Until the password is changed elsewhere: whoever had learned it is a stranger again."""
        mark = _mark(password_changed_at)
        return any(each.account == account and each.password == mark for each in self.known)

    def knowing(self, account: UUID, password_changed_at: datetime, now: datetime) -> "Browser":
        latest = Known(account, _mark(password_changed_at), int(now.timestamp()))
        others = [each for each in self.known if each.account != account]
        return replace(self, known=(latest, *others)[:MOST_KNOWN])


@dataclass(frozen=True, slots=True)
class Entry:
    """Of who has just proven to be this account."""

    account: UUID
    token: str
    """Of a fresh session. Empty where the second factor is asked for first: see `first_step`."""
    proof: str
    """Of the password that it then had."""
    password_changed_at: datetime


async def sign_in(
    email: str, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> Entry:
    """Whatever is wrong, the work is the same: one look-up, three counts, one hash."""
    address = addresses.canonical(email)
    account = await Account.objects().where(Account.email_canonical == address).first()
    who = address or email[:300]
    counted = await _count(who, account, browser, now)
    async with throttles.unless_busy(counted):
        matches = await passwords.verify(_usable_hash(account), password)
    if not matches or account is None:
        await sign_in_alerts.count(browser.ip, who, now=now)
        await _record_refusal(account, "refused", browser, now)
        raise WrongCredentials
    await throttles.give_back(*counted)
    if account.activated_at is None:
        await _record_refusal(account, "not_activated", browser, now)
        raise NotActivated
    verified = await _renewed_hash(account, password, passwords)
    return await begin(account.id, browser, proof=hash_of(verified), now=now)


async def problem_of_password(
    viewer: Viewer, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> str:
    """Whoever is signed in shows again to be the one: what is wrong with it, or nothing.

    Counted as signing in is; an empty field is no try.
    """
    if not password:
        return "missing"
    row = await Account.objects().get(Account.id == viewer.account.id)
    if row is None:
        raise NotSignedIn
    counted = await _count(row.email_canonical, row, browser, now)
    async with throttles.unless_busy(counted):
        matches = await passwords.verify(_usable_hash(row), password)
    if matches:
        await throttles.give_back(*counted)
        return ""
    await audit.record(
        viewer.actor, "password_asked", subject=viewer.account.id, outcome="refused", at=now
    )
    return "wrong"


async def begin(account: UUID, browser: Browser, *, proof: str = "", now: datetime) -> Entry:
    """The one way in after a password, a mailed link or a code of the clinic.

    `proof` is of the password that was verified: it must still be the account's.
    """
    async with db.transaction():
        row = await _locked(account)
        if not _is_still(row, proof):
            raise WrongCredentials
        token = "" if row.totp_secret else await _open(row, browser, now)
    return _entry(row, token)


def remembered(entry: Entry, browser: Browser, *, links: Links, now: datetime) -> str:
    """What the browser of who has just signed in keeps, to be known by the next time."""
    return links.sign_known(browser.knowing(entry.account, entry.password_changed_at, now).known)


def first_step(entry: Entry, *, links: Links, now: datetime) -> str:
    """What the page that asks for the code carries: it is worth no more than the password."""
    return links.sign_first_step(entry.account, entry.proof, now)


async def enter_code(
    first_step: str, code: str, browser: Browser, *, links: Links, box: SecretBox, now: datetime
) -> Entry:
    """The second step, in one transaction with the code."""
    row, proof = await _after_first_step(first_step, links, now)
    actor = Actor.stranger(browser.request_id)
    is_known = browser.knows(row.id, row.password_changed_at)
    async with authenticator.proved(row.id, code, actor, is_known=is_known, box=box, now=now):
        current = await _locked(row.id)
        if not _is_still(current, proof):
            raise SignInOver
        return _entry(current, await _open(current, browser, now))


async def _after_first_step(token: str, links: Links, now: datetime) -> tuple[Account, str]:
    account, proof = links.read_first_step(token, now)
    row = await Account.objects().get(Account.id == account)
    if row is None or not row.totp_secret or not _is_still(row, proof):
        raise SignInOver
    return row, proof


async def _locked(account: UUID) -> Account:
    """A change of the password waits for the session that it then ends, or comes before it."""
    await db.lock_row(Account, account)
    row = await Account.objects().get(Account.id == account)
    if row is None:
        raise NotSignedIn
    return row


def _is_still(row: Account, proof: str) -> bool:
    return row.disabled_at is None and proof in {"", hash_of(row.password_hash)}


def _entry(row: Account, token: str) -> Entry:
    return Entry(row.id, token, hash_of(row.password_hash), row.password_changed_at)


async def _open(row: Account, browser: Browser, now: datetime) -> str:
    async with db.transaction():
        token = await sessions.begin(row.id, device=browser.device, now=now)
        counted = [throttles.of(row.email_canonical, is_known=known) for known in (False, True)]
        is_known = browser.knows(row.id, row.password_changed_at)
        await sign_in_notices.tell(row.id, counted, is_known=is_known, now=now)
        actor = Actor("account", row.id, browser.request_id)
        await audit.record(actor, "sign_in", subject=row.id, at=now)
    return token


async def _count(
    address: str, account: Account | None, browser: Browser, now: datetime
) -> list[UUID]:
    is_known = account is not None and browser.knows(account.id, account.password_changed_at)
    by_address, by_ip = throttles.SIGN_IN_PER_ADDRESS, throttles.SIGN_IN_PER_IP
    return await throttles.take_of_browser(
        (by_address, address), (by_ip, browser.ip), is_known=is_known, now=now
    )


def _usable_hash(account: Account | None) -> str | None:
    if account is None or account.disabled_at is not None:
        return None
    return str(account.password_hash)


async def _renewed_hash(account: Account, password: str, passwords: Passwords) -> str:
    if not passwords.is_outdated(account.password_hash):
        return str(account.password_hash)
    fresh = await passwords.hash(password)
    renewed = (
        await Account.update({Account.password_hash: fresh})
        .where((Account.id == account.id) & (Account.password_hash == account.password_hash))
        .returning(Account.id)
    )
    return fresh if renewed else await _replaced_hash(account, password, passwords)


async def _replaced_hash(account: Account, password: str, passwords: Passwords) -> str:
    """As another sign-in has just renewed it. Of another password, it is none that was verified."""
    row = await Account.objects().get(Account.id == account.id)
    is_the_same = row is not None and await passwords.verify(row.password_hash, password)
    return str(row.password_hash if row and is_the_same else account.password_hash)


async def _record_refusal(
    account: Account | None, outcome: str, browser: Browser, now: datetime
) -> None:
    await audit.record(
        Actor.stranger(browser.request_id),
        "sign_in",
        subject=account.id if account else None,
        outcome=outcome,
        at=now,
    )


def _mark(password_changed_at: datetime) -> int:
    return int(password_changed_at.timestamp() * 1000)
