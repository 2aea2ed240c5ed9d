"""Who works on a day is found by name, and their visits by practitioner, cancelled ones too."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T19:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a day of many practitioners"

STATEMENTS = (
    "CREATE INDEX practitioner_by_name ON practitioner (last_name, first_name, id)",
    "DROP INDEX appointment_of_practitioner",  # it knew no cancelled ones
    "CREATE INDEX appointment_of_practitioner ON appointment (practitioner, starts_at)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
