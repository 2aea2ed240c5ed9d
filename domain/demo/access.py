"""What the demonstration's staff find waiting: a girl about to come of age, requests, a block."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.accounts.addresses import canonical
from domain.accounts.passwords import Passwords
from domain.accounts.tables import ClinicRequest, TermsAcceptance
from domain.demo.clinic import DemoClinic
from domain.demo.data.people import CAMILLE, CROWD, PASSWORD
from domain.demo.people import DemoPeople, health_number
from domain.demo.rows import insert
from domain.people.policy import Grant
from domain.people.tables import AccessBlock, Account, Patient, ProxyGrant

FATHER = "arsenault.luc@example.com"
DAYS_LEFT = 18
GRANTED = timedelta(days=500)
EARLIEST, LATEST = timedelta(hours=2), timedelta(hours=46)
"""In which a visit can be cancelled by the clinic alone."""

ATTACH = (
    "Bonjour, je voudrais m’occuper des rendez-vous de ma mère, Denise Roy, née le 4 mars 1961."
    " Elle est d’accord et peut vous le confirmer par téléphone."
)
CORRECT = "Notre téléphone a changé : 438 555-0187. Le dossier de Zoé a encore l’ancien."
CANNOT_COME = "Je suis retenu au travail. Pouvez-vous me proposer une autre date ?"
BLOCK = (
    "Ordonnance du tribunal remise à l’accueil : aucun accès d’un parent au dossier jusqu’à"
    " nouvel ordre. Original au dossier papier."
)


async def hashed(passwords: Passwords) -> dict[str, str]:
    return {FATHER: await passwords.hash(PASSWORD)}


async def create(clinic: DemoClinic, people: DemoPeople, password: str, *, now: datetime) -> None:
    luc, zoe, noah = (_of(people, name) for name in ("Luc Arsenault", "Zoé Arsenault", "Noah Tran"))
    await _is_nearly_of_age(zoe, clinic, now)
    father = await _account(luc, zoe, password, now)
    visit = await _visit_of(luc, people, now)
    asked = [
        _request(people.accounts[CAMILLE.owner], "attach", ATTACH, now - timedelta(days=3)),
        _request(father, "correct", CORRECT, now - timedelta(hours=26), about=zoe),
    ]
    if visit is not None:
        said_at = now - timedelta(minutes=50)
        asked += [_request(father, "cannot_come", CANNOT_COME, said_at, about=luc, visit=visit)]
    await insert(asked)
    await insert(
        [
            AccessBlock(
                id=uuid4(),
                patient=noah,
                account=None,
                reason=BLOCK,
                blocked_at=now - timedelta(days=40),
                blocked_by="Manon Girard",
            )
        ]
    )


def _of(people: DemoPeople, name: str) -> UUID:
    names = [f"{person.first_name} {person.last_name}" for person in CROWD]
    return people.crowd[names.index(name)].id


async def _is_nearly_of_age(patient: UUID, clinic: DemoClinic, now: datetime) -> None:
    day = clinic.settings.today(now) + timedelta(days=DAYS_LEFT)
    year = day.year - (clinic.settings.consent_age or 0)
    born = date(year, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=year)
    person = next(each for each in CROWD if each.first_name == "Zoé")
    await Patient.update(
        {Patient.birth_date: born, Patient.health_number: health_number(person, born, 27)}
    ).where(Patient.id == patient)


async def _account(own: UUID, child: UUID, password: str, now: datetime) -> UUID:
    id, since = uuid4(), now - GRANTED
    await Account.insert(
        Account(
            id=id,
            email=FATHER,
            email_canonical=canonical(FATHER),
            password_hash=password,
            created_at=since,
            password_changed_at=since,
            activated_at=since,
        )
    )
    (terms,) = await db.fetch("SELECT id FROM terms_version")
    await TermsAcceptance.insert(
        TermsAcceptance(id=uuid4(), terms=terms["id"], account=id, language="fr", accepted_at=since)
    )
    everything: dict[str, Any] = {f"may_{each}": True for each in Grant}
    await insert(
        [
            ProxyGrant(
                id=uuid4(),
                account=id,
                patient=patient,
                relationship=relationship,
                granted_at=since,
                granted_by="Manon Girard",
                **everything,
            )
            for patient, relationship in ((own, "self"), (child, "parent"))
        ]
    )
    return id


async def _visit_of(patient: UUID, people: DemoPeople, now: datetime) -> UUID | None:
    """A near visit of another man's, if there is one, is his: it was booked by telephone."""
    men = [each.id for each in people.crowd if each.sex == "M" and not each.is_child]
    for row in await _near(men, now):
        if row["patient"] == patient or not await _is_busy(patient, row["starts_at"]):
            await db.fetch("UPDATE appointment SET patient = {} WHERE id = {}", patient, row["id"])
            found: UUID = row["id"]
            return found
    return None


async def _near(patients: Sequence[UUID], now: datetime) -> list[dict[str, Any]]:
    return await db.fetch(
        f"""
        SELECT id, patient, starts_at FROM appointment
        WHERE patient IN ({db.places(patients)}) AND cancelled_at IS NULL
          AND starts_at BETWEEN {{}} AND {{}} ORDER BY starts_at
        """,
        *patients,
        now + EARLIEST,
        now + LATEST,
    )


async def _is_busy(patient: UUID, at: datetime) -> bool:
    """Here already on about that time."""
    rows = await db.fetch(
        "SELECT id FROM appointment WHERE patient = {} AND starts_at BETWEEN {} AND {}",
        patient,
        at - timedelta(hours=12),
        at + timedelta(hours=12),
    )
    return bool(rows)


def _request(
    account: UUID,
    kind: str,
    text: str,
    at: datetime,
    *,
    about: UUID | None = None,
    visit: UUID | None = None,
) -> ClinicRequest:
    return ClinicRequest(
        id=uuid4(),
        account=account,
        patient=about,
        kind=kind,
        text=text,
        asked_at=at,
        subject=visit,
    )
