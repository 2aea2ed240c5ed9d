"""Whose calendar a page is about, and whom a form lets choose."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.desk.lists import Choice
from domain.errors import NotFound
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named, folded

MOST_LISTED = 50
"""Of more, a form lists those alone whom a typed name may mean."""
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Whose:
    id: UUID
    name: str
    has_ended: bool


Problem = Literal["unknown", "several", "too_many", "alike"]
"""What stands against a typed name: nobody has it, more than one, more than can be listed; or one
alone has it, but not as their whole name, and something would be done at once."""


@dataclass(frozen=True, slots=True)
class Pick:
    chosen: UUID | None
    listed: Sequence[Choice]
    """All of them where they are few; else whom the name may mean, and who was chosen before."""
    are_many: bool = False
    typed: str = ""
    """The name, as long as it has chosen nobody."""
    problem: Problem | None = None

    @property
    def value(self) -> str:
        """As a form carries it; of a name that chose nobody, nothing that could be anybody."""
        return self.problem or str(self.chosen or "")

    def beginning_with(self, own: UUID | None) -> "Pick":
        return replace(self, listed=sorted(self.listed, key=lambda each: each.id != own))


async def whose(member: Member, practitioner: UUID, right: Right = Right.CALENDAR) -> Whose:
    """Another's calendar does not exist for a practitioner."""
    member.check(right)
    member.check_practitioner(practitioner)
    rows = await db.fetch(
        "SELECT id, title || ' ' || first_name || ' ' || last_name AS name, ended_at"
        " FROM practitioner WHERE id = {}",
        practitioner,
    )
    if not rows:
        raise NotFound
    return Whose(rows[0]["id"], rows[0]["name"], rows[0]["ended_at"] is not None)


async def pick(
    member: Member,
    chosen: UUID | None = None,
    name: str = "",
    *,
    kept: UUID | None = None,
    is_final: bool = False,
) -> Pick:
    """Whom a form has chosen, by a list or by a typed name, and whom it lists next.

    `kept`: somebody's own, listed also when offered no more. `is_final`: what is sent is done, not
    only shown, so that part of a name is asked about first.
    """
    offered = await _offered(member, MOST_LISTED + 1)
    if len(offered) <= MOST_LISTED:
        listed = [_choice(row) for row in offered]
        return Pick(chosen, [*await _named({kept}, kept, but=listed), *listed])
    typed = name.strip()[:LONGEST_NAME]
    if not typed:
        return Pick(chosen, await _named({chosen, kept}, kept), are_many=True)
    meant, problem = await _by_name(member, typed, is_final=is_final)
    if problem is None:
        return Pick(meant[0].id, meant, are_many=True)
    before = await _named({chosen, kept}, kept, but=meant)
    return Pick(None, [*meant, *before], True, typed, problem)


async def first(member: Member) -> UUID | None:
    """By name, of those whom this member sees."""
    found = await _offered(member, 1)
    return found[0]["id"] if found else None


async def is_offered(member: Member, practitioner: UUID | None) -> bool:
    if practitioner is None or member.only not in (None, practitioner):
        return False
    return bool(
        await db.fetch(
            "SELECT 1 FROM practitioner WHERE id = {} AND ended_at IS NULL", practitioner
        )
    )


_NAMED = """
    SELECT p.id, p.title || ' ' || p.first_name || ' ' || p.last_name AS name,
           p.first_name || ' ' || p.last_name AS untitled,
           sp.name_fr AS specialty_fr, sp.name_en AS specialty_en,
           CASE WHEN EXISTS (
               SELECT 1 FROM practitioner o WHERE o.last_name = p.last_name
                 AND o.first_name = p.first_name AND o.ended_at IS NULL AND o.id <> p.id
           ) THEN 1 ELSE 0 END AS has_namesake
    FROM practitioner p JOIN specialty sp ON sp.id = p.specialty
"""
_BY_NAME = "p.last_name, p.first_name, p.id"


async def _offered(member: Member, most: int | None = None) -> list[dict[str, Any]]:
    """Those this member sees: a practitioner, themself alone."""
    own, values = ("", []) if member.only is None else ("AND p.id = {}", [member.only])
    limit = "" if most is None else f"LIMIT {most}"
    return await db.fetch(
        f"{_NAMED} WHERE p.ended_at IS NULL {own} ORDER BY {_BY_NAME} {limit}", *values
    )


async def _named(
    ids: Set[UUID | None], kept: UUID | None, *, but: Sequence[Choice] = ()
) -> list[Choice]:
    """Those of them who are offered, and `kept`."""
    few = ids - {each.id for each in but} - {None}
    if not few:
        return []
    rows = await db.fetch(
        f"{_NAMED} WHERE p.id IN ({db.places(few)}) AND (p.ended_at IS NULL OR p.id = {{}})"
        f" ORDER BY {_BY_NAME}",
        *few,
        kept,
    )
    return [_choice(row) for row in rows]


async def _by_name(
    member: Member, typed: str, *, is_final: bool
) -> tuple[list[Choice], Problem | None]:
    words, rows = _words(typed), await _offered(member)
    whole = [row for row in rows if words in (_words(row["name"]), _words(row["untitled"]))]
    meant = whole or [row for row in rows if _has(row["name"], words)]
    if len(meant) > MOST_LISTED:
        return [], "too_many"
    found = [_choice(row) for row in meant]
    if len(found) != 1:
        return found, "several" if found else "unknown"
    return found, "alike" if is_final and not whole else None


def _has(name: str, words: Sequence[str]) -> bool:
    """Each of the words begins one of the name's."""
    return bool(words) and all(
        any(part.startswith(word) for part in _words(name)) for word in words
    )


@lru_cache(maxsize=10_000)
def _words(text: str) -> tuple[str, ...]:
    """« Dr. Tran-Roy » has three. Kept, for a search asks it of everybody."""
    return tuple(re.findall(r"[^\W_]+", folded(text)))


def _choice(row: Mapping[str, Any]) -> Choice:
    """Who shares a name has the specialty beside it."""
    if not row["has_namesake"]:
        return Choice(row["id"], Named(row["name"], row["name"]))
    fr, en = (f"{row['name']} ({row[f'specialty_{of}']})" for of in ("fr", "en"))
    return Choice(row["id"], Named(fr, en))
