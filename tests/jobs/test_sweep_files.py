"""Files without a row go; rows without a file are told of."""

import logging
from datetime import timedelta

import pytest

from domain.messages import attachments
from domain.messages.tables import Attachment
from jobs.sweep_files import sweep_files
from tests.stores import MemoryStore
from tests.world import World

ORPHAN = "a" * 64
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def attach(world: World, store: MemoryStore) -> str:
    """The name of a file that has its row, both since long."""
    await world.attachment(at=world.now - timedelta(days=9))
    (row,) = await Attachment.select(Attachment.stored_as)
    store.contents[row["stored_as"]] = b"%PDF-"
    return str(row["stored_as"])


async def test_a_file_without_a_row_goes_after_an_hour(world: World, store: MemoryStore) -> None:
    kept = await attach(world, store)
    unfinished = f"{'b' * 64}.part"
    for name in (ORPHAN, unfinished):
        await store.put(name, b"%PDF-")
        store.since[name] = world.now
    assert await sweep_files(store, now=world.now + 59 * MINUTE) == 0
    assert set(store.contents) == {kept, ORPHAN, unfinished}
    assert await sweep_files(store, now=world.now + 61 * MINUTE) == 2
    assert set(store.contents) == {kept}
    assert await sweep_files(store, now=world.now + 61 * MINUTE) == 0


async def test_a_row_without_its_file_is_told_of_and_stays(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    name = await attach(world, store)
    with caplog.at_level(logging.ERROR, "portal.files"):
        await sweep_files(store, now=world.now)
        assert caplog.messages == []
        await store.delete(name)
        await sweep_files(store, now=world.now)
    assert caplog.messages == ["1 attachments have lost their file"]
    assert await Attachment.count() == 1


async def test_a_row_younger_than_the_listing_is_no_loss(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    await world.attachment(at=world.now)
    await sweep_files(store, now=world.now + 59 * MINUTE)
    assert caplog.messages == []


async def test_the_store_of_another_database_is_left_alone(
    world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty database beside a full store is a mistake in the settings, not a hundred crashes."""
    for n in range(attachments.MOST_ORPHANS + 1):
        await store.put(f"{n:064x}", b"%PDF-")
    before = dict(store.contents)
    assert await sweep_files(store, now=world.now) == 0
    assert store.contents == before
    assert "another database" in caplog.text
