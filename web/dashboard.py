from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from domain.accounts import sign_up
from domain.appointments import agenda
from domain.people.policy import Grant
from web.responses import page


@get("/")
async def dashboard(
    request: Request[Any, Any, Any], now: NamedDependency[datetime]
) -> Response[Any]:
    viewer = request.user
    bookable = [profile.id for profile in viewer.with_grant(Grant.BOOK, now)]
    return await page(
        request,
        "dashboard/dashboard.html",
        profile=viewer.first_profile(now),
        tab="dashboard",
        about=bookable,
        visits=await agenda.upcoming(viewer, bookable, now=now),
        cards=[(profile, viewer.is_lost(profile, now)) for profile in viewer.profiles],
        waiting=None if viewer.profiles else await sign_up.waiting(viewer),
        opened=request.query_params.get("ouvert", ""),
        done=request.query_params.get("fait", ""),
    )
