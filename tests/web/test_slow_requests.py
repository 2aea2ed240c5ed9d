"""Who sends or reads at their leisure: nothing is done with rights that have ended meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from domain.accounts.tables import Session
from domain.messages import attachments, openings
from domain.messages.openings import Openings
from domain.messages.tables import Draft, Message
from domain.people.tables import ProxyGrant
from tests import pdfs
from tests.stores import FILES
from tests.web.browser import HOST, Browser
from tests.web.test_attachments import id_in, stored_as
from tests.web.test_drafts import fields
from tests.web.test_new_message import WRITTEN, address
from tests.world import World
from web import attachments as pages
from web import security
from web.gate import Gate

Between = Callable[[], Awaitable[object]]
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def scope_of(browser: Browser, method: str, url: str, **headers: str) -> dict[str, Any]:
    path, _, query = url.partition("?")
    cookies = "; ".join(f"{c.name}={c.value}" for c in browser.http.cookies.jar)
    sent = {"host": HOST.removeprefix("https://"), "cookie": cookies} | headers
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("203.0.113.7", 1),
        "server": ("portail.example", 443),
    }


async def post_slowly(
    app: Gate, browser: Browser, url: str, data: dict[str, str], between: Between
) -> tuple[int, httpx.Headers, bytes]:
    """Sent in two parts; what happens between them is said."""
    body = urlencode(data).encode()
    parts = [(body[:5], True), (body[5:], False)]
    answered: list[Any] = []

    async def receive() -> Any:
        if len(parts) == 1:
            await between()
        part, is_more = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": is_more}

    async def send(message: Any) -> None:
        answered.append(message)

    await app(scope_of(browser, "POST", url, **FORM), receive, send)  # type: ignore[arg-type]
    start, *rest = answered
    return start["status"], httpx.Headers(start["headers"]), b"".join(part["body"] for part in rest)


async def test_a_session_that_ends_while_the_form_arrives_sends_nothing(
    alice: Browser, app: Gate, world: World
) -> None:
    """A11: signed out on a shared computer while the form was on its way; its text is kept."""
    page = await alice.get(address(world.bob))

    async def sign_out() -> None:
        await Session.delete(force=True)

    status, headers, _ = await post_slowly(
        app, alice, address(world.bob), fields(page) | WRITTEN, sign_out
    )
    assert (status, headers["location"].partition("?")[0]) == (303, "/connexion")
    assert (await Message.count(), await Draft.count()) == (0, 0)
    assert "__Host-text=" in headers["set-cookie"]


async def test_an_access_that_ends_while_the_form_arrives_sends_and_shows_nothing(
    alice: Browser, app: Gate, world: World
) -> None:
    """A6: the reply's page, sent back with an error, would have shown the thread again."""
    thread = await world.thread("Secret.", patient=world.bob, may_answer=True)
    place = f"/profils/{world.bob}/communications/{thread}"
    page = await alice.get(f"{place}?repondre=1")

    async def withdraw() -> None:
        await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
            ProxyGrant.patient == world.bob
        )

    data = fields(page) | {"texte": "", "lu": "oui"}
    status, _, body = await post_slowly(app, alice, f"{place}/reponse", data, withdraw)
    assert (status, b"Secret" in body) == (404, False)


@pytest.mark.parametrize("path", ["/profils/{bob}/communications/nouveau", "/connexion"])
async def test_a_form_that_takes_too_long_is_refused_in_words(
    alice: Browser, app: Gate, world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "BODY_WITHIN", 0.05)

    async def for_ever() -> None:
        await asyncio.sleep(60)

    url = path.format(bob=world.bob)
    status, headers, body = await post_slowly(app, alice, url, WRITTEN, for_ever)
    assert (status, headers["connection"]) == (408, "close")
    assert "Envoi trop lent" in body.decode()


# Those who read slowly.

CONTENT = pdfs.good(pages=20)
PART = 1000


class Reader:
    """Asks for a document and takes nothing after its headers, until `is_reading`."""

    def __init__(self, app: Gate, browser: Browser, url: str) -> None:
        self.status, self.headers, self.taken = 0, httpx.Headers(), b""
        self.is_complete = False
        self.is_answered, self.is_reading = asyncio.Event(), asyncio.Event()
        scope = scope_of(browser, "GET", url)
        self.asking = asyncio.create_task(app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], httpx.Headers(message["headers"])
            self.is_answered.set()
            return
        await self.is_reading.wait()
        self.taken += message["body"]
        self.is_complete = not message["more_body"]

    async def end(self) -> None:
        self.is_reading.set()
        await self.asking


