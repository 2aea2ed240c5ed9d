"""What an account does with itself, whatever the profile: devices, export, requests."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain.accounts import devices, requests, sign_in
from domain.errors import Invalid, NotFound, WrongCredentials
from domain.export import export
from web.portal import portal_of
from web.responses import page, see_other
from web.security import read_cookie
from web.sign_in import browser_of

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
OTHERS = "autres"


@get("/compte/appareils")
async def list_devices(request: AnyRequest, now: Now) -> Response[Any]:
    return await _devices(request, now)


@post("/compte/appareils")
async def end_devices(request: AnyRequest, now: Now) -> Response[Any]:
    form = await request.form()
    which = str(form.get("appareil", ""))
    if not which:
        return await _devices(request, now, problems={"appareil": "missing"})
    try:
        await _confirm(request, str(form.get("mot_de_passe", "")), now)
    except WrongCredentials:
        return await _devices(request, now, which=which, problems={"mot_de_passe": "wrong"})
    if which == OTHERS:
        await devices.end_others(request.user, read_cookie(request, "session"), now=now)
    else:
        await devices.end(request.user, _id(which), now=now)
    return see_other("/compte/appareils?fait=oui")


@get("/compte/export")
async def ask_for_export(request: AnyRequest) -> Response[Any]:
    return await page(request, "my_account/ask_for_export.html", problems={})


@post("/compte/export")
async def download_export(request: AnyRequest, now: Now) -> Response[Any]:
    password = str((await request.form()).get("mot_de_passe", ""))
    try:
        await _confirm(request, password, now)
    except WrongCredentials:
        return await page(
            request,
            "my_account/ask_for_export.html",
            status_code=422,
            problems={"mot_de_passe": "wrong"},
        )
    content = json.dumps(await export(request.user, now=now), ensure_ascii=False, indent=2)
    headers = {
        "content-disposition": 'attachment; filename="mes-donnees.json"',
        "cache-control": "no-store",
    }
    return Response(
        content.encode(), status_code=200, media_type="application/json", headers=headers
    )


@get("/compte/demande")
async def ask_for_profile(request: AnyRequest) -> Response[Any]:
    is_sent = request.query_params.get("fait") == "oui"
    return await _request(request, is_sent=is_sent)


@post("/compte/demande")
async def send_request(request: AnyRequest, now: Now) -> Response[Any]:
    text = str((await request.form()).get("texte", ""))
    try:
        await requests.ask_to_attach(request.user, text, now=now)
    except Invalid as refusal:
        return await _request(request, text=text, problems=refusal.problems)
    return see_other("/compte/demande?fait=oui")


async def _confirm(request: AnyRequest, password: str, now: datetime) -> None:
    await sign_in.confirm_password(
        request.user.account.id,
        password,
        browser_of(request),
        passwords=portal_of(request).passwords,
        now=now,
    )


async def _devices(
    request: AnyRequest,
    now: datetime,
    *,
    which: str = "",
    problems: dict[str, str] | None = None,
) -> Response[Any]:
    token = read_cookie(request, "session")
    return await page(
        request,
        "my_account/list_devices.html",
        status_code=422 if problems else 200,
        devices=await devices.connected(request.user, token, now=now),
        which=which,
        problems=problems or {},
        is_done=request.query_params.get("fait") == "oui",
    )


async def _request(
    request: AnyRequest,
    *,
    text: str = "",
    problems: dict[str, str] | None = None,
    is_sent: bool = False,
) -> Response[Any]:
    return await page(
        request,
        "my_account/ask_for_profile.html",
        status_code=422 if problems else 200,
        text=text,
        limit=requests.LONGEST,
        problems=problems or {},
        is_sent=is_sent,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error
