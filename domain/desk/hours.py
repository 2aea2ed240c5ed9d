"""Weekly templates as the staff change them: shown with their effect, then published at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain import audit, db
from domain.clinic import hours, publishing
from domain.clinic.calendar import Opening
from domain.clinic.hours import TypedLine
from domain.clinic.publishing import Line
from domain.clinic.tables import Schedule, ScheduleVisitType, WeeklyHours
from domain.desk.practitioners import whose
from domain.errors import ChangedMeanwhile, Conflict, Invalid, NotFound
from domain.staff import once
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import Named, read_id

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class VisitTypeChoice:
    id: UUID
    name: Named
    minutes: int
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A schedule: where, for which visits, and its weekly hours."""

    id: UUID
    practitioner: UUID
    site: UUID
    site_name: str
    visit_types: Sequence[VisitTypeChoice]
    lines: Sequence[Opening]
    version: int

    @property
    def typed(self) -> "Typed":
        lines = tuple(TypedLine.of(line) for line in self.lines)
        types = frozenset(str(each.id) for each in self.visit_types)
        return Typed(str(self.site), types, lines)


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was sent."""

    site: str = ""
    visit_types: frozenset[str] = frozenset()
    lines: tuple[TypedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    site: UUID
    visit_types: Sequence[UUID]
    lines: Sequence[Opening]


@dataclass(frozen=True, slots=True)
class Staying:
    """A visit in a slot that the template no longer has: it does not move."""

    appointment: UUID
    patient: UUID
    patient_name: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """What saving would do up to the horizon."""

    coming: int
    going: int
    staying: Sequence[Staying]
    staying_count: int
    met: Sequence[Line] = ()
    """Single days that these hours meet: on them, the day is kept."""


async def templates(member: Member, practitioner: UUID) -> list[Template]:
    await whose(member, practitioner, Right.TEMPLATES)
    return await templates_of(practitioner)


async def template(member: Member, practitioner: UUID, schedule: UUID) -> Template:
    for found in await templates(member, practitioner):
        if found.id == schedule:
            return found
    raise NotFound


async def templates_of(practitioner: UUID) -> list[Template]:
    """Those still published from, with their hours in the order of the week."""
    rows = await db.fetch(
        """
        SELECT sc.id, sc.practitioner, sc.site, si.name AS site_name, sc.version
        FROM schedule sc JOIN site si ON si.id = sc.site
        WHERE sc.practitioner = {} AND sc.ended_at IS NULL AND si.ended_at IS NULL
        ORDER BY si.position, si.name, sc.id
        """,
        practitioner,
    )
    types = await db.fetch(
        """
        SELECT sv.schedule, vt.id, vt.name_fr, vt.name_en, vt.minutes, vt.is_urgent
        FROM schedule_visit_type sv JOIN visit_type vt ON vt.id = sv.visit_type
        JOIN schedule sc ON sc.id = sv.schedule
        WHERE sc.practitioner = {} AND vt.ended_at IS NULL ORDER BY vt.position, vt.name_fr
        """,
        practitioner,
    )
    lines = await db.fetch(
        """
        SELECT w.schedule, w.weekday, w.opens, w.closes, w.slot_minutes
        FROM weekly_hours w JOIN schedule sc ON sc.id = w.schedule
        WHERE sc.practitioner = {} ORDER BY w.weekday, w.opens
        """,
        practitioner,
    )
    found = [
        Template(
            **row,
            visit_types=[_type(each) for each in types if each["schedule"] == row["id"]],
            lines=[_opening(each) for each in lines if each["schedule"] == row["id"]],
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: _first(each.lines))


async def visit_types() -> list[VisitTypeChoice]:
    rows = await db.fetch(
        "SELECT id, name_fr, name_en, minutes, is_urgent FROM visit_type"
        " WHERE ended_at IS NULL ORDER BY is_urgent, position, name_fr"
    )
    return [_type(row) for row in rows]


async def preview(
    member: Member, practitioner: UUID, schedule: UUID | None, typed: Typed, *, now: datetime
) -> Effect:
    """What saving this would do, without doing it."""
    await whose(member, practitioner, Right.TEMPLATES)
    wanted = await _read(practitioner, schedule, typed)
    id = schedule or uuid4()
    lines = [Line(id, wanted.site, opening) for opening in wanted.lines]
    effect = await _effect(member, practitioner, id, lines, now)
    singles = await publishing.single_days(practitioner, member.clinic.today(now))
    met = [day for day in singles if any(hours.overlap(day.opening, line) for line in wanted.lines)]
    return replace(effect, met=met[:MOST_SHOWN])


async def effect_of_ending(
    member: Member, practitioner: UUID, schedule: UUID, *, now: datetime
) -> Effect:
    await template(member, practitioner, schedule)
    return await _effect(member, practitioner, schedule, [], now)


async def add(member: Member, practitioner: UUID, typed: Typed, *, key: str, now: datetime) -> UUID:
    """The new schedule; the same form sent again gives the same one."""
    await whose(member, practitioner, Right.TEMPLATES)
    schedule = uuid4()
    content = repr((practitioner, typed.site, sorted(typed.visit_types), typed.lines))
    async with db.transaction():
        await publishing.lock(practitioner)
        first = await once.claim(member.id, "template", key, content, result=schedule, now=now)
        if first != schedule:
            return first
        if (await whose(member, practitioner, Right.TEMPLATES)).has_ended:
            raise NotFound
        wanted = await _read(practitioner, None, typed)
        await Schedule.insert(Schedule(id=schedule, practitioner=practitioner, site=wanted.site))
        await _write(schedule, wanted)
        await _publish(member, practitioner, schedule, "schedule.added", now)
    return schedule


async def save(
    member: Member,
    practitioner: UUID,
    schedule: UUID,
    typed: Typed,
    *,
    version: int,
    now: datetime,
) -> None:
    """The place stays: another place is another schedule."""
    async with db.transaction():
        await publishing.lock(practitioner)
        before = await template(member, practitioner, schedule)
        wanted = await _read(practitioner, schedule, replace(typed, site=str(before.site)))
        if _is_same(before, wanted):
            return
        await _next_version(schedule, version)
        await _write(schedule, wanted)
        await _publish(member, practitioner, schedule, "schedule.changed", now)


async def end(
    member: Member, practitioner: UUID, schedule: UUID, *, version: int, now: datetime
) -> None:
    """Nothing is published from it any more; its free slots go, its visits stay."""
    async with db.transaction():
        await publishing.lock(practitioner)
        await template(member, practitioner, schedule)
        await _next_version(schedule, version)
        await db.fetch(
            "UPDATE schedule SET ended_at = {}, ended_by = {} WHERE id = {}",
            now,
            member.signature,
            schedule,
        )
        await _publish(member, practitioner, schedule, "schedule.ended", now)


async def _publish(
    member: Member, practitioner: UUID, schedule: UUID, action: str, now: datetime
) -> None:
    try:
        await publishing.publish_for(
            practitioner, member.clinic, changed=[schedule], by=member.signature, now=now
        )
    except Exception as error:
        if db.conflict_kind(error) in {"overlap", "busy"}:
            raise Conflict from error
        raise
    await audit.record(member.actor, action, subject=schedule, at=now)


async def _effect(
    member: Member, practitioner: UUID, schedule: UUID, lines: list[Line], now: datetime
) -> Effect:
    plan = await publishing.plan(
        practitioner, member.clinic, changed=[schedule], instead=lines, now=now
    )
    staying = plan.staying
    rows = await db.fetch(
        f"""
        SELECT ap.id AS appointment, ap.patient, p.first_name || ' ' || p.last_name AS patient_name,
               ap.starts_at
        FROM appointment ap JOIN patient p ON p.id = ap.patient
        WHERE ap.slot IN ({db.places(staying[:MOST_SHOWN])}) AND ap.cancelled_at IS NULL
        ORDER BY ap.starts_at
        """,
        *staying[:MOST_SHOWN],
    )
    return Effect(plan.coming, plan.going, [Staying(**row) for row in rows], len(staying))


async def _read(practitioner: UUID, schedule: UUID | None, typed: Typed) -> Hours:
    """What the form asks for; or Invalid, with what is wrong beside each field. In a transaction,
    nobody ends the place or the types meanwhile."""
    types = await _chosen(typed.visit_types)
    site = read_id(typed.site)
    problems = {} if await _is_site(site) else {"lieu": "missing"}
    problems |= {} if types else {"types": "missing"}
    lines: dict[int, Opening] = {}
    for n, line in enumerate(typed.lines, 1):
        if line.is_blank:
            continue
        opening, wrong = hours.read_line(line, n)
        problems |= wrong
        if opening is not None:
            lines[n] = opening
    if not lines and not any(name.partition("_")[2] for name in problems):
        problems["jour_1"] = "no_line"
    if len(lines) > hours.MOST_LINES:
        problems["jour_1"] = "too_many"
    problems |= hours.overlapping(lines, await _elsewhere(practitioner, schedule))
    if lines and any(hours.too_long(types, lines.values())):
        problems["types"] = "too_long"
    if problems or site is None:
        raise Invalid(problems)
    return Hours(site, [each.id for each in types], _sorted(lines.values()))


async def _is_site(site: UUID | None) -> bool:
    return bool(
        await db.fetch(
            f"SELECT id FROM site WHERE id = {{}} AND ended_at IS NULL {db.for_share()}", site
        )
    )


async def _chosen(typed: Collection[str]) -> list[VisitTypeChoice]:
    ids = [id for id in map(read_id, typed) if id is not None]
    still = await db.fetch(
        f"""
        SELECT id FROM visit_type WHERE ended_at IS NULL AND id IN ({db.places(ids)})
        ORDER BY id {db.for_share()}
        """,
        *ids,
    )
    chosen = {row["id"] for row in still}
    return [each for each in await visit_types() if each.id in chosen]


async def _elsewhere(practitioner: UUID, schedule: UUID | None) -> list[Opening]:
    """The weekly hours of the practitioner's other schedules."""
    others = await templates_of(practitioner)
    return [line for each in others if each.id != schedule for line in each.lines]


