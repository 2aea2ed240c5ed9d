"""A form sent twice does its thing once."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import FormKey
from domain.errors import FormReused

KEPT = timedelta(hours=48)


async def earlier_result(
    account: UUID, action: str, key: str, content: str, *, now: datetime
) -> UUID | None:
    """What this key already led to; claims it, inside the caller's transaction, if nothing."""
    digest = _digest(content)
    claimed = await db.fetch(
        """
        INSERT INTO form_key (id, account, action, key, digest, used_at)
        VALUES ({}, {}, {}, {}, {}, {})
        ON CONFLICT (account, action, key) DO NOTHING RETURNING id
        """,
        uuid4(),
        account,
        action,
        _digest(key),
        digest,
        now,
    )
    if claimed:
        return None
    row = await FormKey.objects().get(_is(account, action, key))
    if row is None or row.digest != digest:
        raise FormReused
    return row.result


async def keep_result(account: UUID, action: str, key: str, result: UUID) -> None:
    await db.fetch(
        "UPDATE form_key SET result = {} WHERE account = {} AND action = {} AND key = {}",
        result,
        account,
        action,
        _digest(key),
    )


async def purge(*, now: datetime) -> None:
    await FormKey.delete().where(FormKey.used_at < now - KEPT)


def _is(account: UUID, action: str, key: str):  # type: ignore[no-untyped-def]
    return (FormKey.account == account) & (FormKey.action == action) & (FormKey.key == _digest(key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
