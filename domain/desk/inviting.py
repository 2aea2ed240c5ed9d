"""A patient is invited to the portal: the code is on the staff's screen, and in no table.

It is made from our key, so that a double click, whose second answer takes the place of the
first, shows it all the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
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

SHOWN_AGAIN = timedelta(minutes=2)
"""To the same form sent again."""


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
    """A form is good for one invitation: sent twice, it shows the first one's code."""
    member.check(Right.PATIENTS)
    if typed.language not in LANGUAGES:
        raise Invalid({"langue": "missing"})
    made, content = uuid4(), f"{patient}|{typed.email}|{typed.language}"

    async def claim() -> None:
        if await once.claim(member.id, "invite", key, content, result=made, now=now) != made:
            raise FormReused

    earlier = await once.earlier(member.id, "invite", key, content)
    if earlier is None:
        try:
            code = await invitations.invite(
                patient,
                typed.email,
                typed.language,
                member.actor,
                links=links,
                passwords=passwords,
                now=now,
                in_spite_of_proxy=in_spite_of_proxy,
                made=made,
                claim=claim,
            )
            return await _given(made, code)
        except FormReused:  # the other click was faster
            earlier = await once.earlier(member.id, "invite", key, content)
    return await _given_again(earlier, links, now)


async def _given(invitation: UUID, code: str) -> Given:
    (row,) = await db.fetch(
        "SELECT email, language, expires_at FROM invitation WHERE id = {}", invitation
    )
    return Given(code, row["email"], row["language"], row["expires_at"])


async def _given_again(invitation: UUID | None, links: Links, now: datetime) -> Given:
    rows = await db.fetch(
        "SELECT id FROM invitation WHERE id = {} AND invited_at > {}",
        invitation,
        now - SHOWN_AGAIN,
    )
    code = await invitations.code_again(rows[0]["id"], links=links) if rows else None
    if code is None:
        raise FormReused
    return await _given(rows[0]["id"], code)


async def cancel(member: Member, patient: UUID, *, now: datetime) -> None:
    member.check(Right.PATIENTS)
    await invitations.cancel(patient, member.actor, now=now)
