"""What was published, changed or noted stays as it was written, whoever holds the database."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain import audit, db
from domain.clinic.tables import Incident, SettingChange
from tests import databases
from tests.domain import records
from tests.world import World

NEVER_CHANGED = {
    "terms_version": "text_fr",
    "disclaimer_version": "number",
    "setting_change": "after",
}
KEPT = (*NEVER_CHANGED, "incident")
KEYS = [
    ("audit_line", "id"),
    ("audit_seal", "id"),
    ("audit_seal", "last_line"),
    ("terms_version", "id"),
    ("terms_version", "number"),
    ("disclaimer_version", "id"),
    ("disclaimer_version", "number"),
    ("setting_change", "id"),
    ("incident", "id"),
]


@pytest.fixture
async def written(world: World) -> World:
    """A row, at least, in each of the tables."""
    change = SettingChange(
        id=uuid4(), name="answer_days", before="2", after="3", changed_at=world.now, changed_by="a"
    )
    await SettingChange.insert(change)
    today = world.now.date()
    incident = Incident(
        id=uuid4(),
        information="x",
        circumstances="x",
        occurred_from=today,
        noticed_on=today,
        people=1,
        severity="x",
        measures="x",
        recorded_at=world.now,
        recorded_by="a",
    )
    await Incident.insert(incident)
    await audit.record(audit.Actor.job("test"), "test", at=world.now)
    await audit.seal(now=world.now + timedelta(hours=1))
    return world


async def refused(table: str, sql: str, *values: object) -> None:
    before = await held(table)
    assert before
    with pytest.raises(Exception) as error:  # noqa: PT011 - each engine has its own
        await db.fetch(sql, *values)
    assert db.conflict_kind(error.value) == "check"
    assert await held(table) == before


async def held(table: str) -> list[dict[str, Any]]:
    return await records.rows(f"SELECT * FROM {table} ORDER BY id")


@pytest.mark.parametrize("table", KEPT)
async def test_nothing_is_deleted(written: World, table: str) -> None:
    await refused(table, f"DELETE FROM {table}")


@pytest.mark.postgres
@pytest.mark.parametrize("table", KEPT)
async def test_no_table_is_emptied_at_once(written: World, table: str) -> None:
    await refused(table, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(("table", "column"), NEVER_CHANGED.items())
async def test_what_was_published_or_changed_is_not_rewritten(
    written: World, table: str, column: str
) -> None:
    await refused(table, f"UPDATE {table} SET {column} = {column}")


async def test_an_incident_is_completed_and_takes_no_others_number(written: World) -> None:
    await db.fetch("UPDATE incident SET measures = 'y'")
    assert [row["measures"] for row in await held("incident")] == ["y"]
    await refused("incident", "UPDATE incident SET id = {}", uuid4())


@pytest.mark.parametrize(("table", "key"), KEYS)
async def test_no_row_takes_the_place_of_another(written: World, table: str, key: str) -> None:
    """INSERT OR REPLACE, which no trigger on DELETE sees; ON CONFLICT on PostgreSQL."""
    row = (await held(table))[0] | ({} if key == "id" else {"id": another(table)})
    sql = f"INTO {table} ({', '.join(row)}) VALUES ({db.places(row)})"
    if databases.IS_POSTGRES:
        sql = f"INSERT {sql} ON CONFLICT ({key}) DO UPDATE SET id = excluded.id"
    else:
        sql = f"INSERT OR REPLACE {sql}"
    await refused(table, sql, *row.values())


def another(table: str) -> object:
    return 10**6 if table.startswith("audit") else uuid4()
