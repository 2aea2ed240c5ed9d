from collections.abc import Set
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from litestar import Request

LONGEST_WAY = 6_000
"""The address of a letter to the most recipients, and still one that any proxy takes."""


def split(url: str) -> SplitResult | None:
    """None for what is no URL at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def without(names: Set[str], path: str, query: str) -> str:
    """This address, but for what these names say in it."""
    asked = parse_qsl(query, keep_blank_values=True)
    if any(name in names for name, _ in asked):
        query = urlencode([each for each in asked if each[0] not in names])
    return f"{path}?{query}" if query else path


def way_onward(text: str, request: Request) -> str:  # type: ignore[type-arg]
    """A path of this portal to go on to; anything else leads home."""
    is_plain = text.isascii() and text.isprintable() and "\\" not in text
    parts = split(text) if is_plain and len(text) < LONGEST_WAY else None
    if parts is None or parts.scheme or parts.netloc or not text.startswith("/"):
        return "/"
    if text.startswith("//") or "%2f" in parts.path.lower() or "%5c" in parts.path.lower():
        return "/"
    return text if _is_a_page(parts.path, request) else "/"


def _is_a_page(path: str, request: Request) -> bool:  # type: ignore[type-arg]
    return any(
        route.path_format == path or _fits(route.path_format, path)
        for route in request.app.routes
        if "GET" in getattr(route, "methods", ())
    )


def _fits(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given) or wanted[1:2] == ["static"]:
        return False
    return all(
        want == got or (want.startswith("{") and got)
        for want, got in zip(wanted, given, strict=True)
    )
