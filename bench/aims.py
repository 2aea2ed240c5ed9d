"""What the figures should be, and whether they are."""

import re
from dataclasses import dataclass

from bench import against, growth, overload

ENGINES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Aim:
    """Of each engine: a bound for the cell's figure, or what the cell should say."""

    text: str
    bounds: tuple[float, float] = (0, 0)
    is_most: bool = False
    said: str = ""

    def is_met(self, engine: str, cell: str) -> bool:
        if is_failed(cell):
            return False
        if self.said:
            return cell == self.said
        bound, found = self.bounds[ENGINES.index(engine)], figure(cell)
        return found is not None and (found <= bound if self.is_most else found >= bound)


def least(sqlite: float, postgres: float, text: str = "") -> Aim:
    return Aim(text or f"≥ {sqlite} / {postgres}", (sqlite, postgres))


def most(bound: float, text: str = "") -> Aim:
    return Aim(text or f"≤ {bound}", (bound, bound), is_most=True)


def is_failed(cell: str) -> bool:
    """Not measured: whatever numbers stand in it tell of the problem."""
    return cell.startswith(("FAILED", "MISSING"))


def figure(cell: str) -> float | None:
    """What a cell comes down to: after its « = », else its first number."""
    found = re.search(r"= ([\d.]+)", cell) or re.search(r"([\d.]+)", cell)
    return float(found[1]) if found else None


_ONE_WINS = Aim("1 × 303, 49 × 409", said="1 × 303, 49 × 409")
AIMS: dict[str, Aim] = {
    "slot page, /s": least(0.20, 0.14, "≥ 0.20 / 0.14 of bare"),
    "confirmation of a booking, /s": least(0.12, 0.10, "≥ 0.12 / 0.10 of bare"),
    "hold p99, ms": most(60),
    "confirmation p99, ms": most(60),
    "inbox of 10,000 threads, of one of 50, ms a page": most(1.5, "≤ 1.5 ×"),
    "memory of the one process after the pages, MB": most(100),
    "slot page: first visit, kB / requests / script kB": most(50, "≤ 50 kB"),
    "« Peu importe l’intervenant »: first visit, kB / requests / script kB": most(50, "≤ 50 kB"),
    "50 at once for one slot, 1 process": _ONE_WINS,
    "50 at once for one slot, 2 processes": _ONE_WINS,
    "50 at once for one slot, 1 process, s": most(1),
    "50 at once for one slot, 2 processes, s": most(1),
    against.WEEK: least(20, 20, "≥ 20 ×"),
    against.BOOKING: least(4, 5, "≥ 4 × / 5 ×"),
    overload.KEPT: least(0.80, 0.80, "≥ 0.80 of the peak"),
    **{name: most(1.5, "≤ 1.5 ×") for name in growth.PAGES},
}


def verdict(name: str, engine: str, cell: str) -> str:
    if is_failed(cell):
        return "✗"
    aim = AIMS.get(name)
    if aim is None or figure(cell) is None:
        return ""
    return "✓" if aim.is_met(engine, cell) else "✗"
