"""What hands a mail over, and the two ways in which it may fail."""

from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from typing import Protocol


class Refused(Exception):
    """The server said no about this very mail."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Unreachable(Exception):
    """There is no server to say anything about the mail."""


class Send(Protocol):
    async def __call__(self, message: EmailMessage) -> None: ...


class Mailer(Protocol):
    def batch(self) -> AbstractAsyncContextManager[Send]:
        """For some mails in a row, over one connection where there is such a thing."""
        ...
