"""`python -m bench [--quick] [--engine SQLite|PostgreSQL]`: one table, no verdict.

The servers run on one core and the load on the other, PostgreSQL where there is room; what is
compared is measured in turns. The bare handler is Litestar that renders the same slot page from
memory (bench/bare.py).
"""

import argparse
import json
import os
import subprocess
import sys
import time

from bench import figures, servers

ENGINES = ("SQLite", "PostgreSQL")
TARGETS = {
    "slot page, /s": "0.20 / 0.14 of bare",
    "confirmation of a booking, /s": "0.12 / 0.10 of bare",
    "hold p99, ms": "< 60",
    "confirmation p99, ms": "< 60",
    "inbox of 10,000 threads, ms a page (× one of 50)": "× ≤ 1.5",
    "memory of the one process after the pages, MB": "≤ 100",
    "slot page: first visit, kB / requests / script kB": "≤ 50 / 6 / 25",
    "« Peu importe l’intervenant »: first visit, kB / requests / script kB": "≤ 50 / 6 / 25",
    "50 at once for one slot, 1 process": "1 × 303, 49 × 409",
    "50 at once for one slot, 2 processes": "1 × 303, 49 × 409",
    "50 at once for one slot, 1 process, s": "< 1",
    "50 at once for one slot, 2 processes, s": "< 1",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="short windows, rough figures")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    options = parser.parse_args()
    size = figures.QUICK if options.quick else figures.FULL
    os.sched_setaffinity(0, {servers.LOAD_CORE})
    began = time.monotonic()
    columns = {engine: _measure(engine, size) for engine in options.engine or ENGINES}
    _print(columns)
    print(f"\n{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")


def _measure(engine: str, size: figures.Size) -> figures.Figures:
    with servers.database(engine) as env:
        filled = subprocess.run(
            [sys.executable, "-m", "bench.data"], env=env, stdout=subprocess.PIPE, check=True
        )
        return figures.measure(figures.Clinic(json.loads(filled.stdout)), env, size)


def _print(columns: dict[str, figures.Figures]) -> None:
    names = list(next(iter(columns.values())))
    table = [["", *columns, "aim (SQLite / PostgreSQL)"]]
    table += [[name, *(c[name] for c in columns.values()), TARGETS.get(name, "")] for name in names]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


if __name__ == "__main__":
    main()
