"""A form of the staff's sent twice does its thing once."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import db
from domain.errors import FormReused
from domain.staff.tables import StaffFormKey

KEPT = timedelta(hours=48)


async def claim(
    member: UUID, action: str, key: str, content: str, *, result: UUID, now: datetime
) -> UUID:
    """What the first form with this key led to; this one is it, if no other was."""
    digest, hashed = _digest(content), _digest(key)
    claimed = await db.fetch(
        """
        INSERT INTO staff_form_key (id, member, action, key, digest, result, used_at)
        VALUES ({}, {}, {}, {}, {}, {}, {})
        ON CONFLICT (member, action, key) DO NOTHING RETURNING id
        """,
        uuid4(),
        member,
        action,
        hashed,
        digest,
        result,
        now,
    )
    if claimed:
        return result
    first = await StaffFormKey.objects().get(
        (StaffFormKey.member == member)
        & (StaffFormKey.action == action)
        & (StaffFormKey.key == hashed)
    )
    if first is None or first.digest != digest:
        raise FormReused
    return first.result


async def earlier(member: UUID, action: str, key: str, content: str) -> UUID | None:
    """What a form with this key has led to already: asked before any costly work is done anew."""
    first = await StaffFormKey.objects().get(
        (StaffFormKey.member == member)
        & (StaffFormKey.action == action)
        & (StaffFormKey.key == _digest(key))
    )
    if first is not None and first.digest != _digest(content):
        raise FormReused
    result: UUID | None = first.result if first is not None else None
    return result


async def purge(*, now: datetime) -> None:
    await StaffFormKey.delete().where(StaffFormKey.used_at < now - KEPT)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
