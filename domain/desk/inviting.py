"""A patient is invited to the portal: the code is shown to the staff once, and kept nowhere."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from domain import db
from domain.accounts import invitations
from domain.accounts.languages import LANGUAGES
from domain.accounts.passwords import Passwords
from domain.errors import FormReused, Invalid
from domain.links import Links
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right


@dataclass(frozen=True, slots=True)
class Typed:
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Given:
    """What the patient takes home."""

    code: str
    email: str
    language: str
    until: datetime


async def send(
    member: Member,
    patient: UUID,
    typed: Typed,
    *,
    key: str,
    in_spite_of_proxy: bool,
    links: Links,
    passwords: Passwords,
    now: datetime,
) -> Given:
    """Sent twice, the first code stays the right one: a form is good for one."""
    member.check(Right.PATIENTS)
    if typed.language not in LANGUAGES:
        raise Invalid({"langue": "missing"})
    made = uuid4()
    if await once.claim(member.id, "invite", key, str(patient), result=made, now=now) != made:
        raise FormReused
    code = await invitations.invite(
        patient,
        typed.email,
        typed.language,
        member.actor,
        links=links,
        passwords=passwords,
        now=now,
        in_spite_of_proxy=in_spite_of_proxy,
    )
    (row,) = await db.fetch(
        "SELECT email, expires_at FROM invitation WHERE patient = {}"
        " ORDER BY invited_at DESC, expires_at DESC LIMIT 1",
        patient,
    )
    return Given(code, row["email"], typed.language, row["expires_at"])


async def cancel(member: Member, patient: UUID, *, now: datetime) -> None:
    member.check(Right.PATIENTS)
    await invitations.cancel(patient, member.actor, now=now)
