"""A form that was kept over the end of a session, again before whoever wrote it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request

from domain.accounts import kept_form
from domain.accounts.kept_form import KeptForm
from domain.links import Links
from domain.staff.member import NOBODY
from web.composing import CUT, RESTORED
from web.kept_form import AUTHOR, box_of, page_of
from web.portal import portal_of
from web.security import read_cookie


def restored_form(request: Request[Any, Any, Any]) -> KeptForm | None:
    """What this very person typed on this very page; the page says that it was kept."""
    sealed = read_cookie(request, "form")
    if RESTORED not in request.query_params or not sealed:
        return None
    portal = portal_of(request)
    author = request.user.actor.id
    kept = kept_form.unseal(author, sealed, box_of(portal), now=portal.now())
    if kept is None or kept.page != page_of(request):
        return None
    request.state[RESTORED] = CUT if kept.was_cut else "1"
    return kept


def restored(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    kept = restored_form(request)
    return kept.fields if kept else {}


def keeper(request: Request[Any, Any, Any]) -> Callable[[str], str]:
    """What makes of a form's address one that says whose form it is.

    It knows nothing of the request: a page's context lives until the next garbage collection.
    """
    portal, user = portal_of(request), request.scope.get("user")
    return partial(_kept_at, portal.links, user.actor.id if user else NOBODY, portal.now())


def _kept_at(links: Links, author: UUID, now: datetime, action: str) -> str:
    signed = urlencode({AUTHOR: links.sign_writer(author, now)})
    return f"{action}{'&' if '?' in action else '?'}{signed}"
