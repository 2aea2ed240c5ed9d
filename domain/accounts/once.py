"""A form sent twice does its thing once."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import FormKey
from domain.errors import FormReused

KEPT = timedelta(hours=48)


async def claim(
    account: UUID, action: str, key: str, content: str, *, result: UUID, now: datetime
) -> UUID:
    """What the first form with this key led to; this one is it, if no other was."""
    digest = _digest(content)
    claimed = await db.fetch(
        """
        INSERT INTO form_key (id, account, action, key, digest, result, used_at)
        VALUES ({}, {}, {}, {}, {}, {}, {})
        ON CONFLICT (account, action, key) DO NOTHING RETURNING id
        """,
        uuid4(),
        account,
        action,
        _digest(key),
        digest,
        result,
        now,
    )
    if claimed:
        return result
    first = await FormKey.objects().get(
        (FormKey.account == account) & (FormKey.action == action) & (FormKey.key == _digest(key))
    )
    if first is None or first.digest != digest:
        raise FormReused
    return first.result


async def close(account: UUID, key: str, *, now: datetime) -> None:
    """Of a form that was given up: `was_used` says so of it from now on."""
    await claim(account, "given up", key, "", result=account, now=now)


async def was_used(account: UUID, key: str) -> bool:
    """Whether a form with this key has done its thing."""
    return bool(
        await FormKey.exists().where((FormKey.account == account) & (FormKey.key == _digest(key)))
    )


async def purge(*, now: datetime) -> None:
    await FormKey.delete().where(FormKey.used_at < now - KEPT)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
