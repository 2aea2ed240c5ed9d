"""Which accounts were given which messages of the clinic, and which they have read."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from domain import db


async def give(message: UUID) -> list[UUID]:
    """To everyone who holds its patient now; what they may read of it is asked when they do."""
    (named,) = await db.fetch("SELECT patient FROM message WHERE id = {}", message)
    await _lock(named["patient"])
    rows = await db.fetch(
        """
        SELECT DISTINCT g.account, m.thread, m.patient, m.kind
        FROM message m JOIN proxy_grant g ON g.patient = m.patient AND g.withdrawn_at IS NULL
        WHERE m.id = {}
        """,
        message,
    )
    for row in rows:
        await _insert(row["account"], message, row["thread"], row["patient"], row["kind"])
    return [row["account"] for row in rows]


async def hand_over(account: UUID, patient: UUID) -> None:
    """What nobody has read yet waits for whoever is given the profile now, too."""
    await _lock(patient)
    rows = await db.fetch(
        """
        SELECT m.id, m.thread, m.kind FROM message m
        WHERE m.patient = {} AND m.account IS NULL AND NOT EXISTS (
            SELECT 1 FROM receipt r
            WHERE r.message = m.id AND (r.read_at IS NOT NULL OR r.account = {})
        )
        """,
        patient,
        account,
    )
    for row in rows:
        await _insert(account, row["id"], row["thread"], patient, row["kind"])


async def mark_read(
    account: UUID,
    thread: UUID,
    kinds: Collection[str],
    *,
    messages: Collection[UUID] | None = None,
    now: datetime,
) -> list[UUID]:
    """The messages that this account had not read until now: of these, if any are named."""
    only = "" if messages is None else f"AND message IN ({db.places(messages)})"
    rows = await db.fetch(
        f"""
        UPDATE receipt SET read_at = {{}}
        WHERE thread = {{}} AND account = {{}} AND read_at IS NULL
          AND kind IN ({db.places(kinds)}) {only}
        RETURNING message
        """,
        now,
        thread,
        account,
        *sorted(kinds),
        *(messages or ()),
    )
    return [row["message"] for row in rows]


async def unread(account: UUID, patient: UUID, kinds: Collection[str]) -> dict[str, int]:
    """How many threads hold something unread: of each kind, and under `inbox` of any."""
    counted = ", ".join(
        f"count(DISTINCT CASE WHEN kind = '{kind}' THEN thread END) AS {kind}"
        for kind in ("message", "document", "invoice")
    )
    (row,) = await db.fetch(
        f"""
        SELECT count(DISTINCT thread) AS inbox, {counted} FROM receipt
        WHERE account = {{}} AND patient = {{}} AND read_at IS NULL
          AND kind IN ({db.places(kinds)})
        """,
        account,
        patient,
        *sorted(kinds),
    )
    return row


async def unread_of(account: UUID, kinds: Mapping[UUID, Collection[str]]) -> dict[UUID, int]:
    """How many threads hold something unread, by patient: of the kinds that go with each."""
    readable = {patient: sorted(each) for patient, each in kinds.items() if each}
    if not readable:
        return {}
    among = " OR ".join(
        f"(patient = {{}} AND kind IN ({db.places(each)}))" for each in readable.values()
    )
    rows = await db.fetch(
        f"""
        SELECT patient, count(DISTINCT thread) AS count FROM receipt
        WHERE account = {{}} AND read_at IS NULL AND ({among}) GROUP BY patient
        """,
        account,
        *(value for patient, each in readable.items() for value in (patient, *each)),
    )
    return {row["patient"]: row["count"] for row in rows}


async def _lock(patient: UUID) -> None:
    """Of a message and a new holder at the same time, the later one sees the other."""
    await db.lock_key(f"receipts|{patient}")


async def _insert(account: UUID, message: UUID, thread: UUID, patient: UUID, kind: str) -> None:
    await db.fetch(
        """
        INSERT INTO receipt (id, account, message, thread, patient, kind)
        VALUES ({}, {}, {}, {}, {}, {}) ON CONFLICT (message, account) DO NOTHING
        """,
        uuid4(),
        account,
        message,
        thread,
        patient,
        kind,
    )
