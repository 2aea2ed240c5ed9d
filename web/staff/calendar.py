"""« Agenda »: a practitioner's week, and one slot of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.clinic import hours
from domain.desk import absences, calendar
from domain.desk.practitioners import pick
from domain.staff.roles import Right
from web.responses import see_other
from web.security import STAFF
from web.staff.pages import staff_page
from web.staff.picking import asked_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
TAB = "calendar"
READING = "calendar"
FOLDER = f"{STAFF}/agenda"


@get(FOLDER, opt={"staff": Right.CALENDAR})
async def choose_calendar(request: AnyRequest) -> Response[Any]:
    """To the one that was chosen, or the first; a name that is not one's is asked for again."""
    query, shown = request.query_params, hours.read_day(request.query_params.get("semaine", ""))
    found = await asked_pick(request.user, query)
    practitioner = found.chosen or await calendar.first_practitioner(request.user)
    if found.problem or practitioner is None:
        return await staff_page(
            request, "staff/calendar/choose_calendar.html", tab=TAB, pick=found, week=shown
        )
    return see_other(week_url(practitioner, shown))


@get(f"{FOLDER}/{{practitioner:uuid}}", opt={"staff": Right.CALENDAR})
async def show_calendar_week(
    request: AnyRequest, practitioner: FromPath[UUID], now: Now
) -> Response[Any]:
    query = request.query_params
    week = await calendar.week(
        request.user, practitioner, hours.read_day(query.get("semaine", "")), now=now
    )
    return await staff_page(
        request,
        "staff/calendar/show_calendar_week.html",
        tab=TAB,
        about=week.patients,
        reading=READING,
        calendar=week,
        pick=await pick(request.user, practitioner, kept=practitioner),
        today=request.user.clinic.today(now),
        day=shown_day(week, hours.read_day(query.get("jour", "")), request.user.clinic.today(now)),
        done=query.get("fait", ""),
        url=week_url,
    )


@get(f"{FOLDER}/{{practitioner:uuid}}/plages/{{slot:uuid}}", opt={"staff": Right.CALENDAR})
async def show_calendar_slot(
    request: AnyRequest, practitioner: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    found = await calendar.slot(request.user, practitioner, slot, now=now)
    return await staff_page(
        request,
        "staff/calendar/show_calendar_slot.html",
        tab=TAB,
        about=[found.cell.patient] if found.cell.patient else [],
        reading=READING,
        slot=found,
        week=week_url(practitioner, found.cell.starts_at.astimezone(request.user.clinic.zone)),
    )


@post(f"{FOLDER}/{{practitioner:uuid}}/plages/{{slot:uuid}}/retour", opt={"staff": Right.CALENDAR})
async def bring_slot_back(
    request: AnyRequest, practitioner: FromPath[UUID], slot: FromPath[UUID], now: Now
) -> Response[Any]:
    found = await calendar.slot(request.user, practitioner, slot, now=now)
    await absences.bring_back(request.user, practitioner, slot, now=now)
    day = found.cell.starts_at.astimezone(request.user.clinic.zone)
    return see_other(week_url(practitioner, day, done="retour"))


def week_url(practitioner: UUID, day: date | None = None, *, done: str = "") -> str:
    """The week of that day; on a phone, that day."""
    shown = f"{day:%Y-%m-%d}" if day else ""
    asked = [f"semaine={shown}&jour={shown}" if day else "", f"fait={done}" if done else ""]
    query = "&".join(each for each in asked if each)
    return f"{FOLDER}/{practitioner}?{query}" if query else f"{FOLDER}/{practitioner}"


def shown_day(week: calendar.CalendarWeek, asked: date | None, today: date) -> date:
    """The one day that a phone shows."""
    days = week.week.days
    return next((day for day in (asked, today) if day in days), days[0]) or days[0]
