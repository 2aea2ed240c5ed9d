from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import addresses, sessions, throttles
from domain.accounts.passwords import Passwords
from domain.audit import Actor
from domain.errors import NotActivated, TooBusy, WrongCredentials
from domain.people.tables import Account


@dataclass(frozen=True, slots=True)
class Browser:
    """Where someone signs in from. `known_account` signed in here before."""

    ip: str
    device: str
    known_account: UUID | None
    request_id: str


async def sign_in(
    email: str, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> tuple[Account, str]:
    """The account and a fresh session's token.

    Whatever is wrong, the work is the same: one look-up, two counts, one hash.
    """
    address = addresses.canonical(email)
    account = await Account.objects().where(Account.email_canonical == address).first()
    counted = await _count(address or email[:300], account, browser, now)
    try:
        matches = await passwords.verify(_usable_hash(account), password)
    except TooBusy:
        await throttles.give_back(*counted)
        raise
    if not matches or account is None:
        await _record_refusal(account, "refused", browser, now)
        raise WrongCredentials
    await throttles.give_back(*counted)
    if account.activated_at is None:
        await _record_refusal(account, "not_activated", browser, now)
        raise NotActivated
    await _renew_hash(account, password, passwords)
    return account, await _begin(account, browser, now)


async def _count(
    address: str, account: Account | None, browser: Browser, now: datetime
) -> tuple[UUID, UUID]:
    """By address and by IP; a browser its owner knows has a count of its own.

    So a stranger who keeps trying an address does not keep its owner out.
    """
    is_known = account is not None and account.id == browser.known_account
    by_ip = await throttles.take(throttles.SIGN_IN_PER_IP, browser.ip, now=now)
    who = f"{address}|known browser" if is_known else address
    return by_ip, await throttles.take(throttles.SIGN_IN_PER_ADDRESS, who, now=now)


def _usable_hash(account: Account | None) -> str | None:
    if account is None or account.disabled_at is not None:
        return None
    return str(account.password_hash)


async def _renew_hash(account: Account, password: str, passwords: Passwords) -> None:
    if passwords.is_outdated(account.password_hash):
        fresh = await passwords.hash(password)
        await Account.update({Account.password_hash: fresh}).where(Account.id == account.id)


async def _begin(account: Account, browser: Browser, now: datetime) -> str:
    async with db.transaction():
        token = await sessions.begin(account.id, device=browser.device, now=now)
        actor = Actor("account", account.id, browser.request_id)
        await audit.record(actor, "sign_in", subject=account.id, at=now)
    return token


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
