"""The demo's transport: mails go to a folder, which the portal shows at /courriels."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path

from jobs.transport import Send


class MaildirMailer:
    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Send]:
        yield self._send

    async def _send(self, message: EmailMessage) -> None:
        message["X-Sent"] = self._now().isoformat(timespec="milliseconds")
        await asyncio.to_thread(self._store, message.as_bytes())

    def _store(self, content: bytes) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        Maildir(self._folder, create=True).add(content)
