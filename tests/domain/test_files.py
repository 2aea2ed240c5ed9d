"""Where the content of attachments lies: the folder, and the bucket that machines share."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain import clock
from domain.config import BadConfiguration, Settings
from domain.messages import bucket as buckets
from domain.messages.bucket import ObjectStore
from domain.messages.files import (
    Away,
    Files,
    FolderStore,
    Unreadable,
    Unwritable,
    store_of,
)
from tests.s3_server import Bucket, s3_server

ONE, OTHER = "1" * 64, "2" * 64
CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 100


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        monkeypatch.setenv("AWS_REGION", "ca-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "portal")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield bucket


@pytest.fixture(params=["folder", "bucket", "folder of a bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "folder":
        return FolderStore(tmp_path / "documents")
    request.getfixturevalue("bucket")
    return ObjectStore("s3://papers" + ("/clinic/pdf" if "folder" in request.param else ""))


async def test_what_is_put_is_read_again_until_it_is_deleted(store: Files) -> None:
    await store.put(ONE, CONTENT)
    await store.put(OTHER, b"%PDF")
    assert await store.read(ONE, 0, 2**20) == CONTENT
    assert await store.read(OTHER, 0, 4) == b"%PDF"
    assert await store.read(ONE, 300, 50) == CONTENT[300:350]
    assert await store.read(ONE, len(CONTENT) - 9, 50) == CONTENT[-9:]
    await store.delete(ONE)
    await store.delete(ONE)
    with pytest.raises(Unreadable) as lost:
        await store.read(ONE, 0, 1)
    assert not isinstance(lost.value, Away)
    assert list(await store.names()) == [OTHER]


async def test_names_come_with_the_time_since_when(store: Files) -> None:
    assert await store.names() == {}
    names = {f"{n:064x}" for n in range(8)}
    for name in names:
        await store.put(name, b"x")
    found = await store.names()
    assert set(found) == names
    now = clock.now()
    assert all(
        now - timedelta(minutes=1) < at < now + timedelta(minutes=1) for at in found.values()
    )


@pytest.mark.parametrize(
    "name", ["", "x", "../" + ONE, "/etc/passwd", ONE + "/..", ONE.upper() + "g"]
)
async def test_no_name_leads_out_of_the_store(store: Files, name: str) -> None:
    """A33: a path in place of a name."""
    for act in (store.put(name, b""), store.read(name, 0, 1), store.delete(name)):
        with pytest.raises(ValueError, match="not a name"):
            await act


async def test_a_folders_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "documents")
    await store.put(ONE, CONTENT)
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "documents": 0o700,
        "documents/11": 0o700,
        f"documents/11/{ONE}": 0o600,
    }


async def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    await FolderStore(tmp_path).put(ONE, CONTENT)
    assert done == ["folder", "file", "name", "folder"]


async def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    store = FolderStore(tmp_path)
    (tmp_path / "11").mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritable, match="ENOSPC"):
        await store.put(ONE, CONTENT)
    assert await store.names() == {}
    assert list((tmp_path / "11").iterdir()) == []


async def test_what_was_left_unfinished_is_among_the_names(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put(ONE, CONTENT)
    (tmp_path / "11" / f"{OTHER}.part").write_bytes(b"%PD")
    (tmp_path / "11" / "notes.txt").write_bytes(b"someone's")
    assert set(await store.names()) == {ONE, f"{OTHER}.part"}


async def test_a_folder_of_a_bucket_is_all_that_is_looked_at(bucket: Bucket) -> None:
    store = ObjectStore("s3://papers/clinic/pdf")
    await ObjectStore("s3://papers").put(OTHER, b"another's")
    await store.put(ONE, CONTENT)
    assert set(bucket.objects) == {f"/papers/clinic/pdf/{ONE}", f"/papers/{OTHER}"}
    assert list(await store.names()) == [ONE]
    assert bucket.signed_by == {"portal"}


async def test_a_bucket_that_is_away_has_lost_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "TRIES", 0)
    store = ObjectStore("s3://papers")
    await store.put(ONE, CONTENT)
    bucket.is_broken = True
    with pytest.raises(Away):
        await store.read(ONE, 0, 1)
    with pytest.raises(Away):
        await store.names()
    with pytest.raises(Unwritable):
        await store.delete(ONE)


async def test_a_folder_that_may_not_be_read_has_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, open_it = FolderStore(tmp_path), Path.open
    await store.put(ONE, CONTENT)

    async def told(code: int) -> type[Exception]:
        def fails(*_: object) -> None:
            raise OSError(code, "no")

        monkeypatch.setattr(Path, "open", fails)
        with pytest.raises(Unreadable) as problem:
            await store.read(ONE, 0, 1)
        monkeypatch.setattr(Path, "open", open_it)
        return problem.type

    assert [await told(code) for code in (errno.EACCES, errno.ESTALE)] == [Away, Away]
    assert await told(errno.EIO) == Unreadable  # of this one file: the others may be well


def test_a_document_has_longer_where_nobody_waits_for_a_page(bucket: Bucket) -> None:
    waits = [
        store_of(settings(DOCUMENTS_URL="s3://papers"), is_hurried=is_hurried)._store  # type: ignore[attr-defined]
        for is_hurried in (True, False)
    ]
    timeouts = [wait.client_options["timeout"] for wait in waits]
    assert timeouts == ["10s", "10m"]
    assert [wait.retry_config["max_retries"] for wait in waits] == [1, 10]


def settings(**env: str) -> Settings:
    return Settings.from_env({"PORTAL_DEMO": "1", **env})


def test_the_address_decides_which_store(tmp_path: Path) -> None:
    assert isinstance(store_of(settings(DATA_DIR=str(tmp_path))), FolderStore)
    assert isinstance(store_of(settings(DOCUMENTS_URL="s3://papers/clinic")), ObjectStore)


@pytest.mark.parametrize(
    "url", ["papers", "s3://", "https://papers", "s3:papers", "s3://key:secret@papers"]
)
def test_an_address_that_is_no_buckets_stops_the_start(url: str) -> None:
    with pytest.raises(BadConfiguration, match="DOCUMENTS_URL"):
        settings(DOCUMENTS_URL=url)


def test_documents_never_leave_this_machine_in_clear() -> None:
    bucket = {"DOCUMENTS_URL": "s3://papers"}
    assert settings(**bucket, AWS_ENDPOINT_URL="http://127.0.0.1:9000").documents_url
    assert settings(**bucket, AWS_ENDPOINT_URL="https://s3.clinique.example").documents_url
    with pytest.raises(BadConfiguration, match="AWS_ENDPOINT_URL"):
        settings(**bucket, AWS_ENDPOINT_URL="http://s3.clinique.example")
