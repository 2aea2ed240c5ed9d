"""How a member takes their place by a one-time link: a password, then an application for codes.

Nothing is kept of the first step: its page carries it, sealed, to the second, and both are written
at once with the link's use. Until then whatever they had before stays as it was.
"""

from dataclasses import dataclass
from datetime import datetime

import pyotp

from domain import audit, db
from domain.accounts import password_rules
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser
from domain.audit import Actor
from domain.errors import Invalid, SignInOver
from domain.staff import codes, notices, sessions, sign_in, staff_links
from domain.staff.sign_in import Entry
from domain.staff.tables import StaffMember

MARK = "enrol"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who holds a live link."""

    email: str
    first_name: str
    language: str
    had_a_factor: bool
    """Their old application stops working once the link is used."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """As typed, twice."""

    text: str
    again: str

    async def problems(
        self, row: StaffMember, clinic: str, passwords: Passwords | None
    ) -> dict[str, str]:
        about = [row.first_name, row.last_name, clinic]
        return await password_rules.problems(
            self.text, self.again, email=row.email, about=about, passwords=passwords
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret to put into an application; and, sealed, what waits for its first code."""

    secret: str
    uri: str
    token: str


async def newcomer(token: str, *, now: datetime) -> Newcomer:
    row = await staff_links.holder(token, "enrol", now=now)
    return Newcomer(row.email, row.first_name, row.language, row.totp_secret != "")


async def choose_password(
    token: str,
    new: NewPassword,
    clinic: str,
    *,
    passwords: Passwords,
    box: SecretBox,
    now: datetime,
) -> Offer:
    row = await staff_links.holder(token, "enrol", now=now)
    if problems := await new.problems(row, clinic, passwords):
        raise Invalid(problems)
    secret, hashed = pyotp.random_base32(), await passwords.hash(new.text)
    sealed = box.offer(row.id, f"{MARK}|{secret}|{hashed}", now=now)
    return Offer(secret, codes.uri(secret, row.email, clinic), sealed)


async def offered(token: str, sealed: str, clinic: str, *, box: SecretBox, now: datetime) -> Offer:
    """The same offer again."""
    row = await staff_links.holder(token, "enrol", now=now)
    secret, _ = _opened(row, sealed, box, now)
    return Offer(secret, codes.uri(secret, row.email, clinic), sealed)


async def finish(
    token: str, sealed: str, code: str, browser: Browser, *, box: SecretBox, now: datetime
) -> Entry:
    """They are signed in; whoever else was, as them, no longer is."""
    row = await staff_links.holder(token, "enrol", now=now)
    secret, password_hash = _opened(row, sealed, box, now)
    step = codes.confirmed(code, secret, now=now)
    async with db.transaction():
        await db.lock_row(StaffMember, row.id)
        await staff_links.use(token, "enrol", now=now)
        await StaffMember.update(
            {
                StaffMember.password_hash: password_hash,
                StaffMember.password_changed_at: now,
                StaffMember.totp_secret: box.seal(row.id, secret, now=now),
                StaffMember.totp_since: now,
                StaffMember.totp_last_step: step,
            }
        ).where(StaffMember.id == row.id)
        await sessions.end_all(row.id)
        await staff_links.end_all(row.id, now=now)
        actor = Actor("staff", row.id, browser.request_id)
        await audit.record(actor, "staff.enrolled", subject=row.id, at=now)
        entry = await sign_in.open_session(await sign_in.present(row.id), browser, now)
        if row.totp_secret:
            await notices.alert(row.id, row.email, "device", now=now)
    return entry


def _opened(row: StaffMember, sealed: str, box: SecretBox, now: datetime) -> tuple[str, str]:
    """It was chosen for this member, and not too long ago."""
    text = box.offered(row.id, sealed, seconds=codes.OFFERED_FOR, now=now) or ""
    mark, _, rest = text.partition("|")
    secret, _, password_hash = rest.partition("|")
    if mark != MARK or not secret or not password_hash:
        raise SignInOver
    return secret, password_hash
