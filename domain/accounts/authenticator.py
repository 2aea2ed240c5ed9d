"""Codes that the person's own device makes, and the recovery codes in their place."""

import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hmac import compare_digest
from uuid import UUID, uuid4

import pyotp

from domain import audit, db
from domain.accounts import throttles
from domain.accounts.secret_box import SecretBox
from domain.accounts.tables import RecoveryCode
from domain.audit import Actor
from domain.errors import Invalid
from domain.mail import outbox
from domain.people.tables import Account

STEP = 30
NEAR = (0, -1, 1)
"""The steps whose code is taken, so that a clock may be half a minute off."""
DEVICE_CODE = re.compile(r"[0-9]{6}")
RECOVERY_CODES = 10
RECOVERY_DIGITS = 12
"""Digits alone, for one keyboard and one field; more than a device's code has."""


@asynccontextmanager
async def proved(
    account: UUID, code: str, actor: Actor, *, is_known: bool, box: SecretBox, now: datetime
) -> AsyncIterator[None]:
    """What is done inside is of one transaction with the taking of the code.

    A browser that the account has signed in from has tries of its own: a stranger who learned the
    password uses up the others' without keeping its owner out.
    """
    typed, who = compared(code), throttles.of(account.hex, is_known=is_known)
    limits = (throttles.SECOND_FACTOR, throttles.SECOND_FACTOR_A_DAY)
    counted = await throttles.take_each(*((limit, who) for limit in limits), now=now)
    try:
        async with db.transaction():
            await _take(account, typed, actor, box, now)
            yield
    except Invalid:
        await _refused(account, who, actor, now)
        raise
    await throttles.give_back(*counted)


def compared(code: str) -> str:
    """As it is compared: spaces and hyphens are forgiven."""
    if not is_typed(code):
        raise Invalid({"code": "missing"})
    return _signs(code)


def is_typed(code: str) -> bool:
    return _signs(code) != ""


def step_of(code: str, secret: str, *, after: int, now: datetime) -> int | None:
    """Whose code it is, among the steps near now that come after the last one taken."""
    made, current = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    for step in (current + near for near in NEAR):
        if step > after and compare_digest(made.generate_otp(step), code):
            return step
    return None


async def renew_recovery_codes(account: UUID, box: SecretBox) -> list[str]:
    """Ten to show once; the ones before open nothing any more."""
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    await RecoveryCode.delete().where(RecoveryCode.account == account)
    await RecoveryCode.insert(
        *[
            RecoveryCode(
                id=uuid4(),
                account=account,
                code_hash=box.recovery_hashes(account, compared(code))[0],
            )
            for code in codes
        ]
    )
    return codes


async def _refused(account: UUID, who: str, actor: Actor, now: datetime) -> None:
    """Whoever types codes has typed the password before: its owner must hear of many wrong ones."""
    async with db.transaction():
        await audit.record(actor, "second_factor", subject=account, outcome="refused", at=now)
        if await throttles.is_used_up(throttles.SECOND_FACTOR, who, now=now):
            key = f"second-factor-failed:{account}:{now:%Y%m%d}"
            await outbox.post("second_factor_failed", account, now=now, once_key=key)


def _signs(code: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", code[:100]))


async def _take(account: UUID, code: str, actor: Actor, box: SecretBox, now: datetime) -> None:
    row = await Account.objects().get(Account.id == account)
    if row is None or not row.totp_secret:
        raise Invalid({"code": "wrong"})
    if DEVICE_CODE.fullmatch(code):
        await _take_device_code(row, code, box, now)
    else:
        await _take_recovery_code(row, code, actor, box, now)


async def _take_device_code(row: Account, code: str, box: SecretBox, now: datetime) -> None:
    secret = box.open(row.id, row.totp_secret)
    step = step_of(code, secret, after=row.totp_last_step, now=now) if secret else None
    if secret is None or step is None:
        raise Invalid({"code": "wrong"})
    is_outdated = box.is_outdated(row.totp_secret)
    taken = await db.fetch(
        "UPDATE account SET totp_last_step = {}, totp_secret = {}"
        " WHERE id = {} AND totp_secret = {} AND totp_last_step < {} RETURNING id",
        step,
        box.seal(row.id, secret, now=now) if is_outdated else row.totp_secret,
        row.id,
        row.totp_secret,
        step,
    )
    if not taken:
        raise Invalid({"code": "wrong"})


async def _take_recovery_code(
    row: Account, code: str, actor: Actor, box: SecretBox, now: datetime
) -> None:
    taken = (
        await RecoveryCode.update({RecoveryCode.used_at: now})
        .where(
            (RecoveryCode.account == row.id)
            & RecoveryCode.code_hash.is_in(box.recovery_hashes(row.id, code))
            & RecoveryCode.used_at.is_null()
        )
        .returning(RecoveryCode.id)
    )
    if not taken:
        raise Invalid({"code": "wrong"})
    await audit.record(actor, "recovery_code", subject=row.id, at=now)


def _new_recovery_code() -> str:
    digits = f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}}"
    return " ".join(digits[at : at + 4] for at in range(0, RECOVERY_DIGITS, 4))
