"""A mailed secret leaves the address bar at once, and no page after it has it in its URL.

The link itself only puts the token in a cookie for its purpose and goes on to a page without it;
the page's form carries it from there.
"""

from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response

from domain.errors import LinkExpired
from web.portal import portal_of
from web.responses import see_other
from web.security import cookie, dropped_cookie, read_cookie

FIELD = "lien"


def arrive(
    request: Request[Any, Any, Any], path: str, token: str, *, query: str = ""
) -> Response[Any]:
    response = see_other(f"{path}{query}")
    response.set_cookie(cookie(portal_of(request).settings, "link", f"{path}|{quote(token)}"))
    return response


def carried(request: Request[Any, Any, Any], path: str) -> str:
    """The token that a link to this page brought."""
    came_for, _, token = read_cookie(request, "link").partition("|")
    if came_for != path or not token:
        raise LinkExpired
    return unquote(token)


def done(request: Request[Any, Any, Any], response: Response[Any]) -> Response[Any]:
    response.set_cookie(dropped_cookie(portal_of(request).settings, "link"))
    return response
