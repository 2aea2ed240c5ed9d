"""A clinic of any size, filled in bulk: fifty patients to a practitioner.

`python -m bench.network PATIENTS` leaves its weeks to be published, `--book` then books a fifth of
them. Twenty practitioners share a site; there are as many specialties, up to forty.
"""

import argparse
import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from argon2 import PasswordHasher

from bench.bulk import pour
from bench.data import LASTS, PASSWORD
from domain import clock, db
from domain.accounts.tables import TermsVersion
from domain.clinic.clinic import current_settings
from domain.clinic.tables import Clinic, Site, Specialty, VisitType
from domain.demo.rows import insert
from domain.people import names

PER_PRACTITIONER, PER_SITE, MOST_SPECIALTIES = 50, 20, 40
VISITED, MINUTES = 40, 20
"""How many of the patients ask for pages."""
HALF_DAYS = ((time(9), time(11)), (time(13), time(15)))
GRANTS = "may_book may_read_invoices may_read_documents may_read_messages may_send_messages"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SYLLABLES = [a + b for a in "bcdfglmnprst" for b in "aeiou"]
FIRST_NAMES = ("Alice", "Bruno", "Chloé", "David", "Émile", "Farah", "Gilles", "Hélène")
BOOKED_OF = 5
MESSAGES = 3


