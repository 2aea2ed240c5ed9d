"""Single days: hours of one date besides the weekly templates, published at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID, uuid4

from domain import audit, db
from domain.clinic import hours, publishing
from domain.clinic.calendar import Opening, Span, cut, moment
from domain.clinic.hours import TypedLine
from domain.clinic.tables import OpenDay
from domain.desk.hours import Template, templates_of
from domain.desk.practitioners import whose
from domain.errors import Conflict, Invalid, NotFound
from domain.staff import once
from domain.staff.member import Member
from domain.texts import read_id

MOST_SHOWN = 100
FARTHEST = 366


@dataclass(frozen=True, slots=True)
class SingleDay:
    id: UUID
    schedule: UUID
    site_name: str
    day: date
    opens: time
    closes: time
    slot_minutes: int
    visits: int
    """Booked in it: they stay when it is taken back."""


@dataclass(frozen=True, slots=True)
class TypedDay:
    """The form as it was sent."""

    schedule: str = ""
    day: str = ""
    opens: str = ""
    closes: str = ""
    minutes: str = ""


@dataclass(frozen=True, slots=True)
class Single:
    template: Template
    day: date
    opening: Opening


async def days(member: Member, practitioner: UUID, *, now: datetime) -> list[SingleDay]:
    """The coming ones."""
    await whose(member, practitioner)
    rows = await db.fetch(
        """
        SELECT od.id, od.schedule, si.name AS site_name, od.day, od.opens, od.closes,
               od.slot_minutes
        FROM open_day od JOIN schedule sc ON sc.id = od.schedule JOIN site si ON si.id = sc.site
        WHERE sc.practitioner = {} AND od.day >= {} AND sc.ended_at IS NULL
        ORDER BY od.day, od.opens LIMIT {}
        """,
        practitioner,
        member.clinic.today(now),
        MOST_SHOWN,
    )
    booked = await _booked(practitioner, now)
    zone = member.clinic.zone
    return [
        SingleDay(
            **row,
            visits=sum(
                schedule == row["schedule"]
                and moment(row["day"], row["opens"], zone)
                <= at
                < moment(row["day"], row["closes"], zone)
                for schedule, at in booked
            ),
        )
        for row in rows
    ]


async def open_day(member: Member, practitioner: UUID, id: UUID, *, now: datetime) -> SingleDay:
    for found in await days(member, practitioner, now=now):
        if found.id == id:
            return found
    raise NotFound


async def add(
    member: Member, practitioner: UUID, typed: TypedDay, *, key: str, now: datetime
) -> UUID:
    """The same form sent again is the same day."""
    await whose(member, practitioner)
    id = uuid4()
    async with db.transaction():
        await publishing.lock(practitioner)
        first = await once.claim(member.id, "open_day", key, repr(typed), result=id, now=now)
        if first != id:
            return first
        single = await _read(member, practitioner, typed, now)
        opening = single.opening
        await OpenDay.insert(
            OpenDay(
                id=id,
                schedule=single.template.id,
                day=single.day,
                opens=opening.opens,
                closes=opening.closes,
                slot_minutes=opening.slot_minutes,
                added_at=now,
                added_by=member.signature,
            )
        )
        await _publish(member, practitioner, single.template.id, now)
        await audit.record(member.actor, "open_day.added", subject=id, at=now)
    return id


async def remove(member: Member, practitioner: UUID, id: UUID, *, key: str, now: datetime) -> None:
    """Its free slots go; its visits stay."""
    await whose(member, practitioner)
    mine = uuid4()
    async with db.transaction():
        await publishing.lock(practitioner)
        first = await once.claim(member.id, "open_day.end", key, str(id), result=mine, now=now)
        if first != mine:
            return
        found = await open_day(member, practitioner, id, now=now)
        await OpenDay.delete().where(OpenDay.id == id)
        await _publish(member, practitioner, found.schedule, now)
        await audit.record(member.actor, "open_day.removed", subject=id, at=now)


async def _publish(member: Member, practitioner: UUID, schedule: UUID, now: datetime) -> None:
    try:
        await publishing.publish_for(
            practitioner, member.clinic, changed=[schedule], by=member.signature, now=now
        )
    except Exception as error:
        if db.conflict_kind(error) in {"overlap", "busy"}:
            raise Conflict from error
        raise


async def _read(member: Member, practitioner: UUID, typed: TypedDay, now: datetime) -> Single:
    templates = await templates_of(practitioner)
    schedule = read_id(typed.schedule)
    template = next((each for each in templates if each.id == schedule), None)
    day = hours.read_day(typed.day)
    weekday = "0" if day is None else str(day.weekday())
    line = TypedLine(weekday, typed.opens, typed.closes, typed.minutes)
    opening, wrong = hours.read_line(line, 1)
    problems = {name.removesuffix("_1"): code for name, code in wrong.items()}
    problems |= {} if template else {"gabarit": "missing"}
    problems |= _of_day(member, day, opening, now)
    if template and opening and any(hours.too_long(template.visit_types, [opening])):
        problems["duree"] = "types_longer"
    if problems or template is None or day is None or opening is None:
        raise Invalid(problems)
    single = Single(template, day, opening)
    if problems := await _meeting(member, practitioner, single, templates):
        raise Invalid(problems)
    return single


def _of_day(
    member: Member, day: date | None, opening: Opening | None, now: datetime
) -> dict[str, str]:
    today = member.clinic.today(now)
    if day is None:
        return {"jour": "missing"}
    if day < today:
        return {"jour": "past"}
    if (day - today).days > FARTHEST:
        return {"jour": "far"}
    if opening and not any(span.starts_at > now for span in cut(opening, day, member.clinic.zone)):
        return {"fin": "past"}
    return {}


async def _meeting(
    member: Member, practitioner: UUID, single: Single, templates: Sequence[Template]
) -> dict[str, str]:
    """A practitioner is at one place at a time, and at none while away."""
    singles = await db.fetch(
        """
        SELECT od.opens, od.closes, od.slot_minutes FROM open_day od
        JOIN schedule sc ON sc.id = od.schedule
        WHERE sc.practitioner = {} AND od.day = {} AND sc.ended_at IS NULL
        """,
        practitioner,
        single.day,
    )
    others = [Opening(single.day.weekday(), *row.values()) for row in singles]
    others += [line for each in templates for line in each.lines]
    if hours.overlapping({1: single.opening}, others):
        return {"debut": "overlap_elsewhere"}
    away = await db.fetch(
        """
        SELECT id FROM absence
        WHERE (practitioner = {} OR practitioner IS NULL) AND first_day <= {} AND last_day >= {}
        """,
        practitioner,
        single.day,
        single.day,
    )
    if away:
        return {"jour": "absent"}
    zone = member.clinic.zone
    whole = Span(
        moment(single.day, single.opening.opens, zone),
        moment(single.day, single.opening.closes, zone),
    )
    return {"debut": "visits"} if await _is_busy(practitioner, whole) else {}


async def _is_busy(practitioner: UUID, span: Span) -> bool:
    """A visit that stands there still, from hours that are no more."""
    return bool(
        await db.fetch(
            """
            SELECT id FROM appointment WHERE practitioner = {} AND cancelled_at IS NULL
              AND starts_at < {} AND ends_at > {} LIMIT 1
            """,
            practitioner,
            span.ends_at,
            span.starts_at,
        )
    )


async def _booked(practitioner: UUID, now: datetime) -> list[tuple[UUID, datetime]]:
    rows = await db.fetch(
        """
        SELECT sl.schedule, ap.starts_at FROM appointment ap JOIN slot sl ON sl.id = ap.slot
        WHERE ap.practitioner = {} AND ap.cancelled_at IS NULL AND ap.starts_at > {}
        """,
        practitioner,
        now,
    )
    return [(row["schedule"], row["starts_at"]) for row in rows]
