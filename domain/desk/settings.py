"""What the clinic decides of its portal: each setting with its limits, and who changed it.

The age of consent has a module of its own: it opens and closes access.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import addresses
from domain.clinic import publishing, readiness
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.clinic.tables import Clinic, SettingChange
from domain.errors import ChangedMeanwhile, Invalid, NotFound
from domain.people import phones
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import one_line, read_id

PAGE = 50
MOST = 2**31
END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, and the column that keeps it."""

    column: str
    least: int | None = None
    most: int | None = None
    """Of a number, its value; of a text, its length."""
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    column: str


@dataclass(frozen=True, slots=True)
class Among:
    """One of the names that a column lists."""

    column: str
    name: str


Part = Mapping[str, Field | Switch | Among]
PARTS: dict[str, Part] = {
    "coordonnees": {
        "nom": Field("name", most=120),
        "telephone": Field("phone", most=20),
        "courriel": Field("email", most=254),
        "adresse": Field("address", most=200),
    },
    "rendez-vous": {
        "confirmation": Field("confirm_window_hours", 1, 336),
        "annulation": Field("cancel_limit_hours", 0, 336),
        "preavis": Field("notice_minutes", 0, 10_080),
        "horizon": Field("horizon_weeks", 1, 52),
        "maximum": Field("most_upcoming", 1, 50),
        "reservation": Field("hold_minutes", 1, 30),
    },
    "sections": {
        "prise": Switch("has_booking"),
        "urgence": Switch("has_urgent_booking"),
        "documents": Switch("has_documents"),
        "factures": Switch("has_invoices"),
        "reponses": Switch("has_replies"),
        "nouveaux": Switch("has_new_messages"),
    },
    "courriels": {
        "expediteur": Field("mail_sender_name", most=120),
        "delai": Field("answer_days", 0, 30),
        "details": Switch("mail_shows_details"),
    },
    "comptes": {
        "exige_nom": Among("required_fields", "name"),
        "exige_telephone": Among("required_fields", "phone"),
        "exige_autre_telephone": Among("required_fields", "other_phone"),
        "exige_numero": Among("required_fields", "health_number"),
        "invitation": Field("invitation_days", 1, 30),
        "conservation": Field("retention_years", 1, 99),
    },
    "sessions": {
        "patients": Field("idle_minutes", 5, 60),
        "personnel": Field("staff_idle_minutes", 5, 30),
    },
}
"""By the names of the forms. §11 of what the portal does, less the age of consent."""
ON = "oui"


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    before: str
    after: str
    note: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Changes:
    lines: list[Change]
    older: str
    """Ask again with this to see those before; empty at the end."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Of one moment: what a form shows, and the version that it will be compared with."""

    clinic: ClinicSettings
    version: int
    own_age: int | None
    """The age of consent that the clinic set itself."""


async def saved() -> Saved:
    rows = await db.fetch("SELECT * FROM clinic")
    if not rows:
        raise NotFound
    row = rows[0]
    return Saved(ClinicSettings.from_row(row), row["version"], row["consent_age"])


def typed(part: str, clinic: ClinicSettings) -> dict[str, str]:
    """A part as its form shows what is saved."""
    if part not in PARTS:
        raise NotFound
    return {name: _shown(field, clinic) for name, field in PARTS[part].items()}


def _shown(field: Field | Switch | Among, clinic: ClinicSettings) -> str:
    value = getattr(clinic, field.column)
    if isinstance(field, Among):
        return ON if field.name in value.split(",") else ""
    if isinstance(field, Switch):
        return ON if value else ""
    return str(value)


async def save(
    member: Member, part: str, form: Mapping[str, str], *, version: int, now: datetime
) -> ClinicSettings:
    """Save a part; sent twice, it is saved once. What follows from it happens at once."""
    member.check(Right.SETTINGS)
    if part not in PARTS:
        raise NotFound
    values = _read(PARTS[part], form)
    changed = await write(member, values, version=version, now=now)
    if "horizon_weeks" in changed:
        await publishing.publish(now=now)
    return await current_settings()


