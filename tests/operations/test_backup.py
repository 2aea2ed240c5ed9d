"""R121, the drill: a backup is taken while people write, and restored into an empty place."""

import asyncio
import os
import tarfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from domain import audit, db
from domain.accounts import account_links, sessions
from domain.audit import Actor
from domain.errors import LinkExpired, NotFound
from domain.messages import attachments
from domain.messages import bucket as buckets
from domain.messages.bucket import ObjectStore
from domain.messages.files import Away, FolderStore
from domain.staff import sessions as staff_sessions
from domain.staff import staff_links
from operations.backup import archive, postgres_tools, restoring, taking
from operations.backup.archive import MANIFEST, Document, Manifest, Writer
from operations.backup.databases import DatabaseFailed
from operations.backup.naming import give_name
from operations.backup.restoring import NotEmpty
from operations.backup.sealing import CannotOpen, Sealer
from tests import databases, pdfs
from tests.domain import records
from tests.letterbox import LINKS
from tests.s3_server import Bucket, s3_server
from tests.stores import FILES, MemoryStore
from tests.world import World
from web import cli

KEY, OTHER = "a" * 8 + "0123456789abcdefghijklmnopqrstuv", "b" * 8 + "0123456789abcdefghijklmnop"
AT = datetime(2026, 11, 23, 3, 30, 5, tzinfo=UTC)
LATER = timedelta(hours=1)


@dataclass
class Drill:
    path: Path
    manifest: Manifest
    world: World
    attachment: Any


@pytest.fixture
async def drill(world: World, tmp_path: Path) -> Drill:
    """Taken while messages with a PDF keep coming."""
    attachment = await world.attachment(name="Bilan.pdf")
    await world.attachment(patient=world.charlie, content=pdfs.good() + b"\n% other")
    await audit.record(Actor.job("drill"), "read.attachment", patient=world.alice, at=world.now)
    await audit.seal(now=world.now + LATER)
    has_begun, is_over = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        while not is_over.is_set():
            await world.attachment(patient=world.bob)
            has_begun.set()
        await world.attachment(patient=world.bob)

    writing = asyncio.create_task(write())
    await has_begun.wait()
    taken = await taking.take(tmp_path, FILES, KEY, now=AT)
    is_over.set()
    await writing
    return Drill(taken.path, taken.manifest, world, attachment)


