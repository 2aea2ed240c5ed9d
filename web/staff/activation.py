"""A member takes their place by a one-time link: a password, then an application for codes."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain.accounts.authenticator import STEP
from domain.desk import first_steps
from domain.errors import Invalid, LinkDead, SignInOver
from domain.staff import enrolment
from domain.staff.enrolment import NewPassword, Offer
from web.account_links import FIELD, arrive, carried, done
from web.pictures import picture_of
from web.portal import portal_of
from web.security import STAFF
from web.sign_in import browser_of
from web.staff.entrance import box_of, let_in_to_work
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ACTIVATION = f"{STAFF}/activation"
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]


@route(f"{ACTIVATION}/{{token:str}}", http_method=SHOWN, opt={"public": True})
async def open_staff_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return arrive(request, ACTIVATION, token)


@route(ACTIVATION, http_method=SHOWN, opt={"public": True})
async def choose_staff_password(request: AnyRequest, now: Now) -> Response[Any]:
    try:
        return await _choice(request, carried(request, ACTIVATION), now)
    except LinkDead as refusal:
        return await _dead(request, refusal)


@post(ACTIVATION, opt={"public": True})
async def offer_staff_codes(request: AnyRequest, now: Now) -> Response[Any]:
    form, portal = await request.form(), portal_of(request)
    token, new = str(form.get(FIELD, "")), new_password(form)
    clinic, passwords, box = portal.last_clinic.name, portal.passwords, box_of(request)
    try:
        offer = await enrolment.choose_password(
            token, new, clinic, passwords=passwords, box=box, now=now
        )
    except Invalid as refusal:
        return await _choice(request, token, now, problems=refusal.problems)
    except LinkDead as refusal:
        return await _dead(request, refusal)
    return await _offer(request, token, offer)


@post(f"{ACTIVATION}/code", opt={"public": True})
async def confirm_staff_codes(request: AnyRequest, now: Now) -> Response[Any]:
    form, browser, box = await request.form(), browser_of(request), box_of(request)
    token, sealed, code = (str(form.get(name, "")) for name in (FIELD, "cle", "code"))
    clinic = portal_of(request).last_clinic.name
    try:
        offer = await enrolment.offered(token, sealed, clinic, box=box, now=now)
        entry = await enrolment.finish(token, sealed, code, browser, box=box, now=now)
    except SignInOver:
        return await _choice(request, token, now, is_late=True)
    except Invalid as refusal:
        return await _offer(request, token, offer, refusal.problems)
    except LinkDead as refusal:
        return await _dead(request, refusal)
    way = f"{STAFF}/premiers-pas" if await first_steps.are_due(entry.member) else STAFF
    return done(request, await let_in_to_work(request, entry, way))


def new_password(form: Any) -> NewPassword:
    return NewPassword(str(form.get("mot_de_passe", "")), str(form.get("confirmation", "")))


async def _choice(
    request: AnyRequest,
    token: str,
    now: datetime,
    *,
    problems: dict[str, str] | None = None,
    is_late: bool = False,
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/activation/choose_staff_password.html",
        status_code=422 if problems else 200,
        current_url=ACTIVATION,
        newcomer=await enrolment.newcomer(token, now=now),
        token=token,
        problems=problems or {},
        is_late=is_late,
    )


async def _offer(
    request: AnyRequest, token: str, offer: Offer, problems: dict[str, str] | None = None
) -> Response[Any]:
    return await staff_page(
        request,
        "staff/activation/offer_staff_codes.html",
        status_code=422 if problems else 200,
        current_url=ACTIVATION,
        token=token,
        offer=offer,
        picture=picture_of(offer.uri),
        code_life=STEP,
        problems=problems or {},
    )


async def _dead(request: AnyRequest, refusal: LinkDead) -> Response[Any]:
    return await staff_page(
        request, "staff/activation/dead_link.html", status_code=410, refusal=refusal
    )
