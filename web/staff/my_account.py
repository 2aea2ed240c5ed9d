"""« Mon compte » of a member of the staff."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain import texts
from domain.accounts.second_factor import Proofs
from domain.errors import ChangedMeanwhile, Invalid, LinkExpired, NotFound, TooMany
from domain.staff import my_account
from domain.staff.enrolment import Offer
from web.errors import status_of
from web.pictures import picture_of
from web.portal import portal_of
from web.responses import here, see_other
from web.security import STAFF, read_cookie
from web.sign_in import browser_of
from web.staff.activation import new_password
from web.staff.editing import version_in
from web.staff.entrance import box_of, let_in_to_work
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
ACCOUNT = f"{STAFF}/mon-compte"
PASSWORD, DEVICE = f"{ACCOUNT}/mot-de-passe", f"{ACCOUNT}/application"
ANY = {"staff": "any"}
OTHERS = "autres"
Refused = Invalid | TooMany | ChangedMeanwhile


@get(ACCOUNT, opt=ANY)
async def show_my_account(request: AnyRequest, now: Now) -> Response[Any]:
    return await _account(request, now, request.user.first_name, request.user.last_name)


@post(ACCOUNT, opt=ANY)
async def rename_me(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    first, last = str(form.get("prenom", "")), str(form.get("nom", ""))
    version = version_in(form)
    try:
        await my_account.rename(request.user, first, last, version, now=now)
    except (Invalid, ChangedMeanwhile) as refusal:
        return await _account(request, now, first, last, refusal)
    return see_other(f"{ACCOUNT}?fait=nom")


@post(f"{ACCOUNT}/appareils", opt=ANY)
async def end_my_devices(request: AnyRequest, now: Now) -> Response[Any]:
    which = str((await request.form()).get("appareil", ""))
    if which == OTHERS:
        await my_account.end_others(request.user, read_cookie(request, "staff"), now=now)
    else:
        device = texts.read_id(which)
        if device is None:
            raise NotFound
        await my_account.end_device(request.user, device, now=now)
    return see_other(f"{ACCOUNT}?fait=appareil")


@get(PASSWORD, opt=ANY)
async def type_staff_passwords(request: AnyRequest) -> Response[Any]:
    return await _page(request, "staff/my_account/type_staff_passwords.html")


@post(PASSWORD, opt=ANY)
async def change_staff_password(request: AnyRequest, now: Now) -> Response[Any]:
    form, box = await request.form(), box_of(request)
    proofs = _proofs(request, form, "ancien")
    passwords, new = portal_of(request).passwords, new_password(form)
    try:
        entry = await my_account.change_password(
            request.user, proofs, new, passwords=passwords, box=box, now=now
        )
    except (Invalid, TooMany) as refusal:
        return await _page(request, "staff/my_account/type_staff_passwords.html", refusal)
    return await let_in_to_work(request, entry, f"{ACCOUNT}?fait=mot-de-passe")


@get(DEVICE, opt=ANY)
async def ask_for_device(request: AnyRequest) -> Response[Any]:
    is_late = request.query_params.get("fait") == "trop-tard"
    return await _page(request, "staff/my_account/ask_for_device.html", is_late=is_late)


@post(DEVICE, opt=ANY)
async def offer_device(request: AnyRequest, now: Now) -> Response[Any]:
    proofs, box = _proofs(request, await request.form(), "mot_de_passe"), box_of(request)
    passwords = portal_of(request).passwords
    try:
        offer = await my_account.offer_device(
            request.user, proofs, passwords=passwords, box=box, now=now
        )
    except (Invalid, TooMany) as refusal:
        return await _page(request, "staff/my_account/ask_for_device.html", refusal, is_late=False)
    return await _offer(request, offer)


@post(f"{DEVICE}/confirmation", opt=ANY)
async def switch_device(request: AnyRequest, now: Now) -> Response[Any]:
    form, browser, box = await request.form(), browser_of(request), box_of(request)
    sealed, code = str(form.get("cle", "")), str(form.get("code", ""))
    try:
        offer = my_account.offered_device(request.user, sealed, box=box, now=now)
        entry = await my_account.switch_device(
            request.user, sealed, code, browser, box=box, now=now
        )
    except LinkExpired:
        return see_other(f"{DEVICE}?fait=trop-tard")
    except Invalid as refusal:
        return await _offer(request, offer, refusal)
    return await let_in_to_work(request, entry, f"{ACCOUNT}?fait=application")


def _proofs(request: AnyRequest, form: Any, field: str) -> Proofs:
    password, code = str(form.get(field, "")), str(form.get("code", ""))
    return Proofs(browser_of(request), password, code)


async def _account(
    request: AnyRequest,
    now: datetime,
    first_name: str,
    last_name: str,
    refusal: Refused | None = None,
) -> Response[Any]:
    token = read_cookie(request, "staff")
    return await _page(
        request,
        "staff/my_account/show_my_account.html",
        refusal,
        devices=await my_account.devices(request.user, token, now=now),
        version=await my_account.version(request.user),
        first_name=first_name,
        last_name=last_name,
        done=request.query_params.get("fait", ""),
    )


async def _offer(
    request: AnyRequest, offer: Offer, refusal: Invalid | None = None
) -> Response[Any]:
    picture = picture_of(offer.uri)
    return await _page(
        request, "staff/my_account/switch_device.html", refusal, offer=offer, picture=picture
    )


async def _page(
    request: AnyRequest, template: str, refusal: Refused | None = None, **context: Any
) -> Response[Any]:
    return await staff_page(
        request,
        template,
        status_code=status_of(refusal) if refusal else 200,
        current_url=here(request) if request.method == "GET" else ACCOUNT,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
        refusal=None if isinstance(refusal, Invalid) else refusal,
        **context,
    )
