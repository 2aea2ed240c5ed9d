"""The staff's sign-in: a password, then a code."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.accounts.secret_box import SecretBox
from domain.errors import Invalid, SignInOver, TooMany, WrongCredentials
from domain.staff import sessions, sign_in
from domain.staff.sign_in import Entry
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import here, leave_to, see_other
from web.security import STAFF, cookie, dropped_cookie, read_cookie, request_id
from web.sign_in import browser_of
from web.staff.demonstration import demo_codes
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SIGN_IN, CODE = f"{STAFF}/connexion", f"{STAFF}/connexion/code"
STATUSES = {Invalid: 422, WrongCredentials: 422, TooMany: 429, SignInOver: 410, type(None): 200}


@get(SIGN_IN, opt={"public": True})
async def show_staff_sign_in(request: AnyRequest, now: Now) -> Response[Any]:
    onward = request.query_params.get("suivant", STAFF)
    token, done = read_cookie(request, "staff"), request.query_params.get("fait", "")
    if token and await sessions.member_of(token, request_id=request_id(request), now=now):
        return see_other(way_to_work(onward, request))
    return await _form(request, onward, done=done)


@post(SIGN_IN, opt={"public": True})
async def sign_in_to_work(request: AnyRequest, now: Now) -> Response[Any]:
    form, passwords = await request.form(), portal_of(request).passwords
    email, onward = str(form.get("courriel", "")), str(form.get("suivant", STAFF))
    password, browser = str(form.get("mot_de_passe", "")), browser_of(request)
    try:
        entry = await sign_in.sign_in(email, password, browser, passwords=passwords, now=now)
    except (WrongCredentials, TooMany) as refusal:
        return await _form(request, onward, email=email, refusal=refusal)
    return ask_for_code(request, entry, way_to_work(onward, request), now)


@get(CODE, opt={"public": True})
async def ask_for_staff_code(request: AnyRequest) -> Response[Any]:
    step, onward = read_cookie(request, "step"), request.query_params.get("suivant", STAFF)
    return await _question(request, step, onward) if step else see_other(SIGN_IN)


@post(CODE, opt={"public": True})
async def enter_staff_code(request: AnyRequest, now: Now) -> Response[Any]:
    form, links = await request.form(), portal_of(request).links
    step, onward = str(form.get("etape", "")), str(form.get("suivant", STAFF))
    code, browser, box = str(form.get("code", "")), browser_of(request), box_of(request)
    try:
        entry = await sign_in.enter_code(step, code, browser, links=links, box=box, now=now)
    except (Invalid, TooMany, SignInOver) as refusal:
        return await _question(request, step, onward, refusal)
    response = await let_in_to_work(request, entry, way_to_work(onward, request))
    response.set_cookie(dropped_cookie(portal_of(request).settings, "step"))
    return response


async def let_in_to_work(request: AnyRequest, entry: Entry, way: str) -> Response[Any]:
    """On to a page, with the cookies of a session that has just begun."""
    portal, old = portal_of(request), read_cookie(request, "staff")
    now = portal.now()
    if old:
        await sessions.end(old, request_id=request_id(request), now=now)
    response = leave_to(request, way)
    response.set_cookie(cookie(portal.settings, "staff", entry.token))
    response.set_cookie(dropped_cookie(portal.settings, "csrf"))
    known = sign_in.remembered(entry, browser_of(request), links=portal.links, now=now)
    response.set_cookie(cookie(portal.settings, "known", known))
    return response


def ask_for_code(request: AnyRequest, entry: Entry, way: str, now: datetime) -> Response[Any]:
    portal = portal_of(request)
    response = leave_to(request, f"{CODE}?suivant={quote(way, safe='')}")
    step = sign_in.first_step(entry, links=portal.links, now=now)
    response.set_cookie(cookie(portal.settings, "step", step))
    return response


def way_to_work(text: str, request: AnyRequest) -> str:
    """A page of the clinic's side; anything else leads to the day."""
    way = way_onward(text, request)
    return way if way.partition("?")[0] == STAFF or way.startswith(f"{STAFF}/") else STAFF


def box_of(request: AnyRequest) -> SecretBox:
    return SecretBox(portal_of(request).settings.keys)


async def _form(
    request: AnyRequest,
    onward: str,
    *,
    email: str = "",
    done: str = "",
    refusal: WrongCredentials | TooMany | None = None,
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/entrance/show_staff_sign_in.html",
        status_code=STATUSES[type(refusal)],
        onward=onward,
        email=email,
        done=done,
        demo=await demo_codes(request),
        refusal=refusal,
    )


async def _question(
    request: AnyRequest,
    step: str,
    onward: str,
    refusal: Invalid | TooMany | SignInOver | None = None,
) -> Response[Any]:
    problems = refusal.problems if isinstance(refusal, Invalid) else {}
    asked = f"{CODE}?suivant={quote(onward, safe='')}"
    return await staff_page(
        request,
        "staff/entrance/ask_for_staff_code.html",
        status_code=STATUSES[type(refusal)],
        current_url=here(request) if request.method == "GET" else asked,
        step=step,
        onward=onward,
        problems=problems,
        demo=await demo_codes(request),
        refusal=None if problems else refusal,
    )
