"""A demonstration on loopback, in a folder of its own, for what attacks it."""

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx

from domain.demo.data.people import HEATHER, PASSWORD
from domain.demo.staff import ADMINISTRATOR
from tests.databases import environment

ROOT = Path(__file__).parent.parent
KEY = "a-key-of-the-audit-alone-0123456789abcdefghijklmnop"
PATIENCE = 90
"""Seconds to seed and begin."""
TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
STEP = re.compile(r'name="etape" value="([^"]+)"')
CODE = re.compile(r">(\d{6})<")


@dataclass(frozen=True)
class Demo:
    url: str
    folder: Path

    def patient(self) -> dict[str, str]:
        """The cookies of a patient who has signed in."""
        with self.browser() as browser:
            _send(browser, "/connexion", {"courriel": HEATHER.email, "mot_de_passe": PASSWORD})
            return dict(browser.cookies)

    def administrator(self) -> dict[str, str]:
        with self.browser() as browser:
            typed = {"courriel": ADMINISTRATOR.email, "mot_de_passe": PASSWORD}
            page = _send(browser, "/clinique/connexion", typed)
            step = STEP.search(page.text)
            shown = page.text.partition(ADMINISTRATOR.email)[2]  # a demonstration shows its codes
            code = CODE.search(shown)
            assert step is not None, page.text
            assert code is not None, page.text
            sent = {"etape": step[1], "code": code[1], "_csrf_token": _token(page)}
            browser.post("/clinique/connexion/code", data=sent)
            return dict(browser.cookies)

    def sessions(self) -> dict[str, dict[str, str]]:
        """Where each side begins, and the cookies of who is signed in there."""
        return {"/": self.patient(), "/clinique/jour": self.administrator()}

    def asked(self) -> int:
        """How many requests it has answered."""
        return (self.folder / "printed.txt").read_text().count(" portal.access ")

    def failures(self) -> list[str]:
        """What it logged of its own faults."""
        printed = (self.folder / "printed.txt").read_text()
        return re.findall(r"(?m)^\w*(?:Error|Exception)\b.*", printed)

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"sec-fetch-site": "same-origin"})


@contextmanager
def demo() -> Iterator[Demo]:
    """Seeded anew, and gone at the end."""
    with tempfile.TemporaryDirectory(prefix="audit-") as name:
        folder, port = Path(name), _free_port()
        settings = {"DATA_DIR": name, "PORTAL_DEMO": "1", "PORTAL_KEYS": KEY, "DATABASE_URL": ""}
        printed = folder / "printed.txt"
        with printed.open("w") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "demo", "--port", str(port)],
                cwd=ROOT,
                env=environment() | settings,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(server, port, printed)
            yield Demo(f"http://localhost:{port}", folder)
        finally:
            server.terminate()
            server.wait(30)


def _wait(server: subprocess.Popen[bytes], port: int, printed: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            connection = HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/sante")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the demonstration did not begin:\n{printed.read_text()}")


def _send(browser: httpx.Client, url: str, data: dict[str, str]) -> httpx.Response:
    sent = data | {"_csrf_token": _token(browser.get(url))}
    return browser.post(url, data=sent, follow_redirects=True)


def _token(page: httpx.Response) -> str:
    found = TOKEN.search(page.text)
    assert found is not None, page.url
    return found[1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
