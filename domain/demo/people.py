"""The demonstration's patients, and the three accounts that can sign in."""

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from domain.accounts.addresses import canonical
from domain.accounts.passwords import Passwords
from domain.accounts.tables import TermsAcceptance, TermsVersion
from domain.demo.clinic import DemoClinic
from domain.demo.data import people as data
from domain.demo.data.people import Account, Attached, Known, Person
from domain.demo.rows import insert
from domain.people import names, tables

CHILD_UNTIL = 14
TERMS_DAYS_AGO = 4500
TEXTS = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Patient:
    id: UUID
    sex: str
    is_child: bool


@dataclass(frozen=True, slots=True)
class DemoPeople:
    accounts: Mapping[str, UUID]
    """By the key of their owner."""
    patients: Mapping[str, UUID]
    """Those with a part of their own."""
    crowd: Sequence[Patient]


async def hashed(passwords: Passwords) -> dict[str, str]:
    """Each account's own hash: the same password twice has two salts."""
    hashes = await asyncio.gather(*(passwords.hash(data.PASSWORD) for _ in data.ACCOUNTS))
    return dict(zip((account.owner for account in data.ACCOUNTS), hashes, strict=True))


async def create(clinic: DemoClinic, hashes: Mapping[str, str], *, now: datetime) -> DemoPeople:
    people = DemoPeople(
        accounts={account.owner: uuid4() for account in data.ACCOUNTS},
        patients={known.key: uuid4() for known in data.KNOWN},
        crowd=[Patient(uuid4(), each.sex, each.age < CHILD_UNTIL) for each in data.CROWD],
    )
    terms = _terms(now)
    await insert([terms])
    await insert([_account(each, people, hashes[each.owner], now) for each in data.ACCOUNTS])
    await insert([_known(each, people, clinic) for each in data.KNOWN])
    await insert(_crowd(people, clinic, now))
    await insert(
        [
            *(_own(account, people, now) for account in data.ACCOUNTS),
            *(_attached(attached, people) for attached in data.ATTACHED),
        ]
    )
    await insert(
        [
            _acceptance(account, people, terms.id, now)
            for account in data.ACCOUNTS
            if account.has_accepted_terms
        ]
    )
    return people


def health_number(person: Person | Known, born: date, tail: int) -> str:
    """The form of a RAMQ number: name, year, month (plus 50 for a woman), day, two figures."""
    name = f"{plain(person.last_name)[:3]}{plain(person.first_name)[:1]}".upper()
    month = born.month + (50 if person.sex == "F" else 0)
    return f"{name} {born:%y}{month:02} {born:%d}{tail:02}"


def plain(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()


def _terms(now: datetime) -> TermsVersion:
    return TermsVersion(
        id=uuid4(),
        number=1,
        text_fr=(TEXTS / "terms.fr.txt").read_text("utf-8").strip(),
        text_en=(TEXTS / "terms.en.txt").read_text("utf-8").strip(),
        published_at=now - timedelta(days=TERMS_DAYS_AGO),
    )


def _account(account: Account, people: DemoPeople, password: str, now: datetime) -> tables.Account:
    created_at = _created_at(account, now)
    return tables.Account(
        id=people.accounts[account.owner],
        email=account.email,
        email_canonical=canonical(account.email),
        password_hash=password,
        language=account.language,
        created_at=created_at,
        password_changed_at=now - timedelta(days=account.password_days_ago),
        activated_at=created_at + timedelta(minutes=6),
    )


def _created_at(account: Account, now: datetime) -> datetime:
    return now - timedelta(days=account.created_days_ago, hours=1)


def _known(known: Known, people: DemoPeople, clinic: DemoClinic) -> tables.Patient:
    return tables.Patient(
        id=people.patients[known.key],
        first_name=known.first_name,
        last_name=known.last_name,
        birth_date=known.birth_date,
        health_number=health_number(known, known.birth_date, 14),
        phone=known.phone,
        primary_practitioner=clinic.ids[known.practitioner],
        folded_name=names.searched(known.first_name, known.last_name),
    )


def _crowd(people: DemoPeople, clinic: DemoClinic, now: datetime) -> list[tables.Patient]:
    family = ("roy", "benali", "nguyen", "bouchard")
    rows = []
    for n, (person, patient) in enumerate(zip(data.CROWD, people.crowd, strict=True)):
        birth_date = _born(person, clinic.settings.today(now))
        doctor = ("haddad", "gagnon")[n % 2] if patient.is_child else family[n % 4]
        rows.append(
            tables.Patient(
                id=patient.id,
                first_name=person.first_name,
                last_name=person.last_name,
                birth_date=birth_date,
                health_number=health_number(person, birth_date, 11 + n),
                phone=f"+14385550{130 + n}",
                primary_practitioner=clinic.ids[doctor],
                folded_name=names.searched(person.first_name, person.last_name),
            )
        )
    return rows


def _born(person: Person, today: date) -> date:
    had_birthday = (person.month, person.day) <= (today.month, today.day)
    return date(today.year - person.age - (not had_birthday), person.month, person.day)


def _own(account: Account, people: DemoPeople, now: datetime) -> tables.ProxyGrant:
    granted_at = _created_at(account, now) + timedelta(minutes=6)
    return _grant(people, account, account.owner, "self", granted_at)


def _attached(attached: Attached, people: DemoPeople) -> tables.ProxyGrant:
    granted_at = datetime.combine(attached.granted_on, time(15), UTC)
    account, patient = attached.account, attached.patient
    return _grant(people, account, patient, attached.relationship, granted_at)


def _grant(
    people: DemoPeople, account: Account, patient: str, relationship: str, granted_at: datetime
) -> tables.ProxyGrant:
    return tables.ProxyGrant(
        id=uuid4(),
        account=people.accounts[account.owner],
        patient=people.patients[patient],
        relationship=relationship,
        granted_at=granted_at,
        may_book=True,
        may_read_invoices=True,
        may_read_documents=True,
        may_read_messages=True,
        may_send_messages=True,
    )


def _acceptance(
    account: Account, people: DemoPeople, terms: UUID, now: datetime
) -> TermsAcceptance:
    return TermsAcceptance(
        id=uuid4(),
        terms=terms,
        account=people.accounts[account.owner],
        language=account.language,
        accepted_at=_created_at(account, now) + timedelta(minutes=8),
    )
