"""An empty installation becomes a clinic that can be booked: all of it at once, and only once.

The form's steps and `portal init` fill in the same draft; nothing is kept until it is whole.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db, texts
from domain.accounts import addresses
from domain.accounts.tables import TermsVersion
from domain.audit import Actor
from domain.clinic import publishing, tables
from domain.clinic.readiness import OLDEST, PROVINCES, YOUNGEST
from domain.clinic.settings import LEGAL_AGES
from domain.errors import AlreadyInstalled, Invalid, LinkExpired
from domain.links import Links
from domain.messages.tables import DisclaimerVersion
from domain.people import names, phones
from domain.staff import personnel
from domain.staff.roles import Role

ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Moncton",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
    "America/Whitehorse",
    "America/Yellowknife",
    "America/Iqaluit",
)
TITLES = ("Dre", "Dr", "Mme", "M.")
MINUTES = ("10", "15", "20", "30", "45", "60")
DAYS = tuple(f"jour{day}" for day in range(7))
LONGEST_TEXT = 20_000
DEFAULTS = Path(__file__).parent / "defaults"
CLOCK = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)?")
YES = "oui"


@dataclass(frozen=True, slots=True)
class Draft:
    """As typed, by the names of the form's fields."""

    nom: str = ""
    adresse: str = ""
    telephone: str = ""
    courriel: str = ""
    fuseau: str = "America/Toronto"
    province: str = ""
    age: str = ""
    """Empty where the law of the province says it."""
    conservation: str = "5"
    lieu: str = ""
    rue: str = ""
    ville: str = ""
    code_postal: str = ""
    lieu_telephone: str = ""
    titre: str = "Dre"
    prenom: str = ""
    nom_famille: str = ""
    specialite: str = ""
    specialite_en: str = ""
    type: str = ""
    type_en: str = ""
    minutes: str = "15"
    jour0: str = YES
    jour1: str = YES
    jour2: str = YES
    jour3: str = YES
    jour4: str = YES
    jour5: str = ""
    jour6: str = ""
    matin_de: str = "08:00"
    matin_a: str = "12:00"
    apres_de: str = "13:00"
    apres_a: str = "16:00"
    conditions_fr: str = ""
    conditions_en: str = ""
    clause_fr: str = ""
    clause_en: str = ""
    admin_prenom: str = ""
    admin_nom: str = ""
    admin_courriel: str = ""
    admin_langue: str = "fr"

    @classmethod
    def of(cls, typed: Mapping[str, Any]) -> "Draft":
        """What a form sent: a box that is not ticked is not there."""
        return cls(**{field.name: str(typed.get(field.name, "")) for field in fields(cls)})

    def with_texts(self) -> "Draft":
        """Those that are still empty, from ours: the clinic reads and changes them."""
        written = {
            "conditions_fr": "terms.fr.txt",
            "conditions_en": "terms.en.txt",
            "clause_fr": "disclaimer.fr.txt",
            "clause_en": "disclaimer.en.txt",
        }
        empty = {name: file for name, file in written.items() if not getattr(self, name).strip()}
        return replace(self, **{name: self._filled(file) for name, file in empty.items()})

    def with_site(self) -> "Draft":
        """A clinic of one site: its name and phone are the first guess."""
        return replace(
            self,
            lieu=self.lieu or self.nom,
            lieu_telephone=self.lieu_telephone or self.telephone,
        )

    @property
    def administrator(self) -> personnel.Form:
        return personnel.Form(
            prenom=self.admin_prenom,
            nom=self.admin_nom,
            courriel=self.admin_courriel,
            role=Role.ADMINISTRATOR,
            langue=self.admin_langue,
        )

    def _filled(self, file: str) -> str:
        text = (DEFAULTS / file).read_text()
        return text.replace("{clinic}", self.nom).replace("{email}", self.courriel).strip()


STEPS: tuple[tuple[str, ...], ...] = (
    ("nom", "adresse", "telephone", "courriel", "fuseau"),
    ("province", "age", "conservation"),
    ("lieu", "rue", "ville", "code_postal", "lieu_telephone"),
    ("titre", "prenom", "nom_famille", "specialite", "specialite_en", "type", "type_en", "minutes"),
    (*DAYS, "matin_de", "matin_a", "apres_de", "apres_a"),
    ("conditions_fr", "conditions_en", "clause_fr", "clause_en"),
    ("admin_prenom", "admin_nom", "admin_courriel", "admin_langue"),
)
"""The fields of each step of the form."""
LONGEST = {
    "nom": 120,
    "adresse": 200,
    "lieu": 120,
    "rue": 160,
    "ville": 80,
    "code_postal": 10,
    "prenom": 80,
    "nom_famille": 80,
    "specialite": 80,
    "specialite_en": 80,
    "type": 80,
    "type_en": 80,
    "conditions_fr": LONGEST_TEXT,
    "conditions_en": LONGEST_TEXT,
    "clause_fr": LONGEST_TEXT,
    "clause_en": LONGEST_TEXT,
}


