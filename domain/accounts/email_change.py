"""Another address to sign in with: a link to the new one and a code to the old must meet.

Whoever asks learns nothing of who has which address. For a taken one there is a request like any
other, and its code goes out; but no link opens it, and the one who has the address is told.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from piccolo.columns.combination import CombinableMixin

from domain import audit, db
from domain.accounts import account_links, addresses, codes, sessions, sign_in, sign_up, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.sign_in import Browser
from domain.accounts.tables import EmailChange
from domain.audit import Actor
from domain.errors import (
    AddressTaken,
    CodeSpent,
    Invalid,
    LinkExpired,
    LinkUsed,
    NotFound,
    TooMany,
    WrongCode,
)
from domain.links import Links, Purpose, hash_of, hash_of_dead
from domain.mail import outbox
from domain.people.tables import Account
from domain.people.viewer import Viewer

LIFE = timedelta(minutes=30)
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Typed:
    password: str
    email: str
    again: str


@dataclass(frozen=True, slots=True)
class Pending:
    id: UUID
    new_email: str
    expires_at: datetime


async def ask(
    viewer: Viewer,
    typed: Typed,
    browser: Browser,
    *,
    links: Links,
    passwords: Passwords,
    now: datetime,
) -> None:
    """The newest request takes the place of an earlier one."""
    email, address = addresses.sendable(typed.email), addresses.canonical(typed.email)
    if problems := _problems(viewer, typed, address):
        raise Invalid(problems)
    await _check_password(viewer, typed.password, browser, passwords, now)
    change = uuid4()
    counted = await throttles.take_each(
        (throttles.EMAIL_CHANGES, str(viewer.account.id)),
        (throttles.EMAIL_CHANGE_RESENDING, str(change)),
        now=now,
    )
    async with throttles.unless_busy(counted):
        code_hash = await passwords.hash(links.secret_code(Purpose.CHANGE_EMAIL, change))
    may_write = await _may_write_to(address, now)
    token = links.secret_token(Purpose.CHANGE_EMAIL, change)
    async with db.transaction():
        await db.lock_row(Account, viewer.account.id)  # of two requests, the later one stands
        await db.lock_key(f"address|{address}")
        await _end(EmailChange.account == viewer.account.id, now)
        holder = await _holder(address, now)
        row = _row(change, viewer.account.id, email, address, code_hash, now=now)
        row.token_hash = hash_of(token)
        if holder:  # nothing may tell: it is mailed as any other, and opens nothing
            row.new_canonical, row.token_hash = change.hex, hash_of_dead(token)
        await EmailChange.insert(row)
        await _write(viewer.account.id, change, holder, may_write=may_write, now=now)
        await audit.record(viewer.actor, "email_change.asked", subject=change, at=now)


async def ask_for(
    account: UUID,
    email: str,
    by: Actor,
    *,
    patient: UUID,
    links: Links,
    passwords: Passwords,
    now: datetime,
) -> str:
    """On the holder's behalf: the code, which the clinic gives them instead of the old mailbox.

    That is told of it. The clinic may know that an address is taken; a patient may not.
    """
    send_to, address = addresses.sendable(email), addresses.canonical(email)
    if not send_to:
        raise Invalid({"courriel": "invalid" if email.strip() else "missing"})
    change = uuid4()
    code = links.secret_code(Purpose.CHANGE_EMAIL, change)
    code_hash = await passwords.hash(code)
    async with db.transaction():
        await db.lock_row(Account, account)
        await db.lock_key(f"address|{address}")
        row = await Account.objects().get(Account.id == account)
        if row is None or row.disabled_at is not None:
            raise NotFound
        if row.email_canonical == address:
            raise Invalid({"courriel": "same"})
        await _end(EmailChange.account == account, now)
        if await _holder(address, now):
            raise Invalid({"courriel": "taken"})
        made = _row(change, account, send_to, address, code_hash, now=now)
        made.token_hash = hash_of(links.secret_token(Purpose.CHANGE_EMAIL, change))
        await EmailChange.insert(made)
        await outbox.post("email_change_link", account, change=change, by="clinic", now=now)
        await outbox.post("email_change_asked", account, now=now)
        await audit.record(by, "account.email_asked", patient=patient, subject=change, at=now)
    return code


def _row(
    change: UUID, account: UUID, email: str, address: str, code_hash: str, *, now: datetime
) -> EmailChange:
    """Without its token's hash, which decides whether its link opens anything."""
    return EmailChange(
        id=change,
        account=account,
        new_email=email,
        new_canonical=address,
        code_hash=code_hash,
        asked_at=now,
        expires_at=now + LIFE,
    )


async def pending(viewer: Viewer, *, now: datetime) -> Pending | None:
    row = await EmailChange.objects().get(
        (EmailChange.account == viewer.account.id)
        & EmailChange.done_at.is_null()
        & EmailChange.ended_at.is_null()
        & (EmailChange.expires_at > now)
    )
    return Pending(row.id, row.new_email, row.expires_at) if row else None


async def resend(viewer: Viewer, *, now: datetime) -> None:
    """The same two mails again; neither the time left nor the tries left change."""
    found = await pending(viewer, now=now)
    if found is None:
        raise LinkExpired
    await throttles.take(throttles.EMAIL_CHANGE_RESENDING, str(found.id), now=now)
    address = addresses.canonical(found.new_email)
    may_write = await _may_write_to(address, now)
    async with db.transaction():
        holder = await _holder(address, now, but=found.id)
        await _write(viewer.account.id, found.id, holder, may_write=may_write, now=now)
        await audit.record(viewer.actor, "email_change.resent", subject=found.id, at=now)


