"""Who is written to about a visit."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from domain import db
from domain.errors import NotFound
from domain.mail import outbox, preferences
from domain.people import viewer as viewers
from domain.people.policy import Grant
from domain.people.viewer import Viewer

MAIL_CLASS = "appointment"


async def post(
    kind: str,
    appointment: UUID,
    patient: UUID,
    author: Viewer | None,
    *,
    version: int,
    now: datetime,
) -> None:
    """Owe one mail to each who should know and wants to, in the caller's transaction."""
    unwanted = await preferences.refusing(patient, MAIL_CLASS)
    for account in await readers(appointment, patient, author, now):
        if account in unwanted:
            continue
        await outbox.post(
            kind,
            account,
            now=now,
            once_key=f"{kind}:{appointment.hex}:{version}:{account.hex}",
            appointment=appointment,
            version=version,
        )


async def reached(patient: UUID, accounts: Collection[UUID]) -> frozenset[UUID]:
    """Those among them to whom such a mail is sent, and arrives as far as the clinic knows."""
    unwanted = await preferences.refusing(patient, MAIL_CLASS)
    dead = await db.fetch(
        f"""
        SELECT id FROM account WHERE id IN ({db.places(accounts)}) AND undeliverable_at IS NOT NULL
        """,
        *accounts,
    )
    return frozenset(accounts) - unwanted - {row["id"] for row in dead}


async def readers(
    appointment: UUID | None, patient: UUID, author: Viewer | None, now: datetime
) -> list[UUID]:
    """Who acted, who booked, and the patient's own account; failing all, every proxy."""
    rows = await db.fetch(
        """
        SELECT g.account, g.relationship, ap.booked_by FROM proxy_grant g
        LEFT JOIN appointment ap ON ap.id = {}
        WHERE g.patient = {} AND g.withdrawn_at IS NULL
        """,
        appointment,
        patient,
    )
    holders = [
        row["account"] for row in rows if await _may_still(row["account"], patient, author, now)
    ]
    concerned = {row["account"] for row in rows if row["relationship"] == "self"}
    concerned |= {row["booked_by"] for row in rows}
    concerned |= {author.account.id} if author else set()
    return [account for account in holders if account in concerned] or holders


async def _may_still(account: UUID, patient: UUID, author: Viewer | None, now: datetime) -> bool:
    if author is not None and author.account.id == account:
        return author.may(Grant.BOOK, patient, now)
    try:
        viewer = await viewers.load(account, via="job", request_id="notices")
    except NotFound:
        return False  # disabled meanwhile
    return viewer.may(Grant.BOOK, patient, now)
