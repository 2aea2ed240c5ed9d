"""What must be so whatever happened: asked of the rows and of the files themselves."""

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from domain import db
from domain.messages.files import Files
from tests.domain import records

STORY = ("booked", "cancelled", "confirmed", "confirmable")
MAILED = ("booked", "cancelled", "confirmable")
TIMES = {
    "booked": "booked_at",
    "cancelled": "cancelled_at",
    "confirmed": "confirmed_at",
    "confirmable": "confirmable_at",
}


async def check(
    *, store: Files | None = None, is_swept: bool = False, without_story: Collection[UUID] = ()
) -> dict[str, set[UUID]]:
    """All of them; the visits by what happened to each.

    `without_story`: visits that a test put there itself, without any mail nor journal.
    """
    await check_database_is_whole()
    visits = await check_nothing_is_double()
    happened = await check_each_change_has_its_story(visits, set(without_story))
    if store is not None:
        await check_files(store, is_swept=is_swept)
    return happened


async def check_database_is_whole() -> None:
    if not db.is_postgres():
        assert await db.fetch("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        assert await db.fetch("PRAGMA foreign_key_check") == []


async def check_nothing_is_double() -> dict[UUID, dict[str, object]]:
    """No time booked twice, neither of a practitioner nor of a patient, nor held by two."""
    visits = {row["id"]: row for row in await records.rows("SELECT * FROM appointment")}
    standing = [row for row in visits.values() if row["cancelled_at"] is None]
    for other in ("slot", "practitioner", "patient"):
        taken = [(row[other], None if other == "slot" else row["starts_at"]) for row in standing]
        assert len(set(taken)) == len(taken), other
    held = [row["slot"] for row in await records.rows("SELECT slot FROM hold")]
    assert len(set(held)) == len(held)
    return visits


async def check_each_change_has_its_story(
    visits: dict[UUID, dict[str, object]], without_story: set[UUID]
) -> dict[str, set[UUID]]:
    """Its mail, its journal line and its activity, once each, and none without it."""
    happened = {"booked": set(visits) - without_story}
    for what in STORY[1:]:
        happened[what] = {id for id, row in visits.items() if row[TIMES[what]] is not None}
    for what in STORY:
        once = Counter(happened[what])
        assert await _subjects("audit_line", "action", f"appointment.{what}") == once, what
        assert await _subjects("activity", "kind", what) == once, what
    for what in MAILED:
        mails = await records.rows(
            "SELECT once_key FROM outbound_email WHERE kind = {}", f"appointment_{what}"
        )
        told = Counter(UUID(row["once_key"].split(":")[1]) for row in mails)
        assert told == Counter(happened[what]), what
    # A form that was used led to a visit that is there.
    forms = await records.rows("SELECT result FROM form_key WHERE result IS NOT NULL")
    used = Counter(row["result"] for row in forms)
    assert used == Counter(happened["booked"])
    return happened


async def check_files(store: Files, *, is_swept: bool) -> None:
    """No row without its file; and once it was swept, no file without its row."""
    named = {row["stored_as"] for row in await records.rows("SELECT stored_as FROM attachment")}
    there = set(await store.names())
    assert named <= there
    if is_swept:
        assert named == there


async def _subjects(table: str, column: str, value: str) -> Counter[UUID]:
    rows = await records.rows(f"SELECT subject FROM {table} WHERE {column} = {{}}", value)
    return Counter(row["subject"] for row in rows)
