"""The demonstration's staff: each with the patients' password, and a second factor of their own."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import pyotp

from domain.accounts.addresses import canonical
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.demo.clinic import DemoClinic
from domain.demo.data.people import PASSWORD
from domain.demo.rows import insert
from domain.staff.roles import Role
from domain.staff.tables import StaffMember

SINCE = timedelta(days=700)


class Colleague(NamedTuple):
    email: str
    first_name: str
    last_name: str
    role: Role
    practitioner: str = ""
    """The key of whose calendar is theirs."""


SECRETARY = Colleague("accueil@example.com", "Manon", "Girard", Role.SECRETARY)
PRACTITIONER = Colleague("roy.isabelle@example.com", "Isabelle", "Roy", Role.PRACTITIONER, "roy")
ADMINISTRATOR = Colleague("direction@example.com", "Paul", "Lemieux", Role.ADMINISTRATOR)
COLLEAGUES = (SECRETARY, PRACTITIONER, ADMINISTRATOR)


class Shown(NamedTuple):
    """What the demonstration's own sign-in page tells anyone."""

    email: str
    role: str
    code: str


async def shown(box: SecretBox, *, now: datetime) -> list[Shown]:
    """Each of them, with the code that their application would show now."""
    rows = await StaffMember.objects().where(
        StaffMember.email_canonical.is_in([canonical(each.email) for each in COLLEAGUES])
    )
    codes = {row.email: box.open(row.id, row.totp_secret) for row in rows if row.totp_secret}
    return [
        Shown(each.email, each.role, pyotp.TOTP(secret).at(now))
        for each in COLLEAGUES
        if (secret := codes.get(each.email))
    ]


async def hashed(passwords: Passwords) -> dict[str, str]:
    hashes = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in COLLEAGUES))
    return dict(zip((each.email for each in COLLEAGUES), hashes, strict=True))


async def create(
    clinic: DemoClinic, hashes: Mapping[str, str], box: SecretBox, *, now: datetime
) -> None:
    await insert([_member(each, clinic, hashes[each.email], box, now) for each in COLLEAGUES])


def _member(
    each: Colleague, clinic: DemoClinic, password_hash: str, box: SecretBox, now: datetime
) -> StaffMember:
    id = uuid4()
    return StaffMember(
        id=id,
        email=each.email,
        email_canonical=canonical(each.email),
        first_name=each.first_name,
        last_name=each.last_name,
        role=each.role,
        practitioner=clinic.ids[each.practitioner] if each.practitioner else None,
        created_at=now - SINCE,
        created_by="portal admin",
        password_hash=password_hash,
        password_changed_at=now - SINCE,
        totp_secret=box.seal(id, pyotp.random_base32(), now=now - SINCE),
        totp_since=now - SINCE,
    )
