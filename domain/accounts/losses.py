"""A child comes of age: those who act for them are warned, and the loss is recorded once.

What they may do is never decided here: the policy looks at the date at each request.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain import activity, audit, db
from domain.accounts import access
from domain.accounts.access import HeldRow
from domain.audit import Actor
from domain.clinic.calendar import moment
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.errors import NotFound
from domain.mail import outbox
from domain.people import policy
from domain.people.coming_of_age import day_of_age

WARNINGS = (60, 14)
LATE = 7
"""So many days after it was due a mail still says what is true."""
JOB = Actor.job("come_of_age")


async def record_due(*, is_by_rule: bool = False, now: datetime) -> int:
    """How many were warned or have lost a profile; those told before are passed over.

    `is_by_rule`: the clinic has just changed the age, which is news however long ago the day was.
    """
    try:
        clinic = await current_settings()
    except NotFound:
        return 0
    if clinic.consent_age is None:
        return 0  # a fault of the settings: access is closed, but nobody came of age
    rows = await _near(clinic, now)
    return sum([await _come_of_age(row, clinic, is_by_rule, now) for row in rows])


async def reopen(actor: Actor, grant: UUID, patient: UUID, *, now: datetime) -> None:
    """Told as any access that is given; should it end again, on whatever day, that is told too."""
    (row,) = await db.fetch(
        "UPDATE proxy_grant SET lost_at = NULL WHERE id = {} RETURNING account", grant
    )
    await db.fetch(
        """
        UPDATE outbound_email SET once_key = NULL
        WHERE account = {} AND kind = 'coming_of_age' AND once_key LIKE {}
        """,
        row["account"],
        f"{_key(grant)}%",
    )
    await audit.record(actor, "access.reopened", patient=patient, subject=grant, at=now)
    await access.tell_given(grant, row["account"], patient, now=now)


async def _near(clinic: ClinicSettings, now: datetime) -> list[dict[str, Any]]:
    """Those who act for someone who is of age, or nearly; at the most a few days too early."""
    age = clinic.consent_age or 0
    latest_birth = clinic.today(now) + timedelta(days=max(WARNINGS) + 1 - 365 * age)
    return await db.fetch(
        """
        SELECT g.id, g.account, g.patient, g.relationship, p.birth_date,
               pc.id AS consent, pc.until
        FROM proxy_grant g JOIN patient p ON p.id = g.patient
        LEFT JOIN proxy_consent pc ON pc."grant" = g.id AND pc.withdrawn_at IS NULL
        WHERE g.withdrawn_at IS NULL AND g.lost_at IS NULL AND g.relationship <> 'self'
          AND p.birth_date <= {}
        """,
        latest_birth,
    )


async def _come_of_age(
    row: Mapping[str, Any], clinic: ClinicSettings, is_by_rule: bool, now: datetime
) -> bool:
    held = HeldRow(row["birth_date"], row)
    day = day_of_age(row["birth_date"], clinic.consent_age or 0)
    days_left = (day - clinic.today(now)).days
    if policy.is_lost(held, clinic, now):
        return await _record_loss(row, day, is_news=is_by_rule or days_left > -LATE, now=now)
    if days_left <= 0 or not policy.is_lost(held, clinic, _midnight(day, clinic.zone)):
        return False
    return await _warn(row, day, days_left, now)


async def _warn(row: Mapping[str, Any], day: date, days_left: int, now: datetime) -> bool:
    due = next((days for days in WARNINGS if days - LATE < days_left <= days), None)
    if due is None:
        return False
    return await _write(row, day, due, now)


async def _record_loss(row: Mapping[str, Any], day: date, *, is_news: bool, now: datetime) -> bool:
    grant, patient = row["id"], row["patient"]
    async with db.transaction():
        claimed = await db.fetch(
            "UPDATE proxy_grant SET lost_at = {} WHERE id = {} AND lost_at IS NULL"
            " AND withdrawn_at IS NULL RETURNING id",
            now,
            grant,
        )
        if not claimed:
            return False
        await audit.record(JOB, "access.lost", patient=patient, subject=grant, at=now)
        await activity.tell(patient, "access_lost", grant, about=now, now=now)
        if row["consent"] is not None:
            await outbox.post("access_withdrawn", row["account"], now=now, patient=patient)
        elif is_news:  # long ago, before there was a portal, it is no news
            await _write(row, day, 0, now)
    return True


async def _write(row: Mapping[str, Any], day: date, days: int, now: datetime) -> bool:
    """Once for that day: where a birth date was corrected, the other day is told of too."""
    return await outbox.post(
        "coming_of_age",
        row["account"],
        now=now,
        once_key=f"{_key(row['id'])}{day:%Y%m%d}:{days}",
        patient=row["patient"],
        days=days,
    )


def _key(grant: UUID) -> str:
    """How the keys of its mails begin."""
    return f"coming_of_age:{grant.hex}:"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return moment(day, time(0), zone)
