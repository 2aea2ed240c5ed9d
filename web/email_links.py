"""The buttons of a mail: a GET shows, a POST acts, and nobody needs to sign in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from litestar import Request, Response, post, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath

from domain import audit
from domain.appointments import agenda, attendance, letters
from domain.appointments.agenda import Visit
from domain.errors import Conflict, LinkDead, NotAllowed, NotFound, Refusal
from domain.links import Purpose, VisitLink
from domain.people import viewer as viewers
from domain.people.viewer import Viewer
from web.portal import portal_of
from web.responses import page, see_other
from web.security import request_id
from web.sign_in import browser_of

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
Act = Literal["confirm", "cancel"]
PURPOSES = {"confirm": Purpose.CONFIRM, "cancel": Purpose.CANCEL}
PATHS = {"confirm": "/courriel/confirmation", "cancel": "/courriel/annulation"}
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
YES = "oui"


@dataclass(frozen=True, slots=True)
class Opened:
    """A live link: as whom it acts, on which visit, and whether this browser is that person's."""

    link: VisitLink
    viewer: Viewer
    visit: Visit
    is_known: bool


@route("/courriel/confirmation/{token:str}", http_method=SHOWN, opt={"public": True})
async def show_confirm(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    return await _show(request, token, "confirm", now)


@post("/courriel/confirmation/{token:str}", opt={"public": True})
async def act_confirm(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    return await _act(request, token, "confirm", now)


@route("/courriel/annulation/{token:str}", http_method=SHOWN, opt={"public": True})
async def show_cancel(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    return await _show(request, token, "cancel", now)


@post("/courriel/annulation/{token:str}", opt={"public": True})
async def act_cancel(request: AnyRequest, token: FromPath[str], now: Now) -> Response[Any]:
    return await _act(request, token, "cancel", now)


async def _show(request: AnyRequest, token: str, act: Act, now: datetime) -> Response[Any]:
    return await _page(request, token, act, await _open(request, token, act, now), now)


async def _act(request: AnyRequest, token: str, act: Act, now: datetime) -> Response[Any]:
    opened = await _open(request, token, act, now)
    answer = (await request.form()).get("reponse", "")
    if answer != YES and not opened.is_known:
        return await _page(request, token, act, opened, now, is_unanswered=True, status_code=422)
    patient, appointment = opened.visit.patient, opened.link.appointment
    verb = attendance.confirm if act == "confirm" else attendance.cancel
    try:
        await verb(opened.viewer, patient, appointment, version=opened.link.version, now=now)
    except Conflict as refusal:
        await attendance.record_refusal(opened.viewer, patient, appointment, refusal, now=now)
        return await _page(request, token, act, opened, now, refusal=refusal, status_code=409)
    return see_other(f"{PATHS[act]}/{token}")


async def _open(request: AnyRequest, token: str, act: Act, now: datetime) -> Opened:
    portal = portal_of(request)
    link = portal.links.read_visit(PURPOSES[act], token)
    try:
        viewer = await viewers.load(link.account, via="mail_link", request_id=request_id(request))
        visit = await agenda.visit(viewer, link.appointment, now=now)
    except (NotFound, NotAllowed) as gone:
        raise LinkDead from gone
    if visit.version != link.version or now >= visit.ends_at:
        raise LinkDead
    account = viewer.account
    is_known = browser_of(request).knows(account.id, account.password_changed_at)
    return Opened(link, viewer, visit, is_known)


async def _page(
    request: AnyRequest,
    token: str,
    act: Act,
    opened: Opened,
    now: datetime,
    *,
    refusal: Refusal | None = None,
    is_unanswered: bool = False,
    status_code: int = 200,
) -> Response[Any]:
    viewer, visit = opened.viewer, opened.visit
    action = f"read.link.{act}"
    await audit.record(viewer.actor, action, patient=visit.patient, subject=visit.id, at=now)
    return await page(
        request,
        f"email_links/{act}.html",
        status_code=status_code,
        account_language=viewer.account.language,
        visit=visit,
        first_name=letters.named_patient(viewer, visit, now),
        shows_details=viewer.clinic.mail_shows_details,
        is_known=opened.is_known,
        action=f"{PATHS[act]}/{token}",
        current_url=f"{PATHS[act]}/{token}",
        refusal=refusal,
        is_unanswered=is_unanswered,
        is_kept="garder" in request.query_params,
    )
