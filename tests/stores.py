"""Where the attachments of tests lie: in memory, for all tests of a process."""

from datetime import UTC, datetime

from domain.messages.files import Unreadable, checked

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class MemoryStore:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.since: dict[str, datetime] = {}

    async def put(self, name: str, content: bytes) -> None:
        self.contents[checked(name)] = content

    async def read(self, name: str, first: int, size: int) -> bytes:
        try:
            return self.contents[name][first : first + size]
        except KeyError as error:
            raise Unreadable("KeyError") from error

    async def delete(self, name: str) -> None:
        self.contents.pop(name, None)

    async def names(self) -> dict[str, datetime]:
        return {name: self.since.get(name, LONG_AGO) for name in self.contents}


FILES = MemoryStore()
