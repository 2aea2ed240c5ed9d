from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post

from domain.accounts import sessions, sign_in, sign_up
from domain.accounts.sign_in import Entry
from domain.errors import LinkExpired, NotActivated, TooMany, WrongCredentials
from web import account_links, kept_text
from web.errors import leave_nothing
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import leave_to, page, see_other
from web.security import client_ip, cookie, dropped_cookie, read_cookie, request_id

AnyRequest = Request[Any, Any, Any]


@get("/connexion", opt={"public": True})
async def sign_in_page(request: AnyRequest) -> Response[Any]:
    onward = request.query_params.get("suivant", "/")
    token = read_cookie(request, "session")
    now = portal_of(request).now()
    if token and await sessions.viewer_of(token, request_id=request_id(request), now=now):
        return see_other(way_onward(onward, request))
    return await _arrived(request, onward, request.query_params.get("fait", ""))


@post("/connexion", opt={"public": True})
async def sign_in_(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    email, onward = str(form.get("courriel", "")), str(form.get("suivant", "/"))
    way = way_onward(onward, request)
    try:
        entry = await sign_in.sign_in(
            email,
            str(form.get("mot_de_passe", "")),
            browser_of(request),
            passwords=portal.passwords,
            now=portal.now(),
        )
    except WrongCredentials as refusal:
        return await _form(request, onward, email=email, refusal=refusal, status_code=422)
    except TooMany as refusal:
        return await _form(request, onward, email=email, refusal=refusal, status_code=429)
    except NotActivated:
        proof = await sign_up.may_ask_again(email, links=portal.links, now=portal.now())
        template = "sign_in/not_activated.html"
        return await page(request, template, status_code=403, email=email, proof=proof)
    return await let_in(request, entry, way)


@post("/deconnexion", opt={"before_terms": True})
async def sign_out(request: AnyRequest) -> Response[Any]:
    settings = portal_of(request).settings
    await _end_session(request)
    response = leave_nothing(request, leave_to(request, "/connexion"))
    response.set_cookie(dropped_cookie(settings, "session"))
    return response


@post("/session", status_code=204, opt={"before_terms": True})
async def stay_signed_in() -> None:
    """« Rester connecté »: being asked is being used, and that is all it does."""


async def let_in(
    request: AnyRequest, entry: Entry, way: str, *, stays_known: bool = False
) -> Response[Any]:
    """On to a page, with the cookies of a session that has just begun; or to the second step."""
    portal = portal_of(request)
    if entry.token:
        await _end_session(request)  # what this browser had before
        response = leave_to(request, way)
        response.set_cookie(cookie(portal.settings, "session", entry.token))
        response.set_cookie(dropped_cookie(portal.settings, "csrf"))
        await _restore(request, entry, response)
    else:
        response = _ask_for_code(request, entry, way)
    if entry.token or stays_known:
        known = sign_in.remembered(entry, browser_of(request), links=portal.links, now=portal.now())
        response.set_cookie(cookie(portal.settings, "known", known))
    return response


async def _end_session(request: AnyRequest) -> None:
    token, now = read_cookie(request, "session"), portal_of(request).now()
    await sessions.end(token, request_id=request_id(request), now=now)


async def _restore(request: AnyRequest, entry: Entry, response: Response[Any]) -> None:
    """What was sent without a session is its writer's draft; and not kept for anyone else."""
    sealed = read_cookie(request, "text")
    if sealed:
        response.set_cookie(dropped_cookie(portal_of(request).settings, "text"))
        await kept_text.hand_over(request, entry.account, sealed, request_id(request))


def _ask_for_code(request: AnyRequest, entry: Entry, way: str) -> Response[Any]:
    portal = portal_of(request)
    step = sign_in.first_step(entry, links=portal.links, now=portal.now())
    response = leave_to(request, f"/connexion/code?suivant={quote(way, safe='')}")
    response.set_cookie(cookie(portal.settings, "step", step))
    return response


def browser_of(request: AnyRequest) -> sign_in.Browser:
    portal = portal_of(request)
    return sign_in.Browser(
        ip=client_ip(request),
        device=request.headers.get("user-agent", ""),
        request_id=request_id(request),
        known=portal.links.read_known(read_cookie(request, "known"), portal.now()),
    )


async def _arrived(request: AnyRequest, onward: str, done: str) -> Response[Any]:
    """After activating, with the address filled in this once: no URL holds it."""
    if done != "activation":
        return await _form(request, onward, done=done)
    try:
        email = account_links.carried(request, "/connexion")
    except LinkExpired:
        return await _form(request, onward, done=done)
    answer = await _form(request, onward, done=done, email=email)
    return account_links.done(request, answer)


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
