from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post

from domain.accounts import sessions, sign_in
from domain.errors import NotActivated, TooMany, WrongCredentials
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import leave_to, page, seconds_until, see_other
from web.security import client_ip, cookie, dropped_cookie, read_cookie, request_id

AnyRequest = Request[Any, Any, Any]


@get("/connexion", opt={"public": True})
async def sign_in_page(request: AnyRequest) -> Response[Any]:
    onward = request.query_params.get("suivant", "/")
    token = read_cookie(request, "session")
    now = portal_of(request).now()
    if token and await sessions.viewer_of(token, request_id=request_id(request), now=now):
        return see_other(way_onward(onward, request))
    return await _form(request, onward, done=request.query_params.get("fait", ""))


@post("/connexion", opt={"public": True})
async def sign_in_(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    email, onward = str(form.get("courriel", "")), str(form.get("suivant", "/"))
    way = way_onward(onward, request)
    try:
        account, token = await sign_in.sign_in(
            email,
            str(form.get("mot_de_passe", "")),
            browser_of(request),
            passwords=portal.passwords,
            now=portal.now(),
        )
    except WrongCredentials as refusal:
        return await _form(request, onward, email=email, refusal=refusal, status_code=422)
    except TooMany as refusal:
        response = await _form(request, onward, email=email, refusal=refusal, status_code=429)
        response.headers["retry-after"] = seconds_until(refusal.again_at, portal.now())
        return response
    except NotActivated:
        return await page(request, "sign_in/not_activated.html", status_code=403, email=email)
    return await let_in(request, account.id, token, way)


@post("/deconnexion", opt={"before_terms": True})
async def sign_out(request: AnyRequest) -> Response[Any]:
    settings = portal_of(request).settings
    await sessions.end(read_cookie(request, "session"))
    response = leave_to(request, "/connexion")
    response.set_cookie(dropped_cookie(settings, "session"))
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


@post("/session", status_code=204, opt={"before_terms": True})
async def stay_signed_in() -> None:
    """« Rester connecté »: being asked is being used, and that is all it does."""


async def let_in(request: AnyRequest, account: UUID, token: str, way: str) -> Response[Any]:
    """On to a page, with the cookies of a session that has just begun; or to the second step."""
    portal = portal_of(request)
    if not token:
        return await _ask_for_code(request, account, way)
    await sessions.end(read_cookie(request, "session"))  # what this browser had before
    response = leave_to(request, way)
    response.set_cookie(cookie(portal.settings, "session", token))
    response.set_cookie(
        cookie(portal.settings, "known", portal.links.sign_account(account, portal.now()))
    )
    response.set_cookie(dropped_cookie(portal.settings, "csrf"))
    return response


async def _ask_for_code(request: AnyRequest, account: UUID, way: str) -> Response[Any]:
    portal = portal_of(request)
    step = await sign_in.first_step(account, links=portal.links, now=portal.now())
    response = leave_to(request, f"/connexion/code?suivant={quote(way, safe='')}")
    response.set_cookie(cookie(portal.settings, "step", step))
    return response


def browser_of(request: AnyRequest) -> sign_in.Browser:
    portal = portal_of(request)
    return sign_in.Browser(
        ip=client_ip(request),
        device=request.headers.get("user-agent", ""),
        known_account=portal.links.read_account(read_cookie(request, "known"), portal.now()),
        request_id=request_id(request),
    )


async def _form(
    request: AnyRequest, onward: str, *, status_code: int = 200, **context: Any
) -> Response[Any]:
    return await page(
        request,
        "sign_in/sign_in.html",
        status_code=status_code,
        onward=onward,
        **{"email": "", "refusal": None, "done": "", **context},
    )
