"""Where DNS records come from: a file that somebody wrote, or a resolver."""

import re
from collections.abc import Iterable

import dns.exception
import dns.resolver

from operations.check.mail_records import Lookup

RECORD = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(TXT|AAAA|A|MX)\s+(.+)", re.IGNORECASE)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
PATIENCE = 5


class CannotLookUp(Exception):
    """The resolver does not answer; a name without records is no such thing."""


def from_text(text: str) -> Lookup:
    known: dict[tuple[str, str], list[str]] = {}
    for line in _lines(text):
        if found := RECORD.fullmatch(line):
            name, kind, value = found[1], found[2].upper(), found[3].strip()
            known.setdefault((_plain(name), kind), []).append(_value(kind, value))
    return lambda name, kind: known.get((_plain(name), kind), [])


def resolve(name: str, kind: str) -> list[str]:
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=PATIENCE, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise CannotLookUp(f"{name}: {type(error).__name__}") from error
    return [_value(kind, record.to_text()) for record in answer]


def _lines(text: str) -> Iterable[str]:
    """A value in brackets may go on over several."""
    together = re.sub(r"\(([^()]*)\)", lambda found: " ".join(found[1].split()), text)
    return (line.strip() for line in together.splitlines() if not line.lstrip().startswith(";"))


def _value(kind: str, text: str) -> str:
    if kind == "TXT":
        pieces = QUOTED.findall(text)
        return "".join(re.sub(r"\\(.)", r"\1", piece) for piece in pieces) if pieces else text
    return text.rsplit(maxsplit=1)[-1] if kind == "MX" else text


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
