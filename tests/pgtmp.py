"""A PostgreSQL server that lives as long as a `with` block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# It holds nothing worth keeping: no write need reach the disk.
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")
START_WITHIN = 30
ENOUGH = 2 * 1024**3


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server to create databases in: the one given, or one started for this block."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    programs = installed()
    folder = Path(tempfile.mkdtemp(prefix="pgtmp-", dir=parent()))
    try:
        with started(programs, folder) as port:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parent() -> str:
    """A folder the server's user may enter; in memory a database is copied four times as fast."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH
    return str(memory) if is_roomy and os.access(memory, os.W_OK) else "/tmp"


def installed() -> Path:
    packaged = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(packaged, key=lambda path: int(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    if found is None:
        raise RuntimeError("no PostgreSQL: install it, or set TEST_DATABASE_URL")
    return Path(found).parent


@contextmanager
def started(programs: Path, folder: Path) -> Iterator[int]:
    make(programs, folder)
    port = free_port()
    with running(programs, folder, port):
        yield port


def make(programs: Path, folder: Path) -> None:
    identity = unprivileged()
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    subprocess.run(
        [
            programs / "initdb",
            "--no-sync",
            "--locale=C.UTF-8",
            "-A",
            "trust",
            "-U",
            "postgres",
            folder / "data",
        ],
        check=True,
        capture_output=True,
        cwd=folder,
        **identity,
    )


@contextmanager
def running(programs: Path, folder: Path, port: int) -> Iterator[None]:
    data, log = folder / "data", folder / "log"
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}")
    with log.open("w") as output:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *(f"-c{each}" for each in (*settings, *FAST))],
            stdout=output,
            stderr=output,
            cwd=folder,
            **unprivileged(),
        )
    try:
        wait_until_ready(programs, process, port, log)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # ends the sessions still open
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("root cannot run PostgreSQL, and there is no user `postgres` or `nobody`")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(
    programs: Path, process: subprocess.Popen[bytes], port: int, log: Path
) -> None:
    deadline = time.monotonic() + START_WITHIN
    ask = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ask, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}")
        time.sleep(0.02)
