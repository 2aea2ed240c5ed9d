"""What every request and answer passes, before and outside of any routing."""

import logging
import re
import time
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

from domain.config import Settings
from domain.engines import answered_within
from web.crowd import Crowd, Limits, Refusals, rank_of

log = logging.getLogger("portal.access")

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none';"
    " frame-ancestors 'none'; report-uri /csp"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=(), payment=()",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
PRIVATE = {"cache-control": "no-store", "vary": "HX-Request, Cookie"}
SECRET = "token"  # noqa: S105 - a name
"""What a route calls the part of its address that opens something by itself."""
ONE_CLICK = re.compile("/desabonnement/[^/]+")
DATABASE_WITHIN = 30.0
"""Seconds for one statement of a page: far more than any takes in a database that answers."""
TRANSPORT = {"strict-transport-security": "max-age=63072000; includeSubDomains"}


class Gate:
    """Wraps the application: a place, host, origin, request number, headers, access log."""

    def __init__(self, app: Litestar, settings: Settings) -> None:
        self.app = app
        self._host = settings.host.encode()
        self._origin = settings.public_url
        headers = HEADERS | (TRANSPORT if settings.is_https else {})
        self._headers = _encoded(headers)
        self._private = _encoded(PRIVATE)
        self._before_secrets = _before_secrets(app)
        self._links = re.compile("|".join(f"(?:{place.pattern})" for place in self._before_secrets))
        self._is_signed = app.state.portal.links.is_signed
        self._crowd = Crowd(Limits(*settings.crowd))
        self._refusals = Refusals(app.state.portal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        cookies = headers.get(b"cookie", b"")
        rank = rank_of(scope["path"], cookies, self._links, self._is_signed)
        if rank is None:
            await self._serve(scope, headers, receive, send)
        elif place := await self._crowd.enter(rank):
            aside = place.aside
            try:
                await self._serve(
                    scope,
                    headers,
                    lambda: aside(receive()),
                    lambda message: aside(send(message)),
                )
            finally:
                place.leave()
        else:
            await self._turn_away(scope, headers, send)

    async def _serve(
        self, scope: Any, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        scope["request_id"] = uuid4().hex
        answer = _Answer(self, scope, send)
        if [value.lower() for name, value in scope["headers"] if name == b"host"] != [self._host]:
            await answer.refuse(400, b"Unknown host")
        elif scope["method"] in UNSAFE and not (
            _is_one_click(scope) or self._is_from_here(headers)
        ):
            await answer.refuse(403, b"Request from another site")
        else:
            with answered_within(DATABASE_WITHIN):
                async with AsyncExitStack() as scope["until_answered"]:
                    await self.app(scope, receive, answer.send)
        answer.write_log()

    async def _turn_away(self, scope: Any, headers: dict[bytes, bytes], send: Send) -> None:
        answer = self._refusals.answer(headers, is_form=scope["method"] in UNSAFE)
        body = answer.pop("body")
        start: Any = {"type": "http.response.start", **answer}
        self.completed(start)
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def completed(self, message: dict[str, Any]) -> None:
        """Our headers on an answer; what a handler set itself stands."""
        present = {name.lower() for name, _ in message["headers"]}
        own = self._headers + ([] if b"cache-control" in present else self._private)
        message["headers"] = [
            *message["headers"],
            *((name, value) for name, value in own if name not in present or name == b"vary"),
        ]

    def loggable(self, path: str) -> str:
        """Without a link's token, nor anything that could forge a line; never the query."""
        for place in self._before_secrets:
            if found := place.match(path):
                path = f"{found[1]}…"
                break
        return "".join(c if c.isprintable() else "?" for c in path)[:200]

    def _is_from_here(self, headers: dict[bytes, bytes]) -> bool:
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site == b"same-origin"
        source = headers.get(b"origin", headers.get(b"referer", b"")).decode("latin-1")
        try:
            parts = urlsplit(source)
        except ValueError:
            return False
        return f"{parts.scheme}://{parts.netloc}" == self._origin


class _Answer:
    def __init__(self, gate: Gate, scope: Any, send: Send) -> None:
        self._gate = gate
        self._scope = scope
        self._send = send
        self._status = 0
        self._began = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._gate.completed(message)  # type: ignore[arg-type]
        await self._send(message)

    async def refuse(self, status: int, text: bytes) -> None:
        kind = (b"content-type", b"text/plain; charset=utf-8")
        await self.send({"type": "http.response.start", "status": status, "headers": [kind]})
        await self.send({"type": "http.response.body", "body": text, "more_body": False})

    def write_log(self) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        log.info(
            "%s %s %d %.1f ms %s",
            self._scope["method"],
            self._gate.loggable(self._scope["path"]),
            self._status,
            (time.perf_counter() - self._began) * 1000,
            self._scope["request_id"],
        )


def _is_one_click(scope: Any) -> bool:
    """A mailbox unsubscribes by itself (RFC 8058): the one POST that may come from anywhere.

    Its token is in the address, and it reads no cookie.
    """
    return scope["method"] == "POST" and ONE_CLICK.fullmatch(scope["path"]) is not None


def _before_secrets(app: Litestar) -> list[re.Pattern[str]]:
    """What stands before each route's token, however the slashes and the letters are written."""
    places = []
    for route in app.routes:
        pattern = ""
        for part in getattr(route, "path_components", []):
            if isinstance(part, str):
                pattern += f"/+{re.escape(part)}"
            elif part.name.startswith(SECRET):
                places.append(re.compile(f"({pattern}/+)[^/]", re.IGNORECASE))
                break
            else:
                pattern += "/+[^/]+"
    return places


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
