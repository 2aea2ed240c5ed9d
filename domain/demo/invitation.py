"""Someone the demonstration's clinic has just invited, for whoever wants to try coming in so."""

from datetime import datetime
from typing import NamedTuple

from domain import db
from domain.accounts import invitations
from domain.accounts.passwords import Passwords
from domain.audit import Actor
from domain.demo.data.people import CROWD
from domain.demo.people import CHILD_UNTIL, plain
from domain.links import Links

GROWN_UP = CHILD_UNTIL + 4


class Invited(NamedTuple):
    email: str
    code: str


async def invite(*, links: Links, passwords: Passwords, now: datetime) -> Invited | None:
    """Anew each time, for nobody can read the code of an earlier one."""
    for person in CROWD:
        if person.age < GROWN_UP:
            continue
        rows = await db.fetch(
            "SELECT id FROM patient WHERE first_name = {} AND last_name = {} AND id NOT IN"
            " (SELECT patient FROM proxy_grant)",
            person.first_name,
            person.last_name,
        )
        if rows:
            email = f"{plain(person.last_name)}.{plain(person.first_name)}@example.com".lower()
            by = Actor("console", None, "demo")
            code = await invitations.invite(
                rows[0]["id"], email, "fr", by, links=links, passwords=passwords, now=now
            )
            return Invited(email, code)
    return None
