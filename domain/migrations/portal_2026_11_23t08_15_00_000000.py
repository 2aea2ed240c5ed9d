"""The clinic's inbox is found in the order of time, of what waits, and of who wrote."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T08:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the clinic's inbox"

STATEMENTS = [
    "CREATE INDEX message_by_date ON message (sent_at, id, thread)",
    # `account` so that SQLite reads nothing but the index.
    "CREATE INDEX message_of_patients ON message (thread, sent_at, id, seen_at, account)"
    " WHERE account IS NOT NULL",
    "CREATE INDEX message_of_practitioner ON message (practitioner, thread)"
    " WHERE practitioner IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