async def is_needed() -> bool:
    return not await tables.Clinic.exists()


async def check(token: str, *, links: Links, now: datetime) -> None:
    """Whoever reads the server's own output may set it up, while it has no clinic."""
    if not await is_needed():
        raise AlreadyInstalled
    if not links.is_installation(token, now):
        raise LinkExpired


def problems(draft: Draft, step: int | None = None) -> dict[str, str]:
    """Of one step, from 1 on; or of them all."""
    asked = STEPS if step is None else (STEPS[step - 1],)
    found = {name: _problem(name, draft) for names_ in asked for name in names_}
    return {name: problem for name, problem in found.items() if problem}


async def install(draft: Draft, actor: Actor, *, links: Links, now: datetime) -> str:
    """The path of the administrator's one-time link, which is on its way by mail too."""
    if found := problems(draft):
        raise Invalid(found)
    async with db.transaction():
        await db.lock_key("installation")
        if not await is_needed():
            raise AlreadyInstalled
        await _write(draft, now)
        await publishing.publish(now=now)
        path = await personnel.first(draft.administrator, actor, links=links, now=now)
        await audit.record(actor, "clinic.installed", at=now)
    return path


def clock(text: str) -> time | None:
    """« 8:30 », « 08h30 » or « 8 h »."""
    found = CLOCK.fullmatch(text.replace(" ", "").replace("\u00a0", ""))
    return time(int(found[1]), int(found[2] or 0)) if found else None


def openings(draft: Draft) -> list[tuple[time, time]]:
    """Of each open day: the morning, the afternoon, or both."""
    pairs = ((draft.matin_de, draft.matin_a), (draft.apres_de, draft.apres_a))
    found = [(clock(opens), clock(closes)) for opens, closes in pairs]
    return [(opens, closes) for opens, closes in found if opens and closes]


def _problem(name: str, draft: Draft) -> str:
    typed = texts.read(getattr(draft, name))
    if name in SPECIAL:
        return SPECIAL[name](draft)
    if name in LONGEST:
        return "missing" if not typed else "too_long" if len(typed) > LONGEST[name] else ""
    return ""


def _phone(name: str) -> Callable[[Draft], str]:
    def problem(draft: Draft) -> str:
        typed = getattr(draft, name).strip()
        return "missing" if not typed else "" if phones.e164(typed) else "odd"

    return problem


def _email(draft: Draft) -> str:
    typed = draft.courriel.strip()
    return "missing" if not typed else "" if addresses.sendable(typed) else "malformed"


def _age(draft: Draft) -> str:
    """Where the law says none, nothing stands in for what the clinic leaves out."""
    typed = draft.age.strip()
    if not typed:
        return "missing" if draft.province in PROVINCES - LEGAL_AGES.keys() else ""
    return "" if _within(typed, YOUNGEST, OLDEST) else "odd"


def _hours(opens: str, closes: str) -> Callable[[Draft], str]:
    def problem(draft: Draft) -> str:
        pair = [getattr(draft, name).strip() for name in (opens, closes)]
        if not any(pair):
            return "" if openings(draft) else "missing"
        first, last = (clock(text) for text in pair)
        if first is None or last is None:
            return "odd"
        if first >= last:
            return "backwards"
        return "overlap" if opens == "apres_de" and _overlaps(draft, first) else ""

    return problem


def _overlaps(draft: Draft, first: time) -> bool:
    until = clock(draft.matin_a)
    return until is not None and first < until


def _days(draft: Draft) -> str:
    return "" if any(getattr(draft, day) == YES for day in DAYS) else "missing"


def _of_administrator(field: str) -> Callable[[Draft], str]:
    return lambda draft: personnel.problems(draft.administrator).get(field, "")


def _one_of(name: str, choices: tuple[str, ...] | frozenset[str]) -> Callable[[Draft], str]:
    return lambda draft: "" if getattr(draft, name) in choices else "missing"


