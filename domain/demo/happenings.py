"""What happened to the family, told in order whichever part of the demonstration it is of."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple


class Happening(NamedTuple):
    at: datetime
    do: Callable[[], Awaitable[object]]


async def happen(happenings: Iterable[Happening]) -> None:
    """One after the other, as the journal and the mails keep them."""
    for each in sorted(happenings, key=attrgetter("at")):
        await each.do()
