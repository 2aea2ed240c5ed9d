"""No room for documents, or their store away: nothing is sent by half, and no page hangs."""

import asyncio
import errno
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from domain.messages import bucket as buckets
from domain.messages.bucket import ObjectStore
from domain.messages.files import Away, Files, FolderStore, Unwritable
from tests import pdfs
from tests.crash import invariants
from tests.domain.records import count
from tests.s3_server import Bucket, s3_server
from tests.stores import FILES
from tests.web.browser import Browser, alert, heading, main
from tests.web.staff.mailroom import upload
from tests.web.staff.test_sending import letter, to_alice
from tests.web.test_attachments import at, stored_as
from tests.world import World
from web.gate import Gate

PDF = pdfs.good()
NOT_KEPT = (
    "Les fichiers n’ont pas pu être gardés, et rien n’a été envoyé. Votre texte est là :"
    " choisissez de nouveau les fichiers et réessayez dans une minute."
)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        monkeypatch.setenv("AWS_REGION", "ca-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "portal")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(buckets, "TRIES", 0)
        yield bucket


@contextmanager
def stored_in(app: Gate, store: Files) -> Iterator[None]:
    portal = app.app.state.portal
    portal.files = store
    try:
        yield
    finally:
        portal.files = FILES


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows beyond a hundred bytes: the kernel says no, as it does to a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FullDisk(FolderStore):
    async def put(self, name: str, content: bytes) -> None:
        with full_disk():
            await super().put(name, content)


async def test_a_full_disk_sends_nothing_keeps_the_text_and_leaves_nothing_behind(
    app: Gate, dana: Browser, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await dana.get(to_alice(world))
    store = FullDisk(tmp_path)
    with stored_in(app, store):
        sent = await upload(dana, to_alice(world), letter(world), ("Avis.pdf", PDF))
    assert (sent.status_code, alert(sent)) == (503, f"Il y a une erreur à corriger {NOT_KEPT}")
    assert "Changement d’horaire" in sent.text
    assert "Bonjour {prénom}." in sent.text
    assert [text for text in caplog.messages if "stored" in text] == [
        f"a file cannot be stored: {errno.errorcode[errno.EFBIG]}"
    ]
    assert (await store.names(), await count("message"), await count("attachment")) == ({}, 0, 0)
    with stored_in(app, FolderStore(tmp_path)):
        again = await upload(dana, to_alice(world), letter(world), ("Avis.pdf", PDF))
    assert again.status_code == 303
    await invariants.check(store=store, is_swept=True)


async def test_a_store_away_says_so_keeps_the_text_and_serves_again_when_it_is_back(
    app: Gate, alice: Browser, dana: Browser, world: World, bucket: Bucket
) -> None:
    await dana.get(to_alice(world))
    store = ObjectStore("s3://papers")
    url = at(world.alice, await world.attachment(content=PDF))
    name = await stored_as(url.rpartition("/")[2])
    await store.put(name, PDF)
    with stored_in(app, store):
        assert (await alice.get(url)).content == PDF
        bucket.is_broken = True
        page = await alice.get(url)
        assert (page.status_code, heading(page)) == (503, "Document indisponible")
        assert "Ce document n’est pas disponible pour le moment." in main(page)
        sent = await upload(dana, to_alice(world), letter(world), ("Avis.pdf", PDF))
        assert (sent.status_code, "Changement d’horaire" in sent.text) == (503, True)
        assert NOT_KEPT in alert(sent)
        # What needs no document goes on.
        assert (await alice.get(f"/profils/{world.alice}/documents")).status_code == 200
        plain = await upload(dana, to_alice(world), letter(world))
        assert plain.status_code == 303
        bucket.is_broken = False
        assert (await alice.get(url)).content == PDF
        again = await upload(dana, to_alice(world), letter(world, cle="l"), ("Avis.pdf", PDF))
        assert again.status_code == 303
    assert await count("attachment") == 2
    await invariants.check(store=store)  # what a broken store may have kept is swept later


async def test_a_store_that_says_nothing_hangs_no_page(
    monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    monkeypatch.setattr(buckets, "PATIENCE", timedelta(seconds=0.3))
    monkeypatch.setattr(buckets, "CONNECTS_WITHIN", timedelta(seconds=0.3))
    monkeypatch.setattr(buckets, "TRIES", 1)
    async with silent() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = ObjectStore("s3://papers")
        async with asyncio.timeout(10):
            with pytest.raises(Away):
                await store.read("1" * 64, 0, 10)
            with pytest.raises(Unwritable):
                await store.put("1" * 64, b"content")


def test_a_store_is_waited_for_no_longer_than_a_browser_does() -> None:
    assert timedelta(seconds=15) > buckets.PATIENCE + buckets.TRIES * buckets.CONNECTS_WITHIN


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """Takes whatever comes, and never answers."""
    taken: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0, family=socket.AF_INET)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in taken:
            writer.close()
