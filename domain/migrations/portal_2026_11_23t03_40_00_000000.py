"""Messages are found by patient and time, unread ones counted, one draft each."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T03:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "messages, receipts, drafts"

STATEMENTS = [
    "CREATE INDEX message_by_time ON message (patient, sent_at, id)",
    "CREATE INDEX message_by_kind ON message (patient, kind, sent_at, id)",
    "CREATE INDEX message_in_thread ON message (thread, sent_at, id)",
    "CREATE INDEX message_sent ON message (patient, sent_at, id) WHERE account IS NOT NULL",
    "CREATE UNIQUE INDEX receipt_once ON receipt (message, account)",
    "CREATE INDEX receipt_unread ON receipt (account, patient, kind, thread) WHERE read_at IS NULL",
    "CREATE UNIQUE INDEX draft_of_thread ON draft (account, patient, thread)"
    " WHERE thread IS NOT NULL",
    "CREATE UNIQUE INDEX draft_of_new ON draft (account, patient) WHERE thread IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
