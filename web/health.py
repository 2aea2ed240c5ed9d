import json
import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from domain import db
from domain.engines import answered_within
from web.security import client_ip

Now = NamedDependency[datetime]
log = logging.getLogger("portal.csp")
LONGEST_NAME = 100
HEALTHY_WITHIN = 3.0
QUESTION, SEEN = "x-portal-question", "x-portal-seen"


@get("/sante", opt={"bare": True})
async def health(request: Request[Any, Any, Any], now: Now) -> Response[bytes]:
    try:
        with answered_within(HEALTHY_WITHIN):
            await db.fetch("SELECT 1 AS one")
    except Exception as error:
        trouble = db.trouble_of(error)
        if trouble is None:
            raise
        text = f"database {trouble}".encode()
        return Response(
            text, status_code=503, media_type="text/plain", headers={"retry-after": "10"}
        )
    return Response(b"ok", media_type="text/plain", headers=_as_seen(request, now))


@post("/csp", opt={"bare": True}, request_max_body_size=10_000)
async def csp_report(request: Request[Any, Any, Any]) -> Response[None]:
    log.warning("%s", _what_was_blocked(await request.body()))
    return Response(None, status_code=204)


def _as_seen(request: Request[Any, Any, Any], now: datetime) -> dict[str, str]:
    """For `portal check`, which proves that it has our keys: who it is to us, behind the proxy."""
    links = request.app.state.portal.links
    if not links.is_question(request.headers.get(QUESTION, ""), now):
        return {}
    peer = request.client.host if request.client else ""
    return {SEEN: f"{client_ip(request)} {peer}"}


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