@pytest.fixture
async def url(app: Gate, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(app.app.state.portal, "openings", Openings())
    monkeypatch.setattr(openings, "PATIENCE", 0.05)
    monkeypatch.setattr(attachments, "PART", PART)
    attachment = await world.attachment(content=CONTENT)
    return f"/profils/{world.alice}/pieces-jointes/{attachment}"


async def readers(app: Gate, browser: Browser, url: str, number: int) -> list[Reader]:
    found = [Reader(app, browser, url) for _ in range(number)]
    for reader in found:
        await reader.is_answered.wait()
    return found


async def test_one_account_has_four_documents_on_their_way_at_most(
    alice: Browser, charlie: Browser, app: Gate, world: World, url: str
) -> None:
    """A31: what waits for a slow reader is bounded; another's reading is not held up by it."""
    slow = await readers(app, alice, url, 4)
    fifth = await alice.get(url)
    assert (fifth.status_code, fifth.headers["retry-after"]) == (503, "2")
    theirs = await world.attachment(patient=world.charlie)
    assert (await charlie.get(f"/profils/{world.charlie}/pieces-jointes/{theirs}")).is_success
    for reader in slow:
        await reader.end()
    assert [(reader.status, reader.taken) for reader in slow] == [(200, CONTENT)] * 4
    assert (await alice.get(url)).status_code == 200


async def test_all_together_have_sixteen_at_most(
    alice: Browser, charlie: Browser, app: Gate, world: World, url: str
) -> None:
    """A31."""
    places = app.app.state.portal.openings
    async with AsyncExitStack() as held:
        for _ in range(16):
            await held.enter_async_context(places.place(uuid4()))
        assert (await alice.get(url)).status_code == 503
    assert (await alice.get(url)).status_code == 200


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=0-9"])
async def test_every_answer_gives_its_place_back(
    alice: Browser, charlie: Browser, app: Gate, url: str, asked: str
) -> None:
    for _ in range(6):
        for browser in (alice, charlie):
            answer = await browser.get(url, headers={"range": asked})
            assert answer.status_code in {206, 416, 404}
            assert (await browser.http.head(url)).status_code in {200, 404}


async def test_a_slow_reader_has_no_more_than_a_part_of_it_in_memory(
    alice: Browser, app: Gate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31: sixty readers of ten megabytes held six hundred."""
    read: list[int] = []
    original = FILES.read

    async def counting(name: str, first: int, size: int) -> bytes:
        read.append(size)
        return await original(name, first, size)

    monkeypatch.setattr(FILES, "read", counting)
    (reader,) = await readers(app, alice, url, 1)
    parts = -(-len(CONTENT) // PART)
    async with asyncio.timeout(10):
        while len(read) <= parts:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # and no more follow
    assert (len(read), max(read)) == (parts + 1, PART)
    await reader.end()
    assert (len(read), reader.taken) == (2 * parts, CONTENT)


async def test_who_takes_nothing_for_too_long_is_cut_off(
    alice: Browser, app: Gate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31."""
    monkeypatch.setattr(pages, "TAKEN_WITHIN", 0.05)
    (reader,) = await readers(app, alice, url, 1)
    await reader.asking
    assert (reader.status, reader.taken, reader.is_complete) == (200, b"", False)
    assert len(app.app.state.portal.openings._of) == 0


async def test_what_changes_while_it_is_sent_is_not_sent(
    alice: Browser, app: Gate, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A34: found whole, then altered behind the back of a slow reader."""
    (reader,) = await readers(app, alice, url, 1)
    name = await stored_as(id_in(url))
    FILES.contents[name] = CONTENT[: 2 * PART] + b"x" * len(CONTENT)
    await reader.end()
    assert (reader.taken, reader.is_complete) == (CONTENT[: 2 * PART], False)
    attachment = url.rpartition("/")[2]
    assert caplog.messages == [f"the file of attachment {attachment} changed while it was sent"]
