"""The code that every sign-in of the staff asks for; each step's code is taken once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import pyotp

from domain import audit, db
from domain.accounts import authenticator, throttles
from domain.accounts.secret_box import SecretBox
from domain.audit import Actor
from domain.errors import Invalid
from domain.staff import limits, notices
from domain.staff.tables import StaffMember

OFFERED_FOR = 900
"""How many seconds one has to set up the application."""
WRONG = {"code": "wrong"}


@asynccontextmanager
async def proved(
    member: UUID, code: str, actor: Actor, *, is_known: bool, box: SecretBox, now: datetime
) -> AsyncIterator[None]:
    """What is done inside is of one transaction with the taking of the code.

    A browser that the member has signed in from has tries of its own, so that a stranger who
    learned the password does not keep its owner out.
    """
    typed, who = authenticator.compared(code), throttles.of(member.hex, is_known=is_known)
    counts = ((limit, who) for limit in (limits.CODES, limits.CODES_A_DAY))
    counted = await throttles.take_each(*counts, now=now)
    try:
        async with db.transaction():
            await _take(member, typed, box, now)
            yield
    except Invalid:
        await _refused(member, who, actor, now)
        raise
    await throttles.give_back(*counted)


def confirmed(code: str, secret: str, *, now: datetime) -> int:
    """The step of a first code of an application that has just been set up."""
    step = authenticator.step_of(authenticator.compared(code), secret, after=0, now=now)
    if step is None:
        raise Invalid(WRONG)
    return step


def uri(secret: str, email: str, clinic: str) -> str:
    """What an application reads from the picture."""
    made = pyotp.TOTP(secret, name=email, issuer=clinic, interval=authenticator.STEP)
    return made.provisioning_uri()


async def _take(member: UUID, code: str, box: SecretBox, now: datetime) -> None:
    row = await StaffMember.objects().get(StaffMember.id == member)
    if row is None or not row.totp_secret or not authenticator.DEVICE_CODE.fullmatch(code):
        raise Invalid(WRONG)
    secret = box.open(row.id, row.totp_secret)
    after = row.totp_last_step
    step = authenticator.step_of(code, secret, after=after, now=now) if secret else None
    if secret is None or step is None:
        raise Invalid(WRONG)
    is_outdated = box.is_outdated(row.totp_secret)
    taken = await db.fetch(
        "UPDATE staff_member SET totp_last_step = {}, totp_secret = {}"
        " WHERE id = {} AND totp_secret = {} AND totp_last_step < {} RETURNING id",
        step,
        box.seal(row.id, secret, now=now) if is_outdated else row.totp_secret,
        row.id,
        row.totp_secret,
        step,
    )
    if not taken:
        raise Invalid(WRONG)


async def _refused(member: UUID, who: str, actor: Actor, now: datetime) -> None:
    """Whoever types codes has typed the password before: its owner must hear of many wrong ones."""
    async with db.transaction():
        await audit.record(actor, "staff.code", subject=member, outcome="refused", at=now)
        if await throttles.is_used_up(limits.CODES, who, now=now):
            row = await StaffMember.objects().get(StaffMember.id == member)
            if row is not None:
                await notices.alert_once_a_day(member, row.email, "codes", now=now)
