import json
import logging
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post

from domain import db

log = logging.getLogger("portal.csp")
LONGEST_NAME = 100


@get("/sante", opt={"bare": True})
async def health() -> Response[bytes]:
    await db.fetch("SELECT 1 AS one")
    return Response(b"ok", media_type="text/plain")


@post("/csp", opt={"bare": True}, request_max_body_size=10_000)
async def csp_report(request: Request[Any, Any, Any]) -> Response[None]:
    log.warning("%s", _what_was_blocked(await request.body()))
    return Response(None, status_code=204)


def _what_was_blocked(report: bytes) -> str:
    """Never the page's own address: it may hold a mailed link's token or a patient's words."""
    try:
        facts = json.loads(report)["csp-report"]
        directive, blocked = str(facts["effective-directive"]), str(facts["blocked-uri"])
        parts = urlsplit(blocked)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unreadable report"
    where = f"{parts.scheme}://{parts.netloc}" if parts.netloc else blocked
    return f"{directive[:LONGEST_NAME]!a} {where[:LONGEST_NAME]!a}"
