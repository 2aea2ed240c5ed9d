"""Another address to sign in with: asked for here, confirmed with a link and a code."""

from typing import Any

from litestar import Request, Response, get, post, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts import email_change, sessions, throttles
from domain.accounts.email_change import Typed
from domain.errors import Invalid, LinkExpired, TooMany
from web import account_links
from web.portal import portal_of
from web.responses import page, see_other
from web.security import carry_session, read_cookie, renew_session, request_id
from web.sign_in import browser_of

AnyRequest = Request[Any, Any, Any]
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
ASKING, CONFIRMING = "/compte/courriel", "/changement-courriel"
SENT, CHANGED = f"{ASKING}/envoi", f"{ASKING}/termine"


@get(ASKING)
async def show_ask(request: AnyRequest) -> Response[Any]:
    return await _ask_page(request)


@post(ASKING)
async def ask(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    names = ("mot_de_passe", "courriel", "confirmation")
    typed = Typed(*(str(form.get(name, "")) for name in names))
    try:
        await email_change.ask(
            request.user,
            typed,
            browser_of(request),
            links=portal.links,
            passwords=portal.passwords,
            now=portal.now(),
        )
    except Invalid as refusal:
        return await _ask_page(request, typed, problems=refusal.problems, status_code=422)
    except TooMany as refusal:
        return await _ask_page(request, typed, refusal=refusal, status_code=429)
    return see_other(SENT)


@get(SENT)
async def show_sent(request: AnyRequest) -> Response[Any]:
    return await _sent_page(request)


@post(f"{ASKING}/renvoi")
async def resend(request: AnyRequest) -> Response[Any]:
    try:
        await email_change.resend(request.user, now=portal_of(request).now())
    except LinkExpired:
        return see_other(ASKING)
    except TooMany as refusal:
        return await _sent_page(request, refusal)
    return see_other(f"{SENT}?fait=renvoi")


@route(f"{CONFIRMING}/{{token:str}}", http_method=SHOWN, opt={"public": True})
async def open_change(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return account_links.arrive(request, CONFIRMING, token)


@route(CONFIRMING, http_method=SHOWN, opt={"public": True})
async def show_confirm(request: AnyRequest) -> Response[Any]:
    return await _confirm_page(request, account_links.carried(request, CONFIRMING))


@post(CONFIRMING, opt={"public": True})
async def confirm(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    token, code = str(form.get(account_links.FIELD, "")), str(form.get("code", ""))
    try:
        fresh = await email_change.confirm(
            token,
            code,
            session=read_cookie(request, "session"),
            request_id=request_id(request),
            passwords=portal.passwords,
            now=portal.now(),
        )
    except Invalid as refusal:
        return await _confirm_page(request, token, code, refusal=refusal, status_code=422)
    is_here = await sessions.viewer_of(fresh, request_id=request_id(request), now=portal.now())
    response = see_other(CHANGED if is_here else "/connexion?fait=courriel")
    if is_here:
        renew_session(request, fresh)
        carry_session(request, response)
    return account_links.done(request, response)


@get(CHANGED)
async def show_changed(request: AnyRequest) -> Response[Any]:
    return await page(request, "email_change/changed.html")


async def _ask_page(
    request: AnyRequest,
    typed: Typed | None = None,
    *,
    problems: dict[str, str] | None = None,
    refusal: TooMany | None = None,
    status_code: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "email_change/ask.html",
        status_code=status_code,
        typed=typed or Typed("", "", ""),
        problems=problems or {},
        refusal=refusal,
        pending=await email_change.pending(request.user, now=portal_of(request).now()),
        current_url=ASKING,
    )


async def _sent_page(request: AnyRequest, refusal: TooMany | None = None) -> Response[Any]:
    pending = await email_change.pending(request.user, now=portal_of(request).now())
    if pending is None:
        return see_other(ASKING)
    return await page(
        request,
        "email_change/sent.html",
        status_code=429 if refusal else 200,
        pending=pending,
        life=email_change.LIFE,
        pause=throttles.EMAIL_CHANGE_RESENDING.window,
        refusal=refusal,
        is_resent=request.query_params.get("fait") == "renvoi",
        current_url=SENT,
    )


async def _confirm_page(
    request: AnyRequest,
    token: str,
    code: str = "",
    *,
    refusal: Invalid | None = None,
    status_code: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "email_change/confirm.html",
        status_code=status_code,
        token=token,
        code=code,
        new_email=await email_change.new_address(token, now=portal_of(request).now()),
        refusal=refusal,
        current_url=CONFIRMING,
    )
