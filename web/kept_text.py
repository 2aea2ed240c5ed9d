"""What someone wrote and sent after their session had ended: not lost, and nobody else's.

The form says whose it is, in our own signature. Without a session the text waits, sealed, in the
browser that sent it; with another session of its author it becomes their draft.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request

from domain.accounts.secret_box import SecretBox
from domain.errors import Refusal
from domain.messages import drafts, kept_text
from domain.messages.kept_text import KeptText
from domain.people import viewer as viewers
from domain.people.viewer import Viewer
from web.composing import Typed, as_id, page_url
from web.portal import Portal, portal_of

SEALED, PAGE = "sealed_text", "page_of_text"


async def keep(request: Request[Any, Any, Any]) -> None:
    """Before a POST is refused for its session's sake."""
    if request.method != "POST" or "patient" not in request.path_params:
        return
    kept = await _written(request)
    if kept is None:
        return
    portal, viewer = portal_of(request), request.scope.get("user")
    page = page_url(kept.patient, kept.thread, is_restored=True)
    if viewer is None:
        request.state[SEALED] = kept_text.seal(kept, _box(portal), now=portal.now())
        request.state[PAGE] = page
    elif viewer.account.id == kept.author and await _hand_over(viewer, kept, portal):
        request.state[PAGE] = page


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
    }
    with suppress(Refusal):
        await drafts.hand_over(viewer, kept.patient, kept.thread, typed, now=portal.now())
        return True
    return False


async def _written(request: Request[Any, Any, Any]) -> KeptText | None:
    form = await request.form()
    author = portal_of(request).links.read_writer(str(form.get("auteur", "")))
    if author is None:
        return None
    typed, thread = Typed.sent(form), as_id(str(form.get("fil", "")))
    patient = request.path_params["patient"]
    return KeptText(
        author, patient, thread, typed.team, typed.subject, typed.text, typed.has_agreed
    )


def _box(portal: Portal) -> SecretBox:
    return SecretBox(portal.settings.keys)
