from collections.abc import Sequence

from piccolo.table import Table

CHUNK = 400


async def insert(rows: Sequence[Table]) -> None:
    """Rows of one table, a few hundred to a statement."""
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        await type(chunk[0]).insert(*chunk)
