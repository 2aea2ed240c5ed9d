"""Names are found by their words, free times by the clock, who waits without those who do not."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from domain import db

ID = "2026-11-23T11:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "words of names kept and found; slots by time"

KEEP = "INSERT INTO patient_word (patient, word) SELECT DISTINCT"
RENAMED = "AFTER UPDATE OF folded_name ON patient"

OF_POSTGRES = "regexp_split_to_table({name}, '[- '']+') AS word WHERE word <> ''"
POSTGRES = [
    # so that words stand in the order of their letters, by which what begins alike is found
    'ALTER TABLE patient_word ALTER COLUMN word TYPE VARCHAR(200) COLLATE "C"',
    "CREATE FUNCTION keep_patient_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " DELETE FROM patient_word WHERE patient = NEW.id;"
    f" {KEEP} NEW.id, word FROM {OF_POSTGRES.format(name='NEW.folded_name')};"
    " RETURN NULL; END $$",
    "CREATE TRIGGER patient_words_of_new AFTER INSERT ON patient"
    " FOR EACH ROW EXECUTE FUNCTION keep_patient_words()",
    f"CREATE TRIGGER patient_words_of_renamed {RENAMED}"
    " FOR EACH ROW WHEN (OLD.folded_name <> NEW.folded_name)"
    " EXECUTE FUNCTION keep_patient_words()",
    f"{KEEP} p.id, word FROM patient p, {OF_POSTGRES.format(name='p.folded_name')}",
]

# a name as JSON, « "gagnon alice" », made a list: « ["gagnon","alice"] »
OF_SQLITE = """
    json_each('[' || replace(
        json_quote(replace(replace({name}, '-', ' '), '''', ' ')), ' ', '","'
    ) || ']') AS words WHERE words.value <> ''
"""
OF_NEW = f"{KEEP} NEW.id, words.value FROM {OF_SQLITE.format(name='NEW.folded_name')}"
SQLITE = [
    f"CREATE TRIGGER patient_words_of_new AFTER INSERT ON patient BEGIN {OF_NEW}; END",
    f"CREATE TRIGGER patient_words_of_renamed {RENAMED} WHEN OLD.folded_name <> NEW.folded_name"
    f" BEGIN DELETE FROM patient_word WHERE patient = NEW.id; {OF_NEW}; END",
    f"{KEEP} p.id, words.value FROM patient p, {OF_SQLITE.format(name='p.folded_name')}",
]

INDEXES = [
    "CREATE UNIQUE INDEX patient_word_once ON patient_word (word, patient)",
    "CREATE INDEX registration_waiting ON registration (asked_at, account)"
    " WHERE matched_at IS NULL",
    "CREATE INDEX slot_by_time ON slot (starts_at) WHERE withdrawn_at IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in (*(POSTGRES if db.is_postgres() else SQLITE), *INDEXES):
            await db.fetch(statement)

    manager.add_raw(run)
    return manager
