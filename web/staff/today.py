"""« Aujourd’hui »: the first page of the day, and the one that stays open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency

from domain.desk import appointments, day, lists
from domain.desk.appointments import Decided
from domain.desk.practitioners import Pick
from domain.errors import NotFound
from domain.staff.roles import Right
from domain.texts import read_id, read_number
from web.booking_urls import day as read_day
from web.responses import here
from web.security import STAFF
from web.staff.pages import staff_page
from web.staff.picking import asked_pick

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]


@get(STAFF, opt={"staff": Right.DAY})
async def show_day(request: AnyRequest, now: Now) -> Response[Any]:
    pick, done = await asked_pick(request.user, request.query_params), await _done(request, now)
    board = await _board(request, pick, now)
    about = [*board.patients, *([done.visit.patient] if done else [])]
    return await _page(request, board, pick, here(request), about=about, done=done)


@get(f"{STAFF}/jour", opt={"staff": Right.DAY, "quiet": True})
async def refresh_day(request: AnyRequest, now: Now) -> Response[Any]:
    """As the open page asks each minute: nothing, while it shows what there is."""
    pick = await asked_pick(request.user, request.query_params)
    board = await _board(request, pick, now)
    if request.query_params.get("vu") == board.mark:
        return Response(b"", status_code=204)
    about = await day.newly_shown(request.user, board, now=now)
    return await _page(request, board, pick, day_url(board.day.asked), about=about)


def day_url(asked: day.Asked, **changed: Any) -> str:
    """Another day begins with its first page."""
    page = asked.page if asked.page > 1 and "jour" not in changed else None
    values = {
        "jour": asked.day,
        "intervenant": asked.practitioner,
        "lieu": asked.site,
        "page": page,
    } | changed
    query = "&".join(f"{name}={value}" for name, value in values.items() if value)
    return f"{STAFF}?{query}"


async def _board(request: AnyRequest, pick: Pick, now: datetime) -> day.Board:
    query, member = request.query_params, request.user
    asked = day.Asked(
        day=read_day(query.get("jour", "")) or member.clinic.today(now),
        practitioner=pick.chosen,
        site=read_id(query.get("lieu", "")),
        page=read_number(query.get("page", ""), digits=4) or 1,
    )
    return await day.board(member, asked, now=now)


async def _done(request: AnyRequest, now: datetime) -> Decided | None:
    """Whose visit it was; a colleague may have been quicker."""
    visit = read_id(request.query_params.get("fait", ""))
    if visit is None:
        return None
    try:
        return await appointments.decided(request.user, visit, now=now)
    except NotFound:
        return None


async def _page(
    request: AnyRequest,
    board: day.Board,
    pick: Pick,
    url: str,
    *,
    about: Sequence[UUID],
    done: Decided | None = None,
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/today/show_day.html",
        tab="today",
        current_url=url,
        about=about,
        reading=day.READING,
        board=board,
        pick=pick,
        sites=await lists.sites(),
        day_url=day_url,
        done=done,
        next_id=request.query_params.get("ici", ""),
        shows_all="tous" in request.query_params,
    )
