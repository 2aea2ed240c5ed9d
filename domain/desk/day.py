"""« Aujourd’hui »: a day's visits and free times, who has not confirmed, what waits."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from domain import db
from domain.appointments import agenda
from domain.appointments.agenda import ClinicsVisit
from domain.clinic.calendar import moment
from domain.desk import lists
from domain.desk.lists import Choice
from domain.messages import clinic_side
from domain.staff.member import Member
from domain.staff.roles import Right

UNCONFIRMED_WITHIN = timedelta(hours=48)
MOST_UNCONFIRMED = 50
MOST_A_DAY = 500
"""More than a day of any clinic; whoever has more chooses a practitioner."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose day is shown."""

    day: date
    practitioner: UUID | None = None
    site: UUID | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A free time to come, into which staff may book."""

    slot: UUID
    starts_at: datetime
    minutes: int
    is_held: bool
    """By a patient who is about to take it."""


@dataclass(slots=True)
class Column:
    """The day of one practitioner at one site, in the order of the clock."""

    practitioner: str
    site: str
    rows: list[ClinicsVisit | list[Gap]] = field(default_factory=list)
    """A visit, or the free times between two."""

    @property
    def visits(self) -> list[ClinicsVisit]:
        return [row for row in self.rows if isinstance(row, ClinicsVisit)]

    @property
    def standing(self) -> int:
        return sum(row.visit.state != "cancelled" for row in self.visits)


@dataclass(frozen=True, slots=True)
class Day:
    asked: Asked
    columns: Sequence[Column]
    is_cut: bool
    """There is more than is shown."""

    @property
    def day_before(self) -> date:
        return self.asked.day - timedelta(days=1)

    @property
    def day_after(self) -> date:
        return self.asked.day + timedelta(days=1)

    @property
    def rows(self) -> list[ClinicsVisit | list[Gap]]:
        return [row for column in self.columns for row in column.rows]

    @property
    def visits(self) -> list[ClinicsVisit]:
        return [row for row in self.rows if isinstance(row, ClinicsVisit)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for the staff elsewhere; None: not for this member."""

    matching: int | None
    requests: int | None
    messages: int | None


@dataclass(frozen=True, slots=True)
class Board:
    day: Day
    unconfirmed: Sequence[ClinicsVisit]
    """Whatever day is shown."""
    has_more_unconfirmed: bool
    waiting: Waiting

    @property
    def patients(self) -> list[UUID]:
        return [row.visit.patient for row in (*self.day.visits, *self.unconfirmed)]

    @property
    def mark(self) -> str:
        """Another one as soon as anything that is shown has changed."""
        shown = repr((self.day.rows, self.unconfirmed, self.waiting))
        return hashlib.sha256(shown.encode()).hexdigest()[:16]


async def board(member: Member, asked: Asked, *, now: datetime) -> Board:
    found = await unconfirmed(member, now=now)
    return Board(
        day=await read(member, asked, now=now),
        unconfirmed=found[:MOST_UNCONFIRMED],
        has_more_unconfirmed=len(found) > MOST_UNCONFIRMED,
        waiting=await waiting(member),
    )


async def waiting(member: Member) -> Waiting:
    (row,) = await db.fetch(
        """
        SELECT
            (SELECT count(*) FROM registration r JOIN account a ON a.id = r.account
             WHERE r.matched_at IS NULL AND a.activated_at IS NOT NULL
               AND a.disabled_at IS NULL) AS matching,
            (SELECT count(*) FROM clinic_request WHERE handled_at IS NULL) AS requests
        """
    )
    return Waiting(
        matching=row["matching"] if member.may(Right.PATIENTS) else None,
        requests=row["requests"] if member.may(Right.REQUESTS) else None,
        messages=await _unread(member) if member.may(Right.MESSAGES) else None,
    )


async def _unread(member: Member) -> int:
    """Of patients' messages, those that nobody of the clinic has opened; a practitioner's own."""
    rows = await clinic_side.waiting()
    return sum(row.seen_at is None and _is_for(member, row) for row in rows)


def _is_for(member: Member, row: clinic_side.Waiting) -> bool:
    return member.only in (None, row.practitioner)


