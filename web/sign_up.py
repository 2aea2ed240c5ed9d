"""« Créer un compte », and the mailed link that proves the address."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts import account_links, sign_up, sign_up_form, throttles
from domain.audit import Actor
from domain.errors import Invalid, LinkDead, LinkExpired, Refusal, TooMany, TooYoung
from web.account_links import FIELD, arrive, carried, done
from web.portal import portal_of
from web.responses import language_of, page
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
    try:
        email = await sign_up.sign_up(
            sign_up.Form(typed, language_of(request)),
            Actor.stranger(request_id(request)),
            client_ip(request),
            clinic=portal.last_clinic,
            passwords=portal.passwords,
            links=portal.links,
            now=now,
        )
    except TooYoung:
        kept = {name: typed[name] for name in sign_up_form.KEPT_FIELDS}
        return await page(request, "sign_up/too_young.html", status_code=403, typed=kept)
    except (Invalid, TooMany) as refusal:
        return await _form(request, typed, refusal)
    return arrive(request, SENT, email)  # the next page names it; no URL does


@get(SENT, opt={"public": True})
async def mail_sent(request: AnyRequest) -> Response[Any]:
    try:
        email, _, proof = carried(request, SENT).partition("\n")
    except LinkExpired:
        email = proof = ""
    return await _mail_sent(request, email, proof, is_again="encore" in request.query_params)


@post(SENT, opt={"public": True})
async def send_again(request: AnyRequest, now: Now) -> Response[Any]:
    form, links = await request.form(), portal_of(request).links
    email, proof = str(form.get("courriel", "")), str(form.get("preuve", ""))
    who, ip = Actor.stranger(request_id(request)), client_ip(request)
    try:
        await sign_up.write_again(email, who, ip, proof=proof, links=links, now=now)
    except (Invalid, TooMany) as refusal:
        return await _mail_sent(request, email, proof, refusal)
    return arrive(request, SENT, f"{email}\n{proof}", query="?encore=1")


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
        email = await sign_up.activate(
            token, password, request_id=who, passwords=passwords, now=now
        )
    except (Invalid, TooMany) as refusal:
        return await _activation(request, token, now, refusal)
    except LinkDead as refusal:
        return await _too_late(request, refusal)
    return arrive(request, "/connexion", email, query="?fait=activation")


async def _form(
    request: AnyRequest, typed: dict[str, str], refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    return await _page(
        request,
        "sign_up/sign_up.html",
        refusal,
        typed=typed,
        kept_unproven=sign_up.KEPT_UNPROVEN,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


async def _mail_sent(
    request: AnyRequest,
    email: str,
    proof: str,
    refusal: Invalid | TooMany | None = None,
    *,
    is_again: bool = False,
) -> Response[Any]:
    return await _page(
        request,
        "sign_up/mail_sent.html",
        refusal,
        email=email,
        proof=proof,
        is_again=is_again,
        life=account_links.LIVES["activate"],
        pause=throttles.ACTIVATION_PAUSE.name,
    )


async def _activation(
    request: AnyRequest, token: str, now: datetime, refusal: Invalid | TooMany | None = None
) -> Response[Any]:
    try:
        email = await sign_up.address_behind(token, now=now)
    except LinkDead as dead:  # perhaps while the password was compared
        return await _too_late(request, dead)
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
    return await page(request, template, status_code=status, refusal=refusal, **context)
