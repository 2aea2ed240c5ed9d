from typing import Any

from litestar import Request, Response, get, post, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts import account_links, lost_password
from domain.accounts.password_change import NewPassword
from domain.errors import Invalid, LinkDead, TooMany
from web.account_links import FIELD, arrive, carried, done
from web.portal import portal_of
from web.responses import page, see_other
from web.security import request_id
from web.sign_in import browser_of, let_in

AnyRequest = Request[Any, Any, Any]
ASKED, SENT, RESET = "/mot-de-passe-oublie", "/mot-de-passe-oublie/envoi", "/reinitialisation"
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]


@get(ASKED, opt={"public": True})
async def ask_for_link(request: AnyRequest) -> Response[Any]:
    return await _question(request)


@post(ASKED, opt={"public": True})
async def mail_link(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    email = str((await request.form()).get("courriel", ""))
    now = portal.now()
    try:
        await lost_password.ask(email, browser_of(request), links=portal.links, now=now)
    except Invalid as refusal:
        return await _question(request, email=email, problems=refusal.problems, status_code=422)
    except TooMany as refusal:
        return await _question(request, email=email, refusal=refusal, status_code=429)
    return see_other(SENT)


@get(SENT, opt={"public": True})
async def link_sent(request: AnyRequest) -> Response[Any]:
    life = account_links.LIVES["reset"]
    return await page(request, "lost_password/link_sent.html", life=life)


@route(f"{RESET}/{{token:str}}", http_method=SHOWN, opt={"public": True})
async def open_link(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return arrive(request, RESET, token)


@route(RESET, http_method=SHOWN, opt={"public": True})
async def choose_password(request: AnyRequest) -> Response[Any]:
    try:
        return await _choice(request, carried(request, RESET))
    except LinkDead as refusal:
        return await _dead_link(request, refusal)


@post(RESET, opt={"public": True})
async def reset_password(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    token = str(form.get(FIELD, ""))
    new = NewPassword(str(form.get("mot_de_passe", "")), str(form.get("confirmation", "")))
    try:
        entry, stays_known = await lost_password.reset(
            token, new, browser_of(request), passwords=portal.passwords, now=portal.now()
        )
    except Invalid as refusal:
        return await _choice(request, token, problems=refusal.problems, status_code=422)
    except LinkDead as refusal:
        return await _dead_link(request, refusal)
    way = "/?fait=mot-de-passe"
    return done(request, await let_in(request, entry, way, stays_known=stays_known))


async def _question(
    request: AnyRequest, *, status_code: int = 200, **context: Any
) -> Response[Any]:
    return await page(
        request,
        "lost_password/ask_for_link.html",
        status_code=status_code,
        **{"email": "", "problems": {}, "refusal": None, **context},
    )


async def _choice(
    request: AnyRequest, token: str, *, status_code: int = 200, **context: Any
) -> Response[Any]:
    holder = await lost_password.asker(
        token, request_id=request_id(request), now=portal_of(request).now()
    )
    return await page(
        request,
        "lost_password/choose_password.html",
        status_code=status_code,
        account_language=holder.account.language,
        email=holder.account.email,
        token=token,
        **{"problems": {}, **context},
    )


async def _dead_link(request: AnyRequest, refusal: LinkDead) -> Response[Any]:
    return await page(request, "lost_password/dead_link.html", status_code=410, refusal=refusal)
