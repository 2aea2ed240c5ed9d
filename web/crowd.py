"""More requests than one process can answer: who is served first, who waits a moment, who is told.

It decides before any session or database is asked: by the address, a mailed link's signature, and
which cookies there are.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeVar

from markupsafe import Markup

from domain.accounts.languages import LANGUAGES
from web.portal import Portal

log = logging.getLogger("portal.crowd")

T = TypeVar("T")

RETRY_AFTER = 5
SLOW = 0.05
"""Seconds for which a request keeps its place while it waits for its own browser."""
TOLD_EVERY = 10.0
BOOKING = re.compile("/profils/[^/]+/(reservation|urgence|rendez-vous/[^/]+/termine)(/|$)")
UNCOUNTED = re.compile("/static/|/sante$")
SIGNED_IN = re.compile(rb"(?:^|[ -])(?:session|staff|link|step)=")
KEPT_PAGES = 16


class Rank(Enum):
    """Best first, each with its room, and its share of the places there and of those who wait."""

    MAIL_LINK = "links", 0.25
    """Opened once, perhaps by somebody who cannot come; and as often as its owner likes."""
    BOOKING = "portal", 1.0
    SIGNED_IN = "portal", 0.75
    ANYONE = "portal", 0.5

    @property
    def room(self) -> str:
        """A full one keeps nobody out of another."""
        return self.value[0]

    @property
    def share(self) -> float:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Limits:
    at_once: int
    waiting: int
    seconds: float


def rank_of(
    path: str, cookies: bytes, links: re.Pattern[str], is_signed: Callable[[str], bool]
) -> Rank | None:
    """None is served whatever happens: it costs nothing, or tells a proxy that we live."""
    if UNCOUNTED.match(path):
        return None
    if link := links.match(path):
        token = path[link.end() - 1 :].partition("/")[0]
        # One that only its row knows gains what its cookie, which nobody signed either, will gain.
        return Rank.MAIL_LINK if is_signed(token) else Rank.SIGNED_IN
    if SIGNED_IN.search(cookies) is None:
        return Rank.ANYONE
    return Rank.BOOKING if BOOKING.match(path) else Rank.SIGNED_IN


def decide(
    rank: Rank, *, at_work: int, waiting: int, limits: Limits
) -> Literal["enter", "wait", "refuse"]:
    if has_room(rank, at_work, limits):
        return "enter"
    return "wait" if waiting < limits.waiting * rank.share else "refuse"


def has_room(rank: Rank, at_work: int, limits: Limits) -> bool:
    return at_work < limits.at_once * rank.share


class Crowd:
    """The requests of one process that are at work, and those that wait for a place."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._at_work = dict.fromkeys((rank.room for rank in Rank), 0)
        self._waiting: dict[Rank, deque[asyncio.Future[bool]]] = {rank: deque() for rank in Rank}
        self._refused = 0

    async def enter(self, rank: Rank) -> "Place | None":
        at_work, room = self._at_work[rank.room], rank.room
        waiting = sum(len(queue) for each, queue in self._waiting.items() if each.room == room)
        decision = decide(rank, at_work=at_work, waiting=waiting, limits=self._limits)
        if decision == "enter":
            self.take(rank)
            return Place(self, rank)
        if decision == "wait" and await self._turn(rank):
            return Place(self, rank)
        self._note_refusal()
        return None

    def take(self, rank: Rank) -> None:
        self._at_work[rank.room] += 1

    def give(self, left: Rank) -> None:
        self._at_work[left.room] -= 1
        for rank, queue in self._waiting.items():
            while queue and has_room(rank, self._at_work[rank.room], self._limits):
                turn = queue.popleft()
                if not turn.done():  # else it was cancelled a moment ago
                    turn.set_result(True)
                    self.take(rank)

    async def _turn(self, rank: Rank) -> bool:
        loop, queue = asyncio.get_running_loop(), self._waiting[rank]
        turn: asyncio.Future[bool] = loop.create_future()

        def give_up() -> None:
            if not turn.done():
                queue.remove(turn)
                turn.set_result(False)

        queue.append(turn)
        timer = loop.call_later(self._limits.seconds, give_up)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # it had its turn meanwhile
                    queue.remove(turn)
            elif turn.result():
                self.give(rank)
            raise
        finally:
            timer.cancel()

    def _note_refusal(self) -> None:
        if not self._refused:
            asyncio.get_running_loop().call_later(TOLD_EVERY, self._tell)
        self._refused += 1

    def _tell(self) -> None:
        log.warning("%d requests answered with 503 within %.0f s", self._refused, TOLD_EVERY)
        self._refused = 0


