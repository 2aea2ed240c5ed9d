"""What an account does with itself, whatever the profile: devices, export, requests."""

import json
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain import texts
from domain.accounts import devices, requests, sign_in
from domain.errors import Invalid, NotFound, TooMany
from domain.export import export
from web.errors import status_of
from web.portal import portal_of
from web.responses import page, see_other
from web.restored import restored
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
    which, password = str(form.get("appareil", "")), str(form.get("mot_de_passe", ""))
    problems = {} if which else {"appareil": "missing"}
    if which or not password:
        problems |= await _problem(request, password, now)
    if problems:
        return await _devices(request, now, which=which, problems=problems)
    if which == OTHERS:
        await devices.end_others(request.user, read_cookie(request, "session"), now=now)
    else:
        device = texts.read_id(which)
        if device is None:
            raise NotFound
        await devices.end(request.user, device, now=now)
    return see_other("/compte/appareils?fait=oui")


@get("/compte/export")
async def ask_for_export(request: AnyRequest) -> Response[Any]:
    return await page(request, "my_account/ask_for_export.html", problems={})


@post("/compte/export")
async def download_export(request: AnyRequest, now: Now) -> Response[Any]:
    password = str((await request.form()).get("mot_de_passe", ""))
    if problems := await _problem(request, password, now):
        return await page(
            request, "my_account/ask_for_export.html", status_code=422, problems=problems
        )
    content = json.dumps(await export(request.user, now=now), ensure_ascii=False, indent=2)
    headers = {"content-disposition": 'attachment; filename="mes-donnees.json"'}
    return Response(
        content.encode(), status_code=200, media_type="application/json", headers=headers
    )


@get("/compte/demande")
async def ask_for_profile(request: AnyRequest) -> Response[Any]:
    is_sent = request.query_params.get("fait") == "oui"
    return await _request(request, text=restored(request).get("texte", ""), is_sent=is_sent)


@post("/compte/demande")
async def send_request(request: AnyRequest, now: Now) -> Response[Any]:
    text = str((await request.form()).get("texte", ""))
    try:
        await requests.ask_to_attach(request.user, text, now=now)
    except (Invalid, TooMany) as refusal:
        return await _request(request, text=text, refusal=refusal)
    return see_other("/compte/demande?fait=oui")


async def _problem(request: AnyRequest, password: str, now: datetime) -> dict[str, str]:
    browser, passwords = browser_of(request), portal_of(request).passwords
    problem = await sign_in.problem_of_password(
        request.user, password, browser, passwords=passwords, now=now
    )
    return {"mot_de_passe": problem} if problem else {}


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
    refusal: Invalid | TooMany | None = None,
    is_sent: bool = False,
) -> Response[Any]:
    return await page(
        request,
        "my_account/ask_for_profile.html",
        status_code=status_of(refusal) if refusal else 200,
        text=text,
        limit=requests.LONGEST,
        refusal=refusal,
        is_sent=is_sent,
    )
