"""A patient's visits, shaped for the screens and mails that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from domain import db
from domain.appointments import rules
from domain.appointments.rules import State
from domain.clinic.settings import ClinicSettings
from domain.errors import NotFound
from domain.people.policy import Grant
from domain.people.viewer import Viewer
from domain.texts import Named

PAGE = 20
MOST_UPCOMING_SHOWN = 50
NO_VISIT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    street: str
    city: str
    province: str
    postal_code: str
    phone: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment with all that is shown of it, and what may be done with it now."""

    id: UUID
    slot: UUID
    patient: UUID
    patient_name: str
    version: int
    starts_at: datetime
    ends_at: datetime
    minutes: int
    practitioner: str
    specialty: Named
    visit_type: Named
    message: Named
    is_urgent: bool
    is_virtual: bool
    room_url: str
    place: Place
    reason: str
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    state: State
    may_confirm: bool
    may_cancel: bool
    cancel_deadline: datetime
    confirm_opens_at: datetime
    no_show_at: datetime | None = None
    booked_by_clinic: bool = False
    cancelled_by_clinic: bool = False
    clinic_note: str = ""
    """What the clinic said when it cancelled or moved it."""
    may_say_cannot_come: bool = False
    said_cannot_come: bool = False
    """The clinic knows, and has not cancelled it yet."""


@dataclass(frozen=True, slots=True)
class History:
    visits: Sequence[Visit]
    older: UUID | None
    """Ask again with this, the last of them, to see those before."""
    is_first: bool
    """Whether these are the most recent ones."""


@dataclass(frozen=True, slots=True)
class _Times:
    starts_at: datetime
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    no_show_at: datetime | None


_SHOWN = """
    pr.title || ' ' || pr.first_name || ' ' || pr.last_name AS practitioner, pr.room_url,
    sp.name_fr AS specialty_fr, sp.name_en AS specialty_en,
    vt.name_fr AS type_fr, vt.name_en AS type_en, vt.message_fr, vt.message_en,
    vt.is_urgent, vt.is_virtual, vt.minutes AS type_minutes,
    si.name AS site_name, si.street, si.city, si.province, si.postal_code, si.phone
"""
_VISITS = f"""
    SELECT ap.id, ap.slot, ap.version, ap.patient, ap.practitioner AS practitioner_id,
           ap.site AS site_id, ap.visit_type AS type_id, pa.phone AS patient_phone,
           pa.first_name || ' ' || pa.last_name AS patient_name, ap.starts_at, ap.ends_at,
           ap.reason, ap.confirmed_at, ap.cancelled_at, ap.no_show_at, ap.clinic_note,
           ap.booked_by_staff IS NOT NULL AS booked_by_clinic,
           ap.cancelled_by_staff IS NOT NULL AS cancelled_by_clinic,
           (SELECT cr.asked_at FROM clinic_request cr
            WHERE cr.patient = ap.patient AND cr.subject = ap.id AND cr.kind = 'cannot_come'
            ORDER BY cr.asked_at DESC LIMIT 1) AS cannot_come_at, {_SHOWN}
    FROM appointment ap
    JOIN patient pa ON pa.id = ap.patient
    JOIN practitioner pr ON pr.id = ap.practitioner
    JOIN specialty sp ON sp.id = pr.specialty
    JOIN visit_type vt ON vt.id = ap.visit_type
    JOIN site si ON si.id = ap.site
"""


class AtClinic(Protocol):
    """A viewer, or a member of the staff."""

    @property
    def clinic(self) -> ClinicSettings: ...


async def upcoming(viewer: AtClinic, patients: Sequence[UUID], *, now: datetime) -> list[Visit]:
    """The coming visits of these profiles, cancelled ones too until their date."""
    if not patients:
        return []
    marks = ", ".join("{}" for _ in patients)
    rows = await db.fetch(
        f"""{_VISITS} WHERE ap.patient IN ({marks}) AND ap.ends_at > {{}}
        ORDER BY ap.starts_at LIMIT {{}}""",
        *patients,
        now,
        MOST_UPCOMING_SHOWN,
    )
    return [_visit(row, viewer.clinic, now) for row in rows]


def standing_first(visits: Sequence[Visit]) -> list[Visit]:
    """As a list that is cut shows them: what was cancelled takes nobody's place."""
    return sorted(visits, key=lambda visit: visit.state == "cancelled")


