"""The portal as it runs in earnest, in processes that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import databases, pgtmp

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://portail.example"
STARTS_WITHIN = 30


def environment(smtp_port: int, **more: str) -> dict[str, str]:
    return {
        **databases.environment(),
        "PUBLIC_URL": PUBLIC_URL,
        "PORTAL_KEYS": "0123456789abcdefghijklmnopqrstuvwxyz",
        "PORTAL_DEMO": "",
        "SMTP_URL": f"smtp+plain://127.0.0.1:{smtp_port}",
        "MAIL_FROM": "portail@portail.example",
        **more,
    }


class Nursery:
    """Where servers of one environment are forked."""

    def __init__(self, process: "subprocess.Popen[str]", env: dict[str, str]) -> None:
        self.environment = env
        self._process = process

    def tell(self, *words: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{' '.join(map(str, words))}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def nursery(env: dict[str, str], log: Path) -> Iterator[Nursery]:
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Nursery(process, env)
        assert process.stdin is not None
        process.stdin.close()  # and all that it forked ends


class Server:
    def __init__(self, nursery: Nursery, log: Path) -> None:
        self.port = pgtmp.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.environment = nursery.environment
        self.process = 0
        self._nursery = nursery

    @property
    def is_alive(self) -> bool:
        return self.process != 0

    async def start(self) -> None:
        self.process = self._nursery.tell("start", self.port, self.log)
        deadline = time.monotonic() + STARTS_WITHIN
        async with httpx.AsyncClient(headers={"host": "portail.example"}) as client:
            while not await self._answers(client):
                assert time.monotonic() < deadline, self.log.read_text()
                await asyncio.sleep(0.02)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """As a power cut would: nothing is told, nothing is finished."""
        if self.process:
            os.kill(self.process, how)
            self._nursery.tell("wait", self.process)
            self.process = 0

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/sante")).status_code == 200
        except httpx.TransportError:
            return False
