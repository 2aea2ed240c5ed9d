"""What staff wrote and sent after their session had ended: it waits for them, sealed.

The form's address says whose it is, in our own signature: without it not a byte is read. Files
are not kept, and neither is a form that comes with large ones.
"""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request
from litestar.exceptions import HTTPException

from domain.accounts.secret_box import SecretBox
from domain.messages import kept_text
from domain.messages.kept_text import KeptText
from domain.texts import read_id
from web.kept_text import PAGE, SEALED
from web.portal import Portal, portal_of

AUTHOR, RESTORED, CUT = "auteur", "conserve", "coupe"
LARGEST_FORM = 200_000
WITHIN = 10.0
"""Seconds."""
NO_PATIENT = UUID(int=0)
ANSWER = "/reponse"


async def keep(request: Request[Any, Any, Any]) -> None:
    """Before a POST is refused for its session's sake: it had ended, or is not the form's."""
    portal, now = portal_of(request), portal_of(request).now()
    author = portal.links.read_writer(
        request.query_params.get(AUTHOR, ""), known_for=kept_text.WRITTEN_FOR, now=now
    )
    member = request.scope.get("user")
    if author is None or (member is not None and member.id != author):
        return
    if not 0 < (request.content_length or 0) <= LARGEST_FORM:
        return
    try:
        async with asyncio.timeout(WITHIN):
            form = await request.form()
    except (TimeoutError, HTTPException, UnicodeDecodeError):
        return
    patient, thread = _place(request)
    subject, body = str(form.get("sujet", "")), str(form.get("texte", ""))
    kept = KeptText(author, patient, thread, None, subject, body, has_agreed=False, typed_at=now)
    sealed = kept_text.seal(kept, _box(portal), now=now)
    request.state[SEALED] = sealed
    was_cut = kept_text.is_cut(kept, sealed, _box(portal), now=now)
    asked = request.query_params
    query = {name: asked[name] for name in ("patient", "a") if name in asked}
    page = request.url.path.removesuffix(ANSWER)
    request.state[PAGE] = f"{page}?{urlencode(query | {RESTORED: CUT if was_cut else '1'})}"


def kept_for(request: Request[Any, Any, Any], sealed: str) -> KeptText | None:
    """What this member wrote on this very page, if it was sent without a session just now."""
    if RESTORED not in request.query_params or not sealed:
        return None
    portal = portal_of(request)
    kept = kept_text.unseal(request.user.id, sealed, _box(portal), now=portal.now())
    return kept if kept and (kept.patient, kept.thread) == _place(request) else None


def signed(request: Request[Any, Any, Any], action: str) -> str:
    """The address of a form that says whose it is."""
    portal = portal_of(request)
    author = {AUTHOR: portal.links.sign_writer(request.user.id, portal.now())}
    return f"{action}{'&' if '?' in action else '?'}{urlencode(author)}"


def _place(request: Request[Any, Any, Any]) -> tuple[UUID, UUID | None]:
    patient = read_id(request.query_params.get("patient", ""))
    return patient or NO_PATIENT, request.path_params.get("thread")


def _box(portal: Portal) -> SecretBox:
    return SecretBox(portal.settings.keys)
