"""In by the clinic's invitation: the mail's link, and the code that was handed over."""

from typing import Any

from litestar import Request, Response, get, post, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts import invitations, sessions, sign_in
from domain.accounts.invitations import Typed
from domain.errors import AddressTaken, Invalid
from domain.people.viewer import Viewer
from web import account_links
from web.portal import portal_of
from web.responses import page, see_other
from web.security import read_cookie, request_id
from web.sign_in import browser_of, let_in

AnyRequest = Request[Any, Any, Any]
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
ACCEPTING, ATTACHING = "/invitation", "/invitation/dossier"


@route(f"{ACCEPTING}/{{token:str}}", http_method=SHOWN, opt={"public": True})
async def open_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return account_links.arrive(request, ACCEPTING, token)


@route(ACCEPTING, http_method=SHOWN, opt={"public": True})
async def show_accept(request: AnyRequest) -> Response[Any]:
    return await _accept_page(request, account_links.carried(request, ACCEPTING))


@post(ACCEPTING, opt={"public": True})
async def accept(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    token = str(form.get(account_links.FIELD, ""))
    names = ("code", "mot_de_passe", "confirmation")
    typed = Typed(*(str(form.get(name, "")) for name in names))
    try:
        account = await invitations.accept(
            token,
            typed,
            request_id=request_id(request),
            passwords=portal.passwords,
            now=portal.now(),
        )
    except Invalid as refusal:
        return await _accept_page(request, token, typed.code, refusal=refusal, status_code=422)
    except AddressTaken:  # the page says what to do about it
        return await _accept_page(request, token, status_code=409)
    entry = await sign_in.begin(account, browser_of(request), now=portal.now())
    return account_links.done(request, await let_in(request, entry, "/"))


@get(ATTACHING)
async def show_attach(request: AnyRequest) -> Response[Any]:
    return await _attach_page(request, account_links.carried(request, ACCEPTING))


@post(ATTACHING)
async def attach(request: AnyRequest) -> Response[Any]:
    portal = portal_of(request)
    form = await request.form()
    token, code = str(form.get(account_links.FIELD, "")), str(form.get("code", ""))
    try:
        await invitations.attach(
            request.user, token, code, passwords=portal.passwords, now=portal.now()
        )
    except Invalid as refusal:
        return await _attach_page(request, token, code, refusal=refusal, status_code=422)
    return account_links.done(request, see_other("/"))


async def _accept_page(
    request: AnyRequest,
    token: str,
    code: str = "",
    *,
    refusal: Invalid | None = None,
    status_code: int = 200,
) -> Response[Any]:
    now = portal_of(request).now()
    offer, viewer = await invitations.offer(token, now=now), await _viewer_here(request)
    if viewer is not None and offer.has_account and offer.is_for(viewer.account.email):
        await invitations.offer_to(viewer, token, now=now)  # or it says why not
    return await page(
        request,
        "invitations/accept.html",
        status_code=status_code,
        account_language=offer.language,
        token=token,
        code=code,
        offer=offer,
        present=viewer.account.email if viewer else "",
        refusal=refusal,
        current_url=ACCEPTING,
    )


async def _viewer_here(request: AnyRequest) -> Viewer | None:
    """Whoever is signed in to this browser, whom the link may not be for."""
    token, now = read_cookie(request, "session"), portal_of(request).now()
    return await sessions.viewer_of(token, request_id=request_id(request), now=now)


async def _attach_page(
    request: AnyRequest,
    token: str,
    code: str = "",
    *,
    refusal: Invalid | None = None,
    status_code: int = 200,
) -> Response[Any]:
    offer = await invitations.offer_to(request.user, token, now=portal_of(request).now())
    return await page(
        request,
        "invitations/attach.html",
        status_code=status_code,
        token=token,
        code=code,
        offer=offer,
        refusal=refusal,
        current_url=ATTACHING,
    )
