"""A person with a browser, who tries again when the portal does not answer."""

import random
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Protocol
from uuid import UUID

import httpx

from tests.world import PASSWORD

TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
KEY = re.compile(r'name="cle" value="([^"]+)"')
BOOKED = re.compile(r"/rendez-vous/([0-9a-f-]{36})/termine$")


@dataclass
class Told:
    """What the portal has told people, which therefore must be so."""

    booked: set[UUID] = field(default_factory=set)
    cancelled: set[UUID] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)


class Home(Protocol):
    url: str

    @property
    def is_alive(self) -> bool: ...


class Interrupted(Exception):
    """A page that says to try again."""


class Person:
    def __init__(self, server: Home, email: str, patient: UUID, query: str, told: Told) -> None:
        self.server = server
        self.email = email
        self.folder = f"/profils/{patient}"
        self.query = query
        self.told = told
        self.cookies: dict[str, str] = {}
        self.visits: list[UUID] = []
        self.http = httpx.AsyncClient(
            base_url=server.url,
            headers={"host": "portail.example", "sec-fetch-site": "same-origin"},
            timeout=20,
        )

    async def ask(
        self, method: str, url: str, data: dict[str, str] | None = None
    ) -> httpx.Response:
        # By hand: no client sends a Secure cookie over the plain HTTP of this machine.
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.http.request(method, url, data=data, headers={"cookie": cookies})
        for line in answer.headers.get_list("set-cookie"):
            name, value = line.split(";", 1)[0].split("=", 1)
            self.cookies[name] = value
        self.told.statuses.append(answer.status_code)
        return answer

    async def get(self, url: str) -> httpx.Response:
        return await self.ask("GET", url)

    async def send(self, page: httpx.Response, url: str, **fields: str) -> httpx.Response:
        if page.status_code >= 500:
            raise Interrupted
        token = TOKEN.search(page.text)
        assert token, page.text
        return await self.ask("POST", url, {"_csrf_token": unescape(token[1]), **fields})

    async def sign_in(self) -> None:
        page = await self.get("/connexion")
        if page.status_code == 303:
            return
        answer = await self.send(page, "/connexion", courriel=self.email, mot_de_passe=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def book(self, slot: UUID) -> None:
        """Choose, look at the card, and confirm there."""
        slots = f"{self.folder}/reservation/creneau?{self.query}"
        hold = f"{self.folder}/reservation/retenue?{self.query}"
        held = await self.send(await self.get(slots), hold, creneau=str(slot))
        url = held.headers.get("location", "")
        if "/confirmation?" not in url:
            return
        card = await self.get(url)
        if card.status_code != 200:
            return
        booked = await self.final(card, url)
        if found := BOOKED.search(booked.headers.get("location", "")):
            self.visits.append(UUID(found[1]))
            self.told.booked.add(self.visits[-1])

    async def final(self, card: httpx.Response, url: str) -> httpx.Response:
        key = KEY.search(card.text)
        assert key, card.text
        return await self.send(card, url, cle=key[1])

    async def cancel(self, visit: UUID) -> None:
        url = f"{self.folder}/rendez-vous/{visit}/annulation"
        page = await self.get(url)
        if page.status_code != 200:
            return
        if (await self.send(page, url)).status_code == 303:
            self.told.cancelled.add(visit)

    async def go_on(self, slots: list[UUID], chance: random.Random) -> None:
        """Book and cancel until the portal is gone, or no longer lets one."""
        try:
            for _ in range(8):
                await self.book(chance.choice(slots))
                await self.get("/")
                if self.visits and chance.random() < 0.4:
                    await self.cancel(self.visits.pop())
        except httpx.TransportError:
            if self.server.is_alive:
                raise

    async def close(self) -> None:
        await self.http.aclose()


def statuses(told: Told) -> dict[int, Any]:
    return {status: told.statuses.count(status) for status in sorted(set(told.statuses))}
