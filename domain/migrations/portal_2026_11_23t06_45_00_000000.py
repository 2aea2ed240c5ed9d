"""The clinic's side: its indexes, and the names of patients as they are searched."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db
from domain.people import names

ID = "2026-11-23T06:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "staff, search of patients"

STATEMENTS = [
    "CREATE UNIQUE INDEX staff_form_key_once ON staff_form_key (member, action, key)",
    "CREATE UNIQUE INDEX access_block_once ON access_block (patient, account)"
    " WHERE ended_at IS NULL AND account IS NOT NULL",
    "CREATE UNIQUE INDEX access_block_of_all ON access_block (patient)"
    " WHERE ended_at IS NULL AND account IS NULL",
    "CREATE INDEX open_day_of_schedule ON open_day (schedule, day)",
    "CREATE INDEX patient_by_birth ON patient (birth_date)",
    "CREATE INDEX patient_by_health_number ON patient (health_number)",
    "CREATE INDEX appointment_by_time ON appointment (starts_at)",
    "CREATE INDEX audit_line_of_actor ON audit_line (actor, id)",
    "CREATE INDEX audit_line_by_time ON audit_line (at)",
    "CREATE INDEX clinic_request_open ON clinic_request (asked_at) WHERE handled_at IS NULL",
    "CREATE INDEX outbound_email_dead ON outbound_email (dead_at) WHERE dead_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await db.fetch(statement)
        for row in await db.fetch("SELECT id, first_name, last_name FROM patient"):
            await db.fetch(
                "UPDATE patient SET folded_name = {} WHERE id = {}",
                names.searched(row["first_name"], row["last_name"]),
                row["id"],
            )

    manager.add_raw(run)
    return manager