async def _next_version(schedule: UUID, version: int) -> None:
    changed = await db.fetch(
        "UPDATE schedule SET version = version + 1 WHERE id = {} AND version = {} RETURNING id",
        schedule,
        version,
    )
    if not changed:
        raise ChangedMeanwhile


async def _write(schedule: UUID, wanted: Hours) -> None:
    await ScheduleVisitType.delete().where(ScheduleVisitType.schedule == schedule)
    await WeeklyHours.delete().where(WeeklyHours.schedule == schedule)
    await ScheduleVisitType.insert(
        *[
            ScheduleVisitType(id=uuid4(), schedule=schedule, visit_type=each)
            for each in wanted.visit_types
        ]
    )
    await WeeklyHours.insert(
        *[
            WeeklyHours(
                id=uuid4(),
                schedule=schedule,
                weekday=line.weekday,
                opens=line.opens,
                closes=line.closes,
                slot_minutes=line.slot_minutes,
            )
            for line in wanted.lines
        ]
    )


def _is_same(before: Template, wanted: Hours) -> bool:
    """What is saved twice is saved once."""
    types = {each.id for each in before.visit_types}
    return types == set(wanted.visit_types) and _sorted(before.lines) == list(wanted.lines)


def _sorted(lines: Any) -> list[Opening]:
    return sorted(lines, key=lambda line: (line.weekday, line.opens))


def _first(lines: Sequence[Opening]) -> tuple[Any, ...]:
    return (lines[0].weekday, lines[0].opens) if lines else (7,)


def _type(row: dict[str, Any]) -> VisitTypeChoice:
    name = Named(row["name_fr"], row["name_en"])
    return VisitTypeChoice(row["id"], name, row["minutes"], bool(row["is_urgent"]))


def _opening(row: dict[str, Any]) -> Opening:
    return Opening(row["weekday"], row["opens"], row["closes"], row["slot_minutes"])
