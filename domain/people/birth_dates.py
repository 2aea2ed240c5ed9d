"""A birth date as people type it: three fields, the month by its number or its name."""

import unicodedata
from datetime import date

FIRST_YEAR = 1900
MONTHS = (
    ("janvier", "january"),
    ("fevrier", "february"),
    ("mars", "march"),
    ("avril", "april"),
    ("mai", "may"),
    ("juin", "june"),
    ("juillet", "july"),
    ("aout", "august"),
    ("septembre", "september"),
    ("octobre", "october"),
    ("novembre", "november"),
    ("decembre", "december"),
)


def read(year: str, month: str, day: str, today: date) -> tuple[date | None, str, str]:
    """The date; or which part is wrong (year, month, day) and the code of what is."""
    typed = {"year": year.strip(), "month": month.strip(), "day": day.strip()}
    missing = [part for part, text in typed.items() if not text]
    if len(missing) == len(typed):
        return None, "year", "missing"
    if missing:
        return None, missing[0], f"no_{missing[0]}"
    numbers = {
        "year": _number(typed["year"]) if len(typed["year"]) == 4 else None,
        "month": _month(typed["month"]),
        "day": _number(typed["day"]),
    }
    wrong = [part for part, number in numbers.items() if number is None]
    if wrong:
        return None, wrong[0], f"odd_{wrong[0]}"
    return _date(numbers["year"] or 0, numbers["month"] or 0, numbers["day"] or 0, today)


def _date(year: int, month: int, day: int, today: date) -> tuple[date | None, str, str]:
    try:
        found = date(year, month, day)
    except ValueError:
        return None, "day", "no_such_day"
    if found > today:
        return None, "year", "in_the_future"
    if year < FIRST_YEAR:
        return None, "year", "long_ago"
    return found, "", ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def _month(text: str) -> int | None:
    number = _number(text)
    if number is not None:
        return number if 1 <= number <= 12 else None
    name = _plain(text)
    found = [n for n, names in enumerate(MONTHS, 1) if any(each.startswith(name) for each in names)]
    # « juil », « sept. »; « ju » and « ma » are two months.
    return found[0] if len(name) >= 3 and len(found) == 1 else None


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().removesuffix("."))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()
