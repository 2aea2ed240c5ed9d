"""Tables for a spreadsheet (RFC 4180): what a cell holds is never a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def sheet(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with its mark, by which spreadsheets know it."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def cell(value: object) -> str:
    text = "" if value is None else str(value)
    kept = f"'{text}" if text.startswith(FORMULA) else text
    return kept.replace("\0", "")