async def write(
    member: Member, values: Mapping[str, Any], *, version: int, note: str = "", now: datetime
) -> set[str]:
    """The columns that changed. A clinic that could not open after it is not saved."""
    async with db.transaction():
        row = (await db.fetch("SELECT * FROM clinic"))[0]
        await db.lock_row(Clinic, row["id"])
        row = (await db.fetch("SELECT * FROM clinic"))[0]
        new = {name: value for name, value in values.items() if row[name] != value}
        if not new:
            return set()
        if row["version"] != version:
            raise await _changed_meanwhile()
        check_ready(ClinicSettings.from_row({**row, **new}))
        saved: dict[Any, Any] = {**new, "version": version + 1}
        await Clinic.update(saved).where(Clinic.id == row["id"])
        for name, value in new.items():
            await _record(member, name, (row[name], value), note=note, now=now)
    return set(new)


def check_ready(clinic: ClinicSettings) -> None:
    if readiness.missing_in(clinic):
        raise Invalid({"": "not_ready"})


async def _record(
    member: Member, name: str, values: tuple[object, object], *, note: str, now: datetime
) -> None:
    change = SettingChange(
        id=uuid4(),
        name=name,
        before=_text(values[0]),
        after=_text(values[1]),
        note=note,
        changed_at=now,
        changed_by=member.signature,
    )
    await SettingChange.insert(change)
    await audit.record(member.actor, f"setting.{name}", subject=change.id, at=now)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return ON if value else "non"
    return "" if value is None else str(value)[:300]


async def _changed_meanwhile() -> ChangedMeanwhile:
    rows = await db.fetch(
        "SELECT changed_at, changed_by FROM setting_change ORDER BY changed_at DESC LIMIT 1"
    )
    if not rows:
        return ChangedMeanwhile()
    return ChangedMeanwhile(signed(rows[0]["changed_by"]), rows[0]["changed_at"])


def signed(signature: str) -> str:
    """The name alone, of what `Member.signature` keeps."""
    return signature.rpartition(" (")[0] or signature


def _read(part: Part, form: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, field in part.items():
        typed = one_line(form.get(name, ""))
        if isinstance(field, Among):
            lists.setdefault(field.column, []).extend([field.name] if typed == ON else [])
        elif isinstance(field, Switch):
            values[field.column] = typed == ON
        elif field.least is None:
            values[field.column], problem = _read_text(field, typed)
            problems |= {name: problem} if problem else {}
        else:
            values[field.column], problem = read_number(typed, field.least, field.most or MOST)
            problems |= {name: problem} if problem else {}
    if problems:
        raise Invalid(problems)
    return values | {column: ",".join(names) for column, names in lists.items()}


def _read_text(field: Field, typed: str) -> tuple[str, str]:
    if not typed:
        return "", "" if field.is_optional else "missing"
    if len(typed) > (field.most or MOST):
        return typed, "too_long"
    if field.column == "phone":
        number = phones.e164(typed)
        return number or "", "" if number else "odd"
    is_odd = field.column == "email" and not addresses.sendable(typed)
    return typed, "odd" if is_odd else ""


def read_number(typed: str, least: int, most: int) -> tuple[int, str]:
    if not typed:
        return 0, "missing"
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        return 0, "odd"
    number = int(typed)
    return number, "" if least <= number <= most else "out_of_range"


async def changes(member: Member, *, before: str = "") -> Changes:
    """« Historique », the newest first."""
    member.check(Right.SETTINGS)
    start = await _place(before)
    rows = await db.fetch(
        """
        SELECT id, name, before, after, note, changed_at, changed_by FROM setting_change
        WHERE changed_at < {} OR (changed_at = {} AND id < {})
        ORDER BY changed_at DESC, id DESC LIMIT {}
        """,
        start["changed_at"],
        start["changed_at"],
        start["id"],
        PAGE + 1,
    )
    lines = [
        Change(
            row["name"],
            row["before"],
            row["after"],
            row["note"],
            row["changed_at"],
            signed(row["changed_by"]),
        )
        for row in rows[:PAGE]
    ]
    return Changes(lines, str(rows[PAGE - 1]["id"]) if len(rows) > PAGE else "")


async def _place(before: str) -> dict[str, Any]:
    """A cursor that was altered begins at the top."""
    rows = await db.fetch(
        "SELECT id, changed_at FROM setting_change WHERE id = {}", read_id(before) or UUID(int=0)
    )
    return rows[0] if rows else {"id": UUID(int=0), "changed_at": END}
