"""The register of confidentiality incidents (R-22.1, r. 1, s. 15). Nothing is ever taken out of it:
there is no act that does, and it is kept for longer than the five years that the law asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.clinic.tables import Incident
from domain.desk.settings import ON, read_number, signed
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import one_line, read, read_id

PAGE = 50
EARLIEST = 1900
"""A year before it is a slip of the hand."""
LONGEST = 4000
MOST_PEOPLE = 10_000_000
TEXTS = {
    "renseignements": "information",
    "circonstances": "circumstances",
    "gravite": "severity",
    "avis_public": "public_notice",
    "mesures": "measures",
}
DATES = {
    "debut": "occurred_from",
    "fin": "occurred_to",
    "constate": "noticed_on",
    "avis_commission": "commission_told_on",
    "avis_personnes": "people_told_on",
}
OPTIONAL = frozenset({"avis_public", "fin", "avis_commission", "avis_personnes"})
"""Known later, or never: whom one tells follows from how serious it is."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: UUID
    version: int
    information: str
    circumstances: str
    occurred_from: date
    occurred_to: date | None
    noticed_on: date
    people: int
    severity: str
    is_serious: bool
    commission_told_on: date | None
    people_told_on: date | None
    public_notice: str
    measures: str
    recorded_at: datetime
    recorded_by: str
    changed_at: datetime | None
    changed_by: str

    @property
    def is_waiting(self) -> bool:
        """Serious, and someone who must be told was not."""
        return self.is_serious and None in (self.commission_told_on, self.people_told_on)


@dataclass(frozen=True, slots=True)
class Register:
    entries: list[Entry]
    older: str
    """Ask again with this to see those before; empty at the end."""


async def register(member: Member, *, before: str = "") -> Register:
    member.check(Right.INCIDENTS)
    id = read_id(before) or UUID(int=0)
    starts = await db.fetch("SELECT noticed_on AS day, id FROM incident WHERE id = {}", id)
    start = starts[0] if starts else {"day": date.max, "id": UUID(int=0)}
    rows = await db.fetch(
        """
        SELECT * FROM incident WHERE noticed_on < {} OR (noticed_on = {} AND id < {})
        ORDER BY noticed_on DESC, id DESC LIMIT {}
        """,
        start["day"],
        start["day"],
        start["id"],
        PAGE + 1,
    )
    entries = [_entry(row) for row in rows[:PAGE]]
    return Register(entries, str(entries[-1].id) if len(rows) > PAGE else "")


async def one(member: Member, id: UUID) -> Entry:
    member.check(Right.INCIDENTS)
    rows = await db.fetch("SELECT * FROM incident WHERE id = {}", id)
    if not rows:
        raise NotFound
    return _entry(rows[0])


async def export(member: Member, *, now: datetime) -> list[Entry]:
    """All of it, the oldest first."""
    member.check(Right.INCIDENTS)
    rows = await db.fetch("SELECT * FROM incident ORDER BY noticed_on, id")
    await audit.record(member.actor, "incident.exported", at=now)
    return [_entry(row) for row in rows]


def typed(entry: Entry | None) -> dict[str, str]:
    if entry is None:
        return dict.fromkeys([*TEXTS, *DATES, "personnes", "serieux"], "")
    shown = {name: getattr(entry, column) for name, column in (TEXTS | DATES).items()}
    return {name: str(value or "") for name, value in shown.items()} | {
        "personnes": str(entry.people),
        "serieux": ON if entry.is_serious else "",
    }


async def record(member: Member, form: Mapping[str, str], *, key: str, now: datetime) -> UUID:
    """The same form twice is one incident."""
    member.check(Right.INCIDENTS)
    values = _read(form, member.clinic.today(now))
    async with db.transaction():
        id, content = uuid4(), repr(sorted(values.items(), key=str))
        made = await once.claim(member.id, "incident", key, content, result=id, now=now)
        if made != id:
            return made
        await Incident.insert(
            Incident(id=id, recorded_at=now, recorded_by=member.signature, **values)
        )
        await audit.record(member.actor, "incident.recorded", subject=id, at=now)
    return id


async def change(
    member: Member, id: UUID, form: Mapping[str, str], *, version: int, now: datetime
) -> None:
    entry = await one(member, id)
    values = _read(form, member.clinic.today(now))
    if all(getattr(entry, name) == value for name, value in values.items()):
        return
    async with db.transaction():
        stamp = {"version": version + 1, "changed_at": now, "changed_by": member.signature}
        saved: dict[Any, Any] = {**values, **stamp}
        changed = await (
            Incident.update(saved, force=True)
            .where((Incident.id == id) & (Incident.version == version))
            .returning(Incident.id)
        )
        if not changed:
            newer = await one(member, id)
            raise ChangedMeanwhile(newer.changed_by, newer.changed_at)
        await audit.record(member.actor, "incident.changed", subject=id, at=now)


def _read(form: Mapping[str, str], today: date) -> dict[str, Any]:
    values: dict[str, Any] = {"is_serious": form.get("serieux", "") == ON}
    problems: dict[str, str] = {}
    for name, column in TEXTS.items():
        values[column] = read(form.get(name, ""))
        if len(values[column]) > LONGEST:
            problems[name] = "too_long"
        elif not values[column] and name not in OPTIONAL:
            problems[name] = "missing"
    for name, column in DATES.items():
        values[column], problem = _read_date(form.get(name, ""), name, today)
        problems |= {name: problem} if problem else {}
    number = one_line(form.get("personnes", "")).replace(" ", "")
    values["people"], problem = read_number(number, 1, MOST_PEOPLE)
    problems |= {"personnes": problem} if problem else {}
    problems = problems or _out_of_order(values)
    if problems:
        raise Invalid(problems)
    return values


def _read_date(text: str, name: str, today: date) -> tuple[date | None, str]:
    typed = one_line(text)
    if not typed:
        return None, "" if name in OPTIONAL else "missing"
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None, "odd"
    if day.year < EARLIEST:
        return None, "odd"
    return day, "future" if day > today else ""


def _out_of_order(values: Mapping[str, Any]) -> dict[str, str]:
    problems = {}
    start, noticed = values["occurred_from"], values["noticed_on"]
    if values["occurred_to"] is not None and values["occurred_to"] < start:
        problems["fin"] = "too_early"
    if noticed < start:
        problems["constate"] = "too_early"
    for name in ("avis_commission", "avis_personnes"):
        told = values[DATES[name]]
        if told is not None and told < noticed:
            problems[name] = "too_early"
    return problems


def _entry(row: Mapping[str, Any]) -> Entry:
    fields = {name: row[name] for name in Entry.__dataclass_fields__}
    for name in ("recorded_by", "changed_by"):
        fields[name] = signed(fields[name])
    return Entry(**fields)
