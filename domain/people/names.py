import unicodedata

from domain.texts import folded

LONGEST = 80
HIDDEN = {"Cf", "Cs", "Co", "Cn"}
JOINERS = "\u200c\u200d"  # which some scripts spell with


def read(text: str) -> str:
    """A name without what is not seen: control characters, and marks that turn the reading."""
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text if not _is_hidden(c))
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def searched(first_name: str, last_name: str) -> str:
    """« last first », as a row keeps it for the staff's search."""
    return folded(f"{last_name} {first_name}")[:200]


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in HIDDEN and letter not in JOINERS
