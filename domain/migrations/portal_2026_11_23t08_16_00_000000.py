"""What is written once stays: published texts, changed settings, incidents; and no row replaces
another."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T08:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "published texts, changed settings and incidents are kept"

KEYS = {
    "audit_line": ("id",),
    "audit_seal": ("id", "last_line"),
    "terms_version": ("id", "number"),
    "disclaimer_version": ("id", "number"),
    "setting_change": ("id",),
    "incident": ("id",),
}
"""By what a row of theirs could take another's place."""
NEVER_CHANGED = ("terms_version", "disclaimer_version", "setting_change")

POSTGRES = [
    "CREATE FUNCTION row_is_kept() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'kept as it was written: %', TG_TABLE_NAME"
    " USING ERRCODE = 'check_violation'; END $$",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " EXECUTE FUNCTION row_is_kept()"
        for table in NEVER_CHANGED
    ),
    "CREATE TRIGGER incident_kept BEFORE UPDATE OF id OR DELETE OR TRUNCATE ON incident"
    " EXECUTE FUNCTION row_is_kept()",
]


def _kept(table: str, event: str, name: str) -> str:
    return f"""
        CREATE TRIGGER {table}_kept_{name} BEFORE {event} ON {table}
        BEGIN SELECT RAISE(ABORT, 'kept as it was written: {table}'); END
    """


def _not_replaced(table: str) -> str:
    """INSERT OR REPLACE takes the older row away, and no trigger on DELETE is asked."""
    same = " OR ".join(f"o.{key} = NEW.{key}" for key in KEYS[table])
    return f"""
        CREATE TRIGGER {table}_kept_insert BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} o WHERE {same})
        BEGIN SELECT RAISE(ABORT, 'kept as it was written: {table}'); END
    """


SQLITE = [
    *(_not_replaced(table) for table in KEYS),
    *(
        _kept(table, event, event.lower())
        for table in NEVER_CHANGED
        for event in ("UPDATE", "DELETE")
    ),
    _kept("incident", "DELETE", "delete"),
    _kept("incident", "UPDATE OF id", "update"),
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in POSTGRES if db.is_postgres() else SQLITE:
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