async def fill(now: datetime, patients: int) -> None:
    await db.migrate()
    async with db.connected():
        site, specialty, visit_type, terms = await _offer(patients, now)
        people = [(uuid4(), uuid4()) for _ in range(patients)]
        staff = [(uuid4(), uuid4()) for _ in range(patients // PER_PRACTITIONER)]
        await pour(
            [
                *_practitioners(staff, site, specialty, visit_type),
                *_accounts(people, now),
                *_sessions(people, now, terms),
                *_communications(people, now),
                *_desk(now),
            ]
        )


async def _offer(patients: int, now: datetime) -> tuple[list[UUID], list[UUID], UUID, UUID]:
    groups = max(1, patients // PER_PRACTITIONER // PER_SITE)
    await insert(
        [
            Clinic(
                id=uuid4(),
                name="Réseau",
                phone="+15145550100",
                email="reseau@example.com",
                address="1, rue Neuve, Montréal",
                province="QC",
                time_zone="America/Toronto",
                consent_age=14,
                mail_sender_name="Réseau",
            )
        ]
    )
    sites = [Site(id=uuid4(), name=f"Site {n}", street="1, rue Neuve") for n in range(groups)]
    specialties = [
        Specialty(id=uuid4(), name_fr=f"Spécialité {n}", name_en=f"Specialty {n}")
        for n in range(min(groups, MOST_SPECIALTIES))
    ]
    visit_type = VisitType(id=uuid4(), name_fr="Suivi", name_en="Follow-up", minutes=MINUTES)
    terms = TermsVersion(id=uuid4(), number=1, text_fr="…", text_en="…", published_at=now)
    for rows in (sites, specialties, [visit_type], [terms]):
        await insert(rows)
    return (
        [row.id for row in sites],
        [row.id for row in specialties],
        visit_type.id,
        terms.id,
    )


def _practitioners(
    staff: list[tuple[UUID, UUID]], sites: list[UUID], specialties: list[UUID], visit_type: UUID
) -> Iterator[tuple[str, str, Any]]:
    def group(n: int, of: list[UUID]) -> UUID:
        return of[n // PER_SITE % len(of)]

    yield (
        "practitioner",
        "id title first_name last_name specialty",
        [
            (id, "Dre", FIRST_NAMES[n % 8], surname(n), group(n, specialties))
            for n, (id, _) in enumerate(staff)
        ],
    )
    yield (
        "schedule",
        "id practitioner site",
        [(schedule, id, group(n, sites)) for n, (id, schedule) in enumerate(staff)],
    )
    yield (
        "schedule_visit_type",
        "id schedule visit_type",
        [(uuid4(), schedule, visit_type) for _, schedule in staff],
    )
    yield (
        "weekly_hours",
        "id schedule weekday opens closes slot_minutes",
        [
            (uuid4(), schedule, day, opens, closes, MINUTES)
            for _, schedule in staff
            for day in range(4)
            for opens, closes in HALF_DAYS
        ],
    )


def _accounts(people: list[tuple[UUID, UUID]], now: datetime) -> Iterator[tuple[str, str, Any]]:
    password = CHEAP.hash(PASSWORD)
    yield (
        "account",
        "id email email_canonical password_hash created_at password_changed_at activated_at",
        [
            (account, email, email, password, now, now, now)
            for n, (account, _) in enumerate(people)
            for email in (f"patient-{n}@example.com",)
        ],
    )
    yield (
        "patient",
        "id first_name last_name birth_date phone folded_name",
        [
            (patient, first, last, born, f"+1514{n:07}", names.searched(first, last))
            for n, (_, patient) in enumerate(people)
            for first, last in ((FIRST_NAMES[n % 8], surname(n)),)
            for born in (date(1930, 1, 1) + timedelta(days=n % 28_000),)
        ],
    )
    yield (
        "proxy_grant",
        f"id account patient relationship granted_at {GRANTS}",
        [(uuid4(), *person, "self", now, *[True] * 5) for person in people],
    )


def _sessions(
    people: list[tuple[UUID, UUID]], now: datetime, terms: UUID
) -> Iterator[tuple[str, str, Any]]:
    yield (
        "terms_acceptance",
        "id terms account language accepted_at",
        [(uuid4(), terms, account, "fr", now) for account, _ in people],
    )
    yield (
        "session",
        "id token_hash account created_at last_used_at",
        [
            (uuid4(), _hash(token_of(n)), account, now, now + LASTS)
            for n, (account, _) in enumerate(people[:VISITED])
        ],
    )


def _communications(
    people: list[tuple[UUID, UUID]], now: datetime
) -> Iterator[tuple[str, str, Any]]:
    """Of each patient some messages, the newest unread, and what is kept of them elsewhere."""
    sent = [
        (account, patient, uuid4(), uuid4(), now - timedelta(hours=n + 1), n)
        for account, patient in people
        for n in range(MESSAGES)
    ]
    yield from _messages(sent, now)
    yield from _traces(sent)


Sent = tuple[UUID, UUID, UUID, UUID, datetime, int]
"""The account and the patient, the thread and the message, when, and which of theirs."""


def _messages(sent: list[Sent], now: datetime) -> Iterator[tuple[str, str, Any]]:
    yield (
        "thread",
        "id patient subject started_at",
        [(thread, patient, "Résultats", at) for _, patient, thread, _, at, _ in sent],
    )
    yield (
        "message",
        "id thread patient kind sender body folded sent_at",
        [
            (id, thread, patient, "message", "Dre Roy", "Bonjour.", "dre roy bonjour.", at)
            for _, patient, thread, id, at, _ in sent
        ],
    )
    yield (
        "receipt",
        "id account message thread patient kind read_at",
        [
            (uuid4(), account, id, thread, patient, "message", now if n else None)
            for account, patient, thread, id, _, n in sent
        ],
    )


def _traces(sent: list[Sent]) -> Iterator[tuple[str, str, Any]]:
    """What « Activité » and the journal tell of them."""
    yield (
        "activity",
        "id patient kind subject about happened_at",
        [
            (uuid4(), patient, "message_received", thread, at, at)
            for _, patient, thread, _, at, _ in sent
        ],
    )
    yield (
        "audit_line",
        "at actor_kind actor patient action subject outcome request_id",
        [
            (at, "account", account, patient, "message.read", id, "done", "bench")
            for account, patient, _, id, at, _ in sent
        ],
    )


def _desk(now: datetime) -> Iterator[tuple[str, str, Any]]:
    """A secretary, signed in."""
    member, email = uuid4(), "accueil@example.com"
    yield (
        "staff_member",
        "id email email_canonical first_name last_name role created_at created_by"
        " password_changed_at totp_secret totp_since",
        [(member, email, email, "Dana", "Fortin", "secretary", now, "", now, "x", now)],
    )
    yield (
        "staff_session",
        "id token_hash member created_at last_used_at",
        [(uuid4(), _hash("desk"), member, now, now + LASTS)],
    )


def surname(n: int) -> str:
    """Another one for each number, of letters alone."""
    word = ""
    for _ in range(4):
        n, digit = divmod(n, len(SYLLABLES))
        word += SYLLABLES[digit]
    return word.capitalize()


def token_of(n: int) -> str:
    return f"patient-{n}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def book(now: datetime) -> int:
    """A fifth of the slots to come, each for another patient in turn; all announced long ago."""
    async with db.connected():
        patients = [row["id"] for row in await db.fetch("SELECT id FROM patient ORDER BY phone")]
        (visit_type,) = await db.fetch("SELECT id FROM visit_type")
        slots = await db.fetch(
            "SELECT id, practitioner, site, starts_at, ends_at FROM slot ORDER BY starts_at"
        )
        rng = Random(1)
        rows = [
            (
                uuid4(),
                slot["id"],
                patients[n % len(patients)],
                visit_type["id"],
                slot["practitioner"],
                slot["site"],
                slot["starts_at"],
                slot["ends_at"],
                now - timedelta(days=4),
                now,
            )
            for n, slot in enumerate(rng.sample(slots, len(slots) // BOOKED_OF))
        ]
        columns = (
            "id slot patient visit_type practitioner site starts_at ends_at booked_at"
            " confirmable_at"
        )
        await pour([("appointment", columns, rows)])
    return len(rows)


async def plan(now: datetime) -> dict[str, Any]:
    """What to ask for: the first patients, and one practitioner with what they offer."""
    async with db.connected():
        (one,) = await db.fetch(
            "SELECT pr.id, pr.specialty, sc.site FROM practitioner pr"
            " JOIN schedule sc ON sc.practitioner = pr.id ORDER BY pr.last_name, pr.id LIMIT 1"
        )
        (visit_type,) = await db.fetch("SELECT id FROM visit_type")
        people = await db.fetch("SELECT p.id FROM patient p ORDER BY p.phone LIMIT {}", VISITED)
        free = await db.fetch(
            "SELECT id FROM slot WHERE practitioner = {} AND starts_at > {} AND id NOT IN"
            " (SELECT slot FROM appointment) ORDER BY starts_at LIMIT {}",
            one["id"],
            now + timedelta(days=2),
            VISITED,
        )
        count = await db.fetch("SELECT count(*) AS n FROM patient")
        today = (await current_settings()).today(now)
    return {
        "practitioner": str(one["id"]),
        "specialty": str(one["specialty"]),
        "site": str(one["site"]),
        "visit_type": str(visit_type["id"]),
        "monday": str(today + timedelta(days=14 - today.weekday())),
        "patients": count[0]["n"],
        "people": [
            {
                "patient": str(row["id"]),
                "session": token_of(n),
                "email": f"patient-{n}@example.com",
                "name": f"{surname(n)} {FIRST_NAMES[n % 8]}",
            }
            for n, row in enumerate(people)
        ],
        "free": [str(row["id"]) for row in free],
        "slots": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.network")
    parser.add_argument("patients", type=int, nargs="?")
    parser.add_argument("--book", action="store_true")
    options = parser.parse_args()
    now = clock.now()
    if options.book:
        asyncio.run(book(now))
        print(json.dumps(asyncio.run(plan(now))))
    else:
        asyncio.run(fill(now, options.patients))


if __name__ == "__main__":
    main()
