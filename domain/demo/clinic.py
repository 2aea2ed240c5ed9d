"""The demonstration's clinic: who works where and when, and the slots that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from domain import db
from domain.clinic import publishing, tables
from domain.clinic.calendar import Opening, Span, cut
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.demo.data import clinic as data
from domain.demo.data.clinic import EVERY_DAY, Absence, Holiday, Hours, VisitType
from domain.demo.rows import insert

HOLIDAY_NOTICE = timedelta(days=8)

type_of: Mapping[str, VisitType] = {each.key: each for each in data.VISIT_TYPES}


@dataclass(frozen=True, slots=True)
class Time:
    """A time by the weekly template, with the id of its slot: published, or still to be made."""

    hours: Hours
    span: Span
    slot: UUID = field(default_factory=uuid4)

    @property
    def starts_at(self) -> datetime:
        return self.span.starts_at

    def is_for(self, visit_type: str) -> bool:
        return visit_type in self.hours.visit_types


@dataclass(frozen=True, slots=True)
class DemoClinic:
    """The clinic's rows, found by the keys of the data."""

    settings: ClinicSettings
    ids: Mapping[str, UUID]
    """Of sites, specialties, teams, practitioners and visit types."""
    schedules: Mapping[tuple[str, str, tuple[str, ...]], UUID]

    def schedule_of(self, hours: Hours) -> UUID:
        return self.schedules[hours[:3]]

    def times(self, day: date) -> list[Time]:
        """A day by the weekly template alone, in order."""
        found = [
            Time(hours, span)
            for hours in data.HOURS
            for opening in openings(hours)
            for span in cut(opening, day, self.settings.zone)
        ]
        return sorted(found, key=_order)


async def create(*, now: datetime) -> DemoClinic:
    ids = {
        each.key: uuid4()
        for table in (
            data.SITES,
            data.SPECIALTIES,
            data.TEAMS,
            data.PRACTITIONERS,
            data.VISIT_TYPES,
        )
        for each in table
    }
    schedules = {hours[:3]: uuid4() for hours in data.HOURS}
    await insert([clinic_row()])
    await insert(_sites(ids))
    await insert(_specialties(ids))
    await insert(_teams(ids))
    await insert(_practitioners(ids))
    await insert(_visit_types(ids))
    clinic = DemoClinic(await current_settings(), ids, schedules)
    await insert(_schedules(clinic))
    await insert(_schedule_visit_types(clinic))
    await insert(_weekly_hours(clinic))
    await insert(_absences(clinic, clinic.settings.today(now)))
    await publishing.publish(now=now)
    return clinic


async def published(clinic: DemoClinic, *, now: datetime) -> list[Time]:
    """The coming slots nobody has taken, in order."""
    rows = await db.fetch(
        """
        SELECT sl.id, sl.schedule, sl.starts_at, sl.ends_at FROM slot sl
        WHERE sl.starts_at > {} AND NOT EXISTS (
            SELECT 1 FROM appointment ap WHERE ap.slot = sl.id AND ap.cancelled_at IS NULL)
        """,
        now,
    )
    hours = {clinic.schedule_of(hours): hours for hours in data.HOURS}
    found = [
        Time(hours[row["schedule"]], Span(row["starts_at"], row["ends_at"]), row["id"])
        for row in rows
    ]
    return sorted(found, key=_order)


def openings(hours: Hours) -> list[Opening]:
    opens, closes = time.fromisoformat(hours.opens), time.fromisoformat(hours.closes)
    return [Opening(EVERY_DAY.index(day), opens, closes, hours.slot_minutes) for day in hours.days]


def holiday(today: date) -> tuple[date, str]:
    """The first public holiday far enough for nobody's visits, or a day the team keeps."""
    first = today + HOLIDAY_NOTICE
    coming = sorted(
        (_date(each, year), each.name)
        for each in data.HOLIDAYS
        for year in (first.year, first.year + 1)
    )
    day, name = next((day, name) for day, name in coming if day >= first)
    return (day, name) if day <= today + timedelta(weeks=11) else _team_day(today)


def _team_day(today: date) -> tuple[date, str]:
    return _monday(today) + timedelta(weeks=5, days=2), data.TEAM_DAY


