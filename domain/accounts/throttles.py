"""How often something may be tried, counted in rows so that all processes share the count."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain import db
from domain.accounts.tables import Attempt
from domain.errors import TooBusy, TooMany


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    most: int
    window: timedelta

    def key(self, who: str) -> str:
        return f"{self.name}:{hashlib.sha256(who.encode()).hexdigest()}"


KEPT = timedelta(days=2)

SIGN_IN_PER_ADDRESS = Limit("sign-in", 10, timedelta(minutes=15))
LAST_SIGN_IN = Limit("last-sign-in", 1, KEPT)
"""Not a limit: when an account last signed in, which is not forgotten."""
SIGN_IN_PER_IP = Limit("sign-in-ip", 100, timedelta(hours=1))
ADDRESSES_PER_IP = Limit("sign-in-addresses", 20, timedelta(hours=1))
"""Refuses nothing, for many people may share one IP: see `sign_in_alerts`."""
ALERTS_PER_IP = Limit("sign-in-alert", 1, timedelta(hours=1))
RESETS_PER_ADDRESS = (
    Limit("reset", 3, timedelta(hours=1)),
    Limit("reset-day", 10, timedelta(days=1)),
)
RESETS_PER_IP = Limit("reset-ip", 20, timedelta(hours=1))
SIGN_UP_PER_IP = Limit("sign-up-ip", 30, timedelta(hours=1))
ACTIVATION_MAILS = Limit("activation-mail", 5, timedelta(hours=1))
ACTIVATION_MAILS_A_DAY = Limit("activation-mail-day", 10, timedelta(days=1))
ACTIVATIONS = Limit("activation", 10, timedelta(minutes=15))
ACTIVATION_PAUSE = Limit("activation-pause", 1, timedelta(minutes=2))
EMAIL_CHANGES = Limit("email-change", 5, timedelta(days=1))
EMAIL_CHANGE_RESENDING = Limit("email-change-resending", 1, timedelta(minutes=1))
MAILS_TO_NEW_ADDRESS = Limit("mail-to-new-address", 5, timedelta(hours=1))
BOOKINGS = Limit("booking", 10, timedelta(hours=1))
HOLDS = Limit("hold", 60, timedelta(hours=1))
CANCELLATIONS = Limit("cancellation", 5, timedelta(days=1))
SECOND_FACTOR = Limit("second-factor", 5, timedelta(minutes=15))
SECOND_FACTOR_A_DAY = Limit("second-factor-day", 20, timedelta(days=1))
REQUESTS = Limit("request", 10, timedelta(days=1))
REPLIES = Limit("reply", 30, timedelta(days=1))
TRIES_TO_REPLY = Limit("try-to-reply", 60, timedelta(hours=1))
NEW_MESSAGES = Limit("new-message", 10, timedelta(days=1))
EXPORTS = Limit("export", 5, timedelta(days=1))


def of(who: str, *, is_known: bool) -> str:
    """Whose tries they are: the owner's own are not counted among those of any stranger."""
    return f"{who}|known browser" if is_known else who


async def take(limit: Limit, who: str, *, now: datetime) -> UUID:
    """Count one try, or refuse it until the oldest counted one has left the window.

    A refused try is not counted: a pause does not grow with the tries made during it.
    """
    key = limit.key(who)
    async with db.transaction():
        await db.lock_key(key)
        attempt = uuid4()
        taken = await db.fetch(
            """
            INSERT INTO attempt (id, key, tried_at) SELECT {}, {}, {}
            WHERE (SELECT count(*) FROM attempt WHERE key = {} AND tried_at > {}) < {}
            RETURNING id
            """,
            attempt,
            key,
            now,
            key,
            now - limit.window,
            limit.most,
        )
        if not taken:
            raise TooMany(await _again_at(limit, key, now), limit.name)
    return attempt


async def _again_at(limit: Limit, key: str, now: datetime) -> datetime:
    rows = await db.fetch(
        """
        SELECT tried_at FROM attempt WHERE key = {} AND tried_at > {}
        ORDER BY tried_at DESC LIMIT 1 OFFSET {}
        """,
        key,
        now - limit.window,
        limit.most - 1,
    )
    if not rows:  # a try was given back meanwhile
        return now
    oldest: datetime = rows[0]["tried_at"]
    return oldest + limit.window


async def take_each(*counts: tuple[Limit, str], now: datetime) -> list[UUID]:
    """A try that one of them refuses is not counted by the others."""
    taken = []
    async with db.transaction():
        for limit, who in counts:
            taken.append(await take(limit, who, now=now))
    return taken


async def take_of_browser(
    per_address: tuple[Limit, str], per_ip: tuple[Limit, str], *, is_known: bool, now: datetime
) -> list[UUID]:
    """A browser its owner knows has a count of its own, and that one alone.

    So a stranger keeps no owner out: neither by trying their address, nor by trying many from an
    IP that they share.
    """
    limit, who = per_address
    own = (limit, of(who, is_known=is_known))
    return await take_each(*(() if is_known else (per_ip,)), own, now=now)


@asynccontextmanager
async def unless_busy(attempts: Sequence[UUID]) -> AsyncIterator[None]:
    """What was not even looked at, for too much was asked of us at once, was no try."""
    try:
        yield
    except TooBusy:
        await give_back(*attempts)
        raise


async def count(limit: Limit, who: str, *, now: datetime) -> None:
    """One try that was refused by another rule."""
    await Attempt.insert(Attempt(id=uuid4(), key=limit.key(who), tried_at=now))


async def number(limit: Limit, who: str, *, now: datetime) -> int:
    """Of the tries that count now."""
    return int(
        await Attempt.count().where(
            (Attempt.key == limit.key(who)) & (Attempt.tried_at > now - limit.window)
        )
    )


async def is_used_up(limit: Limit, who: str, *, now: datetime) -> bool:
    return await number(limit, who, now=now) >= limit.most


async def purge(*, now: datetime) -> None:
    await Attempt.delete().where(
        (Attempt.tried_at < now - KEPT) & Attempt.key.not_like(f"{LAST_SIGN_IN.name}:%")
    )


async def forget(*counts: tuple[Limit, str]) -> None:
    """All that was counted of them, for the clinic knows who it was."""
    await Attempt.delete().where(Attempt.key.is_in([limit.key(who) for limit, who in counts]))


async def give_back(*attempts: UUID) -> None:
    """It succeeded, or did nothing: it no longer counts."""
    if attempts:
        await Attempt.delete().where(Attempt.id.is_in(list(attempts)))
