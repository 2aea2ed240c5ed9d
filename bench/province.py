"""What a Monday at 8:00 would ask of a province's portal: `python -m bench.province`.

A queue in front of the processes, one request at a time each, and one in front of the database's
cores. Who comes signs in, opens the dashboard, looks at two weeks, holds a time and confirms it,
with pauses to read. What a request costs was measured on one machine (see MEASURED); nothing is
said of networks, nor of a database that waits for its disks.
"""

import argparse
import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from statistics import quantiles

PATIENTS, PRACTITIONERS, AT_THE_OPENING = 8_000_000, 30_000, 100_000


@dataclass(frozen=True)
class Step:
    name: str
    web: float
    """Milliseconds of a process."""
    database: float
    """Milliseconds of a core of PostgreSQL."""
    pause: float
    """Seconds that people read before it, at the median."""


# `make bench ONLY=growth` at full size on PostgreSQL, where each page of the big clinic stands as
# (process + database); the confirmation by its rate beside the hold's. Of two cores, not idle.
MEASURED = (
    Step("sign-in", 29 + 4.5, 2.0, 0),  # argon2 and the rest
    Step("dashboard", 6.8, 1.5, 2),
    Step("slot page", 4.7, 1.3, 8),
    Step("slot page", 4.7, 1.3, 12),
    Step("hold", 1.8, 1.0, 10),
    Step("confirmation", 2.2, 1.2, 20),
)
# Of the same run: bytes of a row in PostgreSQL, with its indexes.
BYTES = {"slot": 367, "appointment": 472, "message": 507, "receipt": 298, "audit_line": 274}
# Rows a year: 48 slots a week each, 60 % of them booked; the rest by patient.
ROWS = {
    "slot": PRACTITIONERS * 48 * 52,
    "appointment": PRACTITIONERS * 48 * 52 * 0.6,
    "message": PATIENTS * 4,
    "receipt": PATIENTS * 5,
    "audit_line": PATIENTS * 25,
}
TENTH = 10
ENOUGH = 2.0
"""Seconds that one in a hundred may wait for an answer at the most."""
Curve = Callable[[Random], float]
CURVES: dict[str, Curve] = {
    "even over 30 minutes": lambda rng: rng.uniform(0, 1800),
    "half in 3 minutes, the rest thinning out": lambda rng: rng.expovariate(1 / 260),
    "half in 40 seconds": lambda rng: rng.expovariate(1 / 58),
}


@dataclass(frozen=True)
class Waits:
    median: float
    p99: float
    longest: float
    processes: float
    """How busy they were from the first to the last, as a share."""
    database: float


class Cores:
    """As many as there are; who comes waits for the first that is free."""

    def __init__(self, number: int) -> None:
        self._free = [0.0] * number
        self.worked = 0.0

    def serve(self, at: float, seconds: float) -> float:
        """When it is done."""
        done = max(at, self._free[0]) + seconds
        heapq.heapreplace(self._free, done)
        self.worked += seconds
        return done


def simulate(curve: Curve, people: int, processes: int, cores: int) -> Waits:
    rng = Random(8)
    web, database = Cores(processes), Cores(cores)
    order = count()
    # (when, tie-break, who began when, which step, whether it has its process's work behind it)
    events = [(curve(rng), next(order), 0.0, 0, False) for _ in range(people)]
    heapq.heapify(events)
    waits, end = [], 0.0
    while events:
        at, _, asked, place, is_at_database = heapq.heappop(events)
        step = MEASURED[place]
        if not is_at_database:
            done = web.serve(at, step.web / 1000)
            heapq.heappush(events, (done, next(order), at, place, True))
            continue
        end = database.serve(at, step.database / 1000)
        waits.append(end - asked)
        if place + 1 < len(MEASURED):
            pause = MEASURED[place + 1].pause * rng.lognormvariate(0, 0.6)
            heapq.heappush(events, (end + pause, next(order), 0.0, place + 1, False))
    cuts = quantiles(waits, n=100)
    return Waits(
        cuts[49],
        cuts[98],
        max(waits),
        web.worked / processes / end,
        database.worked / cores / end,
    )


def cores_for(processes: int) -> int:
    """Of the database, so that it is no busier than two thirds when all processes work."""
    web, database = totals()
    return max(1, math.ceil(processes * database / web * 1.5))


def totals() -> tuple[float, float]:
    """Milliseconds that one visit's booking asks of the processes, and of the database's cores."""
    return sum(step.web for step in MEASURED), sum(step.database for step in MEASURED)


def fewest(curve: Curve, people: int) -> int:
    """Processes with which one in a hundred waits no longer than is good. Searched with a tenth
    of both, which is on the safe side: small queues are less even than large ones."""

    def is_enough(tenth: int) -> bool:
        found = simulate(curve, people // TENTH, tenth, max(1, cores_for(tenth)))
        return found.p99 <= ENOUGH

    low, high = 0, 1
    while not is_enough(high):
        low, high = high, high * 2
    while high - low > max(1, high // 20):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high * TENTH


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.province")
    parser.add_argument("--people", type=int, default=AT_THE_OPENING)
    options = parser.parse_args()
    web, database = totals()
    print(f"a visit booked: {web:.0f} ms of a process, {database:.1f} ms of a database core")
    print(f"{options.people:,} people: {options.people * web / 1000:,.0f} s of processes\n")
    print(f"{'arrivals':42}{'processes':>10}{'db cores':>10}{'p50 s':>8}{'p99 s':>8}{'max s':>8}")
    for name, curve in CURVES.items():
        needed = fewest(curve, options.people)
        for processes in (needed // 2, needed):
            cores = cores_for(processes)
            found = simulate(curve, options.people, processes, cores)
            print(
                f"{name:42}{processes:>10}{cores:>10}"
                f"{found.median:>8.2f}{found.p99:>8.2f}{found.longest:>8.1f}",
                flush=True,
            )
    print("\nrows and room a year")
    for table, rows in ROWS.items():
        print(f"{table:14}{rows / 1e6:>8.0f} million{rows * BYTES[table] / 1e9:>8.0f} GB")
    total = sum(rows * BYTES[table] for table, rows in ROWS.items())
    print(f"{'all':14}{sum(ROWS.values()) / 1e6:>8.0f} million{total / 1e9:>8.0f} GB")


if __name__ == "__main__":
    main()
