"""A practitioner in a form: of a list where they are few, by their name where they are many."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.desk import practitioners
from domain.desk.communications import Party
from domain.desk.practitioners import Pick
from domain.staff.member import Member
from domain.texts import read_id

FIELD = "intervenant"
BY_NAME = "_nom"
"""After a field's name: beside its list, a name that is typed."""
TEAM, PRACTITIONER = "equipe", "intervenant"

Sent = Mapping[str, Any]


async def asked_pick(member: Member, query: Sent, *, default: UUID | None = None) -> Pick:
    """Whose an address asks for, also of those who left; `default` where it says nothing at all."""
    value = str(query.get(FIELD, ""))
    chosen = read_id(value) if value else default
    return await practitioners.pick(member, chosen, name_in(query, FIELD), kept=chosen)


async def sent_pick(member: Member, sent: Sent, *, kept: UUID | None = None) -> Pick:
    """Whom a form names, for what it will do."""
    chosen, name = read_id(str(sent.get(FIELD, ""))), name_in(sent, FIELD)
    return await practitioners.pick(member, chosen, name, kept=kept, is_final=True)


async def pick_party(
    member: Member, sent: Sent, field: str, *, is_final: bool = False
) -> tuple[Party, Pick]:
    """Of a field that offers teams too; nobody, where a name chose nobody."""
    party, name = read_party(str(sent.get(field, ""))), name_in(sent, field)
    pick = await practitioners.pick(member, party.practitioner, name, is_final=is_final)
    if pick.problem:
        return Party(), pick
    return Party(pick.chosen) if pick.chosen else party, pick


def name_in(sent: Sent, field: str) -> str:
    return str(sent.get(field + BY_NAME, ""))


def read_party(text: str) -> Party:
    kind, _, id = text.partition(":")
    found = read_id(id)
    return Party(
        practitioner=found if kind == PRACTITIONER else None, team=found if kind == TEAM else None
    )


def party_value(party: Party) -> str:
    """As a form and an address carry it."""
    if party.practitioner:
        return f"{PRACTITIONER}:{party.practitioner}"
    return f"{TEAM}:{party.team}" if party.team else ""
