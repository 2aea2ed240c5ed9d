from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from domain.config import Settings
from domain.links import Links
from jobs.maildir import MaildirMailer
from jobs.smtp import SmtpMailer, SmtpServer
from jobs.transport import Mailer
from web.rendering import Renderer

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class PostOffice:
    """What it takes to write a mail and to send it."""

    settings: Settings
    links: Links
    renderer: Renderer
    mailer: Mailer

    @classmethod
    def of(cls, settings: Settings, now: Clock) -> Self:
        return cls(settings, Links(settings.keys), Renderer(), _mailer(settings, now))


def _mailer(settings: Settings, now: Clock) -> Mailer:
    if settings.smtp_url:
        return SmtpMailer(SmtpServer.from_url(settings.smtp_url))
    return MaildirMailer(settings.mailbox, now)