async def history(
    viewer: AtClinic, patient: UUID, *, before: UUID | None = None, now: datetime
) -> History:
    """Those before the visit that a page ended with; the first ones, where it is not a past visit
    of this patient."""
    edge = await _place_of(before, patient, now) if before else None
    starts_at, last = edge or (now, NO_VISIT)
    rows = await db.fetch(
        f"""{_VISITS} WHERE ap.patient = {{}} AND ap.ends_at <= {{}}
        AND (ap.starts_at, ap.id) < ({{}}, {{}})
        ORDER BY ap.starts_at DESC, ap.id DESC LIMIT {{}}""",
        patient,
        now,
        starts_at,
        last,
        PAGE + 1,
    )
    visits = [_visit(row, viewer.clinic, now) for row in rows[:PAGE]]
    return History(visits, visits[-1].id if len(rows) > PAGE else None, is_first=edge is None)


async def _place_of(visit: UUID, patient: UUID, now: datetime) -> tuple[datetime, UUID] | None:
    rows = await db.fetch(
        "SELECT starts_at, id FROM appointment WHERE id = {} AND patient = {} AND ends_at <= {}",
        visit,
        patient,
        now,
    )
    return (rows[0]["starts_at"], rows[0]["id"]) if rows else None


async def visit(viewer: Viewer, appointment: UUID, *, now: datetime) -> Visit:
    """One visit of a profile this viewer may act for; else it does not exist."""
    rows = await db.fetch(f"{_VISITS} WHERE ap.id = {{}}", appointment)
    if not rows:
        raise NotFound
    viewer.acting_for(rows[0]["patient"], Grant.BOOK, now)
    return _visit(rows[0], viewer.clinic, now)


@dataclass(frozen=True, slots=True)
class ClinicsVisit:
    """A visit as the clinic itself sees it. Who of the staff may is for the caller to decide."""

    visit: Visit
    practitioner: UUID
    site: UUID
    visit_type: UUID
    phone: str
    """The patient's."""


async def clinics_visit(
    clinic: ClinicSettings, appointment: UUID, *, now: datetime
) -> ClinicsVisit:
    rows = await db.fetch(f"{_VISITS} WHERE ap.id = {{}}", appointment)
    if not rows:
        raise NotFound
    return _clinics_visit(rows[0], clinic, now)


async def clinics_visits(
    clinic: ClinicSettings,
    begin: datetime,
    end: datetime | None,
    *,
    practitioners: Sequence[UUID] | None = None,
    site: UUID | None = None,
    among: Sequence[UUID] | None = None,
    is_unconfirmed: bool = False,
    most: int | None = None,
    now: datetime,
) -> list[ClinicsVisit]:
    """Those that start between two moments, or after one."""
    conditions: list[str] = ["ap.starts_at >= {}"]
    values: list[object] = [begin]
    if end is not None:
        conditions.append("ap.starts_at < {}")
        values.append(end)
    sites = None if site is None else [site]
    for column, few in (("id", among), ("practitioner", practitioners), ("site", sites)):
        if few is not None:
            conditions.append(f"ap.{column} IN ({db.places(few)})")
            values += few
    if is_unconfirmed:
        conditions.append("ap.confirmed_at IS NULL AND ap.cancelled_at IS NULL")
    which = " AND ".join(conditions)
    if most is not None:  # before all that is shown of them is looked up
        which = f"""ap.id IN (SELECT ap.id FROM appointment ap WHERE {which}
            ORDER BY ap.starts_at, ap.id LIMIT {{}})"""
        values.append(most)
    rows = await db.fetch(f"{_VISITS} WHERE {which} ORDER BY ap.starts_at, ap.id", *values)
    return [_clinics_visit(row, clinic, now) for row in rows]


def _clinics_visit(row: dict[str, Any], clinic: ClinicSettings, now: datetime) -> ClinicsVisit:
    return ClinicsVisit(
        visit=_visit(row, clinic, now),
        practitioner=row["practitioner_id"],
        site=row["site_id"],
        visit_type=row["type_id"],
        phone=row["patient_phone"],
    )


async def visit_of(viewer: Viewer, patient: UUID, appointment: UUID, *, now: datetime) -> Visit:
    viewer.acting_for(patient, Grant.BOOK, now)
    found = await visit(viewer, appointment, now=now)
    if found.patient != patient:
        raise NotFound
    return found


