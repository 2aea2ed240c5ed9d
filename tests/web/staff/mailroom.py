"""Texts used again, mails that did not arrive, and forms with files, as the tests need them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from domain import db
from domain.clinic.tables import TextTemplate
from domain.mail.tables import OutboundEmail
from tests.web.browser import Browser
from tests.world import World

NO_SUCH = "SMTPRecipientRefused (550, '5.1.1 no such user', 'alice@example.com')"


async def text_template(world: World, **columns: Any) -> UUID:
    given = {
        "name": "Résultats",
        "subject": "Vos résultats",
        "body": "Bonjour {prénom}, ils sont là.",
        **columns,
    }
    made = TextTemplate(id=uuid4(), changed_at=world.now, changed_by="Dana Fortin", **given)
    await TextTemplate.insert(made)
    return made.id


async def dead_mail(
    world: World, said: str = NO_SUCH, *, at: datetime | None = None, **columns: Any
) -> UUID:
    at = at or world.now - timedelta(hours=1)
    given = {
        "kind": "message_received",
        "account": world.alice_account,
        "facts": "{}",
        "tries": 1,
        "last_error": said,
        "dead_at": at,
        **columns,
    }
    made = OutboundEmail(id=uuid4(), created_at=at, due_at=at, **given)
    await OutboundEmail.insert(made)
    return made.id


async def first_from_clinic(thread: UUID) -> UUID:
    rows = await db.fetch(
        "SELECT id FROM message WHERE thread = {} AND account IS NULL ORDER BY sent_at", thread
    )
    found: UUID = rows[0]["id"]
    return found


async def upload(
    browser: Browser, url: str, data: dict[str, str], *files: tuple[str, bytes]
) -> httpx.Response:
    """As a browser sends a form with these chosen files."""
    return await browser.http.post(
        url,
        data={"_csrf_token": browser.token, **data},
        files=[("fichiers", (name, content, "application/pdf")) for name, content in files]
        or [("fichiers", ("", b"", "application/octet-stream"))],
    )