def _within(typed: str, least: int, most: int) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) < 4 and least <= int(typed) <= most


SPECIAL: dict[str, Callable[[Draft], str]] = {
    "telephone": _phone("telephone"),
    "courriel": _email,
    "fuseau": _one_of("fuseau", ZONES),
    "province": _one_of("province", PROVINCES),
    "age": _age,
    "conservation": lambda draft: "" if _within(draft.conservation.strip(), 1, 99) else "odd",
    "lieu_telephone": _phone("lieu_telephone"),
    "titre": _one_of("titre", TITLES),
    "minutes": _one_of("minutes", MINUTES),
    "jour0": _days,
    "matin_de": _hours("matin_de", "matin_a"),
    "apres_de": _hours("apres_de", "apres_a"),
    "admin_prenom": _of_administrator("prenom"),
    "admin_nom": _of_administrator("nom"),
    "admin_courriel": _of_administrator("courriel"),
}


async def _write(draft: Draft, now: datetime) -> None:
    site, specialty, visit_type, practitioner = (uuid4() for _ in range(4))
    await tables.Clinic.insert(_clinic(draft))
    await tables.Site.insert(_site(site, draft))
    await tables.Specialty.insert(
        tables.Specialty(
            id=specialty,
            name_fr=texts.one_line(draft.specialite),
            name_en=texts.one_line(draft.specialite_en),
        )
    )
    await tables.VisitType.insert(
        tables.VisitType(
            id=visit_type,
            name_fr=texts.one_line(draft.type),
            name_en=texts.one_line(draft.type_en),
            minutes=int(draft.minutes),
        )
    )
    await tables.Practitioner.insert(
        tables.Practitioner(
            id=practitioner,
            title=draft.titre,
            first_name=names.read(draft.prenom),
            last_name=names.read(draft.nom_famille),
            specialty=specialty,
        )
    )
    await tables.Team.insert(tables.Team(id=uuid4(), name_fr="Accueil", name_en="Front desk"))
    await _write_week(draft, practitioner, site, visit_type)
    await _write_texts(draft, now)


def _clinic(draft: Draft) -> tables.Clinic:
    name = texts.one_line(draft.nom)
    return tables.Clinic(
        id=uuid4(),
        name=name,
        phone=phones.e164(draft.telephone),
        email=draft.courriel.strip(),
        address=texts.one_line(draft.adresse),
        province=draft.province,
        time_zone=draft.fuseau,
        consent_age=int(draft.age) if draft.age.strip() else None,
        retention_years=int(draft.conservation),
        mail_sender_name=name,
        has_urgent_booking=False,  # until it has a type of visit for it
    )


def _site(id: UUID, draft: Draft) -> tables.Site:
    return tables.Site(
        id=id,
        name=texts.one_line(draft.lieu),
        street=texts.one_line(draft.rue),
        city=texts.one_line(draft.ville),
        province=draft.province,
        postal_code=texts.one_line(draft.code_postal).upper(),
        phone=phones.e164(draft.lieu_telephone),
    )


async def _write_week(draft: Draft, practitioner: UUID, site: UUID, visit_type: UUID) -> None:
    schedule = uuid4()
    await tables.Schedule.insert(tables.Schedule(id=schedule, practitioner=practitioner, site=site))
    await tables.ScheduleVisitType.insert(
        tables.ScheduleVisitType(id=uuid4(), schedule=schedule, visit_type=visit_type)
    )
    await tables.WeeklyHours.insert(
        *[
            tables.WeeklyHours(
                id=uuid4(),
                schedule=schedule,
                weekday=weekday,
                opens=opens,
                closes=closes,
                slot_minutes=int(draft.minutes),
            )
            for weekday, day in enumerate(DAYS)
            if getattr(draft, day) == YES
            for opens, closes in openings(draft)
        ]
    )


async def _write_texts(draft: Draft, now: datetime) -> None:
    await TermsVersion.insert(
        TermsVersion(
            id=uuid4(),
            number=1,
            text_fr=texts.read(draft.conditions_fr),
            text_en=texts.read(draft.conditions_en),
            published_at=now,
        )
    )
    await DisclaimerVersion.insert(
        DisclaimerVersion(
            id=uuid4(),
            number=1,
            text_fr=texts.read(draft.clause_fr),
            text_en=texts.read(draft.clause_en),
            published_at=now,
        )
    )
