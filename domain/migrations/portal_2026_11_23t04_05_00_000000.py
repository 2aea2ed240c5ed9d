"""A patient's journal is read newest first, and an account's mails are found by it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import UUID, ForeignKey

from domain import db

ID = "2026-11-23T04:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "journal by patient, mails by account"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)
    manager.alter_column(
        table_class_name="AuditLine",
        tablename="audit_line",
        column_name="patient",
        db_column_name="patient",
        params={"index": False},
        old_params={"index": True},
        column_class=UUID,
        old_column_class=UUID,
        schema=None,
    )
    manager.alter_column(
        table_class_name="OutboundEmail",
        tablename="outbound_email",
        column_name="account",
        db_column_name="account",
        params={"index": True},
        old_params={"index": False},
        column_class=ForeignKey,
        old_column_class=ForeignKey,
        schema=None,
    )

    async def run() -> None:
        await db.fetch("CREATE INDEX audit_line_of_patient ON audit_line (patient, id)")

    manager.add_raw(run)
    return manager
