"""The portal as it runs in earnest, in a process that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from tests import databases, pgtmp

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://portail.example"
STARTS_WITHIN = 30


class Server:
    def __init__(self, smtp_port: int, log: Path) -> None:
        self.port = pgtmp.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.environment = {
            **databases.environment(),
            "PUBLIC_URL": PUBLIC_URL,
            "PORTAL_KEYS": "0123456789abcdefghijklmnopqrstuvwxyz",
            "PORTAL_DEMO": "",
            "SMTP_URL": f"smtp+plain://127.0.0.1:{smtp_port}",
            "MAIL_FROM": "portail@portail.example",
        }
        self.process = 0

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.nursery", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        with self._nursery as nursery:
            assert nursery.stdin is not None
            nursery.stdin.close()

    @property
    def is_alive(self) -> bool:
        return self.process != 0

    async def start(self) -> None:
        self.process = self._tell("start")
        deadline = time.monotonic() + STARTS_WITHIN
        async with httpx.AsyncClient(headers={"host": "portail.example"}) as client:
            while not await self._answers(client):
                assert time.monotonic() < deadline, self.log.read_text()
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """As a power cut would: nothing is told, nothing is finished."""
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            self._tell("wait")
            self.process = 0

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/sante")).status_code == 200
        except httpx.TransportError:
            return False

    def _tell(self, word: str) -> int:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{word}\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())
