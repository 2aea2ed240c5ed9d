"""« Aujourd’hui »: a day's visits and free times, whom to call, what waits."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from domain import audit, db
from domain.appointments import agenda
from domain.appointments.agenda import ClinicsVisit
from domain.clinic.calendar import moment
from domain.desk import calls, communications, matching, requests
from domain.desk.calls import Call, ToCall
from domain.desk.communications import WaitingCount
from domain.desk.lists import Choice
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named

UNCONFIRMED_WITHIN = timedelta(hours=48)
MOST_UNCONFIRMED = 50
MOST_TO_CALL = 50
READING = "day"
COLUMNS = 24
"""Practitioners on one page of the day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose day is shown."""

    day: date
    practitioner: UUID | None = None
    site: UUID | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """A free time to come, into which staff may book."""

    slot: UUID
    starts_at: datetime
    minutes: int
    is_held: bool
    """By a patient who is about to take it."""
    site: str


@dataclass(slots=True)
class Column:
    """The day of one practitioner, in the order of the clock."""

    practitioner: str
    rows: list[ClinicsVisit | list[Gap]] = field(default_factory=list)
    """A visit, or the free times between two."""

    @property
    def visits(self) -> list[ClinicsVisit]:
        return [row for row in self.rows if isinstance(row, ClinicsVisit)]

    @property
    def sites(self) -> list[str]:
        """More than one: each row says where."""
        names = [
            row[0].site if isinstance(row, list) else row.visit.place.name for row in self.rows
        ]
        return list(dict.fromkeys(names))

    @property
    def standing(self) -> int:
        return sum(row.visit.state != "cancelled" for row in self.visits)


@dataclass(frozen=True, slots=True)
class Day:
    asked: Asked
    columns: Sequence[Column]
    has_more: bool
    """There are practitioners after these."""

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
    messages: WaitingCount | None


@dataclass(frozen=True, slots=True)
class Board:
    day: Day
    unconfirmed: Sequence[ClinicsVisit]
    """Whatever day is shown."""
    has_more_unconfirmed: bool
    calls: Mapping[UUID, Call]
    """The last one about each of them."""
    all_to_call: Sequence[ToCall]
    waiting: Waiting

    @property
    def to_call(self) -> Sequence[ToCall]:
        return self.all_to_call[:MOST_TO_CALL]

    @property
    def untold(self) -> frozenset[UUID]:
        return frozenset(each.row.visit.id for each in self.all_to_call)

    @property
    def patients(self) -> list[UUID]:
        called = [each.row for each in self.to_call]
        return [row.visit.patient for row in (*self.day.visits, *self.unconfirmed, *called)]

    @property
    def mark(self) -> str:
        """Another one as soon as anything that is shown has changed."""
        said = sorted(self.calls.items())
        pages = (self.day.asked.page, self.day.has_more)
        lists = (self.day.rows, self.unconfirmed, said, self.all_to_call, self.waiting)
        shown = repr((pages, lists))
        return hashlib.sha256(shown.encode()).hexdigest()[:16]


async def board(member: Member, asked: Asked, *, now: datetime) -> Board:
    found = await unconfirmed(member, now=now)
    return Board(
        day=await read(member, asked, now=now),
        unconfirmed=found[:MOST_UNCONFIRMED],
        has_more_unconfirmed=len(found) > MOST_UNCONFIRMED,
        calls=await calls.last_calls(found[:MOST_UNCONFIRMED], now=now),
        all_to_call=await calls.to_call(member, now=now),
        waiting=await waiting(member, now=now),
    )


async def newly_shown(member: Member, board: Board, *, now: datetime) -> list[UUID]:
    """Of the board's patients, those that this page has not shown to this member today.

    The journal itself says so: an open page that is asked again each minute adds no line for whom
    it has one since midnight.
    """
    midnight = moment(member.clinic.today(now), time(0), member.clinic.zone)
    known = await audit.shown_since(member.actor, f"read.staff.{READING}", midnight)
    return [patient for patient in board.patients if patient not in known]


async def waiting(member: Member, *, now: datetime) -> Waiting:
    return Waiting(
        matching=await matching.number_waiting() if member.may(Right.PATIENTS) else None,
        requests=await requests.count() if member.may(Right.REQUESTS) else None,
        messages=await communications.count_waiting(member, now=now)
        if member.may(Right.MESSAGES)
        else None,
    )


async def read(member: Member, asked: Asked, *, now: datetime) -> Day:
    """A practitioner sees their own alone, whatever was asked for."""
    zone = member.clinic.zone
    begin = moment(asked.day, time(0), zone)
    end = moment(asked.day + timedelta(days=1), time(0), zone)
    seen = replace(asked, practitioner=member.only or asked.practitioner)
    people = await _present(seen, begin, end, now)
    if not people and asked.page > 1:
        return await read(member, replace(asked, page=1), now=now)
    if not people:
        return Day(asked, [], has_more=False)
    shown = people[:COLUMNS]
    ids = [each.id for each in shown]
    visits = await agenda.clinics_visits(
        member.clinic, begin, end, practitioners=ids, site=asked.site, now=now
    )
    gaps = await _gaps(ids, asked.site, max(begin, now), end, now)
    return Day(asked, _columns(visits, gaps, shown), has_more=len(people) > COLUMNS)


async def unconfirmed(member: Member, *, now: datetime) -> list[ClinicsVisit]:
    """Those who should be called: they come soon, and have not said that they will."""
    return await agenda.clinics_visits(
        member.clinic,
        now,
        now + UNCONFIRMED_WITHIN,
        practitioners=member.own,
        is_unconfirmed=True,
        most=MOST_UNCONFIRMED + 1,
        now=now,
    )


async def _present(asked: Asked, begin: datetime, end: datetime, now: datetime) -> list[Choice]:
    """Who has a visit or a free time that day, a page of them and one more, by name.

    Asked of each in turn until the page is full: of EXISTS, PostgreSQL would make a table of the
    whole day first.
    """
    at_site, site = ("", []) if asked.site is None else ("AND {}.site = {{}}", [asked.site])
    one, chosen = (
        ("", []) if asked.practitioner is None else ("AND p.id = {}", [asked.practitioner])
    )
    rows = await db.fetch(
        f"""
        SELECT p.id, p.title || ' ' || p.first_name || ' ' || p.last_name AS name
        FROM practitioner p
        WHERE coalesce(
            (SELECT 1 FROM appointment ap WHERE ap.practitioner = p.id
               AND ap.starts_at >= {{}} AND ap.starts_at < {{}} {at_site.format("ap")} LIMIT 1),
            CASE WHEN p.ended_at IS NULL THEN (
                SELECT 1 FROM slot sl JOIN site si ON si.id = sl.site AND si.ended_at IS NULL
                WHERE sl.practitioner = p.id
                  AND sl.starts_at > {{}} AND sl.starts_at < {{}} {at_site.format("sl")}
                  AND sl.withdrawn_at IS NULL AND NOT EXISTS (
                      SELECT 1 FROM appointment ap
                      WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL) LIMIT 1) END
        ) = 1 {one}
        ORDER BY p.last_name, p.first_name, p.id LIMIT {COLUMNS + 1} OFFSET {{}}
        """,
        begin,
        end,
        *site,
        max(begin, now),
        end,
        *site,
        *chosen,
        (asked.page - 1) * COLUMNS,
    )
    return [Choice(row["id"], Named(row["name"], row["name"])) for row in rows]


GapRow = tuple[UUID, Gap]
"""Whose, and which."""


async def _gaps(
    practitioners: Sequence[UUID],
    site: UUID | None,
    begin: datetime,
    end: datetime,
    now: datetime,
) -> list[GapRow]:
    """Of a site and a practitioner who are still there."""
    if begin >= end:
        return []
    at_site, chosen = ("", []) if site is None else ("AND sl.site = {}", [site])
    rows = await db.fetch(
        f"""
        SELECT sl.id, sl.starts_at, sl.minutes, sl.practitioner, si.name AS site,
               CASE WHEN h.id IS NULL THEN 0 ELSE 1 END AS is_held
        FROM slot sl
        JOIN practitioner pr ON pr.id = sl.practitioner AND pr.ended_at IS NULL
        JOIN site si ON si.id = sl.site AND si.ended_at IS NULL
        LEFT JOIN hold h ON h.slot = sl.id AND h.expires_at > {{}}
        WHERE sl.practitioner IN ({db.places(practitioners)}) {at_site}
          AND sl.starts_at > {{}} AND sl.starts_at < {{}} AND sl.withdrawn_at IS NULL
          AND NOT EXISTS (
              SELECT 1 FROM appointment ap WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
        ORDER BY sl.starts_at
        """,
        now,
        *practitioners,
        *chosen,
        begin,
        end,
    )
    return [(row["practitioner"], _gap(row)) for row in rows]


def _gap(row: Mapping[str, Any]) -> Gap:
    return Gap(row["id"], row["starts_at"], row["minutes"], bool(row["is_held"]), row["site"])


def _columns(
    visits: Sequence[ClinicsVisit],
    gaps: Sequence[GapRow],
    people: Sequence[Choice],
) -> list[Column]:
    """In the order of the people."""
    found = {each.id: Column(each.name.fr) for each in people}
    for row in visits:
        found[row.practitioner].rows.append(row)
    for practitioner, gap in gaps:
        found[practitioner].rows.append([gap])
    for column in found.values():
        column.rows = _in_order(column.rows)
    return [column for column in found.values() if column.rows]


def _in_order(rows: Sequence[ClinicsVisit | list[Gap]]) -> list[ClinicsVisit | list[Gap]]:
    """Free times that follow each other at one site are one row."""
    ordered: list[ClinicsVisit | list[Gap]] = []
    for row in sorted(rows, key=_starts_at):
        last = ordered[-1] if ordered else None
        if isinstance(row, list) and isinstance(last, list) and row[0].site == last[0].site:
            last.extend(row)
        else:
            ordered.append(row)
    return ordered


def _starts_at(row: ClinicsVisit | list[Gap]) -> tuple[datetime, bool]:
    """A free time stands before the cancelled visit that left it."""
    if isinstance(row, list):
        return row[0].starts_at, False
    return row.visit.starts_at, True
