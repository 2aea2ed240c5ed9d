"""`portal migrate` is killed in its midst, or begun twice: then again, and the schema is whole."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from asyncio import subprocess
from pathlib import Path
from typing import Any

import pytest

from domain import db
from tests import databases
from tests.domain import records

ROOT = Path(__file__).parents[2]
TRIES = 10
SQLITE = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
POSTGRES = """
    SELECT 'column' AS kind, table_name AS one, column_name AS two,
           concat(data_type, is_nullable, column_default) AS three
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger', event_object_table, trigger_name, action_statement
    FROM information_schema.triggers WHERE trigger_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""


async def test_killed_in_its_midst_it_is_whole_after_the_next_two_at_once(
    template_database: databases.Template,
) -> None:
    expected = await whole(template_database)
    await killed(template_database, [0.35], expected)


@pytest.mark.soak
async def test_killed_at_many_moments_it_is_whole_after_the_next(
    template_database: databases.Template,
) -> None:
    expected = await whole(template_database)
    for part in range(1, 10):
        await killed(template_database, [part / 10, part / 10 + 0.05], expected)


async def whole(template: databases.Template) -> list[str]:
    async with template.copy():
        return await schema()


async def killed(template: databases.Template, parts: list[float], expected: list[str]) -> None:
    for _ in range(TRIES):
        async with template.empty():
            known = len(db.known_migrations())
            for part in parts:
                await kill_after(int(part * known))
            if not await db.lacking_migrations():  # on a busy machine it was done before it died
                continue
            await asyncio.gather(migrated(), migrated())
            assert (await db.lacking_migrations(), await db.unknown_migrations()) == (set(), set())
            assert await schema() == expected
            return
    pytest.fail(f"never killed in its midst, {TRIES} times")


async def kill_after(steps: int) -> None:
    """As soon as so many migrations are done: in the midst of the next."""
    process = await migrate()
    deadline = time.monotonic() + 60
    while await done() < steps:
        assert process.returncode is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()


async def done() -> int:
    try:
        return len(db.known_migrations() - await db.lacking_migrations())
    except sqlite3.OperationalError:  # the file, or its log, is being made or left at this moment
        return 0


async def migrated() -> None:
    process = await migrate()
    assert await process.wait() == 0


async def migrate() -> subprocess.Process:
    code = "import asyncio; from domain import db; asyncio.run(db.migrate())"
    return await subprocess.create_subprocess_exec(
        *(sys.executable, "-c", code), cwd=ROOT, env=databases.environment()
    )


async def schema() -> list[str]:
    found: list[dict[str, Any]] = await records.rows(POSTGRES if db.is_postgres() else SQLITE)
    return sorted(str(sorted(row.items(), key=str)) for row in found)
