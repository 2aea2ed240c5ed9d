"""Books and delivers as the portal does, up to a place: `python -m tests.crash.deliverer`.

For each line « PLACE VISIT ACCOUNT NOW PORT » it forks one that works until it is there, tells its
number, and waits to be killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

from aiosmtplib import SMTP

from domain import db
from domain.config import Settings
from domain.links import Links
from domain.mail import delivery, outbox
from domain.mail.delivery import Letter
from jobs.deliver_mail import deliver_mail
from jobs.office import PostOffice
from jobs.smtp import SmtpMailer, SmtpServer
from jobs.transport import Send
from tests.keys import KEYS
from web.rendering import Renderer

SETTINGS = Settings(
    public_url="https://portail.example",
    keys=KEYS,
    data_dir=Path("/nowhere"),
    mail_from="portail@portail.example",
)


class Client(SMTP):
    place = ""

    async def data(self, message: str | bytes, /, **options: object) -> object:  # type: ignore[override]
        if self.place == "data":
            assert self.protocol is not None
            assert self.transport is not None
            assert isinstance(message, bytes)
            answer = await self.protocol.execute_command(b"DATA")
            assert answer.code == 354
            self.transport.write(message[: len(message) // 2])
            await here()
        accepted = await super().data(message)
        if self.place == "accepted":
            await here()
        return accepted


class Mailer(SmtpMailer):
    def __init__(self, server: SmtpServer, place: str) -> None:
        super().__init__(server)
        self.place = place

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Send]:
        async with super().batch() as send:

            async def hand_over(message: EmailMessage) -> None:
                if self.place == "leased":
                    await here()
                await send(message)

            yield hand_over

    def _client(self) -> SMTP:
        client = Client(
            hostname=self._server.host, port=self._server.port, use_tls=False, start_tls=False
        )
        client.place = self.place
        return client


def office(port: int, place: str = "") -> PostOffice:
    mailer = Mailer(SmtpServer.from_url(f"smtp+plain://127.0.0.1:{port}"), place)
    return PostOffice(SETTINGS, Links(SETTINGS.keys), Renderer(), mailer)


async def work(place: str, visit: UUID, account: UUID, now: datetime, port: int) -> None:
    if place == "unmarked":
        delivery.mark_sent = unmarked
    async with db.connected():
        async with db.transaction():
            await outbox.post("appointment_booked", account, now=now, appointment=visit, version=1)
            if place == "uncommitted":
                await here()
        if place == "committed":
            await here()
        await deliver_mail(office(port, place), now=now)


async def unmarked(_letter: Letter, *, now: datetime) -> None:
    await here()


async def here() -> None:
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            place, visit, account, now, port = line.split()
            asyncio.run(
                work(place, UUID(visit), UUID(account), datetime.fromisoformat(now), int(port))
            )
            os._exit(1)  # it was to be killed before
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
