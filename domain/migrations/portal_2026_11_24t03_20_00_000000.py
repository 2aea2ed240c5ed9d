"""The few addresses that answer no more are found among all accounts."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-24T03:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "accounts whose address answers no more"

INDEX = """
    CREATE INDEX account_undeliverable ON account (undeliverable_at, id)
    WHERE undeliverable_at IS NOT NULL
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await db.fetch(INDEX)

    manager.add_raw(run)
    return manager