async def is_busy(
    patient: UUID, starts_at: datetime, ends_at: datetime, *, other_than: UUID
) -> bool:
    rows = await db.fetch(
        """
        SELECT id FROM appointment WHERE patient = {} AND cancelled_at IS NULL
          AND starts_at < {} AND ends_at > {} AND id <> {}
        """,
        patient,
        ends_at,
        starts_at,
        other_than,
    )
    return bool(rows)


async def overlapping(
    clinic: ClinicSettings, proposed: Visit, *, other_than: UUID = NO_VISIT, now: datetime
) -> Visit | None:
    """The same patient's other visit at that time."""
    rows = await db.fetch(
        f"""{_VISITS} WHERE ap.patient = {{}} AND ap.cancelled_at IS NULL
        AND ap.starts_at < {{}} AND ap.ends_at > {{}} AND ap.id <> {{}} ORDER BY ap.starts_at""",
        proposed.patient,
        proposed.ends_at,
        proposed.starts_at,
        other_than,
    )
    return _visit(rows[0], clinic, now) if rows else None


class Person(Protocol):
    """A patient, to whoever acts for them."""

    @property
    def id(self) -> UUID: ...
    @property
    def full_name(self) -> str: ...


async def proposed(
    clinic: ClinicSettings,
    patient: Person,
    visit_type: UUID | None,
    slot: UUID,
    *,
    reason: str = "",
    now: datetime,
) -> Visit:
    """The visit that booking this slot would make."""
    rows = await db.fetch(
        f"""
        SELECT sl.starts_at, {_SHOWN}
        FROM slot sl
        JOIN practitioner pr ON pr.id = sl.practitioner
        JOIN specialty sp ON sp.id = pr.specialty
        JOIN site si ON si.id = sl.site
        JOIN visit_type vt ON vt.id = {{}}
        WHERE sl.id = {{}}
        """,
        visit_type,
        slot,
    )
    if not rows:
        raise NotFound
    row = rows[0]
    facts = {
        "id": uuid4(),
        "slot": slot,
        "patient": patient.id,
        "patient_name": patient.full_name,
        "version": 0,
        "ends_at": row["starts_at"] + timedelta(minutes=row["type_minutes"]),
        "reason": reason,
        **dict.fromkeys(("confirmed_at", "cancelled_at", "no_show_at", "cannot_come_at")),
        "booked_by_clinic": False,
        "cancelled_by_clinic": False,
        "clinic_note": "",
    }
    return _visit({**row, **facts}, clinic, now)


PLACE_COLUMNS = ("site_name", "street", "city", "province", "postal_code", "phone")


def _visit(row: dict[str, Any], clinic: ClinicSettings, now: datetime) -> Visit:
    said_at = row["cannot_come_at"]
    times = _Times(row["starts_at"], row["confirmed_at"], row["cancelled_at"], row["no_show_at"])
    return Visit(
        id=row["id"],
        slot=row["slot"],
        patient=row["patient"],
        patient_name=row["patient_name"],
        version=row["version"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        minutes=(row["ends_at"] - row["starts_at"]) // timedelta(minutes=1),
        practitioner=row["practitioner"],
        specialty=Named(row["specialty_fr"], row["specialty_en"]),
        visit_type=Named(row["type_fr"], row["type_en"]),
        message=Named(row["message_fr"], row["message_en"]),
        is_urgent=bool(row["is_urgent"]),
        is_virtual=bool(row["is_virtual"]),
        room_url=row["room_url"] if row["is_virtual"] else "",
        place=Place(*(row[name] for name in PLACE_COLUMNS)),
        reason=row["reason"],
        confirmed_at=row["confirmed_at"],
        cancelled_at=row["cancelled_at"],
        state=rules.state(times),
        may_confirm=rules.may_confirm(times, clinic, now),
        may_cancel=rules.may_cancel(times, clinic, now),
        cancel_deadline=rules.cancel_deadline(times, clinic),
        confirm_opens_at=rules.confirm_opens_at(times, clinic),
        may_say_cannot_come=rules.may_say_cannot_come(times, said_at, clinic, now),
        said_cannot_come=rules.said_cannot_come(times, said_at, clinic),
        no_show_at=row["no_show_at"],
        booked_by_clinic=bool(row["booked_by_clinic"]),
        cancelled_by_clinic=bool(row["cancelled_by_clinic"]),
        clinic_note=row["clinic_note"],
    )
