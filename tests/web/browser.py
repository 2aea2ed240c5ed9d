"""A browser without a screen: cookies, form tokens and the headers a real one sends."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from html import unescape
from html.parser import HTMLParser
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import httpx

from domain.config import Settings
from tests.keys import KEYS
from tests.stores import FILES
from tests.world import PASSWORD, PASSWORDS
from web import static_files
from web.app import create_app
from web.gate import Gate

HOST = "https://portail.example"
SETTINGS = Settings(public_url=HOST, keys=KEYS, data_dir=Path("/nowhere"))
FROM_HERE = {"sec-fetch-site": "same-origin"}
TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
LONGEST_WAY = 10
VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "use", "path"})


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Kept:
    """What a browser holds: another can go on from there."""

    cookies: tuple[Cookie, ...]
    token: str


class Browser:
    def __init__(self, app: Gate, *, ip: str = "203.0.113.7", kept: Kept | None = None) -> None:
        self.app = app
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(ip, 1)),  # type: ignore[arg-type]
            base_url=HOST,
            headers=FROM_HERE,
        )
        self.token = kept.token if kept else ""
        for cookie in kept.cookies if kept else ():
            self.http.cookies.jar.set_cookie(cookie)

    def keep(self) -> Kept:
        return Kept(tuple(self.http.cookies.jar), self.token)

    async def get(self, url: str, *, htmx: bool = False, **options: Any) -> httpx.Response:
        headers = {"hx-request": "true"} if htmx else {}
        answer = await self.http.get(url, headers=headers | options.pop("headers", {}), **options)
        if found := TOKEN.search(answer.text):
            self.token = unescape(found[1])
        return answer

    async def post(
        self, url: str, data: dict[str, str] | None = None, *, htmx: bool = False, **options: Any
    ) -> httpx.Response:
        """With the token of the last page that had one."""
        headers = {"hx-request": "true"} if htmx else {}
        return await self.http.post(
            url,
            data={"_csrf_token": self.token, **(data or {})},
            headers=headers | options.pop("headers", {}),
            **options,
        )

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(LONGEST_WAY):
            if answer.status_code != 303:
                return answer
            answer = await self.get(answer.headers["location"])
        raise AssertionError(f"redirects without end, at {answer.url}")

    async def open(self, url: str) -> httpx.Response:
        """The page at the end of any redirects."""
        return await self.follow(await self.get(url))

    async def press(
        self, page: httpx.Response, button: str, data: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send the form that has this button, with its hidden fields and what was typed."""
        form, pressed = next(
            (form, pressed)
            for form in forms(page)
            for pressed in form.buttons
            if button in pressed.text
        )
        name = pressed.attrs.get("name")
        sent = form.fields | ({name: pressed.attrs["value"]} if name else {}) | (data or {})
        if form.method == "get":
            return await self.get(form.action, params=sent)
        return await self.http.post(pressed.attrs.get("formaction", form.action), data=sent)

    async def click(self, page: httpx.Response, words: str) -> httpx.Response:
        """Follow the first link of the page itself that begins with these words."""
        link = next(
            element
            for element in elements(page, "a")
            if element.text.startswith(words) and any(p.tag == "main" for p in element.parents)
        )
        return await self.open(link.attrs["href"])

    async def sign_in(
        self, email: str = "alice@example.com", password: str = PASSWORD
    ) -> httpx.Response:
        await self.get("/connexion")
        answer = await self.post("/connexion", {"courriel": email, "mot_de_passe": password})
        if answer.status_code == 303:
            await self.get("/")
        return answer


# The same files for every application of a run: they are compressed once.
static_files._compressed = cache(static_files._compressed)


def running(now: Callable[[], datetime], settings: Settings = SETTINGS) -> Gate:
    """The application on the test's own database, whose connections the fixture keeps."""
    return create_app(settings, now, passwords=PASSWORDS, files=FILES)


@dataclass(eq=False)
class Element:
    tag: str
    attrs: dict[str, str]
    parents: tuple["Element", ...]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.pieces)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.found.append(made)
        if tag not in VOID:
            self.open.append(made)
        elif tag == "br":
            self.handle_data(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str]
    buttons: list[Element]


def elements(page: httpx.Response, *tags: str) -> list[Element]:
    return [element for element in _read(page.text) if not tags or element.tag in tags]


@lru_cache(maxsize=8)
def _read(page: str) -> tuple[Element, ...]:
    """A test asks for several things of the same page."""
    reader = _Reader()
    reader.feed(page)
    return tuple(reader.found)


def forms(page: httpx.Response) -> list[Form]:
    everything = elements(page)
    found = []
    for form in (element for element in everything if element.tag == "form"):
        if any(parent.tag == "dialog" for parent in form.parents):
            continue  # closed when the page opens: about the session's end, on every page
        inside = [element for element in everything if form in element.parents]
        inputs = [e for e in inside if e.tag == "input"]
        hidden = [e for e in inputs if e.attrs.get("type") == "hidden" or "hidden" in e.attrs]
        found.append(
            Form(
                action=form.attrs["action"],
                method=form.attrs.get("method", "get"),
                fields={e.attrs["name"]: e.attrs["value"] for e in hidden if "name" in e.attrs},
                buttons=[e for e in inside if e.tag == "button"],
            )
        )
    return found


def links(page: httpx.Response) -> dict[str, str]:
    """The address behind each link's words."""
    return {link.text: link.attrs["href"] for link in elements(page, "a")}


def buttons(page: httpx.Response) -> list[str]:
    """What a person can press in the page itself: buttons, and links that look like one."""
    return [
        element.text
        for element in elements(page, "a", "button")
        if (element.tag == "button" or "btn" in element.attrs.get("class", "").split())
        and any(parent.tag == "main" for parent in element.parents)
        and "hidden" not in element.attrs
    ]


def title(page: httpx.Response) -> str:
    return elements(page, "title")[0].text


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


def without_tokens(answer: httpx.Response) -> str:
    """The page but for what is random in every page."""
    return TOKEN.sub("", answer.text)


def without_keys(answer: httpx.Response) -> str:
    """The page but for its keys, links and ids: a short word may stand in one by chance."""
    return re.sub(r"[\w.-]{32,}", "", answer.text)


def _words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()
