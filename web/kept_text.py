"""What someone wrote and sent after their session had ended: not lost, and nobody else's.

The form says whose it is, in our own signature. Without a session the text waits, sealed, in the
browser that sent it; with another session of its author it becomes their draft.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request

from domain.accounts.kept_form import WRITTEN_FOR
from domain.accounts.secret_box import SecretBox
from domain.errors import Refusal
from domain.messages import drafts, kept_text
from domain.messages.kept_text import KeptText
from domain.people import viewer as viewers
from domain.people.viewer import Viewer
from domain.texts import read_id
from web.composing import Typed, page_url
from web.portal import Portal, portal_of

SEALED, PAGE = "sealed_text", "page_of_text"
LARGEST_FORM = 64_000
"""All that a draft keeps, of the letters that a form writes longest."""


async def keep(request: Request[Any, Any, Any]) -> None:
    """Before a POST is refused for its session's sake."""
    if request.method != "POST" or "patient" not in request.path_params:
        return
    kept = await _written(request)
    if kept is None:
        return
    portal, viewer = portal_of(request), request.scope.get("user")
    was_cut = bool(drafts.too_long(kept.subject, kept.body))
    if viewer is None:
        box, now = _box(portal), portal.now()
        sealed = request.state[SEALED] = kept_text.seal(kept, box, now=now)
        was_cut = kept_text.is_cut(kept, sealed, box, now=now)
    elif viewer.account.id != kept.author or not await _hand_over(viewer, kept, portal):
        return
    request.state[PAGE] = page_url(kept.patient, kept.thread, is_restored=True, was_cut=was_cut)


async def hand_over(
    request: Request[Any, Any, Any], account: UUID, sealed: str, request_id: str
) -> None:
    """Who has just signed in has their text again; it is not kept for anyone else."""
    portal = portal_of(request)
    kept = kept_text.unseal(account, sealed, _box(portal), now=portal.now())
    if kept is not None:
        viewer = await viewers.load(account, via="account", request_id=request_id)
        await _hand_over(viewer, kept, portal)


async def _hand_over(viewer: Viewer, kept: KeptText, portal: Portal) -> bool:
    typed = {
        "team": kept.team,
        "subject": kept.subject,
        "body": kept.body,
        "has_agreed": kept.has_agreed,
        "typed_at": kept.typed_at,
    }
    with suppress(Refusal):
        await drafts.hand_over(viewer, kept.patient, kept.thread, typed, now=portal.now())
        return True
    return False


async def _written(request: Request[Any, Any, Any]) -> KeptText | None:
    if len(await request.body()) > LARGEST_FORM:
        return None
    form, portal = await request.form(), portal_of(request)
    author = portal.links.read_writer(
        str(form.get("auteur", "")), known_for=WRITTEN_FOR, now=portal.now()
    )
    if author is None:
        return None
    typed, thread = Typed.sent(form), read_id(str(form.get("fil", "")))
    patient, now = request.path_params["patient"], portal.now()
    return KeptText(
        author, patient, thread, typed.team, typed.subject, typed.text, typed.has_agreed, now
    )


def _box(portal: Portal) -> SecretBox:
    return SecretBox(portal.settings.keys)
