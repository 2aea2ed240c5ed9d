"""The database is away, locked or moved: a calm page says so, and all goes on when it is back."""

import asyncio
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from logging import ERROR
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from apscheduler.triggers.interval import IntervalTrigger

from domain import audit, db
from domain.audit import Actor
from domain.engines import SQLiteEngine, postgres
from jobs import leader
from jobs.deliver_mail import deliver_mail
from jobs.leader import SessionLock, run_as_leader
from jobs.schedule import Task
from tests import databases, pgtmp
from tests.crash import invariants
from tests.domain import records
from tests.jobs.smtp_server import Post, smtp_server
from tests.jobs.test_deliver_mail import owe, plain
from tests.jobs.test_leader import PATIENCE, within
from tests.keys import KEYS
from tests.web.browser import Browser, heading, main
from tests.web.test_booking import book
from tests.world import NOW, World
from web import cli, gate, health

DAY = timedelta(days=1)
SERVING = {
    "PUBLIC_URL": "https://portail.example",
    "PORTAL_KEYS": KEYS[0],
    "SMTP_URL": "smtp://mail.example",
    "PORTAL_DEMO": "",
}
FULL_DISK = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$
"""
RAISE = "FOR EACH ROW EXECUTE FUNCTION full_disk()"
ERRORS = {
    "full": ("OperationalError", "DiskFullError"),
    "busy": ("OperationalError", "LockNotAvailableError"),
}
SENTENCE = (
    "Le portail est interrompu un instant. Rien n’a été enregistré à moitié : réessayez dans"
    " une minute."
)


def is_calm(answer: httpx.Response) -> bool:
    """The page that says to try again: whole, in the clinic's frame, with its phone."""
    assert (answer.status_code, heading(answer)) == (503, "Un instant…"), answer.text
    assert main(answer).startswith(f"Un instant… {SENTENCE} ")
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["cache-control"] == "no-store"
    return True


# PostgreSQL


