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


async def read_pick(
    member: Member,
    sent: Sent,
    *,
    default: UUID | None = None,
    kept: UUID | None = None,
) -> Pick:
    """What an address or a form says of « Intervenant »; `default` where it says nothing at all."""
    value = str(sent.get(FIELD, ""))
    chosen = read_id(value) if value else default
    return await practitioners.pick(member, chosen, name_in(sent, FIELD), kept=kept)


async def pick_party(member: Member, sent: Sent, field: str) -> tuple[Party, Pick]:
    """The same of a field that offers teams too."""
    party = read_party(str(sent.get(field, "")))
    pick = await practitioners.pick(member, party.practitioner, name_in(sent, field))
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
