"""Six digits that prove who is there: five tries, counted before any is looked at."""

import re
from datetime import datetime
from typing import Any

from domain.accounts.passwords import Passwords
from domain.accounts.tables import EmailChange, Invitation
from domain.errors import CodeSpent, Invalid, TooBusy, WrongCode

TRIES = 5
DIGITS = re.compile(r"[0-9]{6}")


def typed(text: str) -> str:
    """As it is compared: spaces are forgiven, and what can be no code is no try."""
    digits = "".join(text.split())
    if DIGITS.fullmatch(digits) is None:
        raise Invalid({"code": "digits" if digits else "missing"})
    return digits


async def check(
    row: EmailChange | Invitation, text: str, *, passwords: Passwords, now: datetime
) -> None:
    """Take one of its tries, then compare: of fifty at once, five are compared."""
    digits = typed(text)
    number = await _take_try(row, now)
    try:
        is_right = await passwords.verify(row.code_hash, digits)
    except TooBusy:
        await _give_back(row)
        raise
    if is_right:
        await _give_back(row)  # it was no guess, and what follows may still fail
    elif number < TRIES:
        raise WrongCode(TRIES - number)
    else:
        await _end(row, now)
        raise CodeSpent


async def _take_try(row: EmailChange | Invitation, now: datetime) -> int:
    table = type(row)
    taken = (
        await table.update({table.tries: table.tries + 1})
        .where(
            (table.id == row.id)
            & (table.tries < TRIES)
            & table.ended_at.is_null()
            & (table.expires_at > now)
        )
        .returning(table.tries)
    )
    if not taken:
        raise CodeSpent
    return int(taken[0]["tries"])


async def _end(row: EmailChange | Invitation, now: datetime) -> None:
    table = type(row)
    values: dict[Any, Any] = {table.ended_at: now}
    if isinstance(row, Invitation):
        values[Invitation.ended_why] = "tries"
    await table.update(values).where((table.id == row.id) & table.ended_at.is_null())


async def _give_back(row: EmailChange | Invitation) -> None:
    table = type(row)
    await table.update({table.tries: table.tries - 1}).where(table.id == row.id)
