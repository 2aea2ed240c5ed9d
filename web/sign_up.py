"""« Créer un compte », and the mailed link that proves the address."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts import sign_up, sign_up_form
from domain.audit import Actor
from domain.errors import Invalid, LinkDead, LinkExpired, Refusal, TooMany, TooYoung
from web.account_links import FIELD, arrive, carried, done
from web.portal import portal_of
from web.responses import language_of, page, seconds_until, see_other
from web.security import client_ip, request_id

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
SENT = "/inscription/envoi"
ACTIVATION = "/activation"


@get("/inscription", opt={"public": True})
async def sign_up_page(request: AnyRequest) -> Response[Any]:
    return await _form(request, dict.fromkeys(sign_up_form.KEPT_FIELDS, ""))


@post("/inscription", opt={"public": True})
async def sign_up_(request: AnyRequest, now: Now) -> Response[Any]:
    portal, form = portal_of(request), await request.form()
    typed = {name: str(form.get(name, "")) for name in sign_up_form.FIELDS}
    if "corriger" in form:
        return await _form(request, typed)
    who, language = Actor.stranger(request_id(request)), language_of(request)
    try:
        applicant = await sign_up_form.read(typed, portal.last_clinic, language, now)
        await sign_up.sign_up(
            applicant,
            who,
            client_ip(request),
            passwords=portal.passwords,
            links=portal.links,
            now=now,
        )
    except TooYoung:
        kept = {name: typed[name] for name in sign_up_form.KEPT_FIELDS}
        return await page(request, "sign_up/too_young.html", status_code=403, typed=kept)
    except (Invalid, TooMany) as refusal:
        return await _form(request, typed, refusal)
    return _sent_to(request, applicant.email)


@get(SENT, opt={"public": True})
async def mail_sent(request: AnyRequest) -> Response[Any]:
    try:
        email = carried(request, SENT)
    except LinkExpired:
        email = ""
    return await _mail_sent(request, email, is_again="encore" in request.query_params)


@post(SENT, opt={"public": True})
async def send_again(request: AnyRequest, now: Now) -> Response[Any]:
    email = str((await request.form()).get("courriel", ""))
    links, who = portal_of(request).links, Actor.stranger(request_id(request))
    try:
        await sign_up.write_again(email, who, client_ip(request), links=links, now=now)
    except (Invalid, TooMany) as refusal:
        return await _mail_sent(request, email, refusal)
    return _sent_to(request, email, "?encore=1")


@route(ACTIVATION + "/{token:str}", http_method=SHOWN, opt={"public": True})
async def arrive_to_activate(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return arrive(request, ACTIVATION, token)


@route(ACTIVATION, http_method=SHOWN, opt={"public": True})
async def activation(request: AnyRequest, now: Now) -> Response[Any]:
    try:
        return await _activation(request, carried(request, ACTIVATION), now)
    except LinkDead as refusal:
        return await _too_late(request, refusal)


@post(ACTIVATION, opt={"public": True})
async def activate(request: AnyRequest, now: Now) -> Response[Any]:
    form, passwords = await request.form(), portal_of(request).passwords
    token, password = str(form.get(FIELD, "")), str(form.get("mot_de_passe", ""))
    who = request_id(request)
    try:
        await sign_up.activate(token, password, request_id=who, passwords=passwords, now=now)
    except (Invalid, TooMany) as refusal:
        return await _activation(request, token, now, refusal)
    except LinkDead as refusal:
        return await _too_late(request, refusal)
    return done(request, see_other("/connexion?fait=activation"))


def _sent_to(request: AnyRequest, email: str, query: str = "") -> Response[Any]:
    """The next page names the address; no URL does."""
    return arrive(request, SENT, email, query=query)


async def _form(
    request: AnyRequest, typed: dict[str, str], refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    return await _page(
        request,
        "sign_up/sign_up.html",
        refusal,
        typed=typed,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


async def _mail_sent(
    request: AnyRequest,
    email: str,
    refusal: Invalid | TooMany | None = None,
    *,
    is_again: bool = False,
) -> Response[Any]:
    return await _page(request, "sign_up/mail_sent.html", refusal, email=email, is_again=is_again)


async def _activation(
    request: AnyRequest, token: str, now: datetime, refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    email = await sign_up.address_behind(token, now=now)
    return await _page(
        request,
        "sign_up/activation.html",
        refusal,
        email=email,
        token=token,
        problem=refusal.problems["mot_de_passe"] if isinstance(refusal, Invalid) else "",
    )


async def _too_late(request: AnyRequest, refusal: LinkDead) -> Response[Any]:
    answer = await page(request, "sign_up/activation_over.html", status_code=410, refusal=refusal)
    return done(request, answer)


async def _page(
    request: AnyRequest, template: str, refusal: Refusal | None, **context: Any
) -> Response[Any]:
    status = 429 if isinstance(refusal, TooMany) else 422 if refusal else 200
    answer = await page(request, template, status_code=status, refusal=refusal, **context)
    if isinstance(refusal, TooMany):
        now = portal_of(request).now()
        answer.headers["retry-after"] = seconds_until(refusal.again_at, now)
    return answer
