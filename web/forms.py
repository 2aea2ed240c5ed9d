"""What Litestar reads of a form with files, and what it shall not."""

from collections.abc import Iterator
from typing import Any

from litestar import _multipart

STOCK: Any = _multipart


class Utf8Parser(STOCK.PushMultipartParser):  # type: ignore[misc]
    """A text is UTF-8, whatever its part says of itself.

    Litestar decodes each as the part asks, before anybody looks at the form's token: of Python's
    codecs one takes hours for ten megabytes, and others make text that cannot be written.
    """

    def parse(self, chunk: bytes) -> Iterator[Any]:
        for part in super().parse(chunk):
            if isinstance(part, STOCK.MultipartSegment):
                part.charset = "utf-8"
            yield part


def read_as_utf_8() -> None:
    """From then on, in this process: there is no setting for it."""
    STOCK.PushMultipartParser = Utf8Parser
