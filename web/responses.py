"""Answers: a page or its fragment, decided here once. The only code that knows HX- headers."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.enums import MediaType
from litestar.response import Redirect

from domain import activity, audit, receipts
from domain.accounts.languages import LANGUAGES
from domain.accounts.sessions import ABSOLUTE_LIFE
from domain.clinic.settings import ClinicSettings
from domain.errors import Refusal, TooMany
from domain.messages import rules
from domain.people.policy import Grant
from domain.people.viewer import Profile, Viewer
from domain.staff.member import Member
from web.composing import RESTORED
from web.kept_form import AUTHOR
from web.portal import portal_of
from web.redirects import without
from web.restored import keeper
from web.security import STAFF, FormTokens, is_staff_side, read_cookie


async def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    profile: Profile | None = None,
    tab: str = "",
    status_code: int = 200,
    current_url: str | None = None,
    about: Sequence[UUID] = (),
    refusal: Refusal | None = None,
    **context: Any,
) -> Response[bytes]:
    """A page; what it shows of a profile, or of the patients in `about`, is in the journal."""
    viewer = viewer_of(request)
    now = portal_of(request).now()
    patients = list(dict.fromkeys([*about, *([profile.id] if profile else [])]))
    if viewer is not None and patients:
        action = f"read.{template.removesuffix('.html')}"
        await audit.record_each(viewer.actor, action, patients, at=now)
    entries = unread = None
    if viewer is not None and profile is not None:
        if not wants_fragment(request):
            entries = await _activity(viewer, profile, now)
        if not wants_fragment(request) or tab in rules.KINDS_OF:
            unread = await unread_of(viewer, profile, now)
    return render(
        request,
        template,
        status_code=status_code,
        profile=profile,
        tab=tab,
        activity=entries,
        unread=unread,
        current_url=current_url,
        refusal=refusal,
        **context,
    )


async def _activity(viewer: Viewer, profile: Profile, now: datetime) -> list[activity.Entry] | None:
    """What this viewer may know of; None where that can be nothing at all."""
    visits = viewer.may(Grant.BOOK, profile.id, now)
    access = viewer.may_open(profile, now) and viewer.may_read_journal(profile, now)
    kinds = rules.visible_kinds(viewer, profile.id, now)
    if not (visits or access or kinds):
        return None
    return await activity.latest(profile.id, visits=visits, access=access, kinds=kinds)


async def unread_of(viewer: Viewer, profile: Profile, now: datetime) -> dict[str, int] | None:
    """By list, as the tabs name them."""
    kinds = rules.visible_kinds(viewer, profile.id, now)
    if not kinds:
        return None
    counts = await receipts.unread(viewer.account.id, profile.id, kinds)
    return {
        "inbox": counts["inbox"],
        "documents": counts["document"],
        "invoices": counts["invoice"],
    }


def render(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status_code: int = 200,
    profile: Profile | None = None,
    tab: str = "",
    activity: list[activity.Entry] | None = None,
    unread: dict[str, int] | None = None,
    current_url: str | None = None,
    account_language: str | None = None,
    refusal: Refusal | None = None,
    **context: Any,
) -> Response[bytes]:
    """With what is refused and, where that is for a time only, for how long."""
    portal, tokens = portal_of(request), FormTokens(request)
    frame = _frame(request, profile)
    html = portal.renderer.render(
        template,
        language_of(request, account_language),
        frame["clinic"].zone,
        tab=tab,
        activity=activity,
        unread=unread,
        csrf=tokens.field,
        kept_at=keeper(request),
        restored=request.state.get(RESTORED, ""),
        current_url=current_url or here(request),
        refusal=refusal,
        **frame,
        **context,
    )
    response = Response(html.encode(), media_type=MediaType.HTML, status_code=status_code)
    if isinstance(refusal, TooMany):
        response.headers["retry-after"] = seconds_until(refusal.again_at, frame["now"])
    if not _is_from_elsewhere(request):
        tokens.plant(response, portal.settings)
    return response


def _frame(request: Request[Any, Any, Any], profile: Profile | None) -> dict[str, Any]:
    """What stands round every page, whatever it is about."""
    portal = portal_of(request)
    viewer, member = viewer_of(request), member_of(request)
    now = portal.now()
    if profile is None and viewer is not None:
        profile = viewer.first_profile(now)  # whose name stands at the left of an error page
    user = viewer or member
    clinic: ClinicSettings = user.clinic if user else portal.last_clinic
    whole = "layouts/staff.html" if is_staff_side(request) else "layouts/page.html"
    return {
        "layout": "layouts/fragment.html" if wants_fragment(request) else whole,
        "clinic": clinic,
        "member": member,
        "home": STAFF if is_staff_side(request) else "/",
        "viewer": viewer,
        "profile": profile,
        "boxes": _boxes(viewer, profile, now),
        "now": now,
        "is_demo": portal.settings.is_demo,
        "session_life": ABSOLUTE_LIFE,
    }


def _boxes(viewer: Viewer | None, profile: Profile | None, now: datetime) -> list[rules.Box]:
    """The lists of communications that stand among the tabs."""
    if viewer is None or profile is None:
        return []
    return [box for box in rules.KINDS_OF if rules.may_open(box, viewer, profile.id, now)]


def viewer_of(request: Request[Any, Any, Any]) -> Viewer | None:
    """Whoever is signed in on the patients' side."""
    user = request.scope.get("user")
    return user if isinstance(user, Viewer) else None


def member_of(request: Request[Any, Any, Any]) -> Member | None:
    """Whoever is signed in on the clinic's side."""
    user = request.scope.get("user")
    return user if isinstance(user, Member) else None


def _is_from_elsewhere(request: Request[Any, Any, Any]) -> bool:
    """A form that any site may send: it reads no cookie of ours and sets none."""
    handler = request.scope.get("route_handler")
    return request.method == "POST" and handler is not None and bool(handler.opt.get("bare"))


def see_other(url: str) -> Redirect:
    return Redirect(url, status_code=303)


def leave_to(request: Request[Any, Any, Any], url: str) -> Response[Any]:
    """To another whole page, also when only a fragment was asked for."""
    if wants_fragment(request):
        return Response(b"", media_type=MediaType.HTML, headers={"HX-Redirect": url})
    return see_other(url)


def wants_fragment(request: Request[Any, Any, Any]) -> bool:
    headers = request.headers
    return (
        headers.get("hx-request") == "true"
        and headers.get("hx-boosted") != "true"
        and headers.get("hx-history-restore-request") != "true"
    )


def language_of(request: Request[Any, Any, Any], account_language: str | None = None) -> str:
    """The one chosen here; else the account's, also where a mailed link stands for it."""
    chosen = read_cookie(request, "language")
    if chosen in LANGUAGES:
        return chosen
    viewer, member = viewer_of(request), member_of(request)
    own = viewer.account.language if viewer else member.language if member else None
    return own or account_language or LANGUAGES[0]


def visits_url(patient: UUID, opened: UUID | None = None, *, done: str = "") -> str:
    base = f"/profils/{patient}/rendez-vous"
    said = f"&fait={done}" if done else ""
    return f"{base}?ouvert={opened}{said}#rdv-{opened}" if opened else base


def seconds_until(moment: datetime, now: datetime) -> str:
    return str(max(1, ceil((moment - now).total_seconds())))


def here(request: Request[Any, Any, Any]) -> str:
    """Whose form was sent here is nobody's business in an address to come back to."""
    return without({AUTHOR}, request.url.path, request.url.query)
