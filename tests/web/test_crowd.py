"""More people than can be served: who is first, who waits, and what the others are told."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from domain.accounts.tables import Attempt
from domain.appointments.tables import Appointment, Hold
from domain.links import Links, Purpose, UnsubscribeLink, VisitLink
from tests.stores import FILES
from tests.web.browser import SETTINGS, Browser, Clock, elements
from tests.world import NOW, PASSWORDS, World
from web.app import create_app
from web.booking_urls import card_url, hold_url, step_url
from web.crowd import Crowd, Limits, Place, Rank, decide, rank_of
from web.gate import HEADERS, Gate

LIMITS = Limits(at_once=4, waiting=8, seconds=0.05)
LINKS = re.compile("(/+courriel/+confirmation/+)[^/]")
SESSION = b"csrf=a; __Host-session=b"


@pytest.mark.parametrize(
    ("path", "cookies", "rank"),
    [
        ("/static/app.css", b"", None),
        ("/sante", b"", None),
        ("/santerre", b"", Rank.ANYONE),
        ("/courriel/confirmation/ours", b"", Rank.MAIL_LINK),
        ("//courriel/confirmation/ours/", b"", Rank.MAIL_LINK),
        ("/courriel/confirmation/forged", b"", Rank.SIGNED_IN),
        ("/connexion", b"__Host-csrf=session", Rank.ANYONE),
        ("/profils/1/reservation/creneau", b"", Rank.ANYONE),
        ("/profils/1/reservation/creneau", SESSION, Rank.BOOKING),
        ("/profils/1/urgence", b"session=b", Rank.BOOKING),
        ("/profils/1/rendez-vous/2/termine", SESSION, Rank.BOOKING),
        ("/profils/1/rendez-vous", SESSION, Rank.SIGNED_IN),
        ("/clinique", b"staff=c", Rank.SIGNED_IN),
        ("/activation", b"__Host-link=d", Rank.SIGNED_IN),
    ],
)
def test_rank_is_told_by_the_address_and_the_cookies(
    path: str, cookies: bytes, rank: Rank | None
) -> None:
    assert rank_of(path, cookies, LINKS, lambda token: token == "ours") is rank


def test_a_link_is_told_by_its_signature() -> None:
    """Abuse: a script that opens links of its own making has the rank of a forged cookie."""
    links, others = Links(SETTINGS.keys), Links(["b" * 8 + "0123456789abcdefghijklmnop"])
    visit = VisitLink(uuid4(), 1, uuid4())
    signed = [links.sign_visit(purpose, visit) for purpose in (Purpose.CONFIRM, Purpose.CANCEL)]
    signed.append(links.sign_unsubscribe(UnsubscribeLink(uuid4(), uuid4(), "appointment"), NOW))
    forged = [others.sign_visit(Purpose.CONFIRM, visit), signed[0][:-1], signed[0].upper()]
    forged += ["", "x", "é.é", "a.b.c", links.secret_token(Purpose.RESET, uuid4())]
    forged.append(links.sign_writer(uuid4(), NOW))
    assert [links.is_signed(token) for token in signed] == [True] * 3
    assert [links.is_signed(token) for token in forged] == [False] * len(forged)


@pytest.mark.parametrize(
    ("rank", "at_work", "waiting", "decision"),
    [
        (Rank.ANYONE, 1, 0, "enter"),
        (Rank.ANYONE, 2, 3, "wait"),
        (Rank.ANYONE, 2, 4, "refuse"),
        (Rank.SIGNED_IN, 2, 4, "enter"),
        (Rank.SIGNED_IN, 3, 5, "wait"),
        (Rank.SIGNED_IN, 3, 6, "refuse"),
        (Rank.BOOKING, 3, 8, "enter"),
        (Rank.BOOKING, 4, 7, "wait"),
        (Rank.BOOKING, 4, 8, "refuse"),
        (Rank.MAIL_LINK, 0, 0, "enter"),
        (Rank.MAIL_LINK, 1, 1, "wait"),
        (Rank.MAIL_LINK, 1, 2, "refuse"),
    ],
)
def test_each_rank_has_its_share(rank: Rank, at_work: int, waiting: int, decision: str) -> None:
    assert decide(rank, at_work=at_work, waiting=waiting, limits=LIMITS) == decision


async def test_who_is_booking_is_let_in_first() -> None:
    crowd, entered = Crowd(replace(LIMITS, seconds=5)), []

    async def come(rank: Rank) -> None:
        await let_in(crowd, rank)
        entered.append(rank)

    places = await fill(crowd)
    ranks = [Rank.ANYONE, Rank.SIGNED_IN, Rank.BOOKING, Rank.BOOKING]
    tasks = [asyncio.create_task(come(rank)) for rank in ranks]
    await asyncio.sleep(0)
    for place in places:
        place.leave()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks[1:])
    assert entered == [Rank.BOOKING, Rank.BOOKING, Rank.SIGNED_IN]
    crowd.give(Rank.BOOKING)
    crowd.give(Rank.BOOKING)
    await tasks[0]


async def test_links_and_the_rest_keep_no_place_from_each_other() -> None:
    """Abuse: a patient who opens the link of a mail a thousand times."""
    crowd = Crowd(replace(LIMITS, seconds=0.5))
    link = await let_in(crowd, Rank.MAIL_LINK)
    waiting = [asyncio.create_task(crowd.enter(Rank.MAIL_LINK)) for _ in range(1000)]
    await asyncio.sleep(0)
    await fill(crowd)
    others = [asyncio.create_task(crowd.enter(Rank.BOOKING)) for _ in range(LIMITS.waiting)]
    await asyncio.sleep(0)
    link.leave()
    entered = [place for place in await asyncio.gather(*waiting) if place]
    assert len(entered) == 1
    assert await asyncio.gather(*others) == [None] * LIMITS.waiting
    entered[0].leave()
    assert await crowd.enter(Rank.MAIL_LINK)


async def test_a_wait_is_short_and_who_gives_up_leaves_no_trace() -> None:
    crowd = Crowd(LIMITS)
    places = await fill(crowd)
    assert not await crowd.enter(Rank.BOOKING)
    gone = asyncio.create_task(crowd.enter(Rank.BOOKING))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    places[0].leave()
    assert await crowd.enter(Rank.BOOKING)
    assert not await crowd.enter(Rank.BOOKING)


async def test_who_is_cancelled_just_when_let_in_gives_the_place_on() -> None:
    crowd = Crowd(LIMITS)
    places = await fill(crowd)
    waiting = asyncio.create_task(crowd.enter(Rank.BOOKING))
    await asyncio.sleep(0)
    places[0].leave()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await crowd.enter(Rank.BOOKING)


async def test_who_is_cancelled_just_before_a_place_is_free_leaves_it_to_the_next() -> None:
    crowd = Crowd(replace(LIMITS, seconds=0.5))
    places = await fill(crowd)
    gone, next = (asyncio.create_task(crowd.enter(Rank.BOOKING)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    places[0].leave()
    (cancelled, entered) = await asyncio.gather(gone, next, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(entered, Place)
    assert not await crowd.enter(Rank.BOOKING)


async def test_a_slow_browser_keeps_nobody_waiting() -> None:
    """Abuse: a script that sends many forms, a byte at a time."""
    crowd, arrived = Crowd(replace(LIMITS, seconds=5)), asyncio.Event()

    async def slow() -> None:
        place = await let_in(crowd, Rank.BOOKING)
        await place.aside(arrived.wait())
        place.leave()

    tasks = [asyncio.create_task(slow()) for _ in range(LIMITS.at_once)]
    await asyncio.sleep(0)
    place = await let_in(crowd, Rank.BOOKING)
    arrived.set()
    await asyncio.gather(*tasks)
    place.leave()
    await fill(crowd)
    assert decide(Rank.BOOKING, at_work=LIMITS.at_once, waiting=0, limits=LIMITS) == "wait"
    assert not await Crowd(replace(LIMITS, at_once=0)).enter(Rank.BOOKING)


@pytest.mark.parametrize("leaves", ["at the end", "while it waits"])
async def test_a_request_that_reads_and_sends_at_once_has_one_place(
    leaves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Abuse: each such request would have made room for another one for ever."""
    monkeypatch.setattr("web.crowd.SLOW", 0)
    crowd, reading, sending = Crowd(LIMITS), asyncio.Event(), asyncio.Event()
    place = await let_in(crowd, Rank.BOOKING)
    waits = [asyncio.create_task(place.aside(event.wait())) for event in (reading, sending)]
    await asyncio.sleep(0.01)
    others = await fill(crowd)
    assert not await crowd.enter(Rank.BOOKING)
    if leaves == "while it waits":
        place.leave()
    reading.set()
    sending.set()
    await asyncio.gather(*waits)
    place.leave()
    others[0].leave()
    assert await crowd.enter(Rank.BOOKING)
    assert not await crowd.enter(Rank.BOOKING)


