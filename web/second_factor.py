from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.accounts import authenticator, second_factor, sign_in
from domain.accounts.second_factor import Offer, Proofs
from domain.accounts.secret_box import SecretBox
from domain.errors import FactorChanged, Invalid, LinkExpired, SignInOver, TooMany
from web.pictures import picture_of
from web.portal import portal_of
from web.redirects import way_onward
from web.responses import here, page, see_other
from web.security import carry_session, dropped_cookie, read_cookie, renew_session
from web.sign_in import browser_of, let_in

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ACCOUNT = "/compte/validation"
SIGN_IN = "/connexion/code"


@get(SIGN_IN, opt={"public": True})
async def ask_for_code(request: AnyRequest) -> Response[Any]:
    step, onward = read_cookie(request, "step"), request.query_params.get("suivant", "/")
    return await _question(request, step, onward) if step else see_other("/connexion")


@post(SIGN_IN, opt={"public": True})
async def enter_code(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    step, onward = str(form.get("etape", "")), str(form.get("suivant", "/"))
    code, browser, links = str(form.get("code", "")), browser_of(request), portal_of(request).links
    try:
        entry = await sign_in.enter_code(
            step, code, browser, links=links, box=_box(request), now=now
        )
    except (Invalid, TooMany, SignInOver) as refusal:
        return await _question(request, step, onward, refusal)
    response = await let_in(request, entry, way_onward(onward, request))
    response.set_cookie(dropped_cookie(portal_of(request).settings, "step"))
    return response


@get(ACCOUNT)
async def overview(request: AnyRequest) -> Response[Any]:
    return await _overview(request)


@post(ACCOUNT)
async def set_up(request: AnyRequest, now: Now) -> Response[Any]:
    proofs = await _proofs(request)
    try:
        offer = await second_factor.offer(
            request.user, proofs, passwords=portal_of(request).passwords, box=_box(request), now=now
        )
    except FactorChanged:
        return see_other(ACCOUNT)
    except (Invalid, TooMany) as refusal:
        return await _overview(request, refusal)
    return await _offer(request, offer)


@post(f"{ACCOUNT}/confirmation")
async def switch_on(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    token, code, box = str(form.get("cle", "")), str(form.get("code", "")), _box(request)
    session = read_cookie(request, "session")
    try:
        codes, fresh = await second_factor.switch_on(
            request.user, token, code, session, box=box, now=now
        )
    except LinkExpired:
        return see_other(f"{ACCOUNT}?fait=trop-tard")
    except FactorChanged:
        return see_other(ACCOUNT)
    except Invalid as refusal:
        offer = second_factor.offered(request.user, token, box=box, now=now)
        return await _offer(request, offer, refusal)
    renew_session(request, fresh)
    return carry_session(request, await _codes(request, codes, is_new=True))


@get(f"{ACCOUNT}/codes")
async def ask_for_codes(request: AnyRequest) -> Response[Any]:
    return await _form(request, "second_factor/ask_for_codes.html")


@post(f"{ACCOUNT}/codes")
async def renew_codes(request: AnyRequest, now: Now) -> Response[Any]:
    proofs = await _proofs(request)
    try:
        codes = await second_factor.renew_codes(
            request.user, proofs, passwords=portal_of(request).passwords, box=_box(request), now=now
        )
    except FactorChanged:
        return see_other(ACCOUNT)
    except (Invalid, TooMany) as refusal:
        return await _form(request, "second_factor/ask_for_codes.html", refusal)
    return await _codes(request, codes, is_new=False)


@get(f"{ACCOUNT}/desactivation")
async def ask_to_switch_off(request: AnyRequest) -> Response[Any]:
    return await _form(request, "second_factor/ask_to_switch_off.html")


@post(f"{ACCOUNT}/desactivation")
async def switch_off(request: AnyRequest, now: Now) -> Response[Any]:
    proofs, session = await _proofs(request), read_cookie(request, "session")
    passwords, box = portal_of(request).passwords, _box(request)
    try:
        fresh = await second_factor.switch_off(
            request.user, proofs, session, passwords=passwords, box=box, now=now
        )
    except FactorChanged:
        return see_other(ACCOUNT)
    except (Invalid, TooMany) as refusal:
        return await _form(request, "second_factor/ask_to_switch_off.html", refusal)
    renew_session(request, fresh)
    return carry_session(request, see_other(f"{ACCOUNT}?fait=desactivation"))


def _box(request: AnyRequest) -> SecretBox:
    return SecretBox(portal_of(request).settings.keys)


async def _proofs(request: AnyRequest) -> Proofs:
    form = await request.form()
    password, code = str(form.get("mot_de_passe", "")), str(form.get("code", ""))
    return Proofs(browser_of(request), password, code)


async def _question(
    request: AnyRequest,
    step: str,
    onward: str,
    refusal: Invalid | TooMany | SignInOver | None = None,
) -> Response[Any]:
    current_url = f"{SIGN_IN}?suivant={quote(onward, safe='')}"
    return await _page(
        request,
        "second_factor/ask_for_code.html",
        refusal,
        current_url=current_url,
        step=step,
        onward=onward,
    )


async def _overview(request: AnyRequest, refusal: Invalid | TooMany | None = None) -> Response[Any]:
    left = await second_factor.codes_left(request.user)
    done = request.query_params.get("fait", "")
    life = timedelta(seconds=authenticator.STEP)
    return await _page(
        request, "second_factor/overview.html", refusal, codes_left=left, done=done, code_life=life
    )


async def _offer(
    request: AnyRequest, offer: Offer, refusal: Invalid | None = None
) -> Response[Any]:
    return await _page(
        request, "second_factor/set_up.html", refusal, offer=offer, picture=picture_of(offer.uri)
    )


async def _codes(request: AnyRequest, codes: list[str], *, is_new: bool) -> Response[Any]:
    return await _page(request, "second_factor/recovery_codes.html", codes=codes, is_new=is_new)


async def _form(
    request: AnyRequest, template: str, refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    if request.user.account.second_factor_since is None:
        return see_other(ACCOUNT)
    return await _page(request, template, refusal)


async def _page(
    request: AnyRequest,
    template: str,
    refusal: Invalid | TooMany | SignInOver | None = None,
    *,
    current_url: str = ACCOUNT,
    **context: Any,
) -> Response[Any]:
    """Another language shows the page that is asked for, never what a form was answered with."""
    statuses = {Invalid: 422, TooMany: 429, SignInOver: 410, type(None): 200}
    return await page(
        request,
        template,
        status_code=statuses[type(refusal)],
        current_url=here(request) if request.method == "GET" else current_url,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=None if isinstance(refusal, Invalid) else refusal,
        **context,
    )
