"""A form that was kept over the end of a session, again before whoever wrote it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request

from domain.accounts import kept_form
from domain.accounts.kept_form import KeptForm
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


def kept_at(request: Request[Any, Any, Any], action: str) -> str:
    """The address of a form that says whose it is."""
    portal = portal_of(request)
    author = {AUTHOR: portal.links.sign_writer(request.user.actor.id, portal.now())}
    return f"{action}{'&' if '?' in action else '?'}{urlencode(author)}"
