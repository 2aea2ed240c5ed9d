import re
from datetime import date

LONGEST = 20
RAMQ = re.compile(r"([A-Z]{4})(\d{2})(\d{2})(\d{2})(\d{2})", re.ASCII)
OF_A_WOMAN = 50  # added to the month


def read(text: str, province: str) -> str | None:
    """As it is kept, or None for what is no such number. Only Québec's has a form that we know."""
    if province != "QC":
        return text if len(text) <= LONGEST else None
    found = RAMQ.fullmatch(re.sub(r"[\s.-]", "", text.upper()))
    if found is None or not _has_a_day(*(int(part) for part in found.groups()[1:4])):
        return None
    name, year, month, day, tail = found.groups()
    return f"{name} {year}{month} {day}{tail}"


def _has_a_day(year: int, month: int, day: int) -> bool:
    """Whether the birth date inside is one, in this century or the last."""
    month = month - OF_A_WOMAN if month > OF_A_WOMAN else month
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False
