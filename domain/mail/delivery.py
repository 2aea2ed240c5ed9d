"""Which mails leave now, and what became of each. At least once, and rarely twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain import db
from domain.mail.tables import OutboundEmail
from domain.people.tables import Account

LEASE = timedelta(minutes=5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
UNREACHABLE_WAITS = WAITS[:4]
UNREACHABLE_FOR = timedelta(hours=72)
KEPT = timedelta(days=30)
HARD_FAILURES = 3
"""In a row: what is told to an address then is told to nobody."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A leased mail: ours to send until the lease ends."""

    id: UUID
    kind: str
    account: UUID | None
    facts: dict[str, str]
    created_at: datetime
    tries: int
    address: str = ""
    """Where it goes instead of the account's own address."""


async def lease(most: int, *, now: datetime) -> list[Letter]:
    skip = "FOR UPDATE SKIP LOCKED" if db.is_postgres() else ""
    rows = await db.fetch(
        f"""
        UPDATE outbound_email SET leased_until = {{}}
        WHERE id IN (
            SELECT id FROM outbound_email
            WHERE sent_at IS NULL AND dropped_at IS NULL AND dead_at IS NULL AND due_at <= {{}}
              AND (leased_until IS NULL OR leased_until <= {{}})
            ORDER BY due_at LIMIT {{}} {skip}
        )
        RETURNING id, kind, account, address, facts, created_at, tries
        """,
        now + LEASE,
        now,
        now,
        most,
    )
    return [_letter(row) for row in rows]


async def give_back(letters: Sequence[Letter]) -> None:
    """Nothing was done about them: whoever comes next may."""
    if letters:
        ids = [letter.id for letter in letters]
        await OutboundEmail.update({OutboundEmail.leased_until: None}).where(
            OutboundEmail.id.is_in(ids)
        )


async def mark_sent(letter: Letter, *, now: datetime) -> None:
    """A mail that gets through to an account's own address says that the address takes mail."""
    await _mark(letter, {OutboundEmail.sent_at: now, OutboundEmail.last_error: ""})
    if letter.account is not None and not letter.address:
        await _believe_address(letter.account)


async def mark_dropped(letter: Letter, *, now: datetime) -> None:
    """Its cause is no longer true: it never leaves."""
    await _mark(letter, {OutboundEmail.dropped_at: now})


async def mark_refused(
    letter: Letter, error: str, *, is_final: bool, address: str = "", now: datetime
) -> None:
    """The server answered no about this mail: a try is used up."""
    tries = letter.tries + 1
    if is_final and address and letter.account is not None and not letter.address:
        async with db.transaction():
            error = f"{_tag(address)} {error}"
            await _mark(letter, {OutboundEmail.dead_at: now, **_failure(tries, error)})
            await _doubt_address(letter.account, address, now)
    elif is_final or tries > len(WAITS):
        await _mark(letter, {OutboundEmail.dead_at: now, **_failure(tries, error)})
    else:
        await _mark(
            letter, {OutboundEmail.due_at: now + WAITS[tries - 1], **_failure(tries, error)}
        )


async def mark_unreachable(letter: Letter, error: str, *, now: datetime) -> None:
    """No server to answer: no try is used up, and the mail waits up to 72 hours."""
    waited = now - letter.created_at
    if waited >= UNREACHABLE_FOR:
        await _mark(letter, {OutboundEmail.dead_at: now, **_failure(letter.tries, error)})
        return
    wait = next((w for w in UNREACHABLE_WAITS if waited < w), UNREACHABLE_WAITS[-1])
    await _mark(letter, {OutboundEmail.due_at: now + wait, **_failure(letter.tries, error)})


async def is_undeliverable(account: UUID | None) -> bool:
    """Whether its notices are held back; what is about the account itself is always tried."""
    return account is not None and await Account.exists().where(
        (Account.id == account) & Account.undeliverable_at.is_not_null()
    )


async def _believe_address(account: UUID) -> None:
    """A mail got through: its notices go out again."""
    await Account.update({Account.undeliverable_at: None}).where(
        (Account.id == account) & Account.undeliverable_at.is_not_null()
    )


async def _doubt_address(account: UUID, address: str, now: datetime) -> None:
    """R94: after the third mail in a row that this very address refused for good."""
    rows = await db.fetch(
        """
        SELECT dead_at, last_error FROM outbound_email
        WHERE account = {} AND address = '' AND (sent_at IS NOT NULL OR dead_at IS NOT NULL)
        ORDER BY coalesce(dead_at, sent_at) DESC, id LIMIT {}
        """,
        account,
        HARD_FAILURES,
    )
    hard = [row for row in rows if row["dead_at"] and row["last_error"].startswith(_tag(address))]
    if len(hard) == HARD_FAILURES:
        await Account.update({Account.undeliverable_at: now}).where(
            (Account.id == account) & Account.undeliverable_at.is_null()
        )


def _tag(address: str) -> str:
    """Begins the note of a refusal for good: to which address, without naming it."""
    return f"hard:{hashlib.sha256(address.lower().encode()).hexdigest()[:8]}"


async def purge(*, now: datetime) -> None:
    """Those that are done with; what never left stays for the staff to see."""
    before = now - KEPT
    await OutboundEmail.delete().where(
        (OutboundEmail.sent_at < before) | (OutboundEmail.dropped_at < before)
    )


def _failure(tries: int, error: str) -> dict[Any, Any]:
    return {OutboundEmail.tries: tries, OutboundEmail.last_error: error[:300]}


async def _mark(letter: Letter, values: dict[Any, Any]) -> None:
    await OutboundEmail.update({**values, OutboundEmail.leased_until: None}).where(
        OutboundEmail.id == letter.id
    )


def _letter(row: dict[str, Any]) -> Letter:
    facts = row["facts"]
    return Letter(**{**row, "facts": json.loads(facts) if isinstance(facts, str) else facts})
