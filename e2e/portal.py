"""The portal itself, from its own composition root, with a clock that can be set."""

import asyncio
import os
import shutil
import socket
import sqlite3
from collections.abc import Coroutine, Iterator, Set
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from mailbox import Maildir
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

os.environ |= {"DATABASE_URL": "", "DATA_DIR": "/nonexistent"}  # never the developer's own

import uvicorn
from argon2 import PasswordHasher

from domain import db
from domain.accounts import sessions
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser
from domain.config import DEMO_KEY, Settings
from domain.demo import seed
from domain.demo.data.visits import Coming
from domain.links import Links
from domain.messages.files import store_of
from domain.staff import sessions as staff_sessions
from e2e.mails import Mail
from jobs.come_of_age import come_of_age
from jobs.deliver_mail import deliver_mail
from jobs.office import PostOffice
from jobs.open_confirmation_window import open_confirmation_window
from jobs.publish_slots import publish_slots
from jobs.release_holds import release_holds
from jobs.seal_audit import seal_audit
from tests import compiled
from web.app import create_app
from web.cli import SERVED
from web.connections import Connection
from web.gate import Gate

compiled.keep()

# A Tuesday, 09:30 in Montréal.
MORNING = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


class Portal:
    def __init__(self, folder: Path) -> None:
        self.clock = Clock(MORNING)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._socket.getsockname()[1]}"
        self.settings = Settings(
            public_url=self.url, keys=(DEMO_KEY,), data_dir=folder, is_demo=True, has_jobs=False
        )
        self._database = folder / "portal.sqlite"
        self._seeded = folder / "seeded.sqlite"
        self._delivered = folder / "delivered"
        self._documents = folder / "documents"
        self._stored = folder / "stored"
        self._passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self._office = PostOffice.of(self.settings, self.clock)
        self._started: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._server: uvicorn.Server | None = None

    @contextmanager
    def running(self) -> Iterator["Portal"]:
        thread = Thread(target=self._run, daemon=True)
        thread.start()
        try:
            self._started.result(120)
            yield self
        finally:
            if self._server is not None:
                self._server.should_exit = True
            thread.join(10)
            self._loop.close()
            self._socket.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        engine: Any = db.engine()
        engine.path = str(self._database)
        await db.migrate()
        async with db.connected():
            files = store_of(self.settings)
            await seed(
                now=MORNING,
                passwords=self._passwords,
                files=files,
                box=SecretBox(self.settings.keys),
            )
            await publish_slots(now=MORNING)
            await self._work()
            _copy(self._database, self._seeded)
            shutil.copytree(self.settings.mailbox, self._delivered)
            shutil.copytree(self._documents, self._stored)
            self._open = create_app(self.settings, self.clock, passwords=self._passwords)
            self._full = Gate(self._open.app, replace(self.settings, crowd=(0, 0, 0.1)))
            self._app = self._open
            config = uvicorn.Config(
                self._served, interface="asgi3", http=Connection, ws="none", **SERVED
            )
            self._server = uvicorn.Server(config)
            self._loop.call_soon(self._tell_when_started)
            await self._server.serve([self._socket])

    async def _served(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Without one place for a request, for as long as this lasts."""
        self._app = self._full
        try:
            yield
        finally:
            self._app = self._open

    def _tell_when_started(self) -> None:
        if self._server is not None and self._server.started:
            self._started.set_result(None)
        else:
            self._loop.call_later(0.01, self._tell_when_started)

    def begin_again(self) -> None:
        """The demonstration as it was seeded."""
        self.clock.now = MORNING
        _copy(self._seeded, self._database)
        shutil.rmtree(self.settings.mailbox, ignore_errors=True)
        shutil.copytree(self._delivered, self.settings.mailbox)
        shutil.rmtree(self._documents)
        shutil.copytree(self._stored, self._documents)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """In the server's own loop, so that the database's connections are the server's."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def run_jobs(self) -> list[Mail]:
        """The mails that they delivered."""
        earlier = set(self._box().iterkeys())
        self.run(self._work())
        return self.mails(but=earlier)

    async def _work(self) -> None:
        now = self.clock()
        await release_holds(now=now)
        await open_confirmation_window(now=now)
        await come_of_age(now=now)
        while await deliver_mail(self._office, now=now):
            pass
        await seal_audit(now=now)

    def mails(self, *, but: Set[str] = frozenset()) -> list[Mail]:
        box = self._box()
        return [Mail.read(key, box.get_bytes(key)) for key in box.iterkeys() if key not in but]

    def _box(self) -> Maildir:
        return Maildir(self.settings.mailbox, create=True)

    def begin_session(self, email: str) -> str:
        begun = sessions.begin(self.account(email), device="", now=self.clock())
        return str(self.run(begun))

    def begin_work(self, email: str) -> str:
        """The token of a session on the clinic's side."""
        member = UUID(self.value("SELECT id FROM staff_member WHERE email = ?", email))
        return str(self.run(staff_sessions.begin(member, device="", now=self.clock())))

    def sign_known(self, email: str) -> str:
        """What tells a browser in which this account has signed in before."""
        chosen = self.value("SELECT password_changed_at FROM account WHERE email = ?", email)
        browser = Browser("", "", "").knowing(
            self.account(email), datetime.fromisoformat(chosen), self.clock()
        )
        return Links(self.settings.keys).sign_known(browser.known)

    def account(self, email: str) -> UUID:
        return UUID(self.value("SELECT id FROM account WHERE email = ?", email))

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database)) as connection:
            return connection.execute(sql, values).fetchall()

    def value(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def change(self, sql: str, *values: object) -> None:
        """What no page can bring about, such as a setting of the clinic."""
        with closing(sqlite3.connect(self._database, isolation_level=None)) as connection:
            connection.execute(sql, values)

    def coming(self, visit: Coming) -> str:
        """One of the demonstration's visits, told apart by its type and how far off it is."""
        return str(
            self.value(
                """
                SELECT ap.id FROM appointment ap
                JOIN patient pa ON pa.id = ap.patient
                WHERE ap.booked_by IS NOT NULL AND lower(pa.first_name) = ? AND ap.reason = ?
                  AND ap.starts_at > ?
                ORDER BY abs(julianday(ap.starts_at) - julianday(?) - ? / 24.0) LIMIT 1
                """,
                visit.patient,
                visit.reason,
                str(MORNING),
                str(MORNING),
                visit.target,
            )
        )

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row there is, by table."""
        tables = [
            name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {table: self.rows(f'SELECT * FROM "{table}" ORDER BY 1') for table in tables}


def _copy(source: Path, target: Path) -> None:
    """Also into a database that is in use: its connections see the copy from then on."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        there.execute("PRAGMA synchronous = OFF")
        here.backup(there)
