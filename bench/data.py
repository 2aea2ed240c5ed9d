"""The clinic to measure on: `python -m bench.data [PRACTITIONERS [PEOPLE [SHARE]]]` fills the
database and tells who is in it."""

import asyncio
import hashlib
import json
import secrets
import sys
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from piccolo.table import Table

from domain import clock, db
from domain.accounts.passwords import Passwords
from domain.accounts.tables import Session, TermsAcceptance, TermsVersion
from domain.clinic.clinic import current_settings
from domain.demo.rows import insert
from domain.demo.scale import bench_clinic
from domain.journal.tables import Activity
from domain.messages.tables import Message, Receipt, Thread
from domain.people.policy import Grant
from domain.people.tables import Account, Patient, ProxyGrant

PEOPLE = 1600
PASSWORD = "Tulipe-42-Nord"
SHOWN_ACTIVITY = 8
THREADS = {"long": 10_000, "short": 50}
UNREAD = 5
"""Of each inbox: what stands unread does not grow with the years."""
# Sessions used a moment ago, for as long as this may last: none needs its use marked.
LASTS = timedelta(minutes=10)


async def fill(
    now: datetime, practitioners: int = 20, people: int = PEOPLE, booked_share: float = 0
) -> dict[str, Any]:
    """Practitioners with twelve weeks of 48 slots each, and many who will book what is free."""
    await db.migrate()
    async with db.connected():
        clinic = await bench_clinic(now=now, practitioners=practitioners, booked_share=booked_share)
        async with db.transaction():
            made = await _people(now, people)
            await _past(UUID(made[0]["patient"]), now)
            for person, count in zip(made[1:3], THREADS.values(), strict=True):
                await _communications(UUID(person["patient"]), count, now)
        if db.is_postgres():
            await db.fetch("ANALYZE")
        today = (await current_settings()).today(now)
        # The first practitioner's weeks are looked at, the others' are booked.
        slots = await db.fetch(
            "SELECT practitioner, id FROM slot WHERE practitioner <> {} AND starts_at > {}"
            " AND id NOT IN (SELECT slot FROM appointment) ORDER BY starts_at",
            clinic.practitioners[0],
            now + timedelta(days=1),
        )
    return {
        "specialty": str(clinic.specialty),
        "site": str(clinic.site),
        "visit_type": str(clinic.visit_type),
        "practitioner": str(clinic.practitioners[0]),
        "monday": str(today + timedelta(days=14 - today.weekday())),
        "slots": [(str(slot["practitioner"]), str(slot["id"])) for slot in slots],
        "people": made,
        "inboxes": dict(zip(THREADS, made[1:3], strict=True)),
    }


async def _people(now: datetime, count: int) -> list[dict[str, str]]:
    """Each with an account, a session and a chart of their own."""
    password_hash = await Passwords().hash(PASSWORD)
    terms = await TermsVersion.select(TermsVersion.id).first()
    assert terms is not None
    people, rows = [], []
    for n in range(count):
        email, token = f"patient-{n}@example.com", secrets.token_urlsafe(32)
        account = Account(
            id=uuid4(),
            email=email,
            email_canonical=email,
            password_hash=password_hash,
            created_at=now,
            password_changed_at=now,
            activated_at=now,
        )
        patient = Patient(
            id=uuid4(), first_name="Alice", last_name=f"Gagnon-{n}", birth_date=date(1985, 5, 2)
        )
        rows.append((account, patient, *_links(account.id, patient.id, terms["id"], token, now)))
        people.append({"email": email, "patient": str(patient.id), "session": token})
    for table in zip(*rows, strict=True):
        await insert(table)
    return people


def _links(
    account: UUID, patient: UUID, terms: UUID, token: str, now: datetime
) -> tuple[Table, ...]:
    grants: dict[str, Any] = {f"may_{grant}": True for grant in Grant}
    return (
        ProxyGrant(
            id=uuid4(),
            account=account,
            patient=patient,
            relationship="self",
            granted_at=now,
            **grants,
        ),
        TermsAcceptance(id=uuid4(), terms=terms, account=account, language="fr", accepted_at=now),
        Session(
            id=uuid4(),
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            account=account,
            created_at=now,
            last_used_at=now + LASTS,
        ),
    )


async def _past(patient: UUID, now: datetime) -> None:
    await insert(
        [
            Activity(
                id=uuid4(),
                patient=patient,
                kind="booked",
                subject=uuid4(),
                about=now,
                happened_at=now - timedelta(days=n),
            )
            for n in range(SHOWN_ACTIVITY)
        ]
    )


async def _communications(patient: UUID, count: int, now: datetime) -> None:
    (holder,) = await db.fetch("SELECT account FROM proxy_grant WHERE patient = {}", patient)
    threads, messages, receipts = [], [], []
    for n in range(count):
        at = now - timedelta(hours=n + 1)
        facts: dict[str, Any] = {
            "patient": patient,
            "kind": ("message", "document", "invoice")[n % 3],
        }
        thread = Thread(id=uuid4(), patient=patient, subject=f"Résultats {n}", started_at=at)
        message = Message(
            id=uuid4(),
            thread=thread.id,
            sender="Dre Camille Roy",
            body="Bonjour, voici vos résultats.",
            folded=f"resultats {n} dre camille roy bonjour, voici vos resultats.",
            sent_at=at,
            **facts,
        )
        receipt = Receipt(
            id=uuid4(),
            account=holder["account"],
            message=message.id,
            thread=thread.id,
            read_at=None if n < UNREAD else now,
            **facts,
        )
        threads.append(thread)
        messages.append(message)
        receipts.append(receipt)
    for rows in (threads, messages, receipts):
        await insert(rows)


if __name__ == "__main__":
    reads = (int, int, float)
    options = [read(text) for read, text in zip(reads, sys.argv[1:], strict=False)]
    print(json.dumps(asyncio.run(fill(clock.now(), *options))))
