"""PostgreSQL's own programs, told by their environment where the database is, not by arguments."""

import os
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, urlsplit

from domain.config import BadConfiguration

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
OPTIONS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "database": "PGDATABASE",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "ssl": "PGSSLMODE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


async def started(program: str, *options: str, url: str, stdin: int) -> Process:
    try:
        return await create_subprocess_exec(
            program, *options, stdin=stdin, stdout=PIPE, stderr=PIPE, env=environment(url)
        )
    except FileNotFoundError:
        raise BadConfiguration(
            f"{program} is not here: install PostgreSQL's client programs,"
            " of the server's version or later"
        ) from None


async def stopped(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def environment(url: str) -> dict[str, str]:
    """None of our own secrets; of PG…, those that asyncpg heeds too."""
    parts = urlsplit(url)
    told = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": database(url),
    }
    told |= {OPTIONS[name]: value for name, value in parse_qsl(parts.query) if name in OPTIONS}
    own = {name: os.environ[name] for name in KEPT if name in os.environ}
    own |= {name: value for name, value in os.environ.items() if name.startswith("PG")}
    return own | {name: value for name, value in told.items() if value}


def database(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/")) or os.environ.get("PGDATABASE", "")
