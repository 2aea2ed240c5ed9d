"""What the clinic offers: its sites, specialties, practitioners, visit types and teams.

Nothing of it is deleted: what is offered no more keeps its name where it is referred to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from piccolo.table import Table

from domain import audit, db
from domain.clinic import publishing
from domain.clinic.readiness import PROVINCES
from domain.clinic.tables import Practitioner, Site, Specialty, Team, VisitType
from domain.desk import needs
from domain.desk.settings import ON, read_number
from domain.errors import ChangedMeanwhile, Conflict, Invalid, NotFound, StillInUse
from domain.people import names, phones
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named, one_line, read, read_id

FieldKind = Literal[
    "text", "name", "english", "long", "minutes", "switch", "phone", "province", "specialty", "url"
]
SHORTEST_VISIT, LONGEST_VISIT = 5, 240
LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Field:
    column: str
    kind: FieldKind = "text"
    most: int = 80
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the lists, by the word of its address."""

    table: type[Table]
    fields: Mapping[str, Field]
    """By the names of its form."""
    has_order: bool = True

    @property
    def name(self) -> str:
        return str(self.table._meta.tablename)


_NAMES = {
    "nom": Field("name_fr", "name"),
    "nom_anglais": Field("name_en", "english", is_optional=True),
}
KINDS: dict[str, Kind] = {
    "lieux": Kind(
        Site,
        {
            "nom": Field("name", "name", 120),
            "rue": Field("street", most=160),
            "ville": Field("city"),
            "province": Field("province", "province"),
            "code_postal": Field("postal_code", most=10),
            "telephone": Field("phone", "phone"),
        },
    ),
    "specialites": Kind(Specialty, _NAMES),
    "intervenants": Kind(
        Practitioner,
        {
            "titre": Field("title", most=10, is_optional=True),
            "prenom": Field("first_name", "name"),
            "nom": Field("last_name", "name"),
            "specialite": Field("specialty", "specialty"),
            "salle": Field("room_url", "url", 300, is_optional=True),
        },
        has_order=False,
    ),
    "types": Kind(
        VisitType,
        {
            **_NAMES,
            "duree": Field("minutes", "minutes"),
            "urgent": Field("is_urgent", "switch"),
            "virtuel": Field("is_virtual", "switch"),
            "message": Field("message_fr", "long", LONGEST_MESSAGE, is_optional=True),
            "message_anglais": Field("message_en", "english", LONGEST_MESSAGE, is_optional=True),
        },
    ),
    "equipes": Kind(Team, {**_NAMES, "recoit": Field("takes_messages", "switch")}),
}
FRENCH_OF = {"name_en": "name_fr", "message_en": "message_fr"}
"""Without a text of its own, the English one is a copy of this, and follows it."""


@dataclass(frozen=True, slots=True)
class Offered:
    id: UUID
    version: int
    name: Named
    ended_at: datetime | None
    values: Mapping[str, Any]
    """By column."""
    unfitting: int = 0
    """Lines of templates whose slots are shorter than this type of visit."""


def kind_of(word: str) -> Kind:
    if word not in KINDS:
        raise NotFound
    return KINDS[word]


