"""What the database holds after an act, in the words of a test."""

from collections import Counter
from typing import Any
from uuid import UUID

from domain import db
from tests.world import World

CHANGES = ("booked", "confirmed", "cancelled", "moved", "confirmable")


async def rows(sql: str, *args: object) -> list[dict[str, Any]]:
    return await db.fetch(sql, *args)


async def count(table: str) -> int:
    (row,) = await db.fetch(f"SELECT count(*) AS n FROM {table}")
    return int(row["n"])


async def visit(appointment: UUID) -> dict[str, Any]:
    (row,) = await db.fetch("SELECT * FROM appointment WHERE id = {}", appointment)
    return row


async def mails(appointment: UUID | None = None) -> Counter[str]:
    """How many of each kind are owed: about one visit, or about all."""
    found = await db.fetch("SELECT kind, once_key FROM outbound_email")
    return Counter(
        row["kind"].removeprefix("appointment_")
        for row in found
        if appointment is None or appointment.hex in row["once_key"]
    )


async def mailed_to(appointment: UUID, kind: str) -> set[UUID]:
    found = await db.fetch(
        "SELECT account, once_key FROM outbound_email WHERE kind = {}", f"appointment_{kind}"
    )
    return {row["account"] for row in found if appointment.hex in row["once_key"]}


async def audited(subject: UUID) -> Counter[str]:
    """The changes of one visit that the journal holds."""
    found = await db.fetch("SELECT action, outcome FROM audit_line WHERE subject = {}", subject)
    return Counter(
        row["action"].removeprefix("appointment.") for row in found if row["outcome"] == "done"
    )


async def told(subject: UUID) -> Counter[str]:
    found = await db.fetch("SELECT kind FROM activity WHERE subject = {}", subject)
    return Counter(row["kind"] for row in found)


async def withdraw(slot: UUID, world: World) -> None:
    await db.fetch("UPDATE slot SET withdrawn_at = {} WHERE id = {}", world.now, slot)


async def crowd(world: World, size: int) -> list[tuple[UUID, UUID]]:
    """Accounts, each with a patient of its own."""
    made = []
    async with db.transaction():
        for n in range(size):
            patient = await world.patient("Patient", f"Nº {n}", world.now.date())
            account = await world.account(f"patient{n}@example.com")
            await world.grant(account, patient, relationship="self")
            made.append((account, patient))
    return made
