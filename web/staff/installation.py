"""The first run: an empty installation becomes a clinic, step by step, and once."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.audit import Actor
from domain.clinic.settings import LEGAL_AGES
from domain.desk import installation
from domain.desk.installation import DAYS, MINUTES, STEPS, TITLES, ZONES, Draft
from domain.errors import AlreadyInstalled, Invalid, LinkDead
from web.account_links import FIELD, arrive, carried
from web.errors import status_of
from web.portal import portal_of
from web.security import STAFF, request_id
from web.staff.activation import ACTIVATION, SHOWN
from web.staff.pages import staff_page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
INSTALLATION = f"{STAFF}/installation"
OPEN = {"public": True, "before_clinic": True}
BACK, ON = "retour", "suite"


@route(f"{INSTALLATION}/{{token:str}}", http_method=SHOWN, opt=OPEN)
async def open_installation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    return arrive(request, INSTALLATION, token)


@get(INSTALLATION, opt=OPEN)
async def begin_installation(request: AnyRequest, now: Now) -> Response[Any]:
    try:
        token = carried(request, INSTALLATION)
        await installation.check(token, links=portal_of(request).links, now=now)
    except (LinkDead, AlreadyInstalled) as refusal:
        return await _shut(request, refusal)
    return await _step(request, token, Draft(), 1)


@post(INSTALLATION, opt=OPEN)
async def go_on_installing(request: AnyRequest, now: Now) -> Response[Any]:
    """Each step carries what the others hold: nothing is kept before the last."""
    form, links = await request.form(), portal_of(request).links
    token, step, draft = str(form.get(FIELD, "")), _number(form.get("etape")), Draft.of(form)
    try:
        await installation.check(token, links=links, now=now)
        if form.get("vers") == BACK:
            return await _step(request, token, draft, max(1, step - 1))
        if problems := installation.problems(draft, step):
            return await _step(request, token, draft, step, problems)
        if step < len(STEPS):
            return await _step(request, token, draft, step + 1)
        return await _install(request, token, draft, now)
    except (LinkDead, AlreadyInstalled) as refusal:
        return await _shut(request, refusal)


async def _install(request: AnyRequest, token: str, draft: Draft, now: datetime) -> Response[Any]:
    """On to the administrator's own link; or back to the first step that is wrong."""
    actor, links = Actor("console", None, request_id(request)), portal_of(request).links
    try:
        path = await installation.install(draft, actor, links=links, now=now)
    except Invalid as refusal:
        wrong = next(n for n, names in enumerate(STEPS, 1) if refusal.problems.keys() & set(names))
        return await _step(request, token, draft, wrong, refusal.problems)
    return arrive(request, ACTIVATION, path.rpartition("/")[2])


async def _step(
    request: AnyRequest,
    token: str,
    draft: Draft,
    step: int,
    problems: dict[str, str] | None = None,
) -> Response[Any]:
    shown = draft.with_site() if step == 3 else draft.with_texts() if step == 6 else draft
    return await staff_page(
        request,
        "staff/installation/begin_installation.html",
        status_code=422 if problems else 200,
        current_url=INSTALLATION,
        token=token,
        draft=shown,
        step=step,
        number=len(STEPS),
        others=[names for n, names in enumerate(STEPS, 1) if n != step],
        problems={name: code for name, code in (problems or {}).items() if name in STEPS[step - 1]},
        zones=ZONES,
        titles=TITLES,
        lengths=MINUTES,
        days=DAYS,
        legal_ages=LEGAL_AGES,
    )


async def _shut(request: AnyRequest, refusal: LinkDead | AlreadyInstalled) -> Response[Any]:
    template, status = "staff/installation/shut.html", status_of(refusal)
    return await staff_page(request, template, status_code=status, refusal=refusal)


def _number(typed: object) -> int:
    text = str(typed)
    return int(text) if text in {str(n) for n in range(1, len(STEPS) + 1)} else 1