async def listed(member: Member, word: str) -> list[Offered]:
    """Those still offered in the patients' order, then those that are no more."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    rows = await kind.table.select()
    unfitting = await needs.unfitting() if word == "types" else {}
    found = [_offered(row, unfitting.get(row["id"], 0)) for row in rows]
    return sorted(found, key=_place)


def _place(thing: Offered) -> tuple[Any, ...]:
    values = thing.values
    by_name = values.get("last_name", thing.name.fr), thing.name.fr
    return thing.ended_at is not None, values.get("position", 0), *by_name


async def one(member: Member, word: str, id: UUID) -> Offered:
    member.check(Right.SETTINGS)
    return _offered(await _row(kind_of(word), id))


async def _row(kind: Kind, id: UUID) -> dict[str, Any]:
    rows = await kind.table.select().where(kind.table._meta.primary_key == id)
    if not rows:
        raise NotFound
    return rows[0]


def _offered(row: dict[str, Any], unfitting: int = 0) -> Offered:
    name = row.get("name") or row.get("name_fr")
    if name is None:
        name = f"{row['title']} {row['first_name']} {row['last_name']}".strip()
    named = Named(name, row.get("name_en") or name)
    return Offered(row["id"], row["version"], named, row["ended_at"], row, unfitting)


def typed(word: str, thing: Offered | None) -> dict[str, str]:
    """As the form shows what is saved; English that only follows the French is left empty."""
    kind = kind_of(word)
    if thing is None:
        return dict.fromkeys(kind.fields, "") | ({"recoit": ON} if word == "equipes" else {})
    return {name: _shown(field, thing.values) for name, field in kind.fields.items()}


def _shown(field: Field, values: Mapping[str, Any]) -> str:
    value = values[field.column]
    if field.kind == "switch":
        return ON if value else ""
    if field.kind == "english" and value == values[FRENCH_OF[field.column]]:
        return ""
    return str(value)


async def add(
    member: Member, word: str, form: Mapping[str, str], *, key: str, now: datetime
) -> UUID:
    """At the end of its list; the same form twice adds it once."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    async with db.transaction():
        values = await _read(kind, form)
        id, content = uuid4(), repr(sorted(values.items(), key=str))
        made = await once.claim(member.id, f"{kind.name}.added", key, content, result=id, now=now)
        if made != id:
            return made
        if kind.has_order:
            values["position"] = await _last_position(kind) + 1
        await kind.table.insert(kind.table(id=id, **values))
        await audit.record(member.actor, f"{kind.name}.added", subject=id, at=now)
    return id


async def save(
    member: Member,
    word: str,
    id: UUID,
    form: Mapping[str, str],
    *,
    version: int,
    now: datetime,
) -> None:
    """Visits that are booked keep their time and their length, whatever is changed here."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    async with db.transaction():
        saved = await _row(kind, id)
        values = await _read(kind, form, saved)
        if all(saved[name] == value for name, value in values.items()):
            return
        await _write(member, kind, id, values, what="changed", version=version, now=now)


async def _write(
    member: Member,
    kind: Kind,
    id: UUID,
    values: Mapping[str, Any],
    *,
    what: str,
    version: int,
    now: datetime,
) -> None:
    key, at = kind.table._meta.primary_key, kind.table._meta.get_column_by_name("version")
    saved: dict[Any, Any] = {**values, "version": version + 1}
    changed = await (
        kind.table.update(saved, force=True).where((key == id) & (at == version)).returning(key)
    )
    if not changed:
        raise await _changed_meanwhile(kind, id, now)
    await audit.record(member.actor, f"{kind.name}.{what}", subject=id, at=now)


async def _changed_meanwhile(kind: Kind, id: UUID, now: datetime) -> ChangedMeanwhile:
    """By whom and when the journal knows, which is read backwards, a day at most: it is long, and
    nobody's form stays open for longer."""
    rows = await db.fetch(
        """
        SELECT l.at, m.first_name || ' ' || m.last_name AS name
        FROM audit_line l LEFT JOIN staff_member m ON m.id = l.actor
        WHERE l.at > {} AND l.subject = {} AND l.action IN ({}, {}, {})
        ORDER BY l.at DESC LIMIT 1
        """,
        now - timedelta(days=1),
        id,
        f"{kind.name}.changed",
        f"{kind.name}.ended",
        f"{kind.name}.resumed",
    )
    return ChangedMeanwhile(rows[0]["name"] or "", rows[0]["at"]) if rows else ChangedMeanwhile()


