import logging
from typing import Any

from litestar import Request, Response, get, post

from domain import db

log = logging.getLogger("portal.csp")
LONGEST_REPORT = 2000


@get("/sante", opt={"bare": True})
async def health() -> Response[bytes]:
    await db.fetch("SELECT 1 AS one")
    return Response(b"ok", media_type="text/plain; charset=utf-8")


@post("/csp", opt={"bare": True}, request_max_body_size=10_000)
async def csp_report(request: Request[Any, Any, Any]) -> Response[None]:
    report = (await request.body())[:LONGEST_REPORT]
    log.warning("%s", ascii(report.decode("utf-8", "replace")))
    return Response(None, status_code=204)
