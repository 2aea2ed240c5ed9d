"""Tables for a spreadsheet (RFC 4180): what a cell holds is never a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""With which a spreadsheet may take text for a formula, the wide ones too, after blanks too."""
BLANKS = ("\t", "\r", "\n")
ENDS = ",;\t\r\n"
"""Where a cell may be cut: in a French spreadsheet at the `;`, and quotes do not stop it."""
INSIDE = re.compile(rf"""([{ENDS}][\s"]*)(?=[{re.escape("".join(SIGNS))}])""")


def sheet(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with its mark, by which spreadsheets know it."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def cell(value: object) -> str:
    text = INSIDE.sub(r"\1'", "" if value is None else str(value).replace("\0", ""))
    return f"'{text}" if text.startswith(BLANKS) or text.lstrip().startswith(SIGNS) else text
