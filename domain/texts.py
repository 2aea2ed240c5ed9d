"""What people type, as it is kept, counted and searched."""

import unicodedata


def read(text: str) -> str:
    """One kind of line break, no NUL, no blank ends. Lengths are counted in its code points."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def folded(text: str) -> str:
    """Without case, accents or more than one space: what a search compares."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(plain.split())
