"""What people type, as it is kept, counted and searched."""

import unicodedata
from dataclasses import dataclass
from uuid import UUID

LOOK_ALIKE = {
    **dict.fromkeys(map(ord, "’‘‛ʼʹ′´`＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟«»″＂"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    **{ord("œ"): "oe", ord("Œ"): "oe", ord("æ"): "ae", ord("Æ"): "ae"},
}


@dataclass(frozen=True, slots=True)
class Named:
    """A name in both languages."""

    fr: str
    en: str


def unfinished(text: str) -> str:
    """One kind of line break and no NUL; its ends as they are, for it is still being typed."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def read(text: str) -> str:
    """One kind of line break, no NUL, no blank ends. Lengths are counted in its code points."""
    return unfinished(text).strip()


def folded(text: str) -> str:
    """Without case, accents, kinds of quotes or more than one space: what a search compares."""
    apart = unicodedata.normalize("NFKD", text.translate(LOOK_ALIKE)).casefold()
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(plain.split())


def one_line(text: str) -> str:
    return " ".join(read(text).split())


def read_number(text: str, *, digits: int = 9) -> int | None:
    """A version, or a line's number, that an address or a form carries: short enough for any
    column; nothing where it was altered."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def read_id(text: str) -> UUID | None:
    """What an address or a form carries; nothing where it was altered."""
    try:
        return UUID(text)
    except ValueError:
        return None
