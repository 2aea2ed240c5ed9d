"""One live link of each kind, and mails to addresses that have no account yet."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T01:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "account links, invitations, preferences"

BOTH = [
    "CREATE UNIQUE INDEX account_link_one_alive ON account_link (account, purpose)"
    " WHERE used_at IS NULL AND ended_at IS NULL",
    "CREATE UNIQUE INDEX invitation_one_alive ON invitation (patient)"
    " WHERE accepted_at IS NULL AND ended_at IS NULL",
    "CREATE UNIQUE INDEX email_change_one_alive ON email_change (account)"
    " WHERE done_at IS NULL AND ended_at IS NULL",
    "CREATE UNIQUE INDEX email_change_holds_address ON email_change (new_canonical)"
    " WHERE done_at IS NULL AND ended_at IS NULL",
    "CREATE UNIQUE INDEX mail_preference_once ON mail_preference (account, patient, mail_class)",
    "CREATE UNIQUE INDEX recovery_code_once ON recovery_code (account, code_hash)",
]
POSTGRES = [
    "ALTER TABLE outbound_email ALTER COLUMN account DROP NOT NULL",
    "ALTER TABLE outbound_email ADD CONSTRAINT outbound_email_has_address"
    " CHECK (account IS NOT NULL OR address <> '')",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in BOTH + (POSTGRES if db.is_postgres() else await _rebuilt()):
            await db.fetch(statement)

    manager.add_raw(run)
    return manager


async def _rebuilt() -> list[str]:
    """SQLite changes no column in place: a copy of the table takes its name.

    The first migration says « null » by now; databases made before it did are mended here.
    """
    made = await db.fetch(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'outbound_email' AND sql IS NOT NULL"
    )
    (table,) = (row["sql"] for row in made if row["type"] == "table")
    copy = table.replace('"outbound_email"', '"outbound_email_copy"', 1)
    begins = copy.index('"account"')
    column = copy[begins : copy.index(",", begins)]
    without = copy.replace(column, column.replace(" NOT NULL", ""), 1)
    return [
        without,
        "INSERT INTO outbound_email_copy SELECT * FROM outbound_email",
        "DROP TABLE outbound_email",
        "ALTER TABLE outbound_email_copy RENAME TO outbound_email",
        *(row["sql"] for row in made if row["type"] == "index"),
    ]
