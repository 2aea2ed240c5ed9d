"""The database: there, of a fit version, ours to work with, up to date, and its journal whole."""

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from domain import audit, clock, db
from domain.clinic import readiness
from domain.clinic.clinic import current_settings
from domain.engines import CONNECTION_LOST, SQLiteEngine
from domain.errors import NotFound
from jobs.leader import LOCK
from operations.check.finding import Finding

OLDEST_POSTGRES = 15
WITHIN = 10
MOST_OFF = timedelta(seconds=5)
FACTS = """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
        current_setting('server_encoding') AS encoding,
        current_setting('max_connections')::int AS connections,
        clock_timestamp() AS now,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
        has_schema_privilege(current_user, 'public', 'CREATE') AS may_create,
        EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'btree_gist') AS has_gist,
        EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'btree_gist') AS may_have_gist,
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_tls,
        coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)
            AS is_here
"""
UNUSABLE = (*CONNECTION_LOST, sqlite3.Error, TimeoutError)
LEADERS = """
    SELECT count(*) AS number FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = {} AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def findings() -> AsyncIterator[Finding]:
    try:
        await asyncio.wait_for(_ask(), WITHIN)
    except FileNotFoundError:
        yield Finding.wrong("database", "there is none in DATA_DIR", "run `portal migrate`")
        return
    except (*UNUSABLE, ValueError) as error:
        yield _unusable(error)
        return
    try:
        async with db.connected():
            async for finding in _of_the_reachable():
                yield finding
    except UNUSABLE as error:
        yield _unusable(error)


def _unusable(error: Exception) -> Finding:
    kind = type(error).__name__
    if db.trouble_of(error) == "damaged":
        return Finding.wrong(
            "database",
            f"damaged: {kind}",
            "stop the portal, keep the database aside as it is, and restore the newest backup",
        )
    if not db.is_postgres():
        return Finding.wrong(
            "database", f"cannot be used: {kind}", "see to the rights and the room of DATA_DIR"
        )
    return Finding.wrong(
        "database",
        f"cannot be used: {kind}",
        "start it, let this machine in, and see to DATABASE_URL: `psql` with the same address"
        " says more",
    )


async def _of_the_reachable() -> AsyncIterator[Finding]:
    if isinstance(db.engine(), SQLiteEngine):
        yield _sqlite()
    else:
        async for finding in _postgres():
            yield finding
    schema = await _schema()
    yield schema
    if schema.advice:
        yield Finding.unknown("journal", "not before the schema is this version's")
        return
    yield await _journal()
    yield await _clinic()
    yield await _leader()


async def _ask() -> None:
    engine = db.engine()
    if isinstance(engine, SQLiteEngine) and not Path(engine.path).exists():  # noqa: ASYNC240
        raise FileNotFoundError
    await db.fetch("SELECT 1 AS one")


def _sqlite() -> Finding:
    return Finding.well("database", "SQLite: for one process on one machine")


async def _postgres() -> AsyncIterator[Finding]:
    asked = clock.now()
    (facts,) = await db.fetch(FACTS)
    if facts["version"] < OLDEST_POSTGRES:
        yield Finding.wrong(
            "database",
            f"PostgreSQL {facts['version']}",
            f"{OLDEST_POSTGRES} or later is needed",
        )
    elif facts["encoding"] != "UTF8":
        yield Finding.wrong(
            "database",
            f"its encoding is {facts['encoding']}",
            "create it again: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )
    else:
        yield Finding.well(
            "database", f"PostgreSQL {facts['version']}, {facts['connections']} connections"
        )
    yield _role(facts)
    yield _connection(facts)
    yield _clocks(facts["now"] - asked)


def _role(facts: dict[str, object]) -> Finding:
    if not (facts["has_gist"] or facts["may_have_gist"]):
        return Finding.wrong(
            "database role",
            "the btree_gist extension is not installed on the server",
            "install the server's contrib package",
        )
    if not facts["may_create"]:
        return Finding.doubtful(
            "database role",
            "it may not create tables: fit for serving, not for `portal migrate`",
            "GRANT CREATE ON SCHEMA public, or migrate as the owner",
        )
    if facts["is_superuser"]:
        return Finding.doubtful(
            "database role",
            "it is a superuser, whom no rule of the database binds",
            "give the portal a role of its own that owns this database and nothing else",
        )
    return Finding.well("database role", "it may create tables, and is not a superuser")


def _connection(facts: dict[str, object]) -> Finding:
    if facts["is_tls"] or facts["is_here"]:
        return Finding.well(
            "database connection", "encrypted" if facts["is_tls"] else "on this machine"
        )
    return Finding.doubtful(
        "database connection",
        "another machine, and not encrypted",
        "add ?sslmode=verify-full to DATABASE_URL, unless the network is private to the two",
    )


def _clocks(difference: timedelta) -> Finding:
    if abs(difference) > MOST_OFF:
        return Finding.wrong(
            "database clock",
            f"{difference.total_seconds():+.0f} s from this machine's",
            "set both by NTP: deadlines and codes are judged by this machine's clock",
        )
    return Finding.well("database clock", "as this machine's")


async def _schema() -> Finding:
    unknown, lacking = await db.unknown_migrations(), await db.lacking_migrations()
    if unknown:
        return Finding.wrong(
            "schema",
            f"of a newer portal ({max(unknown)}): this one does not start on it",
            "install the newer version again, or restore the backup taken before the upgrade",
        )
    if lacking:
        return Finding.wrong(
            "schema", f"{len(lacking)} migrations are to be run", "run `portal migrate`"
        )
    return Finding.well("schema", "up to date")


async def _journal() -> Finding:
    broken = await audit.first_broken_seal()
    if broken is None:
        return Finding.well("journal", "as it was sealed")
    return Finding.wrong(
        "journal",
        f"changed at or before line {broken}",
        "keep this database as it is, and compare it with a backup: somebody wrote in the journal",
    )


async def _clinic() -> Finding:
    try:
        missing = readiness.missing_in(await current_settings())
    except NotFound:
        return Finding.wrong("clinic", "there is none yet", "run `portal init`")
    if missing:
        return Finding.wrong(
            "clinic",
            f"it lacks {'; '.join(missing)}",
            "fill these in at /clinique, or in its row: the portal does not start without them",
        )
    return Finding.well("clinic", "has said what the law wants told")


async def _leader() -> Finding:
    if await _is_led():
        return Finding.well("jobs", "a process runs them")
    return Finding.doubtful(
        "jobs",
        "no process runs them: no mail leaves, no hold is released",
        "start `portal serve`, or `portal jobs` where PORTAL_JOBS=off",
    )


async def _is_led() -> bool:
    engine = db.engine()
    if not isinstance(engine, SQLiteEngine):
        rows = await db.fetch(LEADERS, LOCK)
        return bool(rows[0]["number"])
    with suppress(OSError), open(f"{engine.path}.jobs.lock") as lock:  # noqa: ASYNC230
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
