"""What the database itself refuses: the last guard, on both engines."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-22T21:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "uniqueness, overlaps, append-only audit"

BOTH = [
    "CREATE UNIQUE INDEX appointment_one_per_slot ON appointment (slot) WHERE cancelled_at IS NULL",
    "CREATE INDEX appointment_of_patient ON appointment (patient, starts_at)",
    "CREATE INDEX appointment_of_practitioner ON appointment (practitioner, starts_at)"
    " WHERE cancelled_at IS NULL",
    "CREATE INDEX appointment_window_due ON appointment (starts_at)"
    " WHERE confirmable_at IS NULL AND confirmed_at IS NULL AND cancelled_at IS NULL",
    "CREATE INDEX slot_of_practitioner ON slot (practitioner, starts_at)",
    "CREATE INDEX slot_at_site ON slot (site, starts_at)",
    "CREATE UNIQUE INDEX hold_one_per_profile ON hold (account, patient)",
    "CREATE UNIQUE INDEX schedule_visit_type_once ON schedule_visit_type (schedule, visit_type)",
    "CREATE UNIQUE INDEX proxy_grant_once ON proxy_grant (account, patient)"
    " WHERE withdrawn_at IS NULL",
    "CREATE UNIQUE INDEX proxy_grant_one_self_per_account ON proxy_grant (account)"
    " WHERE withdrawn_at IS NULL AND relationship = 'self'",
    "CREATE UNIQUE INDEX proxy_grant_one_self_per_patient ON proxy_grant (patient)"
    " WHERE withdrawn_at IS NULL AND relationship = 'self'",
    'CREATE UNIQUE INDEX proxy_consent_once ON proxy_consent ("grant") WHERE withdrawn_at IS NULL',
    "CREATE UNIQUE INDEX terms_acceptance_once ON terms_acceptance (terms, account)",
    "CREATE UNIQUE INDEX form_key_once ON form_key (account, action, key)",
    "CREATE INDEX attempt_of_key ON attempt (key, tried_at)",
    "CREATE INDEX activity_of_patient ON activity (patient, happened_at)",
    "CREATE INDEX outbound_email_due ON outbound_email (due_at)"
    " WHERE sent_at IS NULL AND dropped_at IS NULL AND dead_at IS NULL",
]

POSTGRES = [
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "ALTER TABLE slot ADD CONSTRAINT slot_no_overlap EXCLUDE USING gist"
    " (practitioner WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (withdrawn_at IS NULL)",
    "ALTER TABLE appointment ADD CONSTRAINT appointment_no_overlap EXCLUDE USING gist"
    " (practitioner WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (cancelled_at IS NULL)",
    "ALTER TABLE slot ADD CONSTRAINT slot_has_length CHECK (ends_at > starts_at)",
    "ALTER TABLE appointment ADD CONSTRAINT appointment_reason_fits"
    " CHECK (char_length(reason) <= 140)",
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the audit journal is append-only'"
    " USING ERRCODE = 'check_violation'; END $$",
    "CREATE TRIGGER audit_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line"
    " EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal"
    " EXECUTE FUNCTION audit_is_append_only()",
]


def _no_overlap(table: str, event: str, alive: str) -> str:
    return f"""
        CREATE TRIGGER {table}_no_overlap_{event.lower()} BEFORE {event} ON {table}
        WHEN NEW.{alive} IS NULL AND EXISTS (
            SELECT 1 FROM {table} o WHERE o.practitioner = NEW.practitioner AND o.{alive} IS NULL
            AND o.id <> NEW.id AND o.starts_at < NEW.ends_at AND o.ends_at > NEW.starts_at
            -- No slot is longer than a day, so that the index on the start bounds the search.
            AND o.starts_at > datetime(NEW.starts_at, '-1 day'))
        BEGIN SELECT RAISE(ABORT, 'overlap: {table}'); END
    """


def _append_only(table: str, event: str) -> str:
    return f"""
        CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the audit journal is append-only'); END
    """


SQLITE = [
    _no_overlap(table, event, alive)
    for table, alive in (("slot", "withdrawn_at"), ("appointment", "cancelled_at"))
    for event in ("INSERT", "UPDATE")
] + [
    _append_only(table, event)
    for table in ("audit_line", "audit_seal")
    for event in ("UPDATE", "DELETE")
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in BOTH + (POSTGRES if db.is_postgres() else SQLITE):
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
