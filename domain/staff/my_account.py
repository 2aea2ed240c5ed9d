"""What a member does with their own account: name, devices, password, application for codes."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from uuid import UUID

import pyotp

from domain import audit, db
from domain.accounts import authenticator
from domain.accounts.devices import BROWSERS, SYSTEMS, Device, named
from domain.accounts.passwords import Passwords, normalized
from domain.accounts.second_factor import Proofs
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser
from domain.errors import ChangedMeanwhile, Invalid, LinkExpired, NotFound
from domain.links import hash_of
from domain.people import names
from domain.staff import codes, lost_password, notices, sessions, sign_in
from domain.staff.enrolment import NewPassword, Offer
from domain.staff.member import Member
from domain.staff.sign_in import Entry
from domain.staff.tables import StaffMember, StaffSession

MARK = "device"


async def version(member: Member) -> int:
    return int((await sign_in.present(member.id)).version)


async def rename(
    member: Member, first_name: str, last_name: str, version: int, *, now: datetime
) -> None:
    typed = {"prenom": names.read(first_name), "nom": names.read(last_name)}
    problems = {
        field: "too_long" if name else "missing"
        for field, name in typed.items()
        if not 0 < len(name) <= names.LONGEST
    }
    if problems:
        raise Invalid(problems)
    async with db.transaction():
        changed = await db.fetch(
            "UPDATE staff_member SET first_name = {}, last_name = {}, version = version + 1"
            " WHERE id = {} AND version = {} RETURNING id",
            typed["prenom"],
            typed["nom"],
            member.id,
            version,
        )
        if not changed:
            raise ChangedMeanwhile
        await audit.record(member.actor, "staff.changed", subject=member.id, at=now)


async def devices(member: Member, token: str, *, now: datetime) -> list[Device]:
    """The session that asks first, then those last used."""
    idle = timedelta(minutes=member.clinic.staff_idle_minutes)
    rows = await db.fetch(
        """
        SELECT id, token_hash, device, created_at, last_used_at FROM staff_session
        WHERE member = {} AND created_at > {} AND last_used_at > {}
        ORDER BY last_used_at DESC, id
        """,
        member.id,
        now - sessions.ABSOLUTE_LIFE,
        now - idle,
    )
    found = [
        Device(
            id=row["id"],
            browser=named(row["device"], BROWSERS),
            system=named(row["device"], SYSTEMS),
            signed_in_at=row["created_at"],
            last_used_at=row["last_used_at"],
            is_this=row["token_hash"] == hash_of(token),
        )
        for row in rows
    ]
    return sorted(found, key=lambda device: not device.is_this)


async def end_device(member: Member, device: UUID, *, now: datetime) -> None:
    async with db.transaction():
        ended = await (
            StaffSession.delete()
            .where((StaffSession.id == device) & (StaffSession.member == member.id))
            .returning(StaffSession.id)
        )
        if not ended:
            raise NotFound
        await audit.record(member.actor, "session.ended", subject=device, at=now)


async def end_others(member: Member, token: str, *, now: datetime) -> None:
    async with db.transaction():
        await sessions.end_all(member.id, but=token)
        await audit.record(member.actor, "sessions.ended", subject=member.id, at=now)


async def change_password(
    member: Member,
    proofs: Proofs,
    new: NewPassword,
    *,
    passwords: Passwords,
    box: SecretBox,
    now: datetime,
) -> Entry:
    """The one session that is left: a fresh one, for this browser."""
    row = await sign_in.present(member.id)
    problems = await _problems(member, proofs, "ancien", passwords, now)
    # Who does not know the old password costs no more than that.
    problems |= await new.problems(row, member.clinic.name, None if problems else passwords)
    if not problems and normalized(proofs.password) == normalized(new.text):
        problems = {"mot_de_passe": "same"}
    if problems:
        raise Invalid(problems)
    password_hash = await passwords.hash(new.text)
    async with _proved(member, proofs, box, now):
        await lost_password.put(
            await sign_in.locked(member.id), password_hash, member.actor, now=now
        )
        token = await sessions.begin(member.id, device=proofs.browser.device, now=now)
    return Entry(member.id, token, hash_of(password_hash), now)


async def offer_device(
    member: Member, proofs: Proofs, *, passwords: Passwords, box: SecretBox, now: datetime
) -> Offer:
    """Another application takes the place of the one that has just given its last code."""
    if problems := await _problems(member, proofs, "mot_de_passe", passwords, now):
        raise Invalid(problems)
    async with _proved(member, proofs, box, now):
        await audit.record(member.actor, "staff.device_asked", subject=member.id, at=now)
    secret = pyotp.random_base32()
    return _offer(member, secret, box.offer(member.id, f"{MARK}|{secret}", now=now))


def offered_device(member: Member, sealed: str, *, box: SecretBox, now: datetime) -> Offer:
    text = box.offered(member.id, sealed, seconds=codes.OFFERED_FOR, now=now) or ""
    mark, _, secret = text.partition("|")
    if mark != MARK or not secret:
        raise LinkExpired
    return _offer(member, secret, sealed)


async def switch_device(
    member: Member, sealed: str, code: str, browser: Browser, *, box: SecretBox, now: datetime
) -> Entry:
    """Whoever else was signed in no longer is."""
    secret = offered_device(member, sealed, box=box, now=now).secret
    step = codes.confirmed(code, secret, now=now)
    async with db.transaction():
        row = await sign_in.locked(member.id)
        await StaffMember.update(
            {
                StaffMember.totp_secret: box.seal(member.id, secret, now=now),
                StaffMember.totp_since: now,
                StaffMember.totp_last_step: step,
            }
        ).where(StaffMember.id == member.id)
        await sessions.end_all(member.id)
        await notices.alert(member.id, row.email, "device", now=now)
        await audit.record(member.actor, "staff.device_changed", subject=member.id, at=now)
        token = await sessions.begin(member.id, device=browser.device, now=now)
    return Entry(member.id, token, hash_of(row.password_hash), row.password_changed_at)


async def _problems(
    member: Member, proofs: Proofs, field: str, passwords: Passwords, now: datetime
) -> dict[str, str]:
    """Of the password, and whether there is a code to look at: all that is wrong at once."""
    problem = await sign_in.problem_of_password(
        member, proofs.password, proofs.browser, passwords=passwords, now=now
    )
    found = {field: problem} if problem else {}
    return found if authenticator.is_typed(proofs.code) else found | {"code": "missing"}


def _proved(
    member: Member, proofs: Proofs, box: SecretBox, now: datetime
) -> AbstractAsyncContextManager[None]:
    """Whoever is signed in has given a code in this browser."""
    return codes.proved(member.id, proofs.code, member.actor, is_known=True, box=box, now=now)


def _offer(member: Member, secret: str, sealed: str) -> Offer:
    return Offer(secret, codes.uri(secret, member.email, member.clinic.name), sealed)
