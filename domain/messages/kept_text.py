"""A text that came when its writer's session had ended, until they have signed in again."""

import zlib
from bisect import bisect
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.accounts.kept_form import KEPT, LARGEST
from domain.accounts.secret_box import SecretBox
from domain.messages.drafts import LONGEST_KEPT, LONGEST_SUBJECT_KEPT
from domain.texts import unfinished

BETWEEN = "\0"
"""Stands in no text: `unfinished` sees to it. Nothing else takes more room than it is."""
AGREED = "1"


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
    typed_at: datetime
    """When it was sent, at the latest."""


def seal(kept: KeptText, box: SecretBox, *, now: datetime) -> str:
    """Whole when it may be sent; what is longer may lose its end."""
    kept = replace(
        kept,
        subject=unfinished(kept.subject)[:LONGEST_SUBJECT_KEPT],
        body=unfinished(kept.body)[:LONGEST_KEPT],
    )

    def cut(length: int) -> str:
        packed = _packed(replace(kept, body=kept.body[:length]))
        return box.wrap(kept.author, packed, now=now)

    sealed = cut(LONGEST_KEPT)
    if len(sealed) <= LARGEST:
        return sealed
    # By halves: nobody has signed in yet whose work this would be.
    too_long = bisect(range(len(kept.body)), LARGEST, key=lambda length: len(cut(length)))
    return cut(too_long - 1)


def unseal(account: UUID, sealed: str, box: SecretBox, *, now: datetime) -> KeptText | None:
    """None when another wrote it, or too long ago."""
    seconds = int(KEPT.total_seconds())
    packed = box.unwrap(account, sealed, seconds=seconds, now=now)
    if packed is None:
        return None
    fields = zlib.decompress(packed).decode().split(BETWEEN)
    patient, thread, team, has_agreed, typed_at, subject, body = fields
    return KeptText(
        account,
        UUID(patient),
        _id(thread),
        _id(team),
        subject,
        body,
        has_agreed == AGREED,
        datetime.fromisoformat(typed_at),
    )


def is_cut(kept: KeptText, sealed: str, box: SecretBox, *, now: datetime) -> bool:
    """Whether its end is not in what was sealed."""
    found = unseal(kept.author, sealed, box, now=now)
    whole = (unfinished(kept.subject), unfinished(kept.body))
    return found is None or (found.subject, found.body) != whole


def _packed(kept: KeptText) -> bytes:
    fields = [
        kept.patient.hex,
        kept.thread.hex if kept.thread else "",
        kept.team.hex if kept.team else "",
        AGREED if kept.has_agreed else "",
        kept.typed_at.isoformat(),
        kept.subject,
        kept.body,
    ]
    return zlib.compress(BETWEEN.join(fields).encode(), 9)


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
