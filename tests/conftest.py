from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain import db
from tests import databases
from tests.world import World, build

databases.point_nowhere()

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from domain.engines import PostgresEngine, SQLiteEngine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not databases.IS_POSTGRES:
        items[:] = [item for item in items if item.get_closest_marker("postgres") is None]


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.Template]:
    with databases.template(tmp_path_factory.mktemp("template")) as template:
        yield template


@pytest.fixture
async def database(
    template_database: databases.Template, tmp_path: Path
) -> AsyncIterator[SQLiteEngine | PostgresEngine]:
    """A database of the test's own, migrated and empty, with its connections open."""
    async with template_database.copy(tmp_path), db.connected():
        yield db.engine()


@pytest.fixture
async def world(database: SQLiteEngine | PostgresEngine) -> World:
    return await build()
