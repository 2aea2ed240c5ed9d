"""Mails are rows, written in the transaction of their cause."""

import json
from datetime import datetime
from uuid import UUID, uuid4

from domain import db


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
    owed = await db.fetch(
        """
        INSERT INTO outbound_email
            (id, kind, account, address, facts, once_key, created_at, due_at, tries, last_error)
        VALUES ({}, {}, {}, {}, {}, {}, {}, {}, 0, '')
        ON CONFLICT (once_key) DO NOTHING RETURNING id
        """,
        uuid4(),
        kind,
        account,
        address,
        json.dumps({name: str(value) for name, value in facts.items()}),
        once_key,
        now,
        now,
    )
    return bool(owed)
