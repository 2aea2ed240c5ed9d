import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import TooBusy

T = TypeVar("T")

LONGEST = 128
MOST_APART = 4  # code points of one letter typed with its marks one by one


class Passwords:
    """argon2id, and what else a password costs, beside the event loop.

    A few at once, a bounded queue, then a clear no.
    """

    def __init__(
        self, hasher: PasswordHasher | None = None, *, at_once: int = 2, queue: int = 40
    ) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._slots = asyncio.Semaphore(at_once)
        self._places = at_once + queue
        self._under_way = 0
        self._unmatched = self._hasher.hash("no one has this password")
        self.calls = 0

    async def hash(self, password: str) -> str:
        return await self.run(self._hasher.hash, normalized(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Without a hash the same work is done, and the answer is no."""
        is_readable = len(password) <= LONGEST * MOST_APART
        password = normalized(password) if is_readable else ""
        if len(password) > LONGEST:
            password = ""
        known = password_hash or self._unmatched
        matches = await self.run(self._matches, known, password)
        return matches and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Costly work on a password, in the one queue: no two kinds of it pile up side by side."""
        if self._under_way >= self._places:
            raise TooBusy
        self._under_way += 1
        self.calls += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *args)
        finally:
            self._under_way -= 1

    def _matches(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False


def normalized(password: str) -> str:
    # NFC only: é typed on any keyboard is the same password; nothing else is changed.
    return unicodedata.normalize("NFC", password)
