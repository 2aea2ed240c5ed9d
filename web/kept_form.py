"""A form that was sent after its session had ended: what was typed waits for its writer, sealed.

The form's address says whose it is, in our own signature: without it not a byte is read. Files
are not kept, and neither is a form that comes with large ones.
"""

import asyncio
from collections.abc import Set
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException

from domain.accounts import kept_form
from domain.accounts.kept_form import KeptForm
from domain.accounts.secret_box import SecretBox
from web.composing import CUT, RESTORED
from web.kept_text import PAGE
from web.portal import Portal, portal_of
from web.redirects import without

AUTHOR, KEEP, FILES_CHOSEN = "auteur", "garder", "fichiers"
"""With `KEEP` nothing is asked of the form but to be kept; its value says that it had files."""
SEALED = "sealed_form"
LARGEST_FORM = 200_000
WITHIN = 10.0
"""Seconds."""
ANSWER = "/reponse"


async def keep(request: Request[Any, Any, Any], *, but: Set[str]) -> None:
    """Before a POST is refused for its session's sake: it had ended, or is not the form's."""
    if request.method != "POST" or request.route_handler.opt.get("public"):
        return
    portal, now = portal_of(request), portal_of(request).now()
    author = portal.links.read_writer(
        request.query_params.get(AUTHOR, ""), known_for=kept_form.WRITTEN_FOR, now=now
    )
    user = request.scope.get("user")
    if author is None or (user is not None and user.actor.id != author):
        return
    if not 0 < (request.content_length or 0) <= LARGEST_FORM:
        return
    try:
        async with asyncio.timeout(WITHIN):
            form = await request.form()
    except (TimeoutError, HTTPException, UnicodeDecodeError):
        return
    fields = {
        name: value
        for name, value in form.multi_items()
        if isinstance(value, str) and name not in but | {KEEP}
    }
    has_files = any(isinstance(value, UploadFile) and value.filename for value in form.values())
    had_files = has_files or form.get(KEEP) == FILES_CHOSEN
    kept = KeptForm(author, page_of(request), fields, had_files)
    sealed = kept_form.seal(kept, box_of(portal), now=now)
    if sealed is None:
        return
    request.state[SEALED] = sealed
    back = kept_form.unseal(author, kept.page, sealed, box_of(portal), now=now)
    restored = urlencode({RESTORED: CUT if back and back.was_cut else "1"})
    request.state[PAGE] = f"{kept.page}{'&' if '?' in kept.page else '?'}{restored}"


def page_of(request: Request[Any, Any, Any]) -> str:
    """Where the form stands that is sent to this address."""
    return without({AUTHOR, RESTORED}, request.url.path.removesuffix(ANSWER), request.url.query)


def box_of(portal: Portal) -> SecretBox:
    return SecretBox(portal.settings.keys)
