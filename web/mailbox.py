"""The demo's mailbox: what the delivery job sent, read in the browser. Not in a real portal."""

import mailbox
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from operator import itemgetter
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from domain.errors import NotFound
from web.portal import portal_of
from web.responses import page

SHOWN = 100


@get("/courriels", opt={"public": True})
async def mails(request: Request[Any, Any, Any]) -> Response[Any]:
    letters = [(key, _read(box, key)) for box in [_box(request)] for key in box.keys()]  # noqa: SIM118 - iterating gives messages
    dated = sorted(
        ((str(letter["X-Sent"]), key, letter) for key, letter in letters),
        key=itemgetter(0, 1),
        reverse=True,
    )
    return await page(request, "mailbox/mails.html", letters=dated[:SHOWN])


@get("/courriels/{key:str}", opt={"public": True})
async def mail(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[Any]:
    letter = _find(request, key)
    text = letter.get_body(("plain",))
    return await page(
        request,
        "mailbox/mail.html",
        key=key,
        letter=letter,
        text=text.get_content() if text else "",
        files=[part.get_filename() for part in letter.iter_attachments()],
    )


@get("/courriels/{key:str}/contenu", opt={"public": True})
async def mail_body(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[Any]:
    body = _find(request, key).get_body(("html",))
    if body is None:
        raise NotFound
    # A mail carries its own style, as in a mail program; it is framed by the page beside.
    policy_for_mail = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return Response(
        body.get_content().encode(),
        media_type="text/html; charset=utf-8",
        headers={
            "content-security-policy": policy_for_mail,
            "x-frame-options": "SAMEORIGIN",
        },
    )


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