async def let_in(crowd: Crowd, rank: Rank) -> Place:
    place = await crowd.enter(rank)
    assert place is not None
    return place


async def fill(crowd: Crowd) -> list[Place]:
    return [await let_in(crowd, Rank.BOOKING) for _ in range(LIMITS.at_once)]


@pytest.fixture
async def full(app: Gate, clock: Clock, world: World) -> Gate:
    """The same portal without one place."""
    settings = replace(SETTINGS, crowd=(0, 0, 0.1))
    return create_app(settings, clock, passwords=PASSWORDS, files=FILES)


async def test_the_page_says_it_calmly_in_both_languages(full: Gate) -> None:
    for language, title in (("fr", "Un instant…"), ("en", "One moment…")):
        browser = Browser(full)
        browser.http.cookies.set("__Host-language", language)
        answer = await browser.get("/connexion")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        (heading,) = elements(answer, "h1")
        assert heading.text == title
        said = [
            element.attrs["lang"] for element in elements(answer, "div") if "lang" in element.attrs
        ]
        assert said == [
            f"{each}-CA" for each in (("fr", "en") if language == "fr" else ("en", "fr"))
        ]
        assert [
            link.attrs["href"]
            for link in elements(answer, "a")
            if "btn" in link.attrs.get("class", "")
        ] == ["", ""]


