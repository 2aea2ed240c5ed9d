"""The charts of patients: made and corrected by the clinic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import losses
from domain.accounts.access import HeldRow
from domain.clinic.settings import ClinicSettings
from domain.desk import practitioners
from domain.errors import ChangedMeanwhile, Invalid, NotFound, PossibleDuplicates
from domain.people import birth_dates, health_numbers, names, phones, policy
from domain.people.tables import Patient
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import folded, read_id, read_number

PARTS = {"year": "naissance_annee", "month": "naissance_mois", "day": "naissance_jour"}
PHONES = ("telephone", "autre_telephone")
FIELDS = (
    "prenom",
    "nom",
    *PARTS.values(),
    "numero_sante",
    "telephone",
    "telephone_type",
    "autre_telephone",
    "autre_telephone_type",
    "intervenant",
)
GROUPS = (
    *(("prenom",), ("nom",), tuple(PARTS.values()), ("numero_sante",), ("intervenant",)),
    *((phone, f"{phone}_type") for phone in PHONES),
)
"""Fields that are changed together."""
CHANGES = ("patient.changed", "phones.changed", "primary_practitioner.changed")

MOST_SIMILAR = 10

Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Details:
    """Of a chart, as rows keep them."""

    first_name: str
    last_name: str
    birth_date: date
    health_number: str
    phone: str
    phone_kind: str
    other_phone: str
    other_phone_kind: str
    primary_practitioner: UUID | None

    @property
    def folded_name(self) -> str:
        return names.searched(self.first_name, self.last_name)

    def row(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"folded_name": self.folded_name}


@dataclass(frozen=True, slots=True)
class Similar:
    """A chart that may be of the same person."""

    id: UUID
    full_name: str
    birth_date: date
    health_number: str
    phone: str


async def create(
    member: Member, typed: Typed, *, key: str, in_spite_of_similar: bool = False, now: datetime
) -> UUID:
    """Sent twice, it is made once."""
    member.check(Right.PATIENTS)
    details = await _read(member, typed, now)
    made = uuid4()
    async with db.transaction():
        content = "|".join(typed.get(name, "") for name in FIELDS)
        first = await once.claim(member.id, "patient.create", key, content, result=made, now=now)
        if first != made:
            return first
        if not in_spite_of_similar and (similar := await _similar(details)):
            raise PossibleDuplicates(similar)
        await insert(member, made, details, now=now)
    return made


async def insert(member: Member, patient: UUID, details: Details, *, now: datetime) -> None:
    """In the caller's transaction."""
    await Patient.insert(
        Patient(id=patient, created_at=now, created_by=member.signature, **details.row())
    )
    await audit.record(member.actor, "patient.created", patient=patient, at=now)


async def edit(member: Member, patient: UUID, typed: Typed, *, version: str, now: datetime) -> None:
    """Only as long as nobody has changed it since the form was opened."""
    member.check(Right.PATIENTS)
    before = await _row(patient)
    details = await _read(member, typed, now, but=before["primary_practitioner"])
    columns: dict[Any, Any] = details.row()
    async with db.transaction():
        done = await (
            Patient.update({**columns, "version": Patient.version + 1})
            .where((Patient.id == patient) & (Patient.version == (read_number(version) or 0)))
            .returning(Patient.id)
        )
        if not done:
            raise await _changed(patient)
        await audit.record(member.actor, "patient.changed", patient=patient, at=now)
        if before["primary_practitioner"] != details.primary_practitioner:
            await audit.record(
                member.actor,
                "primary_practitioner.changed",
                patient=patient,
                subject=details.primary_practitioner,
                at=now,
            )
        if before["birth_date"] != details.birth_date:
            await _reopen(member, patient, before["birth_date"], now)
    if before["birth_date"] != details.birth_date:
        await losses.record_due(now=now)


def merged(typed: Typed, base: Typed, newer: Typed) -> dict[str, str]:
    """Of two who changed a chart, the one who comes later: what they changed of `base` stays
    as they typed it, the rest is as it was saved meanwhile. Pure."""
    kept = {
        name
        for group in GROUPS
        if any(typed[name] != base[name] for name in group)
        for name in group
    }
    return {name: (typed if name in kept else newer)[name] for name in FIELDS}


async def as_typed(patient: UUID) -> dict[str, str]:
    """A chart as the form shows it, and the version that it has."""
    row = await _row(patient)
    born: date = row["birth_date"]
    return {
        "prenom": row["first_name"],
        "nom": row["last_name"],
        "naissance_annee": str(born.year),
        "naissance_mois": f"{born.month:02}",
        "naissance_jour": f"{born.day:02}",
        "numero_sante": row["health_number"],
        "telephone": phones.as_typed(row["phone"]),
        "telephone_type": row["phone_kind"],
        "autre_telephone": phones.as_typed(row["other_phone"]),
        "autre_telephone_type": row["other_phone_kind"],
        "intervenant": str(row["primary_practitioner"] or ""),
        "version": str(row["version"]),
    }


