import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import unescape
from typing import Self

LINK = re.compile(r'<a\b[^>]*\bhref="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)


@dataclass(frozen=True)
class Mail:
    key: str
    message: EmailMessage

    @classmethod
    def read(cls, key: str, content: bytes) -> Self:
        return cls(key, BytesParser(policy=policy.default).parsebytes(content))

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def to(self) -> str:
        return str(self.message["To"])

    @property
    def text(self) -> str:
        return self._part("plain")

    def links(self) -> dict[str, str]:
        """Where each of its words leads, by the words."""
        return {
            " ".join(re.sub("<[^>]+>", "", words).split()): unescape(url)
            for url, words in LINK.findall(self._part("html"))
        }

    def attachments(self) -> list[str | None]:
        return [part.get_filename() for part in self.message.iter_attachments()]

    def _part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())
