from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import addresses, authenticator, sessions, sign_in_notices, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.audit import Actor
from domain.errors import NotActivated, NotSignedIn, SignInOver, TooBusy, WrongCredentials
from domain.links import Links, hash_of
from domain.people.tables import Account

KNOWN = "|known browser"


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
    """The account and a fresh session's token, or none as `begin` has it.

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
    verified = await _renewed_hash(account, password, passwords)
    return account, await begin(account.id, browser, proof=hash_of(verified), now=now)


async def confirm_password(
    account: UUID, password: str, browser: Browser, *, passwords: Passwords, now: datetime
) -> None:
    """Whoever is signed in shows again to be the one: counted as signing in is."""
    row = await Account.objects().get(Account.id == account)
    if row is None:
        raise WrongCredentials
    counted = await _count(row.email_canonical, row, browser, now)
    try:
        matches = await passwords.verify(_usable_hash(row), password)
    except TooBusy:
        await throttles.give_back(*counted)
        raise
    if not matches:
        await _record_refusal(row, "refused", browser, now)
        raise WrongCredentials
    await throttles.give_back(*counted)


async def begin(account: UUID, browser: Browser, *, proof: str = "", now: datetime) -> str:
    """The token of a fresh session for who has just proven to be this account.

    The one way in after a password, a mailed link or a code of the clinic. Empty, and no session,
    where the account asks for a second factor first: see `first_step`. `proof` is of the password
    that was verified: it must still be the account's.
    """
    token = ""
    if not await authenticator.is_asked_of(account):
        async with db.transaction():
            row = await _locked(account)
            if not _is_still(row, proof) or row.totp_secret:
                raise WrongCredentials
            token = await _open(account, browser, now)
    return token


async def first_step(account: UUID, *, links: Links, now: datetime) -> str:
    """What the page that asks for the code carries: it is worth no more than the password."""
    row = await Account.objects().get(Account.id == account)
    if row is None:
        raise NotSignedIn
    return links.sign_first_step(row.id, row.password_hash, now)


async def enter_code(
    first_step: str, code: str, browser: Browser, *, links: Links, box: SecretBox, now: datetime
) -> tuple[UUID, str]:
    """The second step: the account and its session's token, in one transaction with the code."""
    account, proof = await _after_first_step(first_step, links, now)
    actor = Actor.stranger(browser.request_id)
    async with authenticator.proved(account, code, actor, box=box, now=now):
        if not _is_still(await _locked(account), proof):
            raise SignInOver
        return account, await _open(account, browser, now)


async def _after_first_step(token: str, links: Links, now: datetime) -> tuple[UUID, str]:
    account, proof = links.read_first_step(token, now)
    row = await Account.objects().get(Account.id == account)
    if row is None or not row.totp_secret or not _is_still(row, proof):
        raise SignInOver
    return account, proof


async def _locked(account: UUID) -> Account:
    """A change of the password waits for the session that it then ends, or comes before it."""
    await db.lock_row(Account, account)
    row = await Account.objects().get(Account.id == account)
    if row is None:
        raise NotSignedIn
    return row


def _is_still(row: Account, proof: str) -> bool:
    return row.disabled_at is None and proof in {"", hash_of(row.password_hash)}


async def _open(account: UUID, browser: Browser, now: datetime) -> str:
    async with db.transaction():
        token = await sessions.begin(account, device=browser.device, now=now)
        is_known = account == browser.known_account
        counted = await _counted_names(account)
        await sign_in_notices.tell(account, counted, is_known=is_known, now=now)
        actor = Actor("account", account, browser.request_id)
        await audit.record(actor, "sign_in", subject=account, at=now)
    return token


async def _count(
    address: str, account: Account | None, browser: Browser, now: datetime
) -> tuple[UUID, UUID]:
    """By address and by IP; a browser its owner knows has a count of its own.

    So a stranger who keeps trying an address does not keep its owner out.
    """
    is_known = account is not None and account.id == browser.known_account
    by_ip = await throttles.take(throttles.SIGN_IN_PER_IP, browser.ip, now=now)
    who = f"{address}{KNOWN}" if is_known else address
    return by_ip, await throttles.take(throttles.SIGN_IN_PER_ADDRESS, who, now=now)


def _usable_hash(account: Account | None) -> str | None:
    if account is None or account.disabled_at is not None:
        return None
    return str(account.password_hash)


async def _renewed_hash(account: Account, password: str, passwords: Passwords) -> str:
    if not passwords.is_outdated(account.password_hash):
        return str(account.password_hash)
    fresh = await passwords.hash(password)
    # Unless another password took its place meanwhile.
    await Account.update({Account.password_hash: fresh}).where(
        (Account.id == account.id) & (Account.password_hash == account.password_hash)
    )
    return fresh


async def _counted_names(account: UUID) -> list[str]:
    """Under which failures to sign in to this account are counted."""
    row = await Account.select(Account.email_canonical).where(Account.id == account).first()
    return [row["email_canonical"], row["email_canonical"] + KNOWN] if row else []


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