async def _read(member: Member, typed: Typed, now: datetime, *, but: UUID | None = None) -> Details:
    clinic = member.clinic
    first_name, last_name = names.read(typed["prenom"]), names.read(typed["nom"])
    year, month, day = (typed[name] for name in PARTS.values())
    born, part, problem = birth_dates.read(year, month, day, clinic.today(now))
    number = health_numbers.read(names.read(typed["numero_sante"]), clinic.province)
    chosen = read_id(typed["intervenant"])
    problems = {
        **_of_name("prenom", first_name),
        **_of_name("nom", last_name),
        **({PARTS[part]: problem} if problem else {}),
        **({"numero_sante": "odd"} if typed["numero_sante"].strip() and not number else {}),
        **_of_phones(typed),
        **await _of_practitioner(member, typed["intervenant"], but),
    }
    if problems or born is None:
        raise Invalid(problems)
    return Details(
        first_name=first_name,
        last_name=last_name,
        birth_date=born,
        health_number=number or "",
        phone=phones.e164(typed["telephone"]) or "",
        phone_kind=typed["telephone_type"],
        other_phone=phones.e164(typed["autre_telephone"]) or "",
        other_phone_kind=typed["autre_telephone_type"],
        primary_practitioner=chosen,
    )


def _of_name(field: str, name: str) -> dict[str, str]:
    if not name:
        return {field: "missing"}
    return {field: "too_long"} if len(name) > names.LONGEST else {}


def _of_phones(typed: Typed) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in PHONES:
        found |= phones.problems(field, typed[field], typed[f"{field}_type"], is_required=False)
    return found


async def _of_practitioner(member: Member, chosen: str, but: UUID | None) -> dict[str, str]:
    if not chosen or read_id(chosen) == (but or 0):
        return {}
    is_offered = await practitioners.is_offered(member, read_id(chosen))
    return {} if is_offered else {"intervenant": "odd"}


async def _similar(details: Details) -> Sequence[Similar]:
    """The same health number; or the same birth date, with much the same name or a phone."""
    rows = await db.fetch(
        """
        SELECT id, first_name, last_name, birth_date, health_number, phone, other_phone
        FROM patient WHERE birth_date = {} OR (health_number = {} AND health_number <> '')
        ORDER BY folded_name, id
        """,
        details.birth_date,
        details.health_number,
    )
    rows = [row for row in rows if _is_similar(details, row)][:MOST_SIMILAR]
    return [
        Similar(
            row["id"],
            f"{row['first_name']} {row['last_name']}",
            row["birth_date"],
            row["health_number"],
            row["phone"],
        )
        for row in rows
    ]


def _is_similar(details: Details, row: Mapping[str, Any]) -> bool:
    if details.health_number and row["health_number"] == details.health_number:
        return True
    if row["birth_date"] != details.birth_date:
        return False
    known = {row["phone"], row["other_phone"]} - {""}
    if known & {details.phone, details.other_phone}:
        return True
    is_same_family = folded(row["last_name"]) == folded(details.last_name)
    return is_same_family and names.resemble(row["first_name"], details.first_name)


async def _reopen(member: Member, patient: UUID, born: date, now: datetime) -> None:
    """Who lost the profile by a birth date that was wrong has it again, and is told on the day."""
    rows = await db.fetch(
        """
        SELECT g.id, g.relationship, g.lost_at, p.birth_date, pc.id AS consent, pc.until
        FROM proxy_grant g JOIN patient p ON p.id = g.patient
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.patient = {} AND g.withdrawn_at IS NULL AND g.relationship <> 'self'
        """,
        patient,
    )
    for row in rows:
        was_lost = row["lost_at"] is not None or _is_lost(row, born, member.clinic, now)
        if was_lost and not _is_lost(row, row["birth_date"], member.clinic, now):
            await losses.reopen(member.actor, row["id"], patient, now=now)


def _is_lost(row: Mapping[str, Any], born: date, clinic: ClinicSettings, now: datetime) -> bool:
    return policy.is_lost(HeldRow(born, row), clinic, now)


async def _row(patient: UUID) -> dict[str, Any]:
    rows = await db.fetch("SELECT * FROM patient WHERE id = {}", patient)
    if not rows:
        raise NotFound
    return rows[0]


async def _changed(patient: UUID) -> ChangedMeanwhile:
    """By whom and when: a colleague, or nobody named where it was the patient's side."""
    rows = await db.fetch(
        f"""
        SELECT l.at, m.first_name, m.last_name FROM audit_line l
        LEFT JOIN staff_member m ON m.id = l.actor AND l.actor_kind = 'staff'
        WHERE l.patient = {{}} AND l.action IN ({db.places(CHANGES)}) AND l.outcome = 'done'
        ORDER BY l.id DESC LIMIT 1
        """,
        patient,
        *CHANGES,
    )
    if not rows:
        return ChangedMeanwhile()
    who = " ".join(name for name in (rows[0]["first_name"], rows[0]["last_name"]) if name)
    return ChangedMeanwhile(who, rows[0]["at"])
