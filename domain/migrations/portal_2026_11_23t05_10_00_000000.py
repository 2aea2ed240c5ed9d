"""How much was attached in a day is asked before each sending."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T05:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "attachments by the day they were added"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await db.fetch("CREATE INDEX attachment_by_day ON attachment (added_at, size)")

    manager.add_raw(run)
    return manager
