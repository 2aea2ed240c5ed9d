"""The PDFs of messages, opened in a tab of their own or kept."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import HttpMethod, Request, Response, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from domain.messages import attachments
from domain.messages.attachments import Opened
from web.portal import portal_of

AnyRequest = Request[Any, Any, Any]
Now = NamedDependency[datetime]
SHOWN = [HttpMethod.GET, HttpMethod.HEAD]
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# A browser's viewer styles its own page, and is itself an object there.
VIEWER_POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'"
)


@route("/profils/{patient:uuid}/pieces-jointes/{attachment:uuid}", http_method=SHOWN)
async def show(
    request: AnyRequest, patient: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> Response[bytes]:
    answer = await _answer(request, patient, attachment, "inline", now)
    answer.headers["content-security-policy"] = VIEWER_POLICY
    return answer


@route("/profils/{patient:uuid}/pieces-jointes/{attachment:uuid}/telechargement", http_method=SHOWN)
async def download(
    request: AnyRequest, patient: FromPath[UUID], attachment: FromPath[UUID], now: Now
) -> Response[bytes]:
    return await _answer(request, patient, attachment, "attachment", now)


async def _answer(
    request: AnyRequest, patient: UUID, attachment: UUID, disposition: str, now: datetime
) -> Response[bytes]:
    asked = _asked_range(request)
    opened = await attachments.open(
        request.user,
        patient,
        attachment,
        portal_of(request).files,
        is_beginning=asked is None or not int(asked[0] or 0),
        now=now,
    )
    return _part(opened, asked, _headers(opened.file_name, disposition))


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
    opened: Opened, asked: tuple[str, str] | None, headers: dict[str, str]
) -> Response[bytes]:
    content = opened.content
    size = len(content)
    if asked is None:
        return Response(content, media_type="application/pdf", headers=headers)
    first, last = _ends(asked, size)
    if not 0 <= first <= last:
        headers["content-range"] = f"bytes */{size}"
        return Response(b"", status_code=416, media_type="application/pdf", headers=headers)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Response(
        content[first : last + 1], status_code=206, media_type="application/pdf", headers=headers
    )


def _ends(asked: tuple[str, str], size: int) -> tuple[int, int]:
    """The first and the last byte, both of them in it; of what has none, nothing."""
    first, last = asked
    if first:
        return int(first), min(int(last or size), size - 1)
    wanted = int(last or 0)
    return (max(size - wanted, 0), size - 1) if wanted else (0, -1)
