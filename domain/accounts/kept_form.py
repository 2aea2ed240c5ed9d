"""What was typed into a form whose sender's session had ended, until they have signed in again."""

import json
import zlib
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.accounts.secret_box import SecretBox
from domain.accounts.sessions import ABSOLUTE_LIFE

KEPT = timedelta(minutes=15)
WRITTEN_FOR = ABSOLUTE_LIFE + KEPT
"""So long a form is its writer's: as long as any session, and until they have signed in again."""
LARGEST = 3_900
"""Of a cookie, with its name a little more, browsers take 4,096 bytes."""
MOST_NAMED, MOST_TYPED = 1_000, 12_000
"""Letters, of the fields' names and of what is in them: more would hardly fit, and cost to try."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    author: UUID
    page: str
    """Where the form stands: path and query."""
    fields: Mapping[str, str]
    had_files: bool = False
    """They are not kept."""
    was_cut: bool = False
    """A value has lost its end."""


def seal(kept: KeptForm, box: SecretBox, *, now: datetime) -> str | None:
    """Whole, or each value without its end; None where nothing of it could be kept."""
    if sum(map(len, kept.fields)) > MOST_NAMED:
        return None

    owner = _owner(kept.author, kept.page)

    def cut(length: int) -> str:
        return box.wrap(owner, _packed(kept, length), now=now)

    def typed(length: int) -> int:
        return sum(min(len(value), length) for value in kept.fields.values())

    # By halves: nobody has signed in yet whose work this would be.
    lengths = range(max(map(len, kept.fields.values()), default=0) + 1)
    lengths = lengths[: bisect(lengths, MOST_TYPED, key=typed)]
    if len(whole := cut(lengths[-1])) <= LARGEST:
        return whole
    too_long = bisect(lengths, LARGEST, key=lambda length: len(cut(length)))
    return cut(too_long - 1) if too_long else None


def unseal(
    author: UUID, page: str, sealed: str, box: SecretBox, *, now: datetime
) -> KeptForm | None:
    """None when another wrote it, on another page, or too long ago."""
    seconds = int(KEPT.total_seconds())
    packed = box.unwrap(_owner(author, page), sealed, seconds=seconds, now=now)
    if packed is None:
        return None
    fields, had_files, was_cut = json.loads(zlib.decompress(packed))
    return KeptForm(author, page, fields, had_files, was_cut)


def _owner(author: UUID, page: str) -> UUID:
    """The author on this page, whose address may be longer than all that a cookie holds; and not
    the author's own id: what is sealed for that is a text, and packed in another way."""
    return uuid5(author, page)


def _packed(kept: KeptForm, length: int) -> bytes:
    fields = {name: value[:length] for name, value in kept.fields.items()}
    was_cut = fields != kept.fields
    text = json.dumps([fields, kept.had_files, was_cut], ensure_ascii=False)
    return zlib.compress(text.encode(), 6)  # 9 takes ten times as long over what it hardly packs
