"""Whatever is sent, by whomever: an answer of ours, and nothing of another's."""

import os
import re
from uuid import UUID

import httpx
import pytest

from domain.accounts import sessions
from domain.staff import sessions as staff_sessions
from tests.web.browser import HOST, SETTINGS, Browser
from tests.web.fuzzing import Fuzzer, Odd
from tests.web.routes import Scene
from tests.web.staff.scene import StaffScene
from tests.world import World
from web.gate import HEADERS, Gate
from web.security import form_token

SHORT, LONG = 40, int(os.environ.get("FUZZ_REQUESTS", "2500"))
"""Requests of each person."""
SEED = int(os.environ.get("FUZZ_SEED", "2026"))
RENEWED = 20
"""A request may have signed out: after so many there is a new session."""
ALICES, CHARLIES = "MARQUEUR-ALICE", "MARQUEUR-CHARLIE"
INSIDES = re.compile(r"Traceback|File \"/|sqlite3|asyncpg|[Pp]iccolo|[Ll]itestar|SELECT \w")
NEVER = {"stranger": (ALICES, CHARLIES), "alice": (CHARLIES,), "charlie": (ALICES,)}
"""What each may never see."""
SIGNED_IN = re.compile("__Host-(session|staff)=[A-Za-z0-9_-]")
PATIENTS = ("stranger", "alice", "charlie")
STAFF = ("stranger", "alice", "dana", "erin", "fay")


@pytest.mark.parametrize("person", PATIENTS)
async def test_odd_requests_are_answered_and_show_nothing_of_others(
    app: Gate, world: World, stage: Scene, person: str
) -> None:
    """A47, A49, R82: paths, queries, forms, headers, bodies and methods altered at random."""
    assert await faults_of(SHORT, app, world, stage, person) == []


@pytest.mark.parametrize("person", STAFF)
async def test_odd_requests_to_the_clinics_side_are_answered_and_show_nothing_to_patients(
    app: Gate, world: World, desk: StaffScene, person: str
) -> None:
    """A47, A49, R82."""
    assert await faults_of(SHORT, app, world, desk, person) == []


@pytest.mark.soak
@pytest.mark.parametrize("person", PATIENTS)
async def test_odd_requests_are_answered_for_long(
    app: Gate, world: World, stage: Scene, person: str
) -> None:
    assert await faults_of(LONG, app, world, stage, person) == []


@pytest.mark.soak
@pytest.mark.parametrize("person", STAFF)
async def test_odd_requests_to_the_clinics_side_are_answered_for_long(
    app: Gate, world: World, desk: StaffScene, person: str
) -> None:
    assert await faults_of(LONG, app, world, desk, person) == []


async def faults_of(
    times: int, app: Gate, world: World, scene: Scene | StaffScene, person: str
) -> list[str]:
    theirs = [
        await world.thread(ALICES, subject=ALICES),
        await world.thread(CHARLIES, patient=world.charlie, subject=CHARLIES),
        await world.attachment(patient=world.charlie, name=f"{CHARLIES}.pdf"),
        world.charlie,
        world.bob,
    ]
    fuzzer = Fuzzer(SEED + sum(map(ord, person)), scene, theirs)
    found: list[str] = []
    browser = Browser(app)
    is_another = False
    for number in range(times):
        if number % RENEWED == 0 or is_another:
            browser = await entered(app, world, person)
        odd = fuzzer.request()
        answer = await sent(browser, odd)
        found += [f"{fault}: {odd}" for fault in faults(answer, NEVER.get(person, ()))]
        # The right code or link was among what it sends: it is rightly signed in as its owner.
        is_another = bool(SIGNED_IN.search(str(answer.headers)))
    return found


def faults(answer: httpx.Response, never: tuple[str, ...]) -> list[str]:
    shown = f"{answer.headers} {answer.text}"
    found = [f"shows {marker}" for marker in never if marker in shown]
    found += [f"says {inside}" for inside in INSIDES.findall(shown)]
    found += [f"has no {name}" for name in HEADERS if name not in answer.headers]
    found += ["has a header of ours to say"] if "x-evil" in answer.headers else []
    is_busy = answer.status_code == 503 and "retry-after" in answer.headers
    if answer.status_code >= 500 and not is_busy:
        found.append(f"answered {answer.status_code}")
    if (way := answer.headers.get("location")) and not re.match(r"/(?![/\\])|\?", way):
        found.append(f"leads to {way}")
    return found


async def sent(browser: Browser, odd: Odd) -> httpx.Response:
    form = odd.form if any(n == "_csrf_token" for n, _ in odd.form) else odd.form.copy()
    if form is not odd.form:
        form.append(("_csrf_token", browser.token))
    kind = [("content-type", "application/x-www-form-urlencoded")] if odd.body is None else []
    whole = Odd(odd.method, odd.path, odd.query, form, odd.body)
    headers = [*kind, *odd.headers]
    request = browser.http.build_request(
        odd.method,
        f"{HOST}{whole.url}",
        content=whole.content if odd.method not in {"GET", "HEAD"} else None,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
    )
    return await browser.http.send(request)


async def entered(app: Gate, world: World, person: str) -> Browser:
    browser = Browser(app)
    token, cookie = "", ""
    if person in {"alice", "charlie"}:
        account: UUID = getattr(world, f"{person}_account")
        token, cookie = await sessions.begin(account, device="", now=world.now), "__Host-session"
    elif person != "stranger":
        member: UUID = getattr(world, person)
        begun = await staff_sessions.begin(member, device="", now=world.now)
        token, cookie = begun, "__Host-staff"
    if token:
        browser.http.cookies.set(cookie, token, domain="portail.example")
        browser.token = form_token(SETTINGS.keys[0], token)
    else:
        await browser.get("/connexion")
    return browser