def elsewhere(template: databases.Template, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In an empty database; in a loop of its own, for the test's keeps its connections."""
    was = here()

    async def run() -> None:
        async with template.empty():
            await work()

    try:
        databases.in_own_loop(run())
    finally:
        point_at(was)


def here() -> str:
    engine = databases.engine()
    return str(engine.config["dsn"] if databases.IS_POSTGRES else engine.path)


def point_at(where: str) -> None:
    engine = databases.engine()
    if databases.IS_POSTGRES:
        engine.config["dsn"] = where
    else:
        engine.path = where


async def test_a_backup_taken_under_way_comes_back_whole(
    drill: Drill, template_database: databases.Template, tmp_path: Path
) -> None:
    store, world = FolderStore(tmp_path / "documents"), drill.world

    async def restore() -> None:
        await restoring.restore(drill.path, store, [OTHER, KEY])
        async with db.connected():
            rows = await db.fetch("SELECT stored_as, sha256, size FROM attachment")
            assert await audit.first_broken_seal() is None
            assert await records.count("audit_seal") == 1
            assert await db.seen_migrations() == db.known_migrations()
            await her_document_is_hers_alone()
            with pytest.raises(Exception, match=r"append|audit"):
                await db.fetch("UPDATE audit_line SET outcome = 'x'")
        assert sorted(row["stored_as"] for row in rows) == sorted(await store.names())
        for row in rows:
            content = await store.read(row["stored_as"], 0, row["size"] + 1)
            assert sha256(content).hexdigest() == row["sha256"]

    async def her_document_is_hers_alone() -> None:
        viewer = await world.viewer()
        opened = await attachments.open(viewer, world.alice, drill.attachment, store, now=world.now)
        assert b"".join([part async for part in opened.parts(0, opened.size - 1)]) == pdfs.good()
        stranger = await world.viewer(world.charlie_account)
        with pytest.raises(NotFound):
            await attachments.open(stranger, world.charlie, drill.attachment, store, now=world.now)

    elsewhere(template_database, restore)
    assert drill.path.name == "portal-20261123T033005Z.backup"
    assert drill.path.stat().st_mode & 0o777 == 0o600
    assert drill.manifest.missing == []
    assert 3 <= len(drill.manifest.documents) < await records.count("attachment")
    assert b"Gagnon" not in drill.path.read_bytes()


def other_key(drill: Drill) -> list[str]:
    return [OTHER]


def cut(drill: Drill) -> list[str]:
    os.truncate(drill.path, drill.path.stat().st_size // 2)
    return [KEY]


def flipped(drill: Drill) -> list[str]:
    content = bytearray(drill.path.read_bytes())
    content[-100] ^= 1
    drill.path.write_bytes(content)
    return [KEY]


@pytest.mark.parametrize(
    ("spoil", "told"), [(other_key, "another key"), (cut, "cut off"), (flipped, "altered")]
)
async def test_a_backup_that_is_not_whole_writes_nothing(
    spoil: Callable[[Drill], list[str]],
    told: str,
    drill: Drill,
    template_database: databases.Template,
    tmp_path: Path,
) -> None:
    keys, store = spoil(drill), FolderStore(tmp_path / "documents")

    async def restore() -> None:
        with pytest.raises(CannotOpen, match=told):
            await restoring.restore(drill.path, store, keys)
        assert await store.names() == {}
        assert await databases_place_is_empty()

    elsewhere(template_database, restore)


async def databases_place_is_empty() -> bool:
    from operations.backup import databases as engines

    return await engines.place().is_empty()


async def test_a_restore_cut_short_looks_like_nothing_and_begins_again(
    drill: Drill,
    template_database: databases.Template,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = FolderStore(tmp_path / "documents")
    put, left = store.put, [1]

    async def full(name: str, content: bytes) -> None:
        if not left:
            raise OSError(28, "No space left on device")
        left.pop()
        await put(name, content)

    async def restore() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store, "put", full)
            with pytest.raises(OSError, match="No space"):
                await restoring.restore(drill.path, store, [KEY])
        assert len(await store.names()) == 1
        assert await databases_place_is_empty()
        await restoring.restore(drill.path, store, [KEY])
        assert not await databases_place_is_empty()
        with pytest.raises(NotEmpty, match="a database already"):
            await restoring.restore(drill.path, store, [KEY])

    elsewhere(template_database, restore)


async def test_a_backup_that_changes_while_it_is_restored_leaves_no_database(
    drill: Drill,
    template_database: databases.Template,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = restoring._database

    def altered(path: Path, keys: list[str]) -> Iterator[bytes]:
        yield from parts(path, keys)
        raise CannotOpen("altered")

    async def restore() -> None:
        store = FolderStore(tmp_path / "documents")
        with monkeypatch.context() as patch:
            patch.setattr(restoring, "_database", altered)
            with pytest.raises(CannotOpen):
                await restoring.restore(drill.path, store, [KEY])
        assert await databases_place_is_empty()
        await restoring.restore(drill.path, store, [KEY])

    elsewhere(template_database, restore)


async def test_a_store_with_other_documents_is_left_alone(
    drill: Drill, template_database: databases.Template, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "documents")
    await store.put("0" * 64, b"%PDF of somebody else")

    async def restore() -> None:
        with pytest.raises(NotEmpty, match="other documents"):
            await restoring.restore(drill.path, store, [KEY])
        assert await databases_place_is_empty()

    elsewhere(template_database, restore)


async def test_a_newer_portals_backup_is_refused(
    world: World, template_database: databases.Template, tmp_path: Path
) -> None:
    await db.fetch(
        "INSERT INTO migration (name, app_name, ran_on) VALUES ({}, {}, {})",
        "2099-01-01",
        "portal",
        AT.replace(tzinfo=None),
    )
    taken = await taking.take(tmp_path, FILES, KEY, now=AT)
    assert await db.unknown_migrations() == {"portal.2099-01-01"}

    async def restore() -> None:
        with pytest.raises(CannotOpen, match=r"newer portal: portal\.2099"):
            await restoring.restore(taken.path, FolderStore(tmp_path / "documents"), [KEY])

    elsewhere(template_database, restore)


async def test_documents_that_the_store_lost_are_named(
    world: World, template_database: databases.Template, tmp_path: Path
) -> None:
    await world.attachment()
    await world.attachment(patient=world.bob)
    lost, altered = (row["stored_as"] for row in await db.fetch("SELECT stored_as FROM attachment"))
    await FILES.delete(lost)
    await FILES.put(altered, b"%PDF of somebody else")
    taken = await taking.take(tmp_path, FILES, KEY, now=AT)
    assert sorted(taken.manifest.missing) == sorted([lost, altered])

    async def restore() -> None:
        manifest = await restoring.restore(taken.path, FolderStore(tmp_path / "documents"), [KEY])
        assert manifest.missing == taken.manifest.missing

    elsewhere(template_database, restore)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        monkeypatch.setenv("AWS_REGION", "ca-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "portal")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(buckets, "TRIES", 0)
        monkeypatch.setattr(buckets, "UNHURRIED_TRIES", 0)
        yield bucket


async def test_documents_go_from_a_bucket_into_a_bucket(
    world: World, template_database: databases.Template, tmp_path: Path, bucket: Bucket
) -> None:
    for _ in range(4):
        await world.attachment()
    source, target = ObjectStore("s3://papers/one"), ObjectStore("s3://papers/two")
    for row in await db.fetch("SELECT stored_as FROM attachment"):
        await source.put(row["stored_as"], pdfs.good())
    taken = await taking.take(tmp_path, source, KEY, now=AT)

    async def restore() -> None:
        await restoring.restore(taken.path, ObjectStore("s3://papers/two"), [KEY])

    elsewhere(template_database, restore)
    assert set(await target.names()) == set(await source.names())


async def test_no_backup_is_taken_while_the_store_is_away(
    world: World, tmp_path: Path, bucket: Bucket
) -> None:
    await world.attachment()
    (row,) = await db.fetch("SELECT stored_as FROM attachment")
    bucket.is_broken = True
    with pytest.raises(Away, match=f"asked for {row['stored_as']}"):
        await taking.take(tmp_path, ObjectStore("s3://papers"), KEY, now=AT)
    assert list(tmp_path.iterdir()) == []


async def test_the_database_is_let_go_before_the_documents_are_read(
    world: World, tmp_path: Path
) -> None:
    await world.attachment()
    held: list[int] = []

    class Watching(MemoryStore):
        async def read(self, name: str, first: int, size: int) -> bytes:
            held.append(await copies_and_snapshots())
            return await FILES.read(name, first, size)

    taken = await taking.take(tmp_path, Watching(), KEY, now=AT)
    assert (held, taken.manifest.missing) == ([0], [])


async def copies_and_snapshots() -> int:
    if not databases.IS_POSTGRES:
        path = Path(here())
        return len(list(path.parent.glob(f".{path.name}.copy-*")))
    (row,) = await db.fetch(
        "SELECT count(*) AS number FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )
    return int(row["number"])


@pytest.mark.parametrize("has_links", [True, False])
async def test_what_is_whole_gets_its_name_and_never_anothers(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    whole, name = tmp_path / "x.part", tmp_path / "x"
    whole.write_text("whole")
    give_name(whole, name)
    assert name.read_text() == "whole"
    other = tmp_path / "y.part"
    other.write_text("other")
    with pytest.raises(FileExistsError):
        give_name(other, name)
    assert name.read_text() == "whole"


async def test_a_place_without_links_is_one_for_backups_and_for_databases(
    world: World,
    template_database: databases.Template,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    taken = await taking.take(tmp_path, FILES, KEY, now=AT)
    assert list(tmp_path.iterdir()) == [taken.path]

    async def restore() -> None:
        await restoring.restore(taken.path, FolderStore(tmp_path / "documents"), [KEY])
        assert not await databases_place_is_empty()

    elsewhere(template_database, restore)


async def test_only_the_newest_are_kept_and_none_is_replaced(world: World, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    killed = tmp_path / "portal-20261120T023000Z.backup.part"
    under_way = tmp_path / "portal-20261123T033200Z.backup.part"
    for path, age in ((killed, timedelta(days=3)), (under_way, timedelta(minutes=1))):
        path.touch()
        at = (AT - age).timestamp()
        os.utime(path, (at, at))
    for minute in range(3):
        await taking.take(tmp_path, FILES, KEY, now=AT + timedelta(minutes=minute))
    with pytest.raises(DatabaseFailed, match="there already"):
        await taking.take(tmp_path, FILES, KEY, now=AT)
    oldest, left = taking.forget_old(tmp_path, 2, now=AT)
    assert (oldest.name, left) == ("portal-20261123T033005Z.backup", killed)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "notes.txt",
        "portal-20261123T033105Z.backup",
        under_way.name,
        "portal-20261123T033205Z.backup",
    ]


async def test_two_backups_of_one_name_are_one_whole_and_one_refused(
    world: World, tmp_path: Path
) -> None:
    await world.attachment()
    path = tmp_path / "x"
    refused: list[DatabaseFailed] = []

    class Second(MemoryStore):
        async def read(self, name: str, first: int, size: int) -> bytes:
            with pytest.raises(DatabaseFailed, match=r"x\.part is there: another backup") as told:
                await taking.take(path, FILES, KEY, now=AT)
            refused.append(told.value)
            return await FILES.read(name, first, size)

    taken = await taking.take(path, Second(), KEY, now=AT)
    assert len(refused) == 1
    assert archive.verified(path, [KEY]) == taken.manifest
    assert list(tmp_path.iterdir()) == [path]


async def test_what_a_killed_backup_left_or_a_link_is_not_written_through(
    world: World, tmp_path: Path
) -> None:
    other, left = tmp_path / "other", tmp_path / "x.part"
    other.write_text("kept")
    left.symlink_to(other)
    with pytest.raises(DatabaseFailed, match="if none is running, delete it"):
        await taking.take(tmp_path / "x", FILES, KEY, now=AT)
    assert (left.is_symlink(), other.read_text()) == (True, "kept")


def forged(path: Path, name: str, manifest: bytes | None) -> None:
    """By somebody who has the key."""
    content = Manifest("sqlite", AT.isoformat(), [])
    with path.open("wb") as file:
        sealer = Sealer(file, KEY)
        with tarfile.open(fileobj=cast("Any", sealer), mode="w|") as tar:
            writer = Writer(tar, content, AT)
            writer.add_part(b"x")
            if manifest is None:
                document = Document(name, 4, sha256(b"%PDF").hexdigest())
                writer.add_document(document, b"%PDF")
                writer.finish()
            else:
                writer._add(MANIFEST, manifest)
        sealer.close()


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/b", "0" * 63, ""])
def test_a_document_under_a_name_of_none_of_ours_is_no_backup(name: str, tmp_path: Path) -> None:
    forged(tmp_path / "x", name, None)
    with pytest.raises(CannotOpen, match="a name that is none of ours"):
        archive.verified(tmp_path / "x", [KEY])


@pytest.mark.parametrize(
    "manifest",
    [
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        b'{"documents": 7}',
        b'{"documents": [7]}',
        b'{"documents": [{"name": "x"}]}',
        b'{"documents": [], "engine": "sqlite", "more": 1}',
    ],
)
def test_a_manifest_that_is_none_is_told_so(manifest: bytes, tmp_path: Path) -> None:
    forged(tmp_path / "x", "", manifest)
    with pytest.raises(CannotOpen, match="is not one of ours"):
        archive.verified(tmp_path / "x", [KEY])


async def test_a_restored_portal_opens_nothing_by_what_was_open_then(
    world: World, template_database: databases.Template, tmp_path: Path
) -> None:
    now = world.now
    patient = await sessions.begin(world.alice_account, device="", now=now)
    member = await staff_sessions.begin(world.dana, device="", now=now)
    link = await account_links.issue(world.alice_account, "reset", links=LINKS, now=now)
    staff_link = await staff_links.issue(world.dana, "reset", links=LINKS, now=now)
    reset = LINKS.secret_token(account_links.PURPOSES["reset"], link)
    staff_reset = LINKS.secret_token(staff_links.PURPOSES["reset"], staff_link)
    taken = await taking.take(tmp_path, FILES, KEY, now=AT)

    async def opened() -> list[bool]:
        return [
            await sessions.viewer_of(patient, request_id="", now=now) is not None,
            await staff_sessions.member_of(member, request_id="", now=now) is not None,
            await opens(account_links.holder(reset, "reset", now=now)),
            await opens(staff_links.holder(staff_reset, "reset", now=now)),
        ]

    async def restore() -> None:
        await restoring.restore(taken.path, FolderStore(tmp_path / "documents"), [KEY])
        async with db.connected():
            assert await opened() == [False] * 4
            rows = await db.fetch("SELECT 1 FROM audit_line WHERE action = 'clinic.restored'")
            assert len(rows) == 1
            assert await audit.first_broken_seal() is None

    assert await opened() == [True] * 4
    elsewhere(template_database, restore)
    assert await opened() == [True] * 4


async def opens(looking: Awaitable[Any]) -> bool:
    try:
        await looking
    except LinkExpired:
        return False
    return True


class Run(Protocol):
    async def __call__(self, *arguments: str, key: str = KEY) -> tuple[int, str]: ...


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("PORTAL_DEMO", "1")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    async def run(*arguments: str, key: str = KEY) -> tuple[int, str]:
        monkeypatch.setenv("PORTAL_BACKUP_KEY", key)
        code = await asyncio.to_thread(cli.main, arguments)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def test_a_backup_without_all_documents_never_ends_well(
    world: World, template_database: databases.Template, tmp_path: Path, run: Run
) -> None:
    await world.attachment()
    file = str(tmp_path / "lacking")
    lacks = "1 documents are not in this backup"
    for arguments in (("backup", "--to", file), ("restore", "--only-verify", "--from", file)):
        code, said = await run(*arguments)
        assert (code, said.splitlines()[1].split(":")[0]) == (1, lacks)

    async def restore() -> None:
        code, said = await run("restore", "--from", file)
        assert (code, said.splitlines()[-2].split(":")[0]) == (1, lacks)
        assert said.startswith("Restored, as of ")

    elsewhere(template_database, restore)


async def test_a_store_that_is_away_is_told_in_a_line(
    world: World,
    template_database: databases.Template,
    tmp_path: Path,
    bucket: Bucket,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = str(tmp_path / "whole")
    assert (await run("backup", "--to", file))[0] == 0
    monkeypatch.setenv("DOCUMENTS_URL", "s3://papers")
    bucket.is_broken = True

    async def restore() -> None:
        assert await run("restore", "--from", file) == (
            1,
            "Not restored: the documents' store does not work: GenericError\n",
        )

    elsewhere(template_database, restore)


async def test_the_commands_say_what_they_did(world: World, tmp_path: Path, run: Run) -> None:
    code, said = await run("backup", "--to", str(tmp_path))
    (path,) = tmp_path.glob("*.backup")
    assert (code, said.split(", ")[0]) == (0, f"{path}: a database and 0 documents")
    code, said = await run("restore", "--only-verify", "--from", str(path))
    assert (code, said.split(", ")[0]) == (0, "Whole")
    assert await run("restore", "--from", str(path), key=OTHER) == (
        1,
        "Not restored: this backup was sealed with another key, or its beginning altered\n",
    )
    assert await run("restore", "--from", str(path)) == (
        1,
        "Not restored: there is a database already: a backup is restored into an empty one\n",
    )
    assert (await run("backup", "--to", str(tmp_path), key="changeme"))[0] == 2
    assert KEY not in said


@pytest.mark.postgres
def test_postgresqls_programs_are_told_by_their_environment_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORTAL_KEYS", KEY)
    url = "postgres://portail:p%40ss@base.example:6432/clinic?sslmode=verify-full"
    told = postgres_tools.environment(url)
    assert {name: told[name] for name in told if name.startswith("PG")} == {
        "PGHOST": "base.example",
        "PGPORT": "6432",
        "PGUSER": "portail",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "clinic",
        "PGSSLMODE": "verify-full",
    }
    assert "PORTAL_KEYS" not in told
