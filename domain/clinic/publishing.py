"""Slots published ahead from the weekly templates, less the absences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain import db
from domain.clinic.calendar import Opening, Span, cut, days_between, moment, overlaps
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.clinic.tables import Practitioner, Slot

CHUNK = 200


@dataclass(frozen=True, slots=True)
class _Line:
    schedule: UUID
    site: UUID
    opening: Opening


async def publish(*, now: datetime) -> int:
    """Publish what is missing up to the horizon; run again, it adds nothing."""
    templates = await _lines()
    if not templates:
        return 0
    clinic = await current_settings()
    published = 0
    for practitioner, lines in templates.items():
        published += await _publish_for(practitioner, lines, clinic, now)
    return published


async def _publish_for(
    practitioner: UUID, lines: list[_Line], clinic: ClinicSettings, now: datetime
) -> int:
    until = now + timedelta(weeks=clinic.horizon_weeks)
    async with db.transaction():
        await db.lock_row(Practitioner, practitioner)
        taken = await _taken(practitioner, clinic, now, until)
        absences = await _absences(practitioner)
        await _withdraw(practitioner, absences, clinic, now)
        new: list[Slot] = []
        for line, span in _spans(lines, clinic, now, until):
            day = span.starts_at.astimezone(clinic.zone).date()
            is_away = any(first <= day <= last for first, last in absences)
            if is_away or overlaps(span, taken.get(day, [])):
                continue
            taken.setdefault(day, []).append(span)
            new.append(_slot(practitioner, line, span))
        for start in range(0, len(new), CHUNK):
            await Slot.insert(*new[start : start + CHUNK])
    return len(new)


async def _withdraw(
    practitioner: UUID, absences: list[tuple[date, date]], clinic: ClinicSettings, now: datetime
) -> None:
    """Free slots of an absence that was entered after they were published."""
    for first, last in absences:
        await db.fetch(
            """
            UPDATE slot SET withdrawn_at = {}
            WHERE practitioner = {} AND starts_at >= {} AND starts_at < {} AND starts_at > {}
              AND withdrawn_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM appointment ap WHERE ap.slot = slot.id AND ap.cancelled_at IS NULL)
            """,
            now,
            practitioner,
            moment(first, time(0), clinic.zone),
            moment(last + timedelta(days=1), time(0), clinic.zone),
            now,
        )


def _spans(
    lines: list[_Line], clinic: ClinicSettings, now: datetime, until: datetime
) -> Iterator[tuple[_Line, Span]]:
    for day in days_between(clinic.today(now), clinic.today(until)):
        for line in lines:
            for span in cut(line.opening, day, clinic.zone):
                if now < span.starts_at < until:
                    yield line, span


def _slot(practitioner: UUID, line: _Line, span: Span) -> Slot:
    return Slot(
        id=uuid4(),
        schedule=line.schedule,
        practitioner=practitioner,
        site=line.site,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        minutes=line.opening.slot_minutes,
    )


async def _lines() -> dict[UUID, list[_Line]]:
    rows = await db.fetch(
        """
        SELECT sc.practitioner, sc.id AS schedule, sc.site, w.weekday, w.opens, w.closes,
               w.slot_minutes
        FROM weekly_hours w JOIN schedule sc ON sc.id = w.schedule
        ORDER BY sc.practitioner, w.weekday, w.opens
        """
    )
    lines: dict[UUID, list[_Line]] = {}
    for row in rows:
        lines.setdefault(row["practitioner"], []).append(_line(row))
    return lines


def _line(row: dict[str, Any]) -> _Line:
    opening = Opening(row["weekday"], row["opens"], row["closes"], row["slot_minutes"])
    return _Line(row["schedule"], row["site"], opening)


async def _taken(
    practitioner: UUID, clinic: ClinicSettings, now: datetime, until: datetime
) -> dict[date, list[Span]]:
    """Every slot there is, withdrawn ones too: what was taken back is not published again."""
    rows = await db.fetch(
        """
        SELECT starts_at, ends_at FROM slot
        WHERE practitioner = {} AND ends_at > {} AND starts_at < {}
        """,
        practitioner,
        now,
        until,
    )
    taken: dict[date, list[Span]] = {}
    for row in rows:
        day = row["starts_at"].astimezone(clinic.zone).date()
        taken.setdefault(day, []).append(Span(**row))
    return taken


async def _absences(practitioner: UUID) -> list[tuple[date, date]]:
    rows = await db.fetch(
        """
        SELECT first_day, last_day FROM absence
        WHERE practitioner = {} OR practitioner IS NULL
        """,
        practitioner,
    )
    return [(row["first_day"], row["last_day"]) for row in rows]