async def new_address(token: str, *, now: datetime) -> str:
    """What a live link is about; looking uses nothing up."""
    return str((await _opened(token, now)).new_email)


async def confirm(
    token: str,
    code: str,
    *,
    session: str,
    request_id: str,
    passwords: Passwords,
    now: datetime,
) -> str:
    """The address is the new one from now on; this browser's fresh token, if it is signed in."""
    change = await _opened(token, now)
    actor = Actor("mail_link", change.account, request_id)
    try:
        await codes.check(change, code, passwords=passwords, now=now)
    except (WrongCode, CodeSpent) as refusal:
        outcome = f"refused.{refusal.code}"
        await audit.record(actor, "email_change.done", subject=change.id, outcome=outcome, at=now)
        raise
    try:
        return await _change(change, actor, session, now)
    except Exception as error:
        if db.conflict_kind(error) != "unique":
            raise
        await _end(EmailChange.id == change.id, now)
        raise AddressTaken from error


async def expire(*, now: datetime) -> int:
    """Marks those whose time is over; the rule itself looks at the time."""
    rows = await db.fetch(
        "UPDATE email_change SET ended_at = {} WHERE done_at IS NULL AND ended_at IS NULL"
        " AND expires_at <= {} RETURNING id",
        now,
        now,
    )
    return len(rows)


async def purge(*, now: datetime) -> None:
    await EmailChange.delete().where(EmailChange.expires_at < now - KEPT)


def _problems(viewer: Viewer, typed: Typed, address: str) -> dict[str, str]:
    problems = {} if typed.password else {"mot_de_passe": "missing"}
    if not addresses.sendable(typed.email):
        problems["courriel"] = "invalid" if typed.email.strip() else "missing"
    elif address == addresses.canonical(viewer.account.email):
        problems["courriel"] = "same"
    elif addresses.canonical(typed.again) != address:
        problems["confirmation"] = "different"
    return problems


async def _check_password(
    viewer: Viewer, password: str, browser: Browser, passwords: Passwords, now: datetime
) -> None:
    problem = await sign_in.problem_of_password(
        viewer, password, browser, passwords=passwords, now=now
    )
    if problem:
        raise Invalid({"mot_de_passe": problem})


async def _holder(address: str, now: datetime, *, but: UUID | None = None) -> UUID | None:
    """The account that has this address, or is about to; one that nobody proved has it not."""
    await _end((EmailChange.new_canonical == address) & (EmailChange.expires_at <= now), now)
    rows = await db.fetch(
        """
        SELECT id FROM account WHERE email_canonical = {}
            AND (activated_at IS NOT NULL OR disabled_at IS NOT NULL)
        UNION ALL
        SELECT account FROM email_change
        WHERE new_canonical = {} AND done_at IS NULL AND ended_at IS NULL AND id <> {}
        """,
        address,
        address,
        but or uuid4(),
    )
    return rows[0]["id"] if rows else None


async def _may_write_to(address: str, now: datetime) -> bool:
    """However many ask for it, a mailbox is not flooded; who asks is not told."""
    try:
        await throttles.take(throttles.MAILS_TO_NEW_ADDRESS, address, now=now)
    except TooMany:
        return False
    return True


async def _write(
    account: UUID, change: UUID, holder: UUID | None, *, may_write: bool, now: datetime
) -> None:
    await outbox.post("email_change_code", account, change=change, now=now)
    if may_write and holder is None:
        await outbox.post("email_change_link", account, change=change, now=now)
    elif may_write:
        await outbox.post("address_asked", holder, now=now)


async def _opened(token: str, now: datetime) -> EmailChange:
    row = await EmailChange.objects().get(EmailChange.token_hash == hash_of(token))
    if row is None:
        raise LinkExpired
    if row.done_at is not None:
        raise LinkUsed
    if row.tries >= codes.TRIES:
        raise CodeSpent
    if row.ended_at is not None or now >= row.expires_at:
        raise LinkExpired
    return row


async def _change(change: EmailChange, actor: Actor, session: str, now: datetime) -> str:
    account = UUID(str(change.account))
    async with db.transaction():
        await db.lock_row(Account, account)
        before = await Account.objects().get(Account.id == account)
        if before is None or before.disabled_at is not None:
            raise NotFound
        done = await db.fetch(
            "UPDATE email_change SET done_at = {} WHERE id = {} AND done_at IS NULL"
            " AND ended_at IS NULL RETURNING id",
            now,
            change.id,
        )
        if not done:
            raise LinkExpired
        await sign_up.forget_unproven(change.new_canonical)
        await Account.update(
            {
                Account.email: change.new_email,
                Account.email_canonical: change.new_canonical,
                Account.undeliverable_at: None,
            }
        ).where(Account.id == account)
        await sessions.end_all(account, but=session)
        fresh: str = await sessions.renew(account, session)
        await account_links.end_all(account, now=now)
        await audit.record(actor, "email_change.done", subject=change.id, at=now)
        await outbox.post("email_changed", account, now=now)
        await outbox.post("email_changed", account, address=before.email, now=now)
    return fresh


async def _end(which: CombinableMixin, now: datetime) -> None:
    await EmailChange.update({EmailChange.ended_at: now}).where(
        which & EmailChange.done_at.is_null() & EmailChange.ended_at.is_null()
    )
