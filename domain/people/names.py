import unicodedata

from domain.texts import folded

LONGEST = 80
LONG_ENOUGH = 5
"""For two slips of the hand to leave a name recognizable."""
HIDDEN = {"Cf", "Cs", "Co", "Cn"}
JOINERS = "\u200c\u200d"  # which some scripts spell with


def read(text: str) -> str:
    """A name without what is not seen: control characters, and marks that turn the reading."""
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text if not _is_hidden(c))
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def searched(first_name: str, last_name: str) -> str:
    """« last first », as a row keeps it for the staff's search."""
    return folded(f"{last_name} {first_name}")[:200]


def resemble(one: str, other: str) -> bool:
    """Whether two first names may be one: begun alike, or a slip of the hand apart. Pure."""
    first, second = sorted((folded(one), folded(other)), key=len)
    if second.startswith(first):
        return True
    return _slips(first, second) <= (1 if len(first) < LONG_ENOUGH else 2)


def _slips(one: str, other: str) -> int:
    """Letters added, left out or replaced."""
    before = list(range(len(other) + 1))
    for n, letter in enumerate(one, 1):
        row = [n]
        for m, facing in enumerate(other, 1):
            row.append(min(before[m] + 1, row[-1] + 1, before[m - 1] + (letter != facing)))
        before = row
    return before[-1]


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in HIDDEN and letter not in JOINERS