async def read(member: Member, asked: Asked, *, now: datetime) -> Day:
    """A practitioner sees their own alone, whatever was asked for."""
    practitioner = member.only or asked.practitioner
    zone = member.clinic.zone
    begin = moment(asked.day, time(0), zone)
    end = moment(asked.day + timedelta(days=1), time(0), zone)
    visits = await agenda.clinics_visits(
        member.clinic,
        begin,
        end,
        practitioner=practitioner,
        site=asked.site,
        most=MOST_A_DAY + 1,
        now=now,
    )
    people = [c for c in await lists.practitioners(member) if practitioner in (None, c.id)]
    sites = [c for c in await lists.sites() if asked.site in (None, c.id)]
    gaps = await _gaps(people, asked.site, max(begin, now), end, now)
    columns = _columns(visits[:MOST_A_DAY], gaps, people, sites)
    return Day(asked, columns, is_cut=len(visits) > MOST_A_DAY)


async def unconfirmed(member: Member, *, now: datetime) -> list[ClinicsVisit]:
    """Those who should be called: they come soon, and have not said that they will."""
    return await agenda.clinics_visits(
        member.clinic,
        now,
        now + UNCONFIRMED_WITHIN,
        practitioner=member.only,
        is_unconfirmed=True,
        most=MOST_UNCONFIRMED + 1,
        now=now,
    )


GapRow = tuple[UUID, UUID, Gap]
"""Whose, where, and which."""


async def _gaps(
    people: Sequence[Choice], site: UUID | None, begin: datetime, end: datetime, now: datetime
) -> list[GapRow]:
    if begin >= end:
        return []
    rows = await db.fetch(
        f"""
        SELECT sl.id, sl.starts_at, sl.minutes, sl.practitioner, sl.site,
               CASE WHEN h.id IS NULL THEN 0 ELSE 1 END AS is_held
        FROM slot sl LEFT JOIN hold h ON h.slot = sl.id AND h.expires_at > {{}}
        WHERE sl.practitioner IN ({db.places(people)})
          AND sl.starts_at > {{}} AND sl.starts_at < {{}} AND sl.withdrawn_at IS NULL
          AND NOT EXISTS (
              SELECT 1 FROM appointment ap WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
        ORDER BY sl.starts_at LIMIT {{}}
        """,
        now,
        *(person.id for person in people),
        begin,
        end,
        MOST_A_DAY,
    )
    return [
        (
            row["practitioner"],
            row["site"],
            Gap(row["id"], row["starts_at"], row["minutes"], bool(row["is_held"])),
        )
        for row in rows
        if site in (None, row["site"])
    ]


def _columns(
    visits: Sequence[ClinicsVisit],
    gaps: Sequence[GapRow],
    people: Sequence[Choice],
    sites: Sequence[Choice],
) -> list[Column]:
    """By practitioner in the order of the lists, then by site; whoever has nothing has none."""
    found: dict[tuple[UUID, UUID], Column] = {}
    names = {choice.id: choice.name.fr for choice in (*people, *sites)}
    for row in visits:
        place = (row.practitioner, row.site)
        found.setdefault(place, Column(row.visit.practitioner, row.visit.place.name))
        found[place].rows.append(row)
    for practitioner, site, gap in gaps:
        place = (practitioner, site)
        found.setdefault(place, Column(names.get(practitioner, ""), names.get(site, "")))
        found[place].rows.append([gap])
    for column in found.values():
        column.rows = _in_order(column.rows)
    order = {choice.id: n for n, choice in enumerate((*people, *sites))}
    last = len(order)
    return [
        column
        for _, column in sorted(
            found.items(), key=lambda each: [order.get(id, last) for id in each[0]]
        )
    ]


def _in_order(rows: Sequence[ClinicsVisit | list[Gap]]) -> list[ClinicsVisit | list[Gap]]:
    """Free times that follow each other are one row."""
    ordered: list[ClinicsVisit | list[Gap]] = []
    for row in sorted(rows, key=_starts_at):
        last = ordered[-1] if ordered else None
        if isinstance(row, list) and isinstance(last, list):
            last.extend(row)
        else:
            ordered.append(row)
    return ordered


def _starts_at(row: ClinicsVisit | list[Gap]) -> tuple[datetime, bool]:
    """A free time stands before the cancelled visit that left it."""
    if isinstance(row, list):
        return row[0].starts_at, False
    return row.visit.starts_at, True
