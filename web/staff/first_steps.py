"""« Premiers pas »: what a new clinic does next, and whether its mails arrive."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.desk import first_steps
from domain.errors import TooMany
from domain.staff.roles import Right
from web.responses import see_other
from web.security import STAFF
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FIRST_STEPS = f"{STAFF}/premiers-pas"


@get(FIRST_STEPS, opt={"staff": Right.SETTINGS})
async def show_first_steps(request: AnyRequest, now: Now) -> Response[Any]:
    return await _page(request, now)


@post(f"{FIRST_STEPS}/courriel", opt={"staff": Right.SETTINGS})
async def send_test_mail(request: AnyRequest, now: Now) -> Response[Any]:
    try:
        await first_steps.send_test(request.user, now=now)
    except TooMany as refusal:
        return await _page(request, now, refusal)
    return see_other(f"{FIRST_STEPS}#courriel")


async def _page(
    request: AnyRequest, now: datetime, refusal: TooMany | None = None
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/first_steps/show_first_steps.html",
        tab="settings",
        status_code=429 if refusal else 200,
        current_url=FIRST_STEPS,
        steps=await first_steps.look(request.user, now=now),
        refusal=refusal,
    )