async def test_within_a_page_it_is_said_above_what_is_there(full: Gate) -> None:
    answer = await Browser(full).get("/connexion", htmx=True)
    assert answer.status_code == 503
    assert {name: value for name, value in answer.headers.items() if name.startswith("hx-")} == {
        "hx-retarget": "#main",
        "hx-reswap": "afterbegin",
        "hx-reselect": "#foule",
        "hx-push-url": "false",
    }
    assert [e.attrs["id"] for e in elements(answer) if "id" in e.attrs] == ["foule"]


async def test_files_and_health_are_answered_all_the_same(full: Gate) -> None:
    browser = Browser(full)
    statuses = {url: (await browser.get(url)).status_code for url in ("/static/app.css", "/sante")}
    assert statuses == {"/static/app.css": 200, "/sante": 200}


async def test_our_mail_links_find_a_place_while_all_others_are_taken(
    app: Gate, clock: Clock, world: World
) -> None:
    one = create_app(replace(SETTINGS, crowd=(1, 0, 0.1)), clock, passwords=PASSWORDS, files=FILES)
    signed = Links(SETTINGS.keys).sign_visit(Purpose.CONFIRM, VisitLink(uuid4(), 1, uuid4()))
    urls = ["/connexion", "/courriel/confirmation/x", f"/courriel/confirmation/{signed}"]
    browser, statuses = Browser(one), []
    inner = one.app

    async def meanwhile(*ends: Any) -> None:
        one.app = inner
        statuses.extend([(await browser.get(url)).status_code for url in urls])
        await inner(*ends)

    one.app = meanwhile  # type: ignore[assignment]
    assert (await Browser(one).get("/connexion")).status_code == 200
    assert statuses == [503, 503, 410]


async def test_a_booking_that_found_no_place_left_nothing_and_is_sent_again(
    alice: Browser, full: Gate, world: World
) -> None:
    url, patient = step_url(world.alice, world.choices, "slot"), world.alice
    await alice.get(url)
    chosen = await world.slot()
    app, slot = alice.app, {"creneau": str(chosen)}
    refused = Browser(full, kept=alice.keep())
    before = await Attempt.count()
    answer = await refused.post(hold_url(patient, world.choices), slot)
    assert (answer.status_code, await Hold.count(), await Attempt.count()) == (503, 0, before)
    again = Browser(app, kept=refused.keep())
    assert (await again.post(hold_url(patient, world.choices), slot)).status_code == 303
    card = card_url(patient, world.choices, chosen)
    refused = Browser(full, kept=again.keep())
    assert (await refused.post(card, {"cle": "once"})).status_code == 503
    assert await Appointment.count() == 0
    assert (await again.post(card, {"cle": "once"})).status_code == 303
    assert await Appointment.count() == 1


async def test_of_many_at_once_each_has_an_answer_or_is_told_to_come_again(
    alice: Browser, clock: Clock, world: World
) -> None:
    settings = replace(SETTINGS, crowd=(2, 6, 5.0))
    app = create_app(settings, clock, passwords=PASSWORDS, files=FILES)
    inner = app.app

    async def slowly(*ends: Any) -> None:
        await asyncio.sleep(0.01)
        await inner(*ends)

    app.app = slowly  # type: ignore[assignment]
    kept = alice.keep()
    browsers = [Browser(app, kept=kept) for _ in range(12)]
    strangers = [Browser(app) for _ in range(12)]
    url = step_url(world.alice, world.choices, "slot")
    asked = [browser.get("/connexion") for browser in strangers]
    asked += [browser.get(url) for browser in browsers]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert (statuses[:12].count(200), statuses[:12].count(503)) == (4, 8)
    assert (statuses[12:].count(200), statuses[12:].count(503)) == (4, 8)
