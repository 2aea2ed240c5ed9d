"""What a file is called where people see it; never where it is stored."""

import unicodedata

LONGEST = 120
SUFFIX = ".pdf"


def is_pdf_name(name: str) -> bool:
    return _cleaned(name).lower().endswith(SUFFIX)


def readable(name: str) -> str:
    """Without folders, line breaks or marks that turn the reading around; ends in « .pdf »."""
    stem = title(_cleaned(name)).strip(" .")[: LONGEST - len(SUFFIX)].strip(" .")
    return (stem or "document") + SUFFIX


def title(name: str) -> str:
    return name[: -len(SUFFIX)] if name.lower().endswith(SUFFIX) else name


def _cleaned(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    composed = unicodedata.normalize("NFC", last)
    seen = "".join(_seen(letter) for letter in composed)
    return " ".join(seen.split())


def _seen(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cc":
        return " "
    return "" if category.startswith("C") else letter