async def move(member: Member, word: str, id: UUID, *, up: bool, now: datetime) -> None:
    """One place up or down in its list."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    if not kind.has_order:
        raise NotFound
    async with db.transaction():
        await db.lock_key(f"order of {kind.name}")
        order = [thing.id for thing in await listed(member, word) if thing.ended_at is None]
        if id not in order:
            raise NotFound
        place = order.index(id)
        other = max(0, place - 1) if up else min(len(order) - 1, place + 1)
        if other == place:
            return
        order[place], order[other] = order[other], order[place]
        key = kind.table._meta.primary_key
        for each in sorted(order):  # in the order in which others lock them
            position = order.index(each)
            await kind.table.update({"position": position}, force=True).where(key == each)
        await audit.record(member.actor, f"{kind.name}.moved", subject=id, at=now)


async def end(member: Member, word: str, id: UUID, *, version: int, now: datetime) -> None:
    """« Ne plus proposer »; refused while something still needs it."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    if (await _row(kind, id))["ended_at"] is not None:
        return
    async with db.transaction():
        await db.lock_key(f"end of {kind.name}")  # of two types, one must be left to a schedule
        # As who changes hours: first the practitioner, then the place.
        whose = await needs.slots_at(id, now=now) if word == "lieux" else []
        for each in whose:
            await publishing.lock(each)
        await db.lock_row(kind.table, id)
        values = {"ended_at": now, "ended_by": member.signature}
        await _write(member, kind, id, values, what="ended", version=version, now=now)
        if word == "intervenants":
            await _end_schedules(member, id, now)
            whose = [id]
        for each in whose:  # before the last look: nobody books in what was free any more
            await publishing.publish_for(each, member.clinic, by=member.signature, now=now)
        still = await needs.of(kind.name, id, now=now)
        if still.number:
            raise StillInUse(still.number)


async def _end_schedules(member: Member, practitioner: UUID, now: datetime) -> None:
    await db.fetch(
        "UPDATE schedule SET ended_at = {}, ended_by = {}"
        " WHERE practitioner = {} AND ended_at IS NULL",
        now,
        member.signature,
        practitioner,
    )


async def offer_again(member: Member, word: str, id: UUID, *, version: int, now: datetime) -> None:
    """A practitioner's hours are set anew in the calendar: those of before are not taken up."""
    member.check(Right.SETTINGS)
    kind = kind_of(word)
    async with db.transaction():
        row = await _row(kind, id)
        if row["ended_at"] is None:
            return
        if word == "intervenants" and await needs.is_ended_specialty(row["specialty"]):
            raise Conflict
        values = {"ended_at": None, "ended_by": ""}
        await _write(member, kind, id, values, what="resumed", version=version, now=now)


async def _last_position(kind: Kind) -> int:
    rows = await db.fetch(f"SELECT coalesce(max(position), -1) AS last FROM {kind.name}")
    return int(rows[0]["last"])


async def _read(
    kind: Kind, form: Mapping[str, str], saved: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, field in kind.fields.items():
        value, problem = await _value(field, form.get(name, ""), saved)
        values[field.column] = value
        if problem:
            problems[name] = problem
    if problems:
        raise Invalid(problems)
    for english, french in FRENCH_OF.items():
        if english in values:
            values[english] = values[english] or values[french]
    return values


async def _value(field: Field, raw: str, saved: Mapping[str, Any] | None) -> tuple[Any, str]:
    if field.kind == "switch":
        return raw == ON, ""
    if field.kind == "specialty":
        return await _specialty(raw, saved)
    typed = read(raw) if field.kind == "long" or field.column == "message_en" else _line(field, raw)
    if not typed:
        return "", "" if field.is_optional else "missing"
    if field.kind == "minutes":
        return read_number(typed, SHORTEST_VISIT, LONGEST_VISIT)
    if len(typed) > field.most:
        return typed, "too_long"
    return _checked(field, typed)


def _line(field: Field, raw: str) -> str:
    return names.read(raw) if field.kind in ("name", "english") else one_line(raw)


def _checked(field: Field, typed: str) -> tuple[str, str]:
    if field.kind == "phone":
        number = phones.e164(typed)
        return number or "", "" if number else "odd"
    if field.kind == "province":
        return typed, "" if typed in PROVINCES else "odd"
    if field.kind == "url":
        return typed, "" if _is_https(typed) else "odd"
    return typed, ""


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


async def _specialty(raw: str, saved: Mapping[str, Any] | None) -> tuple[UUID | None, str]:
    """One that is offered, or the one this practitioner has."""
    id = read_id(raw)
    if id is None:
        return None, "missing"
    if saved is not None and saved["specialty"] == id:
        return id, ""
    return id, "odd" if await needs.is_ended_specialty(id) else ""
