"""Every refusal and failure as a page, said once."""

import logging
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Scope

from domain import audit, db, errors
from domain.db import Trouble
from domain.errors import Refusal
from domain.failures import place_of
from domain.people.viewer import Viewer
from domain.staff.member import Member
from web import kept_form, kept_text
from web.composing import RESTORED
from web.portal import portal_of
from web.redirects import split, without
from web.responses import here, leave_to, render
from web.security import (
    STAFF,
    CookieName,
    cookie,
    dropped_cookie,
    is_staff_side,
    read_cookie,
    session_name,
)

log = logging.getLogger("portal.errors")

STATUSES: dict[type[Refusal], int] = {
    errors.NotFound: 404,
    errors.LinkDead: 410,
    errors.NotAllowed: 403,
    errors.FormRefused: 403,
    errors.TooMany: 429,
    errors.TooBusy: 503,
    errors.FileMissing: 503,
    errors.FilesNotKept: 503,
    errors.Conflict: 409,
    errors.ReasonInvalid: 422,
    errors.Invalid: 422,
    errors.WrongCredentials: 422,
    errors.NotActivated: 403,
    errors.TooYoung: 403,
}
WRITTEN = frozenset({403, 404, 405, 408, 409, 410, 413, 422, 429, 503})
ANSWERED_WITH = frozenset({"allow", "connection"})
BUSY_FOR = "2"
OUT_OF_SERVICE_FOR = "10"
SIGN_OUT = "/deconnexion"
CLEARED = '"cache", "storage"'
KEPT_TYPED: tuple[CookieName, ...] = ("text", "form")


def refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    if isinstance(refusal, errors.NotSignedIn):
        return _to_sign_in(request)
    if isinstance(refusal, errors.TermsNotAccepted):
        way = quote(_way_back(request), safe="")
        return _with_typed(request, leave_to(request, f"/conditions?suivant={way}"))
    if isinstance(refusal, errors.FormRefused) and kept_text.PAGE in request.state:
        return _with_typed(request, leave_to(request, request.state[kept_text.PAGE]))
    response = _error_page(
        request, "errors/refusal.html", status_code=status_of(refusal), refusal=refusal
    )
    if isinstance(refusal, errors.OutOfService):
        response.headers["retry-after"] = OUT_OF_SERVICE_FOR
    elif isinstance(refusal, errors.TooBusy):
        response.headers["retry-after"] = BUSY_FOR
    return response


def status_of(refusal: Refusal) -> int:
    return next(code for kind, code in STATUSES.items() if isinstance(refusal, kind))


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    side = STAFF if is_staff_side(request) else ""
    if request.url.path == f"{side}{SIGN_OUT}":  # it had ended by itself: leave nothing behind
        response = leave_nothing(request, leave_to(request, f"{side}/connexion"))
    else:
        way = quote(_way_back(request), safe="")
        response = leave_to(request, f"{side}/connexion?suivant={way}")
        response = _with_typed(request, response)
    if read_cookie(request, name := session_name(request)):
        response.set_cookie(dropped_cookie(portal_of(request).settings, name))
    return response


def leave_nothing(request: Request[Any, Any, Any], response: Response[Any]) -> Response[Any]:
    """Of whoever signs out, in the browser."""
    response.headers["clear-site-data"] = CLEARED
    for name in KEPT_TYPED:
        response.set_cookie(dropped_cookie(portal_of(request).settings, name))
    return response


def _with_typed(request: Request[Any, Any, Any], response: Response[Any]) -> Response[Any]:
    """What was written without a session waits, sealed, in the browser that sent it."""
    settings = portal_of(request).settings
    if kept_text.SEALED in request.state:
        response.set_cookie(cookie(settings, "text", request.state[kept_text.SEALED]))
    if kept_form.SEALED in request.state:
        response.set_cookie(cookie(settings, "form", request.state[kept_form.SEALED]))
    return response


def failed_request(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework itself refuses: no such route, wrong method, too large, unreadable."""
    status = 404 if error.status_code == 400 else error.status_code
    if status not in WRITTEN:
        return crashed(request, error)
    response = _error_page(request, "errors/status.html", status_code=status, status=status)
    for name, value in (error.headers or {}).items():
        if name.lower() in ANSWERED_WITH:
            response.headers[name] = value
    return response


def crashed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if trouble := db.trouble_of(error):
        return _out_of_service(request, trouble, error)
    reference = str(request.scope.get("request_id", ""))[:12]
    log.error("%s: %s", reference, place_of(error))
    try:
        return _error_page(request, "errors/crash.html", status_code=500, reference=reference)
    except Exception as again:
        # What failed may be in the viewer, whom the page's frame asks too.
        log.error("%s: %s", reference, place_of(again))
        request.scope["user"] = None
        return _error_page(request, "errors/crash.html", status_code=500, reference=reference)


def _out_of_service(
    request: Request[Any, Any, Any], trouble: Trouble, error: Exception
) -> Response[Any]:
    if portal_of(request).troubles.is_news(trouble):
        log.error("the database is %s: %s", trouble, place_of(error))
    request.scope.setdefault("user", None)
    return refused(request, errors.OutOfService())


def _error_page(request: Request[Any, Any, Any], template: str, **context: Any) -> Response[bytes]:
    """In place of the page that it was to be: nothing that was typed there is on it."""
    request.state.pop(RESTORED, None)
    return render(request, template, **context)


async def record_refusal(error: Exception, scope: Scope) -> None:
    """Refused access is in the journal too: who, to whom, and why not."""
    user: Viewer | Member | None = scope.get("user")
    if user is None or not isinstance(error, errors.NotAllowed | errors.NotFound):
        return
    patient = scope.get("path_params", {}).get("patient")
    await audit.record(
        user.actor,
        "access",
        patient=patient if isinstance(patient, UUID) else None,
        outcome=f"refused.{error.code}",
        at=scope["litestar_app"].state.portal.now(),
    )


def _way_back(request: Request[Any, Any, Any]) -> str:
    """Where to return once signed in; a form's own page has all that was chosen in its URL."""
    if kept_text.PAGE in request.state:
        return str(request.state[kept_text.PAGE])
    if request.method in {"GET", "HEAD"}:
        return here(request)
    came_from = split(request.headers.get("referer", ""))
    if came_from is None or not came_from.path:
        return "/"
    return without({kept_form.AUTHOR}, came_from.path, came_from.query)
