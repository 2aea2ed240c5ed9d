"""The PDFs of messages, opened in a tab of their own or kept."""

import asyncio
import re
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

from litestar import HttpMethod, Request, route
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send

from domain.messages import attachments
from domain.messages.attachments import Opened
from domain.messages.files import Unreadable
from web.portal import portal_of

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
PDF = "application/pdf"
PIECE = 64 * 1024
TAKEN_WITHIN = 30.0
"""Seconds for each piece: who is slower holds a place for nothing."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# A browser's viewer styles its own page, and is itself an object there.
VIEWER_POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'"
)


class Find(Protocol):
    async def __call__(self, *, is_beginning: bool) -> Opened: ...


class PdfAnswer(ASGIResponse):
    """Sent as fast as it is taken, and then its place is another's. Slower than that, it is cut."""

    def __init__(
        self, opened: Opened, first: int, last: int, *, is_head: bool, headers: dict[str, str]
    ) -> None:
        length = str(last + 1 - first)
        super().__init__(
            headers={"content-type": PDF, "content-length": length} | headers,
            is_head_response=is_head,
            status_code=206 if "content-range" in headers else 200,
        )
        self.place = AsyncExitStack()
        self._opened, self._first, self._last = opened, first, last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.place:
            await super().__call__(scope, receive, send)

    async def send_body(self, send: Send, receive: Receive) -> None:
        with suppress(TimeoutError, Unreadable):  # cut: the server closes the connection
            async for part in self._opened.parts(self._first, self._last):
                for start in range(0, len(part), PIECE):
                    await _send(send, part[start : start + PIECE], is_more=True)
            await _send(send, b"", is_more=False)


@route("/profils/{patient:uuid}/pieces-jointes/{attachment:uuid}", http_method=SHOWN)
async def show(
    request: AnyRequest, patient: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> ASGIApp:
    answer = await _answer(request, patient, attachment, "inline", now)
    answer.headers["content-security-policy"] = VIEWER_POLICY
    return answer


@route("/profils/{patient:uuid}/pieces-jointes/{attachment:uuid}/telechargement", http_method=SHOWN)
async def download(
    request: AnyRequest, patient: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> ASGIApp:
    return await _answer(request, patient, attachment, "attachment", now)


async def _answer(
    request: AnyRequest, patient: UUID, attachment: UUID, disposition: str, now: datetime
) -> ASGIResponse:
    store = portal_of(request).files

    async def find(*, is_beginning: bool) -> Opened:
        return await attachments.open(
            request.user, patient, attachment, store, is_beginning=is_beginning, now=now
        )

    return await answer(request, request.user.account.id, find, disposition)


async def answer(request: AnyRequest, person: UUID, find: Find, disposition: str) -> ASGIResponse:
    """For whoever may have it: `find` says so, and writes that they had it."""
    asked, portal = _asked_range(request), portal_of(request)
    async with AsyncExitStack() as held:
        await held.enter_async_context(portal.openings.place(person))
        opened = await find(is_beginning=asked is None or not int(asked[0] or 0))
        found = _part(request, opened, asked, _headers(opened.file_name, disposition))
        if isinstance(found, PdfAnswer):
            found.place = held.pop_all()
    return found


async def _send(send: Send, piece: bytes, *, is_more: bool) -> None:
    async with asyncio.timeout(TAKEN_WITHIN):
        await send({"type": "http.response.body", "body": piece, "more_body": is_more})


def _headers(file_name: str, disposition: str) -> dict[str, str]:
    name = quote(file_name, safe="")
    return {
        "content-disposition": (
            f"{disposition}; filename=\"document.pdf\"; filename*=UTF-8''{name}"
        ),
        "cache-control": "private, no-store",
        "accept-ranges": "bytes",
    }


def _asked_range(request: AnyRequest) -> tuple[str, str] | None:
    """The ends of one range of bytes. Several at once, or a condition, get the whole."""
    asked = request.headers.get("range", "").replace(" ", "")
    if request.method == "HEAD" or "if-range" in request.headers:
        return None
    if not asked.startswith("bytes=") or "," in asked:
        return None
    found = RANGE.fullmatch(asked)
    return (found[1], found[2]) if found else ("", "")


def _part(
    request: AnyRequest, opened: Opened, asked: tuple[str, str] | None, headers: dict[str, str]
) -> ASGIResponse:
    is_head, size = request.method == "HEAD", opened.size
    if asked is None:
        return PdfAnswer(opened, 0, size - 1, is_head=is_head, headers=headers)
    first, last = _ends(asked, size)
    if not 0 <= first <= last:
        headers["content-range"] = f"bytes */{size}"
        return ASGIResponse(status_code=416, media_type=PDF, headers=headers)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return PdfAnswer(opened, first, last, is_head=is_head, headers=headers)


def _ends(asked: tuple[str, str], size: int) -> tuple[int, int]:
    """The first and the last byte, both of them in it; of what has none, nothing."""
    first, last = asked
    if first:
        return int(first), min(int(last or size), size - 1)
    wanted = int(last or 0)
    return (max(size - wanted, 0), size - 1) if wanted else (0, -1)
