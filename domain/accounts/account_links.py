"""Mailed links that open an account: random, for one use, replaced by the newest."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import AccountLink, EmailChange
from domain.errors import LinkExpired, LinkUsed
from domain.links import Links, Purpose, hash_of
from domain.people.tables import Account

Kind = Literal["activate", "reset"]
PURPOSES: dict[str, Purpose] = {"activate": Purpose.ACTIVATE, "reset": Purpose.RESET}
LIVES: dict[str, timedelta] = {"activate": timedelta(hours=24), "reset": timedelta(hours=1)}
KEPT = timedelta(days=1)


async def issue(account: UUID, kind: Kind, *, links: Links, now: datetime) -> UUID:
    """An earlier link of the kind is dead from then on."""
    async with db.transaction():
        await db.lock_row(Account, account)  # before its links, as everywhere: none waits in a ring
        await _end(account, [kind], now)
        link = uuid4()
        await AccountLink.insert(
            AccountLink(
                id=link,
                account=account,
                purpose=kind,
                token_hash=hash_of(links.secret_token(PURPOSES[kind], link)),
                sent_at=now,
                expires_at=now + LIVES[kind],
            )
        )
    return link


async def holder(token: str, kind: Kind, *, now: datetime) -> UUID:
    """Whose account a live link opens; looking uses nothing up."""
    row = await AccountLink.objects().get(
        (AccountLink.token_hash == hash_of(token)) & (AccountLink.purpose == kind)
    )
    if row is None or row.ended_at is not None or now >= row.expires_at:
        raise LinkExpired
    if row.used_at is not None:
        raise LinkUsed
    return row.account


async def use(token: str, kind: Kind, *, now: datetime) -> UUID:
    """Of two who use it at once, one gets the account."""
    account = await holder(token, kind, now=now)
    used = await db.fetch(
        "UPDATE account_link SET used_at = {} WHERE token_hash = {} AND used_at IS NULL"
        " AND ended_at IS NULL RETURNING id",
        now,
        hash_of(token),
    )
    if not used:
        raise LinkUsed
    return account


async def end_all(account: UUID, *, now: datetime) -> None:
    """Whatever was mailed before the account changed opens nothing any more."""
    await _end(account, list(LIVES), now)
    await EmailChange.update({EmailChange.ended_at: now}).where(
        (EmailChange.account == account)
        & EmailChange.done_at.is_null()
        & EmailChange.ended_at.is_null()
    )


async def is_alive(link: UUID, *, now: datetime) -> bool:
    row = await AccountLink.objects().get(AccountLink.id == link)
    return row is not None and not (row.used_at or row.ended_at) and now < row.expires_at


async def as_much_for_nobody(now: datetime) -> None:
    """As many statements as a link takes with its mail, so that the time tells nothing either."""
    nobody = uuid4()
    await db.lock_row(Account, nobody)
    await end_all(nobody, now=now)
    await is_alive(nobody, now=now)


async def purge(*, now: datetime) -> None:
    await AccountLink.delete().where(AccountLink.expires_at < now - KEPT)


async def _end(account: UUID, kinds: list[str], now: datetime) -> None:
    await AccountLink.update({AccountLink.ended_at: now}).where(
        (AccountLink.account == account)
        & AccountLink.purpose.is_in(kinds)
        & AccountLink.used_at.is_null()
        & AccountLink.ended_at.is_null()
    )
