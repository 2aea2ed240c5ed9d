"""Who is asking: cookies, sessions, form tokens, addresses."""

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers import BaseRouteHandler
from markupsafe import Markup

from domain.accounts import sessions
from domain.clinic.clinic import current_settings
from domain.config import Settings
from domain.errors import FormRefused, NotFound, NotSignedIn, TermsNotAccepted, UploadsBusy
from domain.staff import sessions as staff_sessions
from web import kept_form, kept_text, uploads

CookieName = Literal[
    "session", "staff", "csrf", "known", "language", "link", "step", "text", "form"
]
STAFF = "/clinique"
"""Where the clinic's side begins; the staff's session is asked for there and nowhere else."""
TOKEN_FIELD = "_csrf_token"  # noqa: S105 - a field's name
SALT = 16
FRESH = "fresh_session"
BODY_WITHIN = 20.0
"""Seconds, from the headers to the last byte."""
FILES_WITHIN = 180.0
"""The same for a form with files, over a clinic's slow line."""
FILES = "fichiers"
"""The one field that may hold files, and may come more than once."""
MOST_PARTS = 30
"""Of a form with files."""
YEAR = 365 * 24 * 3600
LIVES: dict[CookieName, int | None] = {
    "session": None,
    "staff": None,
    "csrf": None,
    "known": YEAR,
    "language": YEAR,
    "link": 3600,
    "step": 300,
    "text": 900,
    "form": 900,
}


def cookie_name(settings: Settings, name: CookieName) -> str:
    return f"__Host-{name}" if settings.is_https else name


def cookie(settings: Settings, name: CookieName, value: str) -> Cookie:
    return Cookie(
        key=cookie_name(settings, name),
        value=value,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="lax",
        max_age=LIVES[name],
    )


def dropped_cookie(settings: Settings, name: CookieName) -> Cookie:
    made = cookie(settings, name, "")
    made.max_age = 0
    return made


def session_name(connection: ASGIConnection[Any, Any, Any, Any]) -> CookieName:
    """Which of the two sessions a page belongs to: a person may have both in one browser."""
    return "staff" if is_staff_side(connection) else "session"


