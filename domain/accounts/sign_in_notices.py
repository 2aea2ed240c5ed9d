"""Which sign-ins an account's holder hears of by mail: someone else may have been at the door."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from domain import db
from domain.accounts import throttles
from domain.mail import outbox

MANY_FAILURES = 5


def notices(*, is_first: bool, is_known: bool, failures: int) -> list[str]:
    """The kinds of mail. The very first sign-in is from an unknown browser, and no surprise."""
    kinds = {
        "new_device": not is_first and not is_known,
        "failed_sign_ins": failures >= MANY_FAILURES,
    }
    return [kind for kind, is_due in kinds.items() if is_due]


async def tell(account: UUID, counted: Sequence[str], *, is_known: bool, now: datetime) -> None:
    """In the transaction of the session. `counted`: under which names failures are counted."""
    last = await last_success(account)
    failures = await _failures(counted, last)
    for kind in notices(is_first=last is None, is_known=is_known, failures=failures):
        await outbox.post(kind, account, now=now)
    await _mark_success(account, is_first=last is None, now=now)


async def last_success(account: UUID) -> datetime | None:
    """When this account last signed in."""
    key = throttles.LAST_SIGN_IN.key(account.hex)
    rows = await db.fetch("SELECT tried_at FROM attempt WHERE key = {}", key)
    return max((row["tried_at"] for row in rows), default=None)


async def _failures(counted: Sequence[str], last: datetime | None) -> int:
    numbers = []
    for who in counted:
        rows = await db.fetch(
            "SELECT tried_at FROM attempt WHERE key = {}", throttles.SIGN_IN_PER_ADDRESS.key(who)
        )
        numbers.append(sum(last is None or row["tried_at"] > last for row in rows))
    return sum(numbers)


async def _mark_success(account: UUID, *, is_first: bool, now: datetime) -> None:
    key = throttles.LAST_SIGN_IN.key(account.hex)
    if is_first:
        await db.fetch(
            "INSERT INTO attempt (id, key, tried_at) VALUES ({}, {}, {})", uuid4(), key, now
        )
    else:
        await db.fetch("UPDATE attempt SET tried_at = {} WHERE key = {}", now, key)
