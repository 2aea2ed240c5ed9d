"""A browser without a screen: cookies, form tokens and the headers a real one sends."""

import re
from collections.abc import Callable
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from domain.config import Settings
from tests.world import PASSWORD, PASSWORDS
from web.app import create_app
from web.gate import Gate

HOST = "https://portail.example"
SETTINGS = Settings(
    public_url=HOST, keys=("k" * 8 + "0123456789abcdefghijklmnopqrstuv",), data_dir=Path("/nowhere")
)
FROM_HERE = {"sec-fetch-site": "same-origin"}
TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Browser:
    def __init__(self, app: Gate) -> None:
        self.app = app
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),  # type: ignore[arg-type]
            base_url=HOST,
            headers=FROM_HERE,
        )
        self.token = ""

    async def get(self, url: str, *, htmx: bool = False, **options: Any) -> httpx.Response:
        headers = {"hx-request": "true"} if htmx else {}
        answer = await self.http.get(url, headers=headers | options.pop("headers", {}), **options)
        if found := TOKEN.search(answer.text):
            self.token = unescape(found[1])
        return answer

    async def post(
        self, url: str, data: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """With the token of the last page that had one."""
        return await self.http.post(
            url, data={"_csrf_token": self.token, **(data or {})}, **options
        )

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.status_code == 303:
            answer = await self.get(answer.headers["location"])
        return answer

    async def sign_in(
        self, email: str = "alice@example.com", password: str = PASSWORD
    ) -> httpx.Response:
        await self.get("/connexion")
        answer = await self.post("/connexion", {"courriel": email, "mot_de_passe": password})
        if answer.status_code == 303:
            await self.get("/")
        return answer


def running(now: Callable[[], datetime], settings: Settings = SETTINGS) -> Gate:
    """The application on the test's own database, whose connections the fixture keeps."""
    return create_app(settings, now, passwords=PASSWORDS)


def heading(answer: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    return _words(found[1]) if found else ""


def alert(answer: httpx.Response) -> str:
    found = re.search(r'role="alert"[^>]*>(.*?)</(?:ul|div></div)', answer.text, re.DOTALL)
    return _words(found[1]) if found else ""


def main(answer: httpx.Response) -> str:
    """The words of the page itself, without its chrome."""
    found = re.search(r"<main[^>]*>(.*?)</main>", answer.text, re.DOTALL)
    return _words(found[1]) if found else _words(answer.text)


def _words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()
