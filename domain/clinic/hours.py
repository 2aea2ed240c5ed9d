"""What a template's hours must be like. Pure: no table, no clock."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Protocol

from domain.clinic.calendar import Opening

SHORTEST, LONGEST = 5, 480
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line as it stands in the form: a weekday's number, two times, minutes."""

    weekday: str = ""
    opens: str = ""
    closes: str = ""
    minutes: str = ""

    @property
    def is_blank(self) -> bool:
        return not any((self.weekday, self.opens, self.closes, self.minutes))

    @classmethod
    def of(cls, opening: Opening) -> "TypedLine":
        return cls(
            str(opening.weekday),
            f"{opening.opens:%H:%M}",
            f"{opening.closes:%H:%M}",
            str(opening.slot_minutes),
        )


class Timed(Protocol):
    @property
    def id(self) -> object: ...
    @property
    def minutes(self) -> int: ...


def read_line(typed: TypedLine, n: int) -> tuple[Opening | None, dict[str, str]]:
    """The opening, or what is wrong with it by field; `n` is the line's number in the form."""
    weekday = int(typed.weekday) if typed.weekday in {"0", "1", "2", "3", "4", "5", "6"} else None
    problems = {} if weekday is not None else {f"jour_{n}": "missing"}
    opens, closes = read_time(typed.opens), read_time(typed.closes)
    problems |= {f"debut_{n}": "missing"} if opens is None else {}
    problems |= {f"fin_{n}": "missing"} if closes is None else {}
    minutes = int(typed.minutes) if typed.minutes.isdecimal() and len(typed.minutes) < 4 else 0
    if not SHORTEST <= minutes <= LONGEST:
        problems[f"duree_{n}"] = "minutes"
    if weekday is None or opens is None or closes is None:
        return None, problems
    if closes <= opens:
        problems[f"fin_{n}"] = "order"
    elif not problems and minutes > length(opens, closes):
        problems[f"duree_{n}"] = "longer_than_opening"
    return (None if problems else Opening(weekday, opens, closes, minutes)), problems


def read_time(text: str) -> time | None:
    """« 8:30 », « 08:30 », « 8 h 30 »."""
    hour, _, minute = text.strip().lower().replace("h", ":").replace(" ", "").partition(":")
    parts = (hour, minute or "0")
    if not all(part.isascii() and part.isdecimal() and len(part) <= 2 for part in parts):
        return None
    found = int(parts[0]), int(parts[1])
    return time(*found) if found < (24, 0) and found[1] < 60 else None


def length(opens: time, closes: time) -> int:
    """In minutes of the clock on the wall."""
    return (closes.hour - opens.hour) * 60 + closes.minute - opens.minute


def overlap(one: Opening, other: Opening) -> bool:
    is_same_day = one.weekday == other.weekday
    return is_same_day and one.opens < other.closes and other.opens < one.closes


def overlapping(lines: Mapping[int, Opening], others: Iterable[Opening]) -> dict[str, str]:
    """A practitioner is at one place at a time: each line that meets another of theirs."""
    elsewhere = list(others)
    problems = {}
    for n, line in lines.items():
        if any(overlap(line, lines[before]) for before in lines if before < n):
            problems[f"debut_{n}"] = "overlap"
        elif any(overlap(line, other) for other in elsewhere):
            problems[f"debut_{n}"] = "overlap_elsewhere"
    return problems


def too_long(types: Sequence[Timed], lines: Iterable[Opening]) -> Iterator[object]:
    """The visit types that do not fit in the shortest slot."""
    shortest = min((line.slot_minutes for line in lines), default=LONGEST)
    return (each.id for each in types if each.minutes > shortest)


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
