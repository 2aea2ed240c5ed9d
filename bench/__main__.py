"""`python -m bench [--quick] [--only BLOCK,…] [--engine SQLite|PostgreSQL]`: one table, by blocks.

The servers run on one core and the load on the other, PostgreSQL where there is room; what is
compared is measured in turns. The bare handler is Litestar that renders the same slot page from
memory (bench/bare.py). Each block is printed when it ends; one that fails says so, and the next
one begins.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from bench import against, aims, figures, growth, overload, servers
from bench.figures import Figures, Size

BLOCKS = ("slots", "peer", "growth", "jobs", "overload")
WIDE = 66


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="short windows, rough figures")
    parser.add_argument("--engine", choices=aims.ENGINES, action="append")
    parser.add_argument("--only", default=",".join(BLOCKS), help=f"of {','.join(BLOCKS)}")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(BLOCKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    size = figures.QUICK if options.quick else figures.FULL
    os.sched_setaffinity(0, {servers.LOAD_CORE})
    began = time.monotonic()
    failed = [
        title
        for title, measure in _blocks(wanted)
        if not _block(title, measure, options.engine or aims.ENGINES, size)
    ]
    print(f"\n{time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")
    if failed:
        print(f"not measured to the end: {', '.join(failed)}")
    return len(failed)


def _blocks(wanted: Sequence[str]) -> list[tuple[str, Callable[[str, Size], Figures]]]:
    blocks: list[tuple[str, Callable[[str, Size], Figures]]] = []
    if "slots" in wanted:
        blocks.append(("The portal", figures.measure))
    if "peer" in wanted:
        blocks.append(("Beside django-appointment 3.12", against.measure))
    if grown := [name for name in ("growth", "jobs") if name in wanted]:
        blocks.append(
            ("A hundred times the patients", lambda one, size: growth.measure(one, size, grown))
        )
    if "overload" in wanted:
        blocks.append(("Ten times what it can serve", _overload))
    return blocks


def _overload(engine: str, size: Size) -> Figures:
    with figures.filled(engine) as (clinic, env):
        return overload.measure(clinic, env, size)


def _block(
    title: str, measure: Callable[[str, Size], Figures], engines: Sequence[str], size: Size
) -> bool:
    columns: dict[str, Figures] = {}
    began = time.monotonic()
    for engine in engines:
        try:
            columns[engine] = measure(engine, size)
        except Exception:
            print(f"{title}, {engine}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    if columns:
        _print(f"{title} ({time.monotonic() - began:.0f} s)", columns)
    cells = [cell for column in columns.values() for cell in column.values()]
    return len(columns) == len(engines) and not any(map(aims.is_failed, cells))


def _print(title: str, columns: dict[str, Figures]) -> None:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    table = [[title, *columns, "aim (SQLite / PostgreSQL)"]]
    for name in names:
        cells = [_cell(name, engine, column) for engine, column in columns.items()]
        table.append([name, *cells, aims.AIMS[name].text if name in aims.AIMS else ""])
    widths = [min(max(map(len, column)), WIDE) for column in zip(*table, strict=True)]
    print()
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    sys.stdout.flush()


def _cell(name: str, engine: str, column: Figures) -> str:
    cell = column.get(name, "")
    return f"{cell} {aims.verdict(name, engine, cell)}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