def _date(each: Holiday, year: int) -> date:
    day = date(year, each.month, each.day)
    return day + timedelta(days=-day.weekday() % 7) if each.is_next_monday else day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _order(each: Time) -> tuple[datetime, str]:
    return each.starts_at, each.hours.practitioner


def clinic_row() -> tables.Clinic:
    return tables.Clinic(
        id=uuid4(),
        name=data.NAME,
        phone=data.PHONE,
        email=data.EMAIL,
        address=data.ADDRESS,
        province=data.PROVINCE,
        time_zone=data.TIME_ZONE,
        consent_age=data.CONSENT_AGE,
        mail_sender_name=data.NAME,
    )


def _sites(ids: Mapping[str, UUID]) -> list[tables.Site]:
    return [
        tables.Site(
            id=ids[each.key],
            name=each.name,
            street=each.street,
            city="Montréal",
            province=data.PROVINCE,
            postal_code=each.postal_code,
            phone=each.phone,
            position=position,
        )
        for position, each in enumerate(data.SITES)
    ]


def _specialties(ids: Mapping[str, UUID]) -> list[tables.Specialty]:
    return [
        tables.Specialty(id=ids[each.key], name_fr=each.fr, name_en=each.en, position=position)
        for position, each in enumerate(data.SPECIALTIES)
    ]


def _teams(ids: Mapping[str, UUID]) -> list[tables.Team]:
    return [
        tables.Team(
            id=ids[each.key],
            name_fr=each.fr,
            name_en=each.en,
            takes_messages=each.takes_messages,
            position=position,
        )
        for position, each in enumerate(data.TEAMS)
    ]


def _practitioners(ids: Mapping[str, UUID]) -> list[tables.Practitioner]:
    return [
        tables.Practitioner(
            id=ids[each.key],
            title=each.title,
            first_name=each.first_name,
            last_name=each.last_name,
            specialty=ids[each.specialty],
            room_url=f"https://visio.clinique-des-erables.example/{each.key}",
        )
        for each in data.PRACTITIONERS
    ]


def _visit_types(ids: Mapping[str, UUID]) -> list[tables.VisitType]:
    return [
        tables.VisitType(
            id=ids[each.key],
            name_fr=each.fr,
            name_en=each.en,
            minutes=each.minutes,
            is_urgent=each.key in data.URGENT,
            is_virtual=each.key == data.VIRTUAL,
            message_fr=each.message_fr,
            message_en=each.message_en,
            position=position,
        )
        for position, each in enumerate(data.VISIT_TYPES)
    ]


def _schedules(clinic: DemoClinic) -> list[tables.Schedule]:
    return [
        tables.Schedule(id=id, practitioner=clinic.ids[practitioner], site=clinic.ids[site])
        for (practitioner, site, _), id in clinic.schedules.items()
    ]


def _schedule_visit_types(clinic: DemoClinic) -> list[tables.ScheduleVisitType]:
    return [
        tables.ScheduleVisitType(id=uuid4(), schedule=id, visit_type=clinic.ids[visit_type])
        for (_, _, visit_types), id in clinic.schedules.items()
        for visit_type in visit_types
    ]


def _weekly_hours(clinic: DemoClinic) -> list[tables.WeeklyHours]:
    return [
        tables.WeeklyHours(
            id=uuid4(),
            schedule=clinic.schedule_of(hours),
            weekday=opening.weekday,
            opens=opening.opens,
            closes=opening.closes,
            slot_minutes=opening.slot_minutes,
        )
        for hours in data.HOURS
        for opening in openings(hours)
    ]


def _absences(clinic: DemoClinic, today: date) -> Sequence[tables.Absence]:
    closed, name = holiday(today)
    return [
        tables.Absence(
            id=uuid4(), practitioner=None, first_day=closed, last_day=closed, reason=name
        ),
        *(_absence(clinic, each, today) for each in data.ABSENCES),
    ]


def _absence(clinic: DemoClinic, each: Absence, today: date) -> tables.Absence:
    monday = _monday(today) + timedelta(weeks=each.week)
    return tables.Absence(
        id=uuid4(),
        practitioner=clinic.ids[each.practitioner],
        first_day=monday + timedelta(days=EVERY_DAY.index(each.first)),
        last_day=monday + timedelta(days=EVERY_DAY.index(each.last)),
        reason=each.reason,
    )