@dataclass
class OwnServer:
    """One that a test may stop."""

    programs: Path
    folder: Path
    port: int = field(default_factory=pgtmp.free_port)
    life: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self.life.enter_context(pgtmp.running(self.programs, self.folder, self.port))

    def stop(self) -> None:
        self.life.close()

    def copy(self, url: str) -> None:
        """All that is in another server's database."""
        taken = subprocess.run([self.programs / "pg_dump", url], check=True, capture_output=True)
        subprocess.run(
            [self.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", self.url],
            check=True,
            input=taken.stdout,
            stdout=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"


@contextmanager
def own_server() -> Iterator[OwnServer]:
    folder = Path(tempfile.mkdtemp(prefix="pgtmp-", dir=pgtmp.parent()))
    made = OwnServer(pgtmp.installed(), folder)
    try:
        pgtmp.make(made.programs, folder)
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def moved_to(server: OwnServer) -> AsyncIterator[None]:
    """The database of the test under way is there from now on."""
    await asyncio.to_thread(server.copy, databases.engine().config["dsn"])
    async with reached_by(server.url):
        yield


@asynccontextmanager
async def reached_by(url: str) -> AsyncIterator[None]:
    engine = databases.engine()
    before, pool = engine.config["dsn"], engine.pool
    engine.pool, engine.config["dsn"] = None, url
    try:
        async with db.connected():
            yield
    finally:
        engine.pool, engine.config["dsn"] = pool, before


@pytest.mark.postgres
async def test_the_server_is_stopped_and_started_and_the_portal_goes_on_by_itself(
    alice: Browser,
    stranger: Browser,
    world: World,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slot = await world.slot(world.now + 5 * DAY)
    await owe(world)
    offers = counted_offers(monkeypatch)
    post = Post()
    with own_server() as server:
        async with moved_to(server), smtp_server(post) as port:
            assert (await alice.get(f"/profils/{world.alice}/rendez-vous")).status_code == 200
            form = alice.token
            await asyncio.to_thread(server.stop)
            async with jobs(port, world):
                for url in ("/", f"/profils/{world.alice}/rendez-vous", "/clinique/connexion"):
                    assert is_calm(await alice.get(url))
                assert is_calm(await stranger.get("/connexion"))
                assert is_calm(await book(alice, world, slot))
                health = await stranger.get("/sante")
                assert (health.status_code, health.text) == (503, "database away")
                tried = len(offers)
                await within(PATIENCE, lambda: len(offers) > tried + 1)  # the jobs try, too
                await asyncio.to_thread(server.start)
                assert (await stranger.get("/sante")).text == "ok"
                # The same form, pressed again in the page that was open: it is done once.
                alice.token = form
                assert (await book(alice, world, slot)).status_code == 303
                assert (await book(alice, world, slot)).status_code == 303
                await within(PATIENCE, lambda: len(post.arrived) == 2)
            assert await records.count("appointment") == 2
            assert await records.count("hold") == 0
    told = {each.getMessage().split(":")[0] for each in caplog.records if each.levelno >= ERROR}
    assert told == {"leading the jobs failed", "the database is away"}
    assert len([text for text in caplog.messages if "failed" in text or "is away" in text]) <= 3


class Forwarder:
    """Between us and PostgreSQL; while it is silent nothing passes, and nobody is told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passes = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self.speak()

    def speak(self) -> None:
        self._passes.set()

    def fall_silent(self) -> None:
        self._passes.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passes.wait()
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, back]
        await asyncio.gather(self._forward(reader, back), self._forward(there, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                await self._passes.wait()
                writer.write(some)
        writer.close()

    def end(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def forwarder() -> AsyncIterator[Forwarder]:
    """The database of the test under way is reached through it from now on."""
    url = urlsplit(databases.engine().config["dsn"])
    made = Forwarder(url.port or 5432)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        place = url.netloc.replace(f":{url.port}", f":{port}")
        async with reached_by(urlunsplit(url._replace(netloc=place))):
            yield made
            made.speak()
    finally:
        made.speak()
        made.end()
        server.close()


@pytest.mark.postgres
async def test_a_server_that_falls_silent_keeps_no_page_waiting_and_is_found_again(
    alice: Browser, stranger: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is lost, or a firewall that forgot the connection: no answer ever comes."""
    monkeypatch.setattr(postgres, "LET_GO_WITHIN", 0.1)
    monkeypatch.setattr(leader, "POLL", 0.05)
    monkeypatch.setattr(leader, "PATIENCE", 0.2)
    slot = await world.slot(world.now + 5 * DAY)
    post = Post()
    async with forwarder() as line, smtp_server(post) as port, jobs(port, world):
        assert (await alice.get(f"/profils/{world.alice}/rendez-vous")).status_code == 200
        form = alice.token
        monkeypatch.setattr(gate, "DATABASE_WITHIN", 0.3)
        monkeypatch.setattr(health, "HEALTHY_WITHIN", 0.1)
        line.fall_silent()
        async with asyncio.timeout(20):
            # The connection that is there, and then those that are to be made.
            for _ in range(2):
                answers = [alice.get(f"/profils/{world.alice}/rendez-vous") for _ in range(12)]
                assert all(map(is_calm, await asyncio.gather(*answers)))
                answer = await stranger.get("/sante")
                assert (answer.status_code, answer.text) == (503, "database away")
            alice.token = form
            assert is_calm(await book(alice, world, slot))
        line.speak()
        monkeypatch.undo()
        assert (await stranger.get("/sante")).text == "ok"
        alice.token = form
        assert (await book(alice, world, slot)).status_code == 303
        await within(PATIENCE, lambda: len(post.arrived) == 1)
    assert await records.count("appointment") == 1


@pytest.mark.postgres
async def test_a_server_that_falls_silent_in_a_transaction_undoes_it(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LET_GO_WITHIN", 0.1)
    async with forwarder() as line:

        async def begin() -> None:
            async with db.transaction():
                await audit.record(Actor.job("begun"), "begun", at=NOW)
                line.fall_silent()
                await db.fetch("SELECT 1 AS one")

        async with asyncio.timeout(10) as patience:
            with postgres.answered_within(0.3), pytest.raises(TimeoutError):
                await begin()
        assert not patience.expired()
        line.speak()
        assert await db.fetch("SELECT 1 AS one") == [{"one": 1}]
        assert await records.count("audit_line") == 0


def counted_offers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    offers: list[bool] = []
    take = SessionLock.take

    async def counted(lock: SessionLock) -> bool:
        offers.append(True)
        return await take(lock)

    monkeypatch.setattr(SessionLock, "take", counted)
    return offers


@asynccontextmanager
async def jobs(port: int, world: World) -> AsyncIterator[None]:
    often = IntervalTrigger(seconds=0.2)  # type: ignore[arg-type]
    tasks = [Task("deliver_mail", partial(deliver_mail, plain(port)), often)]
    offer = asyncio.create_task(run_as_leader(tasks, now=lambda: world.now))
    try:
        yield
    finally:
        offer.cancel()
        with suppress(asyncio.CancelledError):
            await offer


@pytest.mark.parametrize("what", ["full", "busy"])
async def test_a_database_that_takes_nothing_books_nothing_and_says_so_once(
    alice: Browser, world: World, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    slot = await world.slot(world.now + 5 * DAY)
    async with (full if what == "full" else locked)():
        for _ in range(3):
            assert is_calm(await book(alice, world, slot))
    assert [text.split(" at ")[0] for text in caplog.messages if "database" in text] == [
        f"the database is {what}: {ERRORS[what][db.is_postgres()]}"
    ]
    assert await invariants.check() == {happened: set() for happened in invariants.STORY}
    assert (await book(alice, world, slot)).status_code == 303
    assert len((await invariants.check())["booked"]) == 1


@asynccontextmanager
async def full() -> AsyncIterator[None]:
    """Not one page more; in PostgreSQL, what it says then."""
    if db.is_postgres():
        await db.fetch(FULL_DISK)
        await db.fetch(f"CREATE TRIGGER full_disk BEFORE INSERT ON outbound_email {RAISE}")
        yield
        await db.fetch("DROP TRIGGER full_disk ON outbound_email")
        await db.fetch("DROP FUNCTION full_disk")
        return
    writer = databases.engine().pool.writer
    (pages,) = await writer.write("PRAGMA page_count")
    await writer.write(f"PRAGMA max_page_count = {pages['page_count']}")
    with suppress(sqlite3.OperationalError):  # up to the last line that the journal has room for
        while True:
            await audit.record(Actor.job("filling"), "filling", at=NOW)
    yield
    await writer.write("PRAGMA max_page_count = 1073741823")


@asynccontextmanager
async def locked() -> AsyncIterator[None]:
    """Someone else writes, and does not end."""
    if db.is_postgres():
        engine = databases.engine()
        other = await asyncpg.connect(engine.config["dsn"])
        try:
            async with impatient(engine), other.transaction():
                await other.execute("LOCK TABLE outbound_email IN ACCESS EXCLUSIVE MODE")
                yield
        finally:
            await other.close()
        return
    await databases.engine().pool.writer.write("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(databases.engine().path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@asynccontextmanager
async def impatient(engine: Any) -> AsyncIterator[None]:
    """Connections that wait for a lock for no longer than a test may last."""
    pool, settings = engine.pool, engine.config["server_settings"]
    engine.pool, engine.config["server_settings"] = None, {"lock_timeout": "100ms"}
    try:
        async with db.connected():
            yield
    finally:
        engine.pool, engine.config["server_settings"] = pool, settings


async def test_a_file_moved_away_and_back_loses_nothing(tmp_path: Path) -> None:
    file, away = tmp_path / "lite.sqlite", tmp_path / "elsewhere.sqlite"
    lite = SQLiteEngine(str(file))
    await lite.start_connection_pool()
    await lite.run_ddl("CREATE TABLE note (text)")
    await lite.run_ddl("INSERT INTO note VALUES ('before')")
    file.rename(away)
    await lite.run_ddl("INSERT INTO note VALUES ('meanwhile')")
    assert not file.exists()  # nobody began an empty one
    away.rename(file)
    await lite.run_ddl("INSERT INTO note VALUES ('after')")
    await lite.close_connection_pool()
    with sqlite3.connect(file) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = other.execute("SELECT text FROM note").fetchall()
    other.close()
    assert kept == [("before",), ("meanwhile",), ("after",)]


# At the start


@pytest.mark.parametrize("command", ["serve", "jobs"])
async def test_a_start_without_a_database_says_so_in_a_line(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever started it starts it again: no page is served without one."""
    for name, value in SERVING.items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(cli.main, [command]) == 3
    assert capsys.readouterr().err == "The database is away: OperationalError.\n"


@pytest.mark.postgres
async def test_a_start_without_a_server_says_so_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SERVING.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(databases.engine().config, "dsn", "postgres://127.0.0.1:1/none")
    assert await asyncio.to_thread(cli.main, ["serve"]) == 3
    assert capsys.readouterr().err == "The database is away: ConnectionRefusedError.\n"
