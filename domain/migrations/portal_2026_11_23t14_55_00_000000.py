"""The visits that staff cancelled are found without those that stand."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T14:55:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "visits cancelled by staff"

INDEX = """
    CREATE INDEX appointment_cancelled_by_staff ON appointment (starts_at, id)
    WHERE cancelled_by_staff IS NOT NULL
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await db.fetch(INDEX)

    manager.add_raw(run)
    return manager
