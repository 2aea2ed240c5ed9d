"""What someone types to sign up: the fields there are, and what must be true of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.accounts import addresses, password_rules
from domain.clinic.settings import ClinicSettings
from domain.errors import Invalid, TooYoung
from domain.people import birth_dates, coming_of_age, health_numbers, names, phones

# No other field of a form is ever looked at.
KEPT_FIELDS = (
    "courriel",
    "courriel_confirmation",
    "prenom",
    "nom",
    "naissance_annee",
    "naissance_mois",
    "naissance_jour",
    "numero_sante",
    "telephone",
    "telephone_type",
    "autre_telephone",
    "autre_telephone_type",
)
FIELDS = (*KEPT_FIELDS, "mot_de_passe", "confirmation")
PARTS = {"year": "naissance_annee", "month": "naissance_mois", "day": "naissance_jour"}
PHONES = (("telephone", "phone"), ("autre_telephone", "other_phone"))

Typed = Mapping[str, str]
Judge = Callable[[str, str, tuple[str, ...]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Applicant:
    """Someone who may have an account, as they said who they are."""

    email: str
    email_canonical: str
    password: str
    first_name: str
    last_name: str
    birth_date: date
    health_number: str
    phone: str
    phone_kind: str
    other_phone: str
    other_phone_kind: str
    language: str


async def read(
    typed: Typed, clinic: ClinicSettings, language: str, now: datetime, *, judge: Judge
) -> Applicant:
    """Who applies; else TooYoung, or Invalid with the code for each field that is wrong.

    `judge` is asked how easily the password is guessed, once nothing else is wrong with it.
    """
    first_name, last_name = names.read(typed["prenom"]), names.read(typed["nom"])
    birth_date, problem_of_date = _birth_date(typed, clinic, now)
    number = health_numbers.read(names.read(typed["numero_sante"]), clinic.province)
    numbers = {name: phones.e164(typed[name]) for name, _ in PHONES}
    about = (first_name, last_name, clinic.name)
    problems = {
        **_of_email(typed),
        **await _of_password(typed, about, judge),
        **_of_name("prenom", first_name, clinic),
        **_of_name("nom", last_name, clinic),
        **problem_of_date,
        **_of_health_number(typed, number, clinic),
        **_of_phones(typed, clinic),
    }
    if problems or birth_date is None:
        raise Invalid(problems)
    return Applicant(
        email=addresses.sendable(typed["courriel"]),
        email_canonical=addresses.canonical(typed["courriel"]),
        password=typed["mot_de_passe"],
        first_name=first_name,
        last_name=last_name,
        birth_date=birth_date,
        health_number=number or "",
        phone=numbers["telephone"] or "",
        phone_kind=typed["telephone_type"],
        other_phone=numbers["autre_telephone"] or "",
        other_phone_kind=typed["autre_telephone_type"],
        language=language,
    )


def _birth_date(
    typed: Typed, clinic: ClinicSettings, now: datetime
) -> tuple[date | None, dict[str, str]]:
    birth_date, part, problem = birth_dates.read(
        typed["naissance_annee"],
        typed["naissance_mois"],
        typed["naissance_jour"],
        clinic.today(now),
    )
    if birth_date is not None and not coming_of_age.may_sign_up(birth_date, clinic, now):
        raise TooYoung
    return birth_date, {PARTS[part]: problem} if problem else {}


def _of_email(typed: Typed) -> dict[str, str]:
    email, again = typed["courriel"].strip(), typed["courriel_confirmation"].strip()
    problems = {}
    if not addresses.sendable(email):
        problems["courriel"] = "odd" if email else "missing"
    if not again:
        problems["courriel_confirmation"] = "missing"
    elif email and _compared(email) != _compared(again):
        problems["courriel_confirmation"] = "different"
    return problems


def _compared(email: str) -> str:
    return addresses.canonical(email) or email


async def _of_password(typed: Typed, about: tuple[str, ...], judge: Judge) -> dict[str, str]:
    """The names `about` whom it is make a poor password."""
    password, email = typed["mot_de_passe"], typed["courriel"]
    problems = await password_rules.problems(
        password, typed["confirmation"], email=email, passwords=None
    )
    if "mot_de_passe" not in problems and (problem := await judge(password, email, about)):
        problems = {"mot_de_passe": problem} | problems
    return problems


def _of_name(field: str, name: str, clinic: ClinicSettings) -> dict[str, str]:
    if not name:
        return {field: "missing"} if clinic.requires("name") else {}
    return {field: "too_long"} if len(name) > names.LONGEST else {}


def _of_health_number(typed: Typed, number: str | None, clinic: ClinicSettings) -> dict[str, str]:
    if not names.read(typed["numero_sante"]):
        return {"numero_sante": "missing"} if clinic.requires("health_number") else {}
    return {"numero_sante": "odd"} if number is None else {}


def _of_phones(typed: Typed, clinic: ClinicSettings) -> dict[str, str]:
    problems: dict[str, str] = {}
    for field, setting in PHONES:
        problems |= phones.problems(
            field, typed[field], typed[f"{field}_type"], is_required=clinic.requires(setting)
        )
    return problems
