"""Who a patient is, as the clinic holds it, and how to reach them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import audit, db
from domain.clinic.settings import ClinicSettings
from domain.errors import Invalid
from domain.people import phones
from domain.people.tables import Patient
from domain.people.viewer import Viewer

SHOWN_END = 4


@dataclass(frozen=True, slots=True)
class Phones:
    phone: str
    phone_kind: str
    other_phone: str
    other_phone_kind: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What only the person themself is shown."""

    health_number: str
    """All but its end is hidden."""
    practitioner: str
    phones: Phones


async def own_identity(viewer: Viewer, patient: UUID, *, now: datetime) -> Identity:
    profile = viewer.own(patient, now)
    (row,) = await db.fetch(
        """
        SELECT p.health_number, p.phone, p.phone_kind, p.other_phone, p.other_phone_kind,
               pr.title, pr.first_name, pr.last_name
        FROM patient p LEFT JOIN practitioner pr ON pr.id = p.primary_practitioner
        WHERE p.id = {}
        """,
        profile.id,
    )
    names = (row["title"], row["first_name"], row["last_name"])
    return Identity(
        health_number=masked(row["health_number"]),
        practitioner=" ".join(name for name in names if name),
        phones=Phones(row["phone"], row["phone_kind"], row["other_phone"], row["other_phone_kind"]),
    )


def masked(number: str) -> str:
    """Its last four figures or letters; a short one is hidden whole."""
    plain = "".join(number.split())
    if len(plain) <= SHOWN_END:
        return "•" * len(plain)
    return "•" * (len(plain) - SHOWN_END) + plain[-SHOWN_END:]


async def change_phones(viewer: Viewer, patient: UUID, typed: Phones, *, now: datetime) -> None:
    """One's own; the clinic's records of others are changed by the clinic."""
    profile = viewer.own(patient, now)
    checked = _checked(typed, viewer.clinic)
    async with db.transaction():
        await Patient.update(
            {
                Patient.phone: checked.phone,
                Patient.phone_kind: checked.phone_kind,
                Patient.other_phone: checked.other_phone,
                Patient.other_phone_kind: checked.other_phone_kind,
                Patient.version: Patient.version + 1,  # the clinic may be changing them too
            }
        ).where(Patient.id == profile.id)
        await audit.record(viewer.actor, "phones.changed", patient=patient, at=now)


def _checked(typed: Phones, clinic: ClinicSettings) -> Phones:
    problems = {
        **phones.problems(
            "telephone", typed.phone, typed.phone_kind, is_required=clinic.requires("phone")
        ),
        **phones.problems(
            "autre_telephone",
            typed.other_phone,
            typed.other_phone_kind,
            is_required=clinic.requires("other_phone"),
        ),
    }
    if problems:
        raise Invalid(problems)
    return Phones(
        phones.e164(typed.phone) or "",
        typed.phone_kind,
        phones.e164(typed.other_phone) or "",
        typed.other_phone_kind,
    )
