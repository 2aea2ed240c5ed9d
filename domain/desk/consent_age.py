"""From which age a patient consents to care alone: changing it opens and closes access at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain import db
from domain.accounts import losses
from domain.accounts.access import HeldRow
from domain.clinic.clinic import current_settings
from domain.clinic.readiness import OLDEST, PROVINCES, YOUNGEST
from domain.clinic.settings import LEGAL_AGES, ClinicSettings
from domain.desk import settings
from domain.errors import AccessWouldChange, Invalid
from domain.people import policy
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import one_line

LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class Rule:
    """As it is typed, or saved: a clinic's own age, or none where the law's stands."""

    province: str
    age: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Concerned:
    """So many accounts lose a profile, or have one again."""

    closing: int = 0
    opening: int = 0

    @property
    def mark(self) -> str:
        """What the person who confirms it has seen."""
        return f"{self.closing}-{self.opening}"


def typed(saved: settings.Saved) -> Rule:
    """As the form shows what is saved; its source is said anew at each change."""
    return Rule(saved.clinic.province, "" if saved.own_age is None else str(saved.own_age))


async def change(
    member: Member, rule: Rule, *, version: int, agreed: str = "", now: datetime
) -> None:
    """Refuses until whoever asks has seen how many people it concerns, and agreed."""
    member.check(Right.SETTINGS)
    values, note = _read(rule)
    old = await current_settings()
    new = replace(old, **values | {"consent_age": _age(values)})
    async with db.transaction():
        concerned, reopened = await _concerned(old, new, now)
        if concerned != Concerned() and agreed != concerned.mark:
            raise AccessWouldChange(concerned.closing, concerned.opening)
        changed = await settings.write(member, values, version=version, note=note, now=now)
        for grant in reopened if changed else []:
            await losses.reopen(member.actor, grant["id"], grant["patient"], now=now)
    if changed:
        await losses.record_due(is_by_rule=True, now=now)


def _age(values: Mapping[str, Any]) -> int | None:
    own = values["consent_age"]
    return LEGAL_AGES.get(values["province"]) if own is None else own


def _read(rule: Rule) -> tuple[dict[str, Any], str]:
    province, typed, note = one_line(rule.province), one_line(rule.age), one_line(rule.note)
    problems: dict[str, str] = {}
    age: int | None = None
    if province not in PROVINCES:
        problems["province"] = "missing"
    if typed:
        age, problem = settings.read_number(typed, YOUNGEST, OLDEST)
        problems |= {"age": problem} if problem else {}
    elif province not in LEGAL_AGES:
        problems["age"] = "missing"
    if not note:
        problems["source"] = "missing"
    elif len(note) > LONGEST_NOTE:
        problems["source"] = "too_long"
    if problems:
        raise Invalid(problems)
    return {"province": province, "consent_age": age}, note


async def _concerned(
    old: ClinicSettings, new: ClinicSettings, now: datetime
) -> tuple[Concerned, list[dict[str, Any]]]:
    """How many, and those that open again."""
    if old.consent_age == new.consent_age:
        return Concerned(), []
    rows = await db.fetch(
        """
        SELECT g.id, g.account, g.patient, g.relationship, p.birth_date,
               pc.id AS consent, pc.until
        FROM proxy_grant g JOIN patient p ON p.id = g.patient
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.withdrawn_at IS NULL AND g.relationship <> 'self'
        """
    )
    closing, opening = 0, []
    for row in rows:
        held = HeldRow(row["birth_date"], row)
        was, is_now = (policy.is_lost(held, clinic, now) for clinic in (old, new))
        closing += is_now and not was
        opening += [row] if was and not is_now else []
    return Concerned(closing, len(opening)), opening
