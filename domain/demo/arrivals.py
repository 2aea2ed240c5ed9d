"""Who is on the way into the demonstration's portal: two accounts to match, one late invitation."""

import asyncio
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from domain import db
from domain.accounts.addresses import canonical
from domain.accounts.passwords import Passwords
from domain.accounts.tables import Invitation, Registration, TermsAcceptance, TermsVersion
from domain.demo.data.people import PASSWORD
from domain.demo.rows import insert
from domain.links import hash_of
from domain.people import names
from domain.people.tables import Account, Patient

CLEAR = "bergeron.chantal@example.com"
"""Her chart is there, and all that she typed is in it."""
AMBIGUOUS = "pelletier.antoine@example.com"
"""Two charts have his name: his father's, and his own with another phone."""
LATE = ("Réjean", "Gauthier")
YOUNGER_BY = 27


class Chart(NamedTuple):
    id: UUID
    birth_date: date
    health_number: str
    phone: str


async def hashed(passwords: Passwords) -> tuple[str, str]:
    first, second = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(2)))
    return first, second


async def create(hashes: tuple[str, str], *, now: datetime) -> None:
    chantal, antoine = await _chart("Chantal", "Bergeron"), await _chart("Antoine", "Pelletier")
    born = antoine.birth_date.replace(year=antoine.birth_date.year + YOUNGER_BY)
    await insert([_son(antoine, born, now)])
    await _apply(
        CLEAR, "Chantal", "Bergeron", chantal, hashes[0], now=now - timedelta(days=1, hours=3)
    )
    await _apply(
        AMBIGUOUS,
        "Antoine",
        "Pelletier",
        antoine._replace(birth_date=born, health_number=""),
        hashes[1],
        now=now - timedelta(hours=5),
    )
    await _invite_late(await _chart(*LATE), now - timedelta(days=10))


def _son(father: Chart, born: date, now: datetime) -> Patient:
    return Patient(
        id=uuid4(),
        first_name="Antoine",
        last_name="Pelletier",
        birth_date=born,
        phone="+14385550199",
        folded_name=names.searched("Antoine", "Pelletier"),
        created_at=now - timedelta(days=400),
    )


async def _apply(
    email: str, first_name: str, last_name: str, chart: Chart, password: str, *, now: datetime
) -> None:
    account = uuid4()
    await insert(
        [
            Account(
                id=account,
                email=email,
                email_canonical=canonical(email),
                password_hash=password,
                created_at=now,
                password_changed_at=now,
                activated_at=now + timedelta(minutes=4),
            )
        ]
    )
    await insert(
        [
            Registration(
                id=uuid4(),
                account=account,
                first_name=first_name,
                last_name=last_name,
                birth_date=chart.birth_date,
                health_number=chart.health_number,
                phone=chart.phone,
                asked_at=now,
            )
        ]
    )
    await _accept_terms(account, now + timedelta(minutes=6))


async def _accept_terms(account: UUID, at: datetime) -> None:
    terms = await TermsVersion.objects().order_by(TermsVersion.number, ascending=False).first()
    if terms is not None:
        acceptance = TermsAcceptance(
            id=uuid4(), terms=terms.id, account=account, language="fr", accepted_at=at
        )
        await insert([acceptance])


async def _invite_late(chart: Chart, at: datetime) -> None:
    """Nobody can open it: what its link and its code were is not known to anyone."""
    made = uuid4()
    await insert(
        [
            Invitation(
                id=made,
                patient=chart.id,
                email="gauthier.rejean@example.com",
                email_canonical="gauthier.rejean@example.com",
                token_hash=hash_of(made.hex),
                code_hash="",
                invited_at=at,
                invited_by="console",
                expires_at=at + timedelta(days=7),
                ended_at=at + timedelta(days=7),
                ended_why="expired",
            )
        ]
    )


async def _chart(first_name: str, last_name: str) -> Chart:
    (row,) = await db.fetch(
        "SELECT id, birth_date, health_number, phone FROM patient"
        " WHERE first_name = {} AND last_name = {}",
        first_name,
        last_name,
    )
    return Chart(row["id"], row["birth_date"], row["health_number"], row["phone"])
