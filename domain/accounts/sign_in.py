from datetime import datetime

from domain import audit
from domain.accounts import addresses, sessions, throttles
from domain.accounts.passwords import Passwords
from domain.audit import Actor
from domain.errors import NotActivated, TooBusy, WrongCredentials
from domain.people.tables import Account


async def sign_in(
    email: str,
    password: str,
    *,
    passwords: Passwords,
    ip: str,
    device: str,
    request_id: str,
    now: datetime,
) -> tuple[Account, str]:
    """The account and a fresh session's token.

    Whatever is wrong, the work is the same: two counts, one look-up, one hash.
    """
    address = addresses.canonical(email)
    by_ip = await throttles.take(throttles.SIGN_IN_PER_IP, ip, now=now)
    by_address = await throttles.take(
        throttles.SIGN_IN_PER_ADDRESS, address or email[:300], now=now
    )
    account = await Account.objects().where(Account.email_canonical == address).first()
    is_usable = account is not None and account.disabled_at is None
    known_hash = account.password_hash if account is not None and is_usable else None
    try:
        matches = await passwords.verify(known_hash, password)
    except TooBusy:
        await throttles.give_back(by_ip, by_address)
        raise
    if not matches or account is None:
        await audit.record(
            Actor.stranger(request_id),
            "sign_in",
            subject=account.id if account else None,
            outcome="refused",
            at=now,
        )
        raise WrongCredentials
    await throttles.give_back(by_ip, by_address)
    if account.activated_at is None:
        await audit.record(
            Actor.stranger(request_id),
            "sign_in",
            subject=account.id,
            outcome="not_activated",
            at=now,
        )
        raise NotActivated
    if passwords.is_outdated(account.password_hash):
        fresh = await passwords.hash(password)
        await Account.update({Account.password_hash: fresh}).where(Account.id == account.id)
    token = await sessions.begin(account.id, device=device, now=now)
    actor = Actor("account", account.id, request_id)
    await audit.record(actor, "sign_in", subject=account.id, at=now)
    return account, token
