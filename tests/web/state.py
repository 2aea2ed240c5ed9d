"""What the database holds, to compare before and after."""

from typing import Any

from domain import db
from domain.piccolo_app import APP_CONFIG
from tests.world import World

ALWAYS_WRITTEN = frozenset({"audit_line", "attempt"})
"""The journal, and the count of tries: a refused act leaves its trace there."""


async def rows(*, without: frozenset[str] = ALWAYS_WRITTEN) -> dict[str, list[str]]:
    """Every row of every table."""
    names = {table._meta.tablename for table in APP_CONFIG.table_classes} - without
    if not db.is_postgres():
        return {name: sorted(map(str, await db.fetch(f'SELECT * FROM "{name}"'))) for name in names}
    # In one statement: to ask for each table takes many times what comparing them does.
    each = [f"SELECT '{name}' AS name, t::text AS row FROM \"{name}\" t" for name in names]
    found: dict[str, list[str]] = {name: [] for name in names}
    for held in await db.fetch(f"{' UNION ALL '.join(each)} ORDER BY 1, 2"):
        found[held["name"]].append(held["row"])
    return found


async def journal(action: str = "") -> list[dict[str, Any]]:
    lines = await db.fetch("SELECT * FROM audit_line ORDER BY id")
    return [line for line in lines if line["action"].startswith(action)]


async def last_line() -> int:
    return int((await db.fetch("SELECT coalesce(max(id), 0) AS n FROM audit_line"))[0]["n"])


async def journal_after(line: int) -> list[dict[str, Any]]:
    return await db.fetch("SELECT * FROM audit_line WHERE id > {} ORDER BY id", line)


async def appointments(world: World) -> list[dict[str, Any]]:
    return await db.fetch("SELECT * FROM appointment WHERE patient = {}", world.alice)


async def count(table: str) -> int:
    return int((await db.fetch(f'SELECT count(*) AS n FROM "{table}"'))[0]["n"])
