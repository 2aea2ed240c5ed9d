"""Mails are rows, written in the transaction of their cause."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from domain import db


@dataclass(frozen=True, slots=True)
class Owed:
    """To this account, or to this other address."""

    kind: str
    account: UUID | None
    once_key: str | None = None
    address: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


async def post(
    kind: str,
    account: UUID | None,
    *,
    now: datetime,
    once_key: str | None = None,
    address: str = "",
    **facts: object,
) -> bool:
    """Owe this account, or this other address, a mail; at most one ever of a `once_key`.

    Whether it was not owed before.
    """
    return bool(await db.write(mails([Owed(kind, account, once_key, address, facts)], now=now)))


def mails(owed: Sequence[Owed], *, now: datetime) -> db.Write:
    """One or some dozens, to be written together with their cause; the rows are the new ones."""
    rows = [
        (
            uuid4(),
            mail.kind,
            mail.account,
            mail.address,
            json.dumps({name: str(value) for name, value in mail.facts.items()}),
            mail.once_key,
            now,
            now,
        )
        for mail in owed
    ]
    places = ", ".join(["({}, {}, {}, {}, {}, {}, {}, {}, 0, '')"] * len(rows))
    return db.Write(
        f"""
        INSERT INTO outbound_email
            (id, kind, account, address, facts, once_key, created_at, due_at, tries, last_error)
        VALUES {places}
        ON CONFLICT (once_key) DO NOTHING RETURNING id
        """,
        tuple(value for row in rows for value in row),
    )
