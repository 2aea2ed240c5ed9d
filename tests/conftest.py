from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from domain import db
from tests import compiled, databases
from tests.kept import Keeper, kept
from tests.world import World, build

databases.point_nowhere()
compiled.keep()

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.engines import PostgresEngine, SQLiteEngine


ABOUT_ENGINES = "test_engines.py"
LONGEST = {"test_crash.py", "test_many_processes.py", "test_demo.py", "test_stopping.py"}
"""First, so that at the end none waits for another's."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if is_for_this_engine(item)]
    items[:] = sorted(here, key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """What is there by now stays, and memory there is: the collector need rarely look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def is_for_this_engine(item: pytest.Item) -> bool:
    """A test without a database would show nothing new on PostgreSQL: it runs on SQLite alone."""
    is_marked = item.get_closest_marker("postgres") is not None
    if not databases.IS_POSTGRES:
        return not is_marked
    has_database = "template_database" in getattr(item, "fixturenames", ())
    return is_marked or has_database or item.path.name == ABOUT_ENGINES


@pytest.fixture(scope="session")
async def template_database() -> AsyncIterator[databases.Template]:
    with databases.template() as template:
        template.home = asyncio.get_running_loop()
        yield template
        await template.let_go()


@pytest.fixture(scope="session")
def keeper(template_database: databases.Template) -> Keeper:
    return Keeper(template_database)


@pytest.fixture
async def written(keeper: Keeper, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    """A database of the test's own, with its connections open: what is in it, by fixture."""
    name, found = await keeper.prepare(request)
    async with keeper.template.copy(name):
        yield found


@pytest.fixture
async def database(written: dict[str, Any]) -> SQLiteEngine | PostgresEngine:
    """Migrated, and empty but for what the test's other fixtures write."""
    return db.engine()


@kept
async def world() -> World:
    return await build()
