from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from domain.errors import NotFound
from web.portal import portal_of
from web.static_files import IMMUTABLE


@get("/static/{name:path}", opt={"bare": True})
async def static_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    file = portal_of(request).static.find(name.lstrip("/"))
    if file is None:
        raise NotFound
    is_current = request.query_params.get("v") == file.version
    headers = {
        "cache-control": IMMUTABLE if is_current else "no-cache",
        "etag": f'"{file.version}"',
        "vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, headers=headers)
    encoding, body = file.body(request.headers.get("accept-encoding", ""))
    if encoding:
        headers["content-encoding"] = encoding
    return Response(body, media_type=file.content_type, headers=headers)
