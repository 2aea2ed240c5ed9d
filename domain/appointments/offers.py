"""What the clinic offers online: who, where, for which kind of visit."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import db
from domain.appointments.choices import ANYONE, OFFER_STEPS, STEPS, Choices, Step
from domain.people.viewer import Profile
from domain.texts import Named


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a step; `id` None is « Peu importe l’intervenant »."""

    id: UUID | None
    name: Named
    hint: Named | None = None
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """The names of what was chosen, and the visit type's figures."""

    specialty: Named
    practitioner: Named
    site: Named
    visit_type: Named
    minutes: int
    is_virtual: bool


_FROM = """
    FROM schedule sc
    JOIN practitioner pr ON pr.id = sc.practitioner
    JOIN specialty sp ON sp.id = pr.specialty
    JOIN site si ON si.id = sc.site
    JOIN schedule_visit_type sv ON sv.schedule = sc.id
    JOIN visit_type vt ON vt.id = sv.visit_type
"""
_STANDING = " AND ".join(f"{each}.ended_at IS NULL" for each in ("sc", "pr", "sp", "si", "vt"))
_COLUMN = {"specialty": "sp.id", "practitioner": "pr.id", "site": "si.id", "visit_type": "vt.id"}
_OPTIONS = {
    "specialty": (
        "sp.id, sp.name_fr AS fr, sp.name_en AS en, '' AS hint_fr, '' AS hint_en, sp.position",
        "sp.position, sp.name_fr",
    ),
    "practitioner": (
        "pr.id, pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS fr,"
        " pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS en,"
        " sp.name_fr AS hint_fr, sp.name_en AS hint_en, pr.last_name, pr.first_name",
        "pr.last_name, pr.first_name",
    ),
    "site": (
        "si.id, si.name AS fr, si.name AS en,"
        " si.street || ', ' || si.city AS hint_fr, si.street || ', ' || si.city AS hint_en,"
        " si.position",
        "si.position, si.name",
    ),
    "visit_type": (
        "vt.id, vt.name_fr AS fr, vt.name_en AS en, '' AS hint_fr, '' AS hint_en, vt.position,"
        " vt.minutes",
        "vt.position, vt.name_fr",
    ),
}


async def options(step: Step, choices: Choices, profile: Profile) -> list[Option]:
    """The answers to a step, given those before it; one's own practitioner first."""
    columns, order = _OPTIONS[step]
    condition, values = _chosen(choices.before(step))
    rows = await db.fetch(
        f"SELECT DISTINCT {columns} {_FROM} WHERE {condition} ORDER BY {order}",
        *values,
    )
    found = [_option(row, profile) for row in rows]
    if step == "practitioner" and len(found) > 1:
        anyone = Option(None, Named("", ""))
        return [
            *(o for o in found if o.is_primary),
            anyone,
            *(o for o in found if not o.is_primary),
        ]
    return found


async def chosen(choices: Choices) -> Offer | None:
    """What the choices made so far name, if the clinic offers that together."""
    condition, values = _chosen(choices)
    rows = await db.fetch(
        f"""
        SELECT sp.name_fr AS sp_fr, sp.name_en AS sp_en, si.name AS site,
               pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS practitioner,
               vt.name_fr AS vt_fr, vt.name_en AS vt_en, vt.minutes, vt.is_virtual
        {_FROM} WHERE {condition} LIMIT 1
        """,
        *values,
    )
    if not rows:
        return None
    row = rows[0]
    return Offer(
        specialty=Named(row["sp_fr"], row["sp_en"]),
        practitioner=Named(row["practitioner"], row["practitioner"]),
        site=Named(row["site"], row["site"]),
        visit_type=Named(row["vt_fr"], row["vt_en"]),
        minutes=row["minutes"],
        is_virtual=bool(row["is_virtual"]),
    )


async def still_offered(choices: Choices) -> Choices:
    """The choices without the earliest that no longer fits those before it, and all after."""
    for step in STEPS[choices.kind]:
        if step not in OFFER_STEPS or not choices.has(step):
            continue
        kept = choices.before(choices.after(step))
        if await chosen(kept) is None:
            return _without(choices, step)
    return choices


def _without(choices: Choices, step: Step) -> Choices:
    dropped = choices.before(step)
    # The day and the reason fit any offer: nothing typed is lost.
    return Choices(
        kind=choices.kind,
        specialty=dropped.specialty,
        practitioner=dropped.practitioner,
        site=dropped.site,
        visit_type=dropped.visit_type,
        moment=choices.moment,
        reason=choices.reason,
    )


def _chosen(choices: Choices) -> tuple[str, list[Any]]:
    conditions, values = [f"{_STANDING} AND vt.is_urgent = {{}}"], [choices.is_urgent]
    for step in OFFER_STEPS:
        value = getattr(choices, step)
        if value is not None and value != ANYONE:
            conditions.append(f"{_COLUMN[step]} = {{}}")
            values.append(value)
    return " AND ".join(conditions), values


def _option(row: dict[str, Any], profile: Profile) -> Option:
    return Option(
        id=row["id"],
        name=Named(row["fr"], row["en"]),
        hint=Named(row["hint_fr"], row["hint_en"]) if row["hint_fr"] else None,
        is_primary=row["id"] == profile.primary_practitioner,
    )
