from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency

from domain import receipts
from domain.accounts import email_change, sign_up
from domain.appointments import agenda
from domain.appointments.agenda import Visit
from domain.messages import rules
from domain.people.policy import Grant
from domain.people.viewer import Viewer
from web.responses import page

FIRST = 5
"""How many visits stand before the rest of the page, which a phone must not bury."""


@get("/")
async def dashboard(
    request: Request[Any, Any, Any], now: NamedDependency[datetime]
) -> Response[Any]:
    viewer = request.user
    bookable = [profile.id for profile in viewer.with_grant(Grant.BOOK, now)]
    visits = agenda.standing_first(await agenda.upcoming(viewer, bookable, now=now))
    opened = request.query_params.get("ouvert", "")
    is_cut = "tous" not in request.query_params and opened not in _ids(visits[FIRST:])
    return await page(
        request,
        "dashboard/dashboard.html",
        profile=viewer.first_profile(now),
        tab="dashboard",
        about=bookable,
        visits=visits[:FIRST] if is_cut else visits,
        has_more=is_cut and len(visits) > FIRST,
        change=await email_change.pending(viewer, now=now),
        unread_by_profile=await _unread(viewer, now),
        cards=[(profile, viewer.is_lost(profile, now)) for profile in viewer.profiles],
        waiting=None if viewer.profiles else await sign_up.waiting(viewer),
        opened=opened,
        done=request.query_params.get("fait", ""),
    )


async def _unread(viewer: Viewer, now: datetime) -> dict[UUID, int]:
    readable = {p.id: rules.visible_kinds(viewer, p.id, now) for p in viewer.profiles}
    return await receipts.unread_of(viewer.account.id, readable)


def _ids(visits: Sequence[Visit]) -> list[str]:
    return [str(visit.id) for visit in visits]
