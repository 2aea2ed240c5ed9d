"""A text that came when its writer's session had ended, until they have signed in again."""

import json
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.accounts.secret_box import SecretBox

KEPT = timedelta(minutes=15)
LARGEST = 3_900
"""Of a cookie, with its name a little more, browsers take 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class KeptText:
    author: UUID
    patient: UUID
    thread: UUID | None
    """None for a new message."""
    team: UUID | None
    subject: str
    body: str
    has_agreed: bool


def seal(kept: KeptText, box: SecretBox, *, now: datetime) -> str:
    """Whole when it may be sent; what is longer may lose its end."""
    sealed = box.wrap(kept.author, _packed(kept), now=now)
    while len(sealed) > LARGEST:
        kept = replace(kept, subject=kept.subject[:500], body=kept.body[: len(kept.body) * 9 // 10])
        sealed = box.wrap(kept.author, _packed(kept), now=now)
    return sealed


def unseal(account: UUID, sealed: str, box: SecretBox, *, now: datetime) -> KeptText | None:
    """None when another wrote it, or too long ago."""
    seconds = int(KEPT.total_seconds())
    packed = box.unwrap(account, sealed, seconds=seconds, now=now)
    if packed is None:
        return None
    patient, thread, team, subject, body, has_agreed = json.loads(zlib.decompress(packed))
    return KeptText(account, UUID(patient), _id(thread), _id(team), subject, body, has_agreed)


def _packed(kept: KeptText) -> bytes:
    fields = [
        kept.patient.hex,
        kept.thread.hex if kept.thread else "",
        kept.team.hex if kept.team else "",
        kept.subject,
        kept.body,
        kept.has_agreed,
    ]
    return zlib.compress(json.dumps(fields, ensure_ascii=False).encode(), 9)


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
