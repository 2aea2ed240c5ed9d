import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from domain.config import BadConfiguration
from jobs.transport import Refused, Send, Unreachable

TIMEOUT = 10
CLOSING = 421
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`smtp` asks for STARTTLS and gives up without it; `smtp+plain` stays on this machine."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @classmethod
    def from_url(cls, url: str) -> Self:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:  # which quotes what may be a password
            raise BadConfiguration(
                "SMTP_URL: write %2F for a slash, %40 for an @ in its password"
            ) from None
        if parts.scheme not in PORTS or not parts.hostname:
            raise BadConfiguration("SMTP_URL is smtp://user:password@host:587 or smtps://…")
        if parts.scheme == "smtp+plain" and not _is_loopback(parts.hostname):
            raise BadConfiguration("SMTP_URL: smtp+plain:// is for this machine only")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpMailer:
    def __init__(
        self, server: SmtpServer, tls: ssl.SSLContext | None = None, timeout: float = TIMEOUT
    ) -> None:
        self._server = server
        is_plain = server.scheme == "smtp+plain"
        self._tls = None if is_plain else tls or ssl.create_default_context()
        self._timeout = timeout

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Send]:
        """Once the server cannot be reached, it is not asked again for the rest."""
        client = self._client()
        problem: Unreachable | None = None

        async def send(message: EmailMessage) -> None:
            nonlocal problem
            if problem is not None:
                raise problem
            try:
                await _connect(client)
            except Unreachable as error:
                problem = error
                raise
            await _hand_over(client, message)

        try:
            yield send
        finally:
            if client.is_connected:
                with suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit(timeout=1)
            client.close()

    async def greet(self) -> None:
        """Connect and sign in as for a batch, and send nothing; raises `Unreachable`."""
        client = self._client()
        await _connect(client)
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=1)
        client.close()

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=self._timeout,
            use_tls=server.scheme == "smtps",
            start_tls=server.scheme == "smtp",
            tls_context=self._tls,
        )


async def _connect(client: SMTP) -> None:
    """Whatever goes wrong here, a wrong password too, says nothing about the mail."""
    if client.is_connected:
        return
    try:
        await client.connect()
    except (aiosmtplib.SMTPException, OSError) as error:
        client.close()
        raise Unreachable(_told(error)) from error


async def _hand_over(client: SMTP, message: EmailMessage) -> None:
    sender, recipient = (message[name].addresses[0].addr_spec for name in ("From", "To"))
    try:
        await client.send_message(message, sender=sender, recipients=[recipient])
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refusal(error.recipients[0]) from error
    except aiosmtplib.SMTPSenderRefused as error:
        # It is the portal that is refused: that is put right in its settings, not in the mail.
        raise Unreachable(_told(error)) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error) from error
    except (aiosmtplib.SMTPNotSupported, ValueError) as error:
        raise Refused(_told(error), is_final=True) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        client.close()
        raise Unreachable(_told(error)) from error


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    if error.code == CLOSING:
        return Unreachable(_told(error))
    return Refused(_told(error), is_final=error.code >= 500)


def _told(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
