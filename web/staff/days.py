"""Single days of a practitioner, besides the weekly templates."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.desk import days
from domain.desk.days import TypedDay
from domain.desk.hours import templates_of
from domain.desk.practitioners import pick, whose
from domain.errors import Conflict, Invalid, Refusal
from domain.staff.roles import Right
from web.errors import status_of
from web.responses import see_other
from web.staff.calendar import FOLDER, TAB
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
DAYS = f"{FOLDER}/{{practitioner:uuid}}/journees"


@get(DAYS, opt={"staff": Right.CALENDAR})
async def list_days(request: AnyRequest, practitioner: FromPath[UUID], now: Now) -> Response[Any]:
    asked = request.query_params.get("jour", "")
    return await _page(request, practitioner, now, TypedDay(day=asked))


@post(DAYS, opt={"staff": Right.CALENDAR})
async def add_day(request: AnyRequest, practitioner: FromPath[UUID], now: Now) -> Response[Any]:
    form = await request.form()
    names = ("gabarit", "jour", "debut", "fin", "duree")
    typed, key = TypedDay(*(str(form.get(name, "")) for name in names)), str(form.get("cle", ""))
    try:
        await days.add(request.user, practitioner, typed, key=key, now=now)
    except (Invalid, Conflict) as refusal:
        return await _page(request, practitioner, now, typed, key=key, refusal=refusal)
    return see_other(f"{FOLDER}/{practitioner}/journees?fait=ajout")


@get(f"{DAYS}/{{open_day:uuid}}", opt={"staff": Right.CALENDAR})
async def ask_to_remove_day(
    request: AnyRequest, practitioner: FromPath[UUID], open_day: FromPath[UUID], now: Now
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/days/ask_to_remove_day.html",
        tab=TAB,
        practitioner=await whose(request.user, practitioner),
        single=await days.open_day(request.user, practitioner, open_day, now=now),
        key=secrets.token_urlsafe(18),
    )


@post(f"{DAYS}/{{open_day:uuid}}", opt={"staff": Right.CALENDAR})
async def remove_day(
    request: AnyRequest, practitioner: FromPath[UUID], open_day: FromPath[UUID], now: Now
) -> Response[Any]:
    key = str((await request.form()).get("cle", ""))
    await days.remove(request.user, practitioner, open_day, key=key, now=now)
    return see_other(f"{FOLDER}/{practitioner}/journees?fait=retrait")


async def _page(
    request: AnyRequest,
    practitioner: UUID,
    now: datetime,
    typed: TypedDay,
    *,
    key: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/days/list_days.html",
        tab=TAB,
        status_code=status_of(refusal) if refusal else 200,
        refusal=refusal,
        practitioner=await whose(request.user, practitioner),
        pick=await pick(request.user, practitioner, kept=practitioner),
        days=await days.days(request.user, practitioner, now=now),
        templates=await templates_of(practitioner),
        today=request.user.clinic.today(now),
        horizon=request.user.clinic.last_day(now),
        typed=typed,
        key=key or secrets.token_urlsafe(18),
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        done=request.query_params.get("fait", ""),
    )
