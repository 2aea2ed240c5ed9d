"""Mails are rows, written in the transaction of their cause."""

import json
from datetime import datetime
from uuid import UUID, uuid4

from domain import db


async def post(
    kind: str, account: UUID, *, now: datetime, once_key: str | None = None, **facts: object
) -> None:
    """Owe this account a mail; with a `once_key`, at most one of that key ever."""
    await db.fetch(
        """
        INSERT INTO outbound_email
            (id, kind, account, facts, once_key, created_at, due_at, tries, last_error)
        VALUES ({}, {}, {}, {}, {}, {}, {}, 0, '')
        ON CONFLICT (once_key) DO NOTHING
        """,
        uuid4(),
        kind,
        account,
        json.dumps({name: str(value) for name, value in facts.items()}),
        once_key,
        now,
        now,
    )
