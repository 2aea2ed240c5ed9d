"""The demo's mailbox: what the delivery job sent, read in the browser. Not in a real portal."""

import mailbox
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from domain.errors import NotFound
from web.gate import CONTENT_SECURITY_POLICY
from web.portal import portal_of
from web.responses import page

SHOWN = 100
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Received:
    key: str
    sent_at: datetime
    sender: str
    recipient: str
    subject: str

    @classmethod
    def of(cls, key: str, mail: EmailMessage) -> Self:
        sent_at = datetime.fromisoformat(str(mail["X-Sent"]))
        return cls(key, sent_at, str(mail["From"]), str(mail["To"]), str(mail["Subject"]))


@get("/courriels", opt={"public": True})
async def mails(request: Request[Any, Any, Any]) -> Response[Any]:
    box = _box(request)
    received = [Received.of(key, _read(box, key)) for key in box.keys()]  # noqa: SIM118 - no dict
    latest = sorted(received, key=attrgetter("sent_at", "key"), reverse=True)[:SHOWN]
    return await page(request, "mailbox/mails.html", letters=latest)


@get("/courriels/{key:str}", opt={"public": True})
async def mail(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[Any]:
    found = _find(request, key)
    text = found.get_body(("plain",))
    answer = await page(
        request,
        "mailbox/mail.html",
        letter=Received.of(key, found),
        text=text.get_content() if text else "",
        files=[part.get_filename() for part in found.iter_attachments()],
    )
    answer.headers["content-security-policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer


@get("/courriels/{key:str}/contenu", opt={"public": True})
async def mail_body(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[Any]:
    """The mail as a page to be framed: its own style and nothing else, links open outside."""
    body = _find(request, key).get_body(("html",))
    if body is None:
        raise NotFound
    html = body.get_content().replace("\r\n", "\n")
    styles = " ".join(f"'sha256-{_hash(style)}'" for style in STYLE.findall(html)) or "'none'"
    return Response(
        html.replace("<head>", '<head><base target="_top">', 1).encode(),
        media_type=MediaType.HTML,
        headers={
            "content-security-policy": f"default-src 'none'; style-src {styles}; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'self'",
            "x-frame-options": "SAMEORIGIN",
        },
    )


def _hash(style: str) -> str:
    return b64encode(sha256(style.encode()).digest()).decode()


def _find(request: Request[Any, Any, Any], key: str) -> EmailMessage:
    box = _box(request)
    if key not in box:
        raise NotFound
    return _read(box, key)


def _box(request: Request[Any, Any, Any]) -> "mailbox.Maildir":
    folder: Path = portal_of(request).settings.mailbox
    return mailbox.Maildir(folder, create=True)


def _read(box: "mailbox.Maildir", key: str) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(box.get_bytes(key))
