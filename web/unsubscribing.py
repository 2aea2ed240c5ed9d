"""Ne plus recevoir une sorte de courriels. A mailbox's own button posts here too (RFC 8058)."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain import audit
from domain.mail.preferences import Unsubscribing
from web.portal import portal_of
from web.responses import page, see_other
from web.security import request_id

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
PATH = "/desabonnement"
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
ONE_CLICK = ("List-Unsubscribe", "One-Click")
YES = ("reponse", "oui")


@route("/desabonnement/{token:str}", http_method=SHOWN, opt={"public": True})
async def show_unsubscribe(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    return await _page(request, token, await _open(request, token, now))


@post("/desabonnement/{token:str}", opt={"bare": True})
async def unsubscribe(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    """No cookie, no form token, no session: what the link holds is all it takes.

    Without a scanner's default answer, that is: the page's own form asks for one of a person.
    """
    opened = await _open(request, token, now)
    form = await request.form()
    if ONE_CLICK not in form.multi_items() and YES not in form.multi_items():
        return await _page(request, token, opened, is_unanswered=True, status_code=422)
    await opened.refuse(now=now)
    return await _page(request, token, await _open(request, token, now))


@post("/desabonnement/{token:str}/retour", opt={"public": True})
async def resume(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    form = await request.form()
    opened = await _open(request, token, now)
    if YES not in form.multi_items():
        return await _page(request, token, opened, is_unanswered=True, status_code=422)
    await opened.resume(now=now)
    return see_other(f"{PATH}/{token}?fait=retour")


async def _open(request: AnyRequest, token: str, now: datetime) -> Unsubscribing:
    links = portal_of(request).links
    return await Unsubscribing.of(token, links, request_id=request_id(request), now=now)


async def _page(
    request: AnyRequest,
    token: str,
    opened: Unsubscribing,
    *,
    is_unanswered: bool = False,
    status_code: int = 200,
) -> Response[Any]:
    patient, now = opened.profile.id, portal_of(request).now()
    await audit.record(opened.viewer.actor, "read.link.unsubscribe", patient=patient, at=now)
    return await page(
        request,
        "unsubscribing/show_unsubscribe.html",
        status_code=status_code,
        account_language=opened.viewer.account.language,
        opened=opened,
        action=f"{PATH}/{token}",
        current_url=f"{PATH}/{token}",
        is_unanswered=is_unanswered,
        is_resumed="fait" in request.query_params and not opened.is_refused,
    )
