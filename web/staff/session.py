"""The staff's session while it lasts: its language, its use, its end."""

from typing import Any

from litestar import Request, Response, post

from domain.accounts.languages import LANGUAGES
from domain.errors import NotFound
from domain.staff import sessions
from web.errors import leave_nothing
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import leave_to, see_other
from web.security import STAFF, cookie, dropped_cookie, read_cookie, request_id

AnyRequest = Request[Any, Any, Any]


@post(f"{STAFF}/session", status_code=204, opt={"staff": "any"})
async def stay_at_work() -> None:
    """« Rester connecté »: being asked is being used, and that is all it does."""


@post(f"{STAFF}/langue", opt={"public": True})
async def choose_staff_language(request: AnyRequest) -> Response[Any]:
    form = await request.form()
    language = str(form.get("langue", ""))
    if language not in LANGUAGES:
        raise NotFound
    response = see_other(way_onward(str(form.get("suivant", STAFF)), request))
    response.set_cookie(cookie(portal_of(request).settings, "language", language))
    return response


@post(f"{STAFF}/deconnexion", opt={"staff": "any"})
async def leave_work(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    token = read_cookie(request, "staff")
    await sessions.end(token, request_id=request_id(request), now=portal.now())
    response = leave_nothing(request, leave_to(request, f"{STAFF}/connexion"))
    response.set_cookie(dropped_cookie(portal.settings, "staff"))
    return response
