"""A member's forgotten password: a link by mail, and another one. The code is still asked for."""

from datetime import datetime
from uuid import uuid4

from domain import audit, db
from domain.accounts import addresses, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.sign_in import Browser
from domain.audit import Actor
from domain.errors import Invalid, TooMany
from domain.links import Links
from domain.mail import outbox
from domain.staff import limits, notices, sessions, sign_in, staff_links
from domain.staff.enrolment import NewPassword
from domain.staff.sign_in import Entry
from domain.staff.tables import StaffMember


async def ask(email: str, browser: Browser, *, links: Links, now: datetime) -> None:
    """Mail a link to the member of this address, if there is one; nothing tells whether."""
    address = addresses.canonical(email)
    if not address:
        raise Invalid({"courriel": "malformed" if email.strip() else "missing"})
    await throttles.take(limits.RESETS_PER_IP, browser.ip, now=now)
    found = await StaffMember.objects().get(StaffMember.email_canonical == address)
    is_owed = await _may_be_mailed(address, now)
    async with db.transaction():
        member = found.id if found else uuid4()
        await db.lock_row(StaffMember, member)
        row = await StaffMember.objects().get(StaffMember.id == member)
        if is_owed and row is not None and row.deactivated_at is None and row.totp_secret:
            link = await staff_links.issue(row.id, "reset", links=links, now=now)
            await outbox.post(
                "staff_reset", None, address=row.email, member=row.id, link=link, now=now
            )
        else:
            await staff_links.as_much_for_nobody(now)
        await audit.record(
            Actor.stranger(browser.request_id),
            "staff.reset_asked",
            subject=row.id if row else None,
            outcome="done" if is_owed else "refused.too_many",
            at=now,
        )


async def asker(token: str, *, now: datetime) -> StaffMember:
    return await staff_links.holder(token, "reset", now=now)


async def reset(
    token: str,
    new: NewPassword,
    clinic: str,
    browser: Browser,
    *,
    passwords: Passwords,
    now: datetime,
) -> Entry:
    """The first step of signing in is done; the second factor is what it was."""
    row = await asker(token, now=now)
    if problems := await new.problems(row, clinic, passwords):
        raise Invalid(problems)
    password_hash = await passwords.hash(new.text)
    async with db.transaction():
        await db.lock_row(StaffMember, row.id)
        await staff_links.use(token, "reset", now=now)
        actor = Actor("staff", row.id, browser.request_id)
        await put(row, password_hash, actor, now=now)
    return sign_in.after_password(row, password_hash, now)


async def put(row: StaffMember, password_hash: str, actor: Actor, *, now: datetime) -> None:
    """In the caller's transaction: whatever the old password had opened is shut."""
    await StaffMember.update(
        {StaffMember.password_hash: password_hash, StaffMember.password_changed_at: now}
    ).where(StaffMember.id == row.id)
    await sessions.end_all(row.id)
    await staff_links.end_all(row.id, now=now)
    await notices.alert(row.id, row.email, "password_changed", now=now)
    await audit.record(actor, "staff.password_changed", subject=row.id, at=now)


async def _may_be_mailed(address: str, now: datetime) -> bool:
    """Counted for an unknown address too; too often is not told, for it would tell something."""
    try:
        for limit in limits.RESETS_PER_ADDRESS:
            await throttles.take(limit, address, now=now)
    except TooMany:
        return False
    return True