def is_staff_side(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    path: str = connection.scope.get("path", "")
    return path == STAFF or path.startswith(f"{STAFF}/")


def read_cookie(connection: ASGIConnection[Any, Any, Any, Any], name: CookieName) -> str:
    settings: Settings = connection.app.state.portal.settings
    return connection.cookies.get(cookie_name(settings, name), "")


def renew_session(request: Request[Any, Any, Any], token: str) -> None:
    """From here on this request's session has another token: so have the forms of its answer."""
    request.state[FRESH] = token


def carry_session(request: Request[Any, Any, Any], response: Response[Any]) -> Response[Any]:
    """The answer after `renew_session`: without a token, the session had ended meanwhile."""
    settings, token = request.app.state.portal.settings, request.state[FRESH]
    made = cookie(settings, "session", token) if token else dropped_cookie(settings, "session")
    response.set_cookie(made)
    return response


async def identify(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Before every handler: the viewer, or the clinic alone where the route is public."""
    if "files" in handler.opt:  # not one byte of them is read for a stranger
        await _identify_member(connection, handler)
        await _take_place(connection)
    await _receive_body(connection, takes_files="files" in handler.opt)
    portal = connection.app.state.portal
    if handler.opt.get("bare") or connection.scope.get("method") == "OPTIONS":
        connection.scope["user"] = None  # nor is being asked what one may ask a use of the session
        return
    if handler.opt.get("public"):
        connection.scope["user"] = None
        with suppress(*([NotFound] if handler.opt.get("before_clinic") else [])):
            portal.last_clinic = await current_settings()
        return
    if "staff" in handler.opt:
        await _identify_member(connection, handler)
        return
    token = read_cookie(connection, "session")
    viewer = None
    if token:
        viewer = await sessions.viewer_of(
            token,
            request_id=request_id(connection),
            is_use=not handler.opt.get("quiet"),  # a page that asks by itself is nobody's use
            now=portal.now(),
        )
    if viewer is None:
        await _keep_typed(Request(connection.scope, connection.receive))
        raise NotSignedIn
    connection.scope["user"] = viewer
    portal.last_clinic = viewer.clinic
    if viewer.pending_terms is not None and not handler.opt.get("before_terms"):
        await _keep_typed(Request(connection.scope, connection.receive))
        raise TermsNotAccepted


async def _identify_member(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """`opt["staff"]` is the right that the route asks for; "any": every member has it."""
    portal = connection.app.state.portal
    token = read_cookie(connection, "staff")
    member = token and await staff_sessions.member_of(
        token,
        request_id=request_id(connection),
        is_use=not handler.opt.get("quiet"),
        now=portal.now(),
    )
    if not member:
        await _keep_typed(Request(connection.scope, connection.receive))
        raise NotSignedIn
    connection.scope["user"] = member
    portal.last_clinic = member.clinic
    if handler.opt["staff"] != "any":
        member.check(handler.opt["staff"])


async def _take_place(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Until the answer is sent. Who finds none is told so once their form has passed by."""
    request: Request[Any, Any, Any] = Request(connection.scope, connection.receive)
    if 0 < (request.content_length or 0) <= uploads.SMALL:
        return
    held: AsyncExitStack = connection.scope["until_answered"]  # type: ignore[typeddict-item]
    try:
        await held.enter_async_context(connection.app.state.portal.uploads.place())
    except UploadsBusy:
        with suppress(TimeoutError, HTTPException):  # else a browser shows no answer
            async with asyncio.timeout(FILES_WITHIN):
                async for _ in request.stream():
                    pass
        raise


async def _receive_body(
    connection: ASGIConnection[Any, Any, Any, Any], *, takes_files: bool
) -> None:
    """All of it, before asking who sends it: a slow form must not act with rights of its start."""
    if not isinstance(connection, Request) or connection.method != "POST":
        return
    try:
        async with asyncio.timeout(FILES_WITHIN if takes_files else BODY_WITHIN):
            if takes_files and connection.content_type[0] == RequestEncodingType.MULTI_PART:
                await _form(connection)  # its files on the disk, and never twice in memory
            else:
                await connection.body()
    except TimeoutError as error:
        raise HTTPException(status_code=408, headers={"connection": "close"}) from error


async def check_form(request: Request[Any, Any, Any]) -> None:
    """Before every POST handler: the token is this browser's, and no field comes twice."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.route_handler.opt.get("bare"):
        return
    takes_files = "files" in request.route_handler.opt
    kinds = {RequestEncodingType.URL_ENCODED, ""}
    if request.content_type[0] not in kinds | (
        {RequestEncodingType.MULTI_PART} if takes_files else set()
    ):
        raise FormRefused  # no form of the portal is sent in another way
    form = await _form(request)
    names = [name for name, _ in form.multi_items() if not (takes_files and name == FILES)]
    if len(names) != len(set(names)):
        raise FormRefused
    if any(isinstance(value, UploadFile) and name != FILES for name, value in form.multi_items()):
        raise FormRefused
    bindings = [read_cookie(request, session_name(request))]
    if request.route_handler.opt.get("public"):
        bindings.append(read_cookie(request, "csrf"))
    keys = request.app.state.portal.settings.keys
    is_own = is_own_token(str(form.get(TOKEN_FIELD, "")), keys, bindings)
    if kept_form.KEEP in form or not is_own:
        await _keep_typed(request)  # another tab has signed in again
        raise FormRefused


async def _keep_typed(request: Request[Any, Any, Any]) -> None:
    if kept_form.AUTHOR in request.query_params:
        await kept_form.keep(request, but={TOKEN_FIELD, FILES})
    elif not is_staff_side(request):
        await kept_text.keep(request)


async def _form(request: Request[Any, Any, Any]) -> FormMultiDict:
    try:
        return await request.form()
    except UnicodeDecodeError as error:
        raise FormRefused from error
    except ClientException as error:  # of more parts than a form of ours has, or of none
        if "Too Large" in error.detail:
            raise HTTPException(status_code=413) from error
        raise FormRefused from error


def form_token(key: str, binding: str) -> str:
    # A fresh salt each time: compressed pages give away nothing of it by their length.
    salt = secrets.token_hex(SALT // 2)
    return salt + _mac(key, salt, binding)


def is_own_token(token: str, keys: Sequence[str], bindings: Sequence[str]) -> bool:
    salt, mac = token[:SALT], token[SALT:]
    if not mac.isascii():
        return False
    return any(
        binding and hmac.compare_digest(mac, _mac(key, salt, binding))
        for key in keys
        for binding in bindings
    )


class FormTokens:
    """The hidden fields of one page; plants the cookie they are bound to when there is none."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self._key = request.app.state.portal.settings.keys[0]
        is_signed_in = request.scope.get("user") is not None
        cookie_read = read_cookie(request, session_name(request) if is_signed_in else "csrf")
        self._binding = request.state.get(FRESH) or cookie_read
        self.planted = ""
        self._field: Markup | None = None

    def field(self) -> Markup:
        if not self._binding:
            self._binding = self.planted = secrets.token_urlsafe(24)
        if self._field is None:
            token = form_token(self._key, self._binding)
            self._field = Markup(f'<input type="hidden" name="{TOKEN_FIELD}" value="{token}">')  # noqa: S704 - hex only
        return self._field

    def plant(self, response: Response[Any], settings: Settings) -> None:
        if self.planted:
            response.set_cookie(cookie(settings, "csrf", self.planted))


def request_id(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return str(connection.scope.get("request_id", ""))


def client_ip(request: Request[Any, Any, Any]) -> str:
    """The peer's address; behind a trusted proxy, the nearest hop that is not one."""
    peer = request.client.host if request.client else ""
    trusted = request.app.state.portal.settings.trusted_proxies
    # A proxy may add a line of its own below the one that its client sent.
    lines = request.headers.getall("x-forwarded-for", [])
    hops = [_without_port(hop) for hop in ",".join(lines).split(",")]
    hop = peer
    while hops and _is_among(hop, trusted):
        hop = hops.pop()
    return _counted(hop if _address(hop) else peer)


def _counted(hop: str) -> str:
    """Of IPv6 the network: one subscriber has all its addresses."""
    address = _address(hop)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return hop


def _is_among(hop: str, networks: Sequence[Any]) -> bool:
    address = _address(hop)
    return address is not None and any(address in network for network in networks)


def _address(hop: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(hop)
    except ValueError:
        return None


def _without_port(hop: str) -> str:
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _mac(key: str, salt: str, binding: str) -> str:
    return hmac.new(key.encode(), f"form|{salt}|{binding}".encode(), sha256).hexdigest()
