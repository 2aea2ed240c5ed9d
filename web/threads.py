"""A thread: alone on a phone, beside the list that it was opened from on a wide screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.errors import Invalid, Refusal
from domain.messages import disclaimers, drafts, inbox, rules, threads
from domain.messages.drafts import Draft
from domain.messages.rules import Box
from domain.messages.threads import ThreadView
from domain.texts import read_id
from web.composing import Place, Typed
from web.errors import status_of
from web.responses import language_of, page

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
FOLDERS: dict[Box, str] = {
    "inbox": "communications",
    "documents": "documents",
    "invoices": "factures",
    "sent": "envoyees",
}
OLDER = "anciens"
"""In the address: before which message one reads on."""
SHOWN_AS_PAGE = frozenset({"document", "empty"})
"""By the browser itself, or by our own scripts."""
FETCHED_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")


@dataclass(frozen=True, slots=True)
class CameFrom:
    """The list as it was left: which one, what was looked for, and how far down."""

    box: Box
    words: str
    before: str

    @classmethod
    def read(cls, request: AnyRequest, patient: UUID, now: datetime) -> "CameFrom":
        query = request.query_params
        asked = next((box for box, name in FOLDERS.items() if name == query.get("de")), None)
        is_there = asked and rules.may_open(asked, request.user, patient, now)
        box = asked if asked and is_there else "inbox"
        return cls(box, query.get("q", ""), query.get("avant", ""))

    @staticmethod
    def folder_of(box: Box) -> str:
        return FOLDERS[box]

    def list_path(self, patient: UUID) -> str:
        return f"/profils/{patient}/{FOLDERS[self.box]}"

    def list_url(self, patient: UUID, before: object = None) -> str:
        """As it was left; or from another place on."""
        place = self.before if before is None else str(before)
        return _with(self.list_path(patient), q=self.words, avant=place)

    def thread_url(self, patient: UUID, thread: UUID, end: str = "", **more: str) -> str:
        de = "" if self.box == "inbox" else FOLDERS[self.box]
        path = f"/profils/{patient}/communications/{thread}{end}"
        return _with(path, de=de, q=self.words, avant=self.before, **more)


@get("/profils/{patient:uuid}/communications/{thread:uuid}")
async def show_thread(
    request: AnyRequest, patient: FromPath[UUID], thread: FromPath[UUID], now: Now
) -> Response[Any]:
    return await thread_page(request, patient, thread, now)


async def thread_page(
    request: AnyRequest,
    patient: UUID,
    thread: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
    typed: Typed | None = None,
) -> Response[Any]:
    """With the reply's form open where it was asked for, begun before, or sent and refused."""
    is_read = not is_fetched_ahead(request)
    query, came_from = request.query_params, CameFrom.read(request, patient, now)
    before = read_id(query.get(OLDER, ""))
    view = await threads.open(
        request.user, patient, thread, before=before, is_read=is_read, now=now
    )
    url = came_from.thread_url(patient, thread)
    may_reply = not view.reply_to.why_not
    draft = await drafts.find(request.user, patient, thread) if may_reply else None
    if typed is not None:
        typed = typed.beside(draft)
    elif may_reply and _is_form_wanted(query.get("repondre", ""), draft):
        typed = Typed.of(draft)
    is_open = may_reply and typed is not None
    return await page(
        request,
        "threads/show_thread.html",
        status_code=status_of(refusal) if refusal else 200,
        current_url=url if refusal else None,
        profile=view.profile,
        tab=came_from.box,
        view=view,
        came_from=came_from,
        listing=await _listing(request, patient, came_from, now),
        **_ways_on(came_from, view),
        done=query.get("fait", ""),
        may_write=rules.may_write(request.user, patient, now),
        draft=draft,
        typed=typed,
        place=Place.of(request, patient, thread) if is_open else None,
        disclaimer=await disclaimers.current(language_of(request)) if is_open else None,
        limit=rules.LONGEST_BODY,
        refusal=refusal,
        problems=refusal.problems if isinstance(refusal, Invalid) else {},
    )


async def _listing(
    request: AnyRequest, patient: UUID, came_from: CameFrom, now: datetime
) -> inbox.Listing:
    """The list that it was opened from, as it stands beside it where there is room."""
    return await inbox.threads(
        request.user,
        patient,
        came_from.box,
        words=came_from.words,
        before=read_id(came_from.before),
        now=now,
    )


def _is_form_wanted(asked: str, draft: Draft | None) -> bool:
    """« Annuler » closes it, and the draft waits."""
    return asked != "0" and bool(asked or draft)


def _ways_on(came_from: CameFrom, view: ThreadView) -> dict[str, Any]:
    patient, thread = view.profile.id, view.id
    return {
        "older_url": came_from.thread_url(patient, thread, **{OLDER: str(view.older or "")}),
        "back_url": f"{came_from.list_url(patient)}#fil-{thread}",
        "cancel_url": came_from.thread_url(patient, thread, repondre="0"),
        "reply_url": came_from.thread_url(patient, thread, repondre="1") + "#texte",
        "action": came_from.thread_url(patient, thread, "/reponse"),
    }


def is_fetched_ahead(request: AnyRequest) -> bool:
    """By a browser that guesses where its person will go next, or as part of another page.

    Nobody has read it then: not even where another site names it as its picture.
    """
    headers = request.headers
    said = " ".join(headers.get(name, "") for name in FETCHED_AHEAD).lower()
    if "prefetch" in said or "preview" in said:
        return True
    if headers.get("sec-fetch-dest", "document") not in SHOWN_AS_PAGE:
        return True
    is_from_elsewhere = headers.get("sec-fetch-site") in {"same-site", "cross-site"}
    return is_from_elsewhere and headers.get("sec-fetch-mode") != "navigate"


def _with(path: str, **query: str) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{asked}" if asked else path
