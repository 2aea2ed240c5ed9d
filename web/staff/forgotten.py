"""A member's forgotten password."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import Invalid, LinkDead, TooMany
from domain.staff import lost_password, staff_links
from web.account_links import FIELD, arrive, carried, done
from web.portal import portal_of
from web.responses import see_other
from web.security import STAFF
from web.sign_in import browser_of
from web.staff.activation import SHOWN, new_password
from web.staff.entrance import ask_for_code
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ASKED, RESET = f"{STAFF}/mot-de-passe-oublie", f"{STAFF}/reinitialisation"


@get(ASKED, opt={"public": True})
async def ask_for_staff_link(request: AnyRequest) -> Response[Any]:
    return await _question(request)


@post(ASKED, opt={"public": True})
async def mail_staff_link(request: AnyRequest, now: Now) -> Response[Any]:
    email, links = str((await request.form()).get("courriel", "")), portal_of(request).links
    try:
        await lost_password.ask(email, browser_of(request), links=links, now=now)
    except Invalid as refusal:
        return await _question(request, email=email, problems=refusal.problems, status_code=422)
    except TooMany as refusal:
        return await _question(request, email=email, refusal=refusal, status_code=429)
    return see_other(f"{ASKED}/envoi")


@get(f"{ASKED}/envoi", opt={"public": True})
async def staff_link_sent(request: AnyRequest) -> Response[Any]:
    life = staff_links.LIVES["reset"]
    demo = portal_of(request).settings.is_demo
    return await staff_page(request, "staff/forgotten/staff_link_sent.html", life=life, demo=demo)


@route(f"{RESET}/{{token:str}}", http_method=SHOWN, opt={"public": True})
async def open_staff_link(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return arrive(request, RESET, token)


@route(RESET, http_method=SHOWN, opt={"public": True})
async def choose_another_password(request: AnyRequest, now: Now) -> Response[Any]:
    try:
        return await _choice(request, carried(request, RESET), now)
    except LinkDead as refusal:
        return await _dead(request, refusal)


@post(RESET, opt={"public": True})
async def reset_staff_password(request: AnyRequest, now: Now) -> Response[Any]:
    form, portal = await request.form(), portal_of(request)
    token, new, browser = str(form.get(FIELD, "")), new_password(form), browser_of(request)
    clinic, passwords = portal.last_clinic.name, portal.passwords
    try:
        entry = await lost_password.reset(token, new, clinic, browser, passwords=passwords, now=now)
    except Invalid as refusal:
        return await _choice(request, token, now, refusal.problems)
    except LinkDead as refusal:
        return await _dead(request, refusal)
    return done(request, ask_for_code(request, entry, STAFF, now))


async def _question(
    request: AnyRequest, *, status_code: int = 200, **context: Any
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/forgotten/ask_for_staff_link.html",
        status_code=status_code,
        **{"email": "", "problems": {}, "refusal": None, **context},
    )


async def _choice(
    request: AnyRequest, token: str, now: datetime, problems: dict[str, str] | None = None
) -> Response[Any]:
    holder = await lost_password.asker(token, now=now)
    return await staff_page(
        request,
        "staff/forgotten/choose_another_password.html",
        status_code=422 if problems else 200,
        current_url=RESET,
        email=holder.email,
        token=token,
        problems=problems or {},
    )


async def _dead(request: AnyRequest, refusal: LinkDead) -> Response[Any]:
    return await staff_page(
        request, "staff/forgotten/dead_staff_link.html", status_code=410, refusal=refusal
    )
