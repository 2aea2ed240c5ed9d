"""A new password takes the old one's place: after a mailed link, or knowing the old one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.accounts import account_links, password_rules, sessions, sign_in
from domain.accounts.passwords import Passwords, normalized
from domain.accounts.sign_in import Browser, Entry
from domain.accounts.tables import Registration
from domain.errors import Invalid, NotSignedIn
from domain.links import hash_of
from domain.mail import outbox
from domain.people.viewer import Viewer


@dataclass(frozen=True, slots=True)
class NewPassword:
    """As typed, twice."""

    text: str
    again: str

    async def problems(self, viewer: Viewer, passwords: Passwords | None) -> dict[str, str]:
        """By field; one's own names and the clinic's make a poor password."""
        names = [viewer.clinic.name, *(profile.full_name for profile in viewer.profiles)]
        names += await _names_signed_up_with(viewer.account.id)
        email = viewer.account.email
        return await password_rules.problems(
            self.text, self.again, email=email, about=names, passwords=passwords
        )


async def change(
    viewer: Viewer,
    old: str,
    new: NewPassword,
    browser: Browser,
    *,
    passwords: Passwords,
    now: datetime,
) -> Entry:
    """The one session that is left: a fresh one, for this browser."""
    old_one = await sign_in.problem_of_password(viewer, old, browser, passwords=passwords, now=now)
    problems = {"ancien": old_one} if old_one else {}
    # Who does not know the old password costs no more than that.
    problems |= await new.problems(viewer, None if problems else passwords)
    if not problems and normalized(old) == normalized(new.text):
        problems = {"mot_de_passe": "same"}
    if problems:
        raise Invalid(problems)
    password_hash = await passwords.hash(new.text)
    async with db.transaction():
        await put(viewer, password_hash, now=now)
        token = await sessions.begin(viewer.account.id, device=browser.device, now=now)
    return Entry(viewer.account.id, token, hash_of(password_hash), now)


async def put(viewer: Viewer, password_hash: str, *, now: datetime) -> None:
    """In the caller's transaction: whatever the old password had opened is shut.

    Of two changes at once, the second finds that the account is no longer as its viewer saw it.
    """
    account = viewer.account
    changed = await db.fetch(
        "UPDATE account SET password_hash = {}, password_changed_at = {}"
        " WHERE id = {} AND password_changed_at = {} AND disabled_at IS NULL RETURNING id",
        password_hash,
        now,
        account.id,
        account.password_changed_at,
    )
    if not changed:
        raise NotSignedIn
    await sessions.end_all(account.id)
    await account_links.end_all(account.id, now=now)
    await outbox.post("password_changed", account.id, now=now)
    await audit.record(viewer.actor, "password_changed", subject=account.id, at=now)


async def _names_signed_up_with(account: UUID) -> list[str]:
    row = await Registration.objects().get(Registration.account == account)
    return [row.first_name, row.last_name] if row else []
