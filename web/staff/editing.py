"""What the forms of the clinic's side have in common."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from domain.texts import read_number
from web.security import TOKEN_FIELD


def typed_in(form: Mapping[str, Any]) -> dict[str, str]:
    """All that was typed, as text."""
    return {name: str(value) for name, value in form.items() if name != TOKEN_FIELD}


def version_in(form: Mapping[str, Any]) -> int:
    """Which version was looked at; one that was altered is none that there is."""
    return read_number(str(form.get("version", ""))) or 0


def cursor(text: str) -> int | None:
    """A line's number in an address."""
    return read_number(text, digits=18)


def csv_file(name: str, content: bytes) -> Response[bytes]:
    """To keep, and not to be kept on the way."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
    }
    return Response(content, media_type="text/csv", headers=headers)
