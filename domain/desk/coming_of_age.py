"""Who comes of age soon and who just did, while somebody acts for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import db
from domain.desk import access
from domain.desk.access import Access
from domain.people.coming_of_age import day_of_age
from domain.staff.member import Member
from domain.staff.roles import Right

AHEAD = timedelta(days=60)
BACK = timedelta(days=60)
PAGE = 50
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Young:
    patient: UUID
    full_name: str
    day: date
    """On which they are of age."""
    days_left: int
    """Not above 0: they are."""
    has_account: bool
    holders: Sequence[Access]

    @property
    def is_of_age(self) -> bool:
        return self.days_left <= 0


@dataclass(frozen=True, slots=True)
class Listed:
    young: Sequence[Young]
    next: UUID | None
    is_first_page: bool


async def soon(member: Member, *, after: UUID | None = None, now: datetime) -> Listed:
    """In the next 60 days, the nearest first."""
    today = member.clinic.today(now)
    return await _listed(member, today + DAY, today + AHEAD, after, now)


async def lately(member: Member, *, now: datetime) -> Listed:
    """In the last 60 days, the latest first."""
    today = member.clinic.today(now)
    return await _listed(member, today - BACK, today, None, now, is_latest_first=True)


async def _listed(
    member: Member,
    first: date,
    last: date,
    after: UUID | None,
    now: datetime,
    *,
    is_latest_first: bool = False,
) -> Listed:
    member.check(Right.PATIENTS)
    age = member.clinic.consent_age
    if age is None:
        return Listed([], None, is_first_page=True)
    order, beyond = ("DESC", "<") if is_latest_first else ("ASC", ">")
    cursor = (
        f"AND (p.birth_date, p.id) {beyond} (SELECT birth_date, id FROM patient WHERE id = {{}})"
    )
    rows = await db.fetch(
        f"""
        SELECT p.id, p.first_name, p.last_name, p.birth_date, s.id AS own
        FROM patient p LEFT JOIN proxy_grant s ON s.patient = p.id AND s.relationship = 'self'
            AND s.withdrawn_at IS NULL
        WHERE p.birth_date BETWEEN {{}} AND {{}} {cursor if after else ""}
          AND EXISTS (SELECT 1 FROM proxy_grant g WHERE g.patient = p.id
                      AND g.relationship <> 'self' AND g.withdrawn_at IS NULL)
        ORDER BY p.birth_date {order}, p.id {order} LIMIT {PAGE + 1}
        """,
        # Of someone born on 29 February the day is a day later.
        _born(first, age) - DAY,
        _born(last, age),
        *([after] if after else []),
    )
    shown = [row for row in rows[:PAGE] if first <= day_of_age(row["birth_date"], age) <= last]
    holders = await access.holders_of(member, [row["id"] for row in shown], now=now)
    today = member.clinic.today(now)
    return Listed(
        [_young(row, age, today, holders[row["id"]]) for row in shown],
        rows[PAGE - 1]["id"] if rows[PAGE:] else None,
        is_first_page=after is None,
    )


def _young(row: dict[str, Any], age: int, today: date, holders: Sequence[Access]) -> Young:
    day = day_of_age(row["birth_date"], age)
    return Young(
        patient=row["id"],
        full_name=f"{row['first_name']} {row['last_name']}",
        day=day,
        days_left=(day - today).days,
        has_account=row["own"] is not None,
        holders=holders,
    )


def _born(day: date, age: int) -> date:
    try:
        return day.replace(year=day.year - age)
    except ValueError:
        return date(day.year - age, 2, 28)
