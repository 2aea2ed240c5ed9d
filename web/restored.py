"""A form that was kept over the end of a session, again before whoever wrote it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.status_codes import HTTP_303_SEE_OTHER
from litestar.types import Message, Scope

from domain.accounts import kept_form
from domain.accounts.kept_form import KeptForm
from domain.links import Links
from domain.staff.member import NOBODY
from web.composing import CUT, RESTORED
from web.kept_form import AUTHOR, SEALED, box_of, page_of
from web.portal import portal_of
from web.security import dropped_cookie, read_cookie


def restored_form(request: Request[Any, Any, Any]) -> KeptForm | None:
    """What this very person typed on this very page; the page says that it was kept."""
    sealed = read_cookie(request, "form")
    if RESTORED not in request.query_params or not sealed:
        return None
    kept = _kept(request, request.user.actor.id, sealed)
    if kept is None:
        return None
    request.state[RESTORED] = CUT if kept.was_cut else "1"
    return kept


def restored(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    kept = restored_form(request)
    return kept.fields if kept else {}


async def drop_sent(message: Message, scope: Scope) -> None:
    """Once a form has done its work, its kept one is in nobody's browser any more."""
    if message["type"] != "http.response.start" or scope.get("method") != "POST":
        return
    request: Request[Any, Any, Any] = Request(scope)
    sealed, user = read_cookie(request, "form"), scope.get("user")
    if not sealed or user is None or SEALED in request.state:
        return
    headers = MutableScopeHeaders.from_message(message)
    if message["status"] != HTTP_303_SEE_OTHER and "hx-redirect" not in headers:
        return
    if _kept(request, user.actor.id, sealed) is not None:
        dropped = dropped_cookie(portal_of(request).settings, "form")
        headers.add("set-cookie", dropped.to_header(header=""))


def _kept(request: Request[Any, Any, Any], author: UUID, sealed: str) -> KeptForm | None:
    portal = portal_of(request)
    box, now = box_of(portal), portal.now()
    return kept_form.unseal(author, page_of(request), sealed, box, now=now)


def keeper(request: Request[Any, Any, Any]) -> Callable[[str], str]:
    """What makes of a form's address one that says whose form it is.

    It knows nothing of the request: a page's context lives until the next garbage collection.
    """
    portal, user = portal_of(request), request.scope.get("user")
    return partial(_kept_at, portal.links, user.actor.id if user else NOBODY, portal.now())


def _kept_at(links: Links, author: UUID, now: datetime, action: str) -> str:
    signed = urlencode({AUTHOR: links.sign_writer(author, now)})
    return f"{action}{'&' if '?' in action else '?'}{signed}"
