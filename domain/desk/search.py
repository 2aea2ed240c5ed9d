"""Finding a patient by whatever is at hand: part of a name, a birth date, a number, a phone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain import db
from domain.clinic.settings import ClinicSettings
from domain.people import birth_dates, health_numbers
from domain.staff.member import Member
from domain.staff.roles import Right
from domain.texts import folded, read

LONGEST = 100
PAGE = 25
"""Each of them is a line of the journal: fewer than a list may have."""
FEWEST_LETTERS, FEWEST_DIGITS = 2, 4

YEAR = r"((?:19|20)\d\d)"
DATES = (
    # the pattern, and in which places the year, the month and the day stand
    (re.compile(rf"\b{YEAR}[-/. ](\d{{1,2}})[-/. ](\d{{1,2}})\b"), (1, 2, 3)),
    (re.compile(rf"\b(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ]{YEAR}\b"), (3, 2, 1)),
    (re.compile(rf"\b{YEAR}(\d\d)(\d\d)\b"), (1, 2, 3)),
    (re.compile(rf"\b(\d{{1,2}})(?:er)? ([a-z]{{3,9}})\.? {YEAR}\b"), (3, 2, 1)),
    (re.compile(rf"\b([a-z]{{3,9}})\.? (\d{{1,2}}),? {YEAR}\b"), (3, 1, 2)),
    (re.compile(rf"\b{YEAR} ([a-z]{{3,9}})\.? (\d{{1,2}})\b"), (1, 2, 3)),
)
NUMBER_BEGUN = re.compile(r"([a-z]{4})[ -]*(\d[\d -]*)")
AFTER = "(p.folded_name, p.id) > (SELECT b.folded_name, b.id FROM patient b WHERE b.id = {})"
WORDS_OF_NAME = "' ' || replace(replace(p.folded_name, '-', ' '), '''', ' ')"
LAST = "\U0010ffff"
"""After every letter."""
FEW = 1000
"""Patients to look at one by one. A word of more of them is soon met in the order of names."""
# Fewer than the limit, which tells PostgreSQL so: it plans before it knows the word.
HAS_WORD = f"""p.id IN (
    SELECT w.patient FROM patient_word w WHERE w.word >= {{}} AND w.word < {{}} LIMIT {FEW})"""


@dataclass(frozen=True, slots=True)
class Sought:
    """What was understood of the text: all of it must be true of a patient."""

    words: tuple[str, ...] = ()
    """Each begins one of the names."""
    birth_date: date | None = None
    number: str = ""
    """A health number as it is kept, or its beginning."""
    digits: str = ""
    """Of a phone, or of a number that is of digits alone."""

    @property
    def is_enough(self) -> bool:
        letters = sum(map(len, self.words))
        return bool(
            self.birth_date
            or self.number
            or letters >= FEWEST_LETTERS
            or len(self.digits) >= FEWEST_DIGITS
        )


@dataclass(frozen=True, slots=True)
class Row:
    id: UUID
    full_name: str
    birth_date: date
    health_number: str
    phone: str
    practitioner: str
    has_account: bool
    is_blocked: bool
    """Whether the clinic keeps somebody from acting for them."""


@dataclass(frozen=True, slots=True)
class Found:
    text: str
    sought: Sought
    rows: Sequence[Row]
    is_first_page: bool
    next: UUID | None
    """Ask again with this to see those after."""


async def search(member: Member, text: str, *, after: UUID | None = None, now: datetime) -> Found:
    """By name. A cursor that is no patient of this list begins at the top."""
    member.check(Right.PATIENTS)
    typed = read(text)[:LONGEST].strip()
    sought = understood(typed, member.clinic, member.clinic.today(now))
    rows = await _rows(sought, after) if sought.is_enough else []
    if after is not None and not rows:
        after = None
        rows = await _rows(sought, after) if sought.is_enough else []
    shown = [_row(row) for row in rows[:PAGE]]
    return Found(typed, sought, shown, after is None, shown[-1].id if rows[PAGE:] else None)


def understood(text: str, clinic: ClinicSettings, today: date) -> Sought:
    """Pure: which parts of the text are a date, a number, a phone; the rest are names."""
    if clinic.province == "QC" and (whole := health_numbers.read(text, clinic.province)):
        return Sought(number=whole)
    birth_date, rest = _without_date(folded(text), today)
    begun = NUMBER_BEGUN.fullmatch(rest)
    if begun and clinic.province == "QC" and birth_date is None:
        return Sought(number=_as_kept(begun[1], begun[2]))
    pieces = re.findall(r"[^\W_]+", rest)
    digits = "".join(piece for piece in pieces if piece.isdecimal())
    words = tuple(piece for piece in pieces if not piece.isdecimal())
    return Sought(
        words, birth_date, digits=digits.removeprefix("1") if len(digits) == 11 else digits
    )


def _without_date(text: str, today: date) -> tuple[date | None, str]:
    """Day before month, unless that is no date: « 04/27/1989 »."""
    for pattern, (year, month, day) in DATES:
        for found in pattern.finditer(text):
            for first, second in ((month, day), (day, month)):
                born, _, _ = birth_dates.read(found[year], found[first], found[second], today)
                if born is not None:
                    return born, f"{text[: found.start()]} {text[found.end() :]}".strip()
    return None, text


def _as_kept(letters: str, figures: str) -> str:
    """« mil h8954 27 » as the beginning of « MILH 8954 2718 »."""
    digits = re.sub(r"\D", "", figures)
    return f"{letters.upper()} {digits[:4]} {digits[4:8]}".strip()


async def _rows(sought: Sought, after: UUID | None) -> list[dict[str, Any]]:
    parts = await conditions(sought)
    if after is not None:
        parts.append((AFTER, [after]))
    return await db.fetch(
        f"""
        SELECT p.id, p.first_name, p.last_name, p.birth_date, p.health_number, p.phone,
               pr.title, pr.first_name AS by_first_name, pr.last_name AS by_last_name,
               CASE WHEN EXISTS (
                   SELECT 1 FROM proxy_grant g WHERE g.patient = p.id
                     AND g.relationship = 'self' AND g.withdrawn_at IS NULL
               ) THEN 1 ELSE 0 END AS has_account,
               CASE WHEN EXISTS (
                   SELECT 1 FROM access_block b WHERE b.patient = p.id AND b.ended_at IS NULL
               ) THEN 1 ELSE 0 END AS is_blocked
        FROM patient p LEFT JOIN practitioner pr ON pr.id = p.primary_practitioner
        WHERE {" AND ".join(condition for condition, _ in parts)}
        ORDER BY p.folded_name, p.id LIMIT {PAGE + 1}
        """,
        *(value for _, values in parts for value in values),
    )


async def conditions(sought: Sought) -> list[tuple[str, list[object]]]:
    """Each with its values. Where few have one of the words, they alone are looked at."""
    found = list(_conditions(sought))
    rare = await _rare(sought.words)
    return found if rare is None else [*found, (HAS_WORD, [rare, rare + LAST])]


async def _rare(words: Sequence[str]) -> str | None:
    """The longest are asked about first: fewer have them."""
    for word in sorted(words, key=len, reverse=True):
        (row,) = await db.fetch(
            f"""
            SELECT count(*) AS n FROM (
                SELECT 1 FROM patient_word WHERE word >= {{}} AND word < {{}} LIMIT {FEW}) few
            """,
            word,
            word + LAST,
        )
        if row["n"] < FEW:
            return word
    return None


def _conditions(sought: Sought) -> Iterator[tuple[str, list[object]]]:
    """Any word of a name may be meant, by its beginning."""
    if sought.birth_date is not None:
        yield "p.birth_date = {}", [sought.birth_date]
    if len(sought.number) == len("AAAA 9999 9999"):
        yield "p.health_number = {}", [sought.number]
    elif sought.number:
        yield "p.health_number LIKE {}", [f"{sought.number}%"]
    for word in sought.words:
        yield f"{WORDS_OF_NAME} LIKE {{}}", [f"% {word}%"]
    if sought.digits:
        yield (
            "(p.phone LIKE {} OR p.other_phone LIKE {}"
            " OR replace(replace(p.health_number, ' ', ''), '-', '') LIKE {})",
            [f"%{sought.digits}%", f"%{sought.digits}%", f"{sought.digits}%"],
        )


def _row(row: dict[str, Any]) -> Row:
    names = (row["title"], row["by_first_name"], row["by_last_name"])
    return Row(
        id=row["id"],
        full_name=f"{row['first_name']} {row['last_name']}",
        birth_date=row["birth_date"],
        health_number=row["health_number"],
        phone=row["phone"],
        practitioner=" ".join(name for name in names if name),
        has_account=bool(row["has_account"]),
        is_blocked=bool(row["is_blocked"]),
    )
