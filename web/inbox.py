"""« Boîte de réception », « Documents », « Factures », « Envoyées »: one page, four lists."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.messages import inbox, rules
from domain.messages.rules import Box
from domain.texts import read_id
from web.responses import page, render, unread_of
from web.threads import CameFrom

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]


@get("/profils/{patient:uuid}/communications")
async def list_threads(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _list(request, patient, "inbox", now)


@get("/profils/{patient:uuid}/documents")
async def list_documents(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _list(request, patient, "documents", now)


@get("/profils/{patient:uuid}/factures")
async def list_invoices(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _list(request, patient, "invoices", now)


@get("/profils/{patient:uuid}/envoyees")
async def list_sent(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    return await _list(request, patient, "sent", now)


@get("/profils/{patient:uuid}/compteurs", opt={"quiet": True})
async def count_unread(request: AnyRequest, patient: FromPath[UUID], now: Now) -> Response[Any]:
    """Asked for by a page that stands open: no use of the session, and no reading."""
    profile = request.user.reading(patient, now)
    unread = await unread_of(request.user, profile, now)
    return render(request, "inbox/count_unread.html", profile=profile, unread=unread)


async def _list(request: AnyRequest, patient: UUID, box: Box, now: datetime) -> Response[Any]:
    viewer, query = request.user, request.query_params
    profile = inbox.opened(viewer, patient, box, now)
    words, before = query.get("q", ""), read_id(query.get("avant", ""))
    listing = await inbox.threads(viewer, patient, box, words=words, before=before, now=now)
    return await page(
        request,
        "inbox/list_threads.html",
        profile=profile,
        tab=box,
        listing=listing,
        came_from=CameFrom(box, listing.words, str(listing.before or "")),
        may_write=rules.may_write(viewer, patient, now),
        was_cut=len(words) > inbox.LONGEST_SEARCH,
    )
