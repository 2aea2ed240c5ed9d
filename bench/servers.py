"""Real processes, each ended by its number: servers on one core, load from the other."""

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests import pgtmp

SERVER_CORE, LOAD_CORE = 0, 1
HOST = "localhost:8000"  # by name alone: the ports are any free ones
START_WITHIN = 30
PORTAL = ("-m", "web.cli", "serve", "--port")
BARE = ("-m", "bench.bare")
PEER = ("-m", "bench.peer.serve")
PEER_PYTHON = "build/peer/bin/python"


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu(self) -> float:
        """The seconds it and its children worked: what others do on its core does not count."""
        return sum(map(_cpu, (self.pid, *_children(self.pid))))

    def memory(self) -> str:
        """Its own share of memory (PSS), in MB."""
        sums = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        (kilobytes,) = re.findall(r"^Pss: +(\d+)", sums, re.MULTILINE)
        return f"{int(kilobytes) / 1024:.0f}"


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """The environment of the portal with an empty database of this kind."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DATA_DIR": folder,
            "PORTAL_DEMO": "1",
            "PUBLIC_URL": f"http://{HOST}",
        }
        if kind == "SQLite":
            yield env
            return
        with pinned(SERVER_CORE, LOAD_CORE):  # where there is room: it is another's process
            server = pgtmp.server()
            url = server.__enter__()
        try:
            name = f"bench_{secrets.token_hex(4)}"
            asyncio.run(_command(url, f"CREATE DATABASE {name}"))
            yield {**env, "DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"}
            asyncio.run(_command(url, f"DROP DATABASE {name} WITH (FORCE)"))
        finally:
            server.__exit__(None, None, None)


@contextmanager
def running(
    command: tuple[str, ...],
    env: dict[str, str],
    *,
    python: str = sys.executable,
    core: int = SERVER_CORE,
) -> Iterator[Server]:
    port = pgtmp.free_port()
    log = Path(env["DATA_DIR"], f"{port}.log")
    with log.open("w") as output, pinned(core):
        process = subprocess.Popen(
            [python, *command, str(port)], env=env, stdout=output, stderr=output
        )
    try:
        _wait(process, port, log)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def pinned(*cores: int) -> Iterator[None]:
    """What is started in this block stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no server:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)


async def _command(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
