"""What a writer must have read and ticked before sending."""

from typing import NamedTuple
from uuid import UUID

from domain import db


class Disclaimer(NamedTuple):
    id: UUID
    text: str


async def current(language: str) -> Disclaimer | None:
    rows = await db.fetch(
        "SELECT id, text_fr, text_en FROM disclaimer_version ORDER BY number DESC LIMIT 1"
    )
    text = "text_en" if language == "en" else "text_fr"
    return Disclaimer(rows[0]["id"], rows[0][text]) if rows else None