class Place:
    """One request's, from when it is let in; given to others while only its browser is slow."""

    def __init__(self, crowd: Crowd, rank: Rank) -> None:
        self._crowd = crowd
        self._rank = rank
        self._slow_waits = 0
        self._is_left = False
        self._is_taken = True

    def leave(self) -> None:
        self._is_left = True
        self._settle()

    async def aside(self, wait: Awaitable[T]) -> T:
        """For what only the request's own browser decides on: a slow one keeps nobody waiting."""
        is_slow = False

        def begin() -> None:
            nonlocal is_slow
            is_slow = True
            self._slow_waits += 1
            self._settle()

        timer = asyncio.get_running_loop().call_later(SLOW, begin)
        try:
            return await wait
        finally:
            timer.cancel()
            if is_slow:
                self._slow_waits -= 1
                self._settle()

    def _settle(self) -> None:
        """A request may read and send at once: it is one all the same."""
        is_at_work = not (self._is_left or self._slow_waits)
        if is_at_work != self._is_taken:
            self._is_taken = is_at_work
            (self._crowd.take if is_at_work else self._crowd.give)(self._rank)


class Refusals:
    """The answers to those who found no place, made once each."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._pages: dict[tuple[object, ...], bytes] = {}

    def answer(self, headers: dict[bytes, bytes], *, is_form: bool) -> dict[str, Any]:
        is_fragment = headers.get(b"hx-request") == b"true" and b"hx-boosted" not in headers
        is_english = b"language=en" in headers.get(b"cookie", b"")
        body = self._page(LANGUAGES[is_english], is_fragment, is_form)
        return {
            "status": 503,
            "body": body,
            "headers": [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"retry-after", str(RETRY_AFTER).encode()),
                *(IN_PLACE if is_fragment else []),
            ],
        }

    def _page(self, language: str, is_fragment: bool, is_form: bool) -> bytes:
        clinic = self._portal.last_clinic
        key = (language, is_fragment, is_form, clinic.name, clinic.phone)
        if key not in self._pages:
            if len(self._pages) == KEPT_PAGES:
                self._pages.clear()
            self._pages[key] = self._rendered(language, is_fragment, is_form)
        return self._pages[key]

    def _rendered(self, language: str, is_fragment: bool, is_form: bool) -> bytes:
        clinic, render = self._portal.last_clinic, self._portal.renderer.render
        facts: dict[str, Any] = {"is_form": is_form, "clinic": clinic, "is_fragment": is_fragment}
        if is_fragment:
            return render("crowd/words.html", language, clinic.zone, **facts).encode()
        # The account's own language is in the database, which is not asked: so both.
        words = [
            (other, Markup(render("crowd/words.html", other, clinic.zone, **facts)))  # noqa: S704 - a template's
            for other in sorted(LANGUAGES, key=lambda each: each != language)
        ]
        return render(
            "crowd/overloaded.html",
            language,
            clinic.zone,
            layout="layouts/page.html",
            words=words,
            viewer=None,
            member=None,
            unread=None,
            activity=None,
            is_demo=self._portal.settings.is_demo,
            home="/",
            csrf=lambda: "",
            restored="",
            current_url="/",
            **facts,
        ).encode()


# Above what is there already, which keeps what is typed in it; and whatever part was asked for.
IN_PLACE = [
    (b"hx-retarget", b"#main"),
    (b"hx-reswap", b"afterbegin"),
    (b"hx-reselect", b"#foule"),
    (b"hx-push-url", b"false"),
]
