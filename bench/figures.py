"""What is measured, one function a block of the table."""

import asyncio
import json
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

import brotli

from bench import load, servers
from bench.data import PASSWORD
from bench.load import Answers, get, herd, post
from bench.servers import BARE, HOST, LOAD_CORE, PORTAL, Server, running
from domain.accounts.passwords import Passwords
from domain.config import DEMO_KEY
from web.security import form_token

HERD = 50
HELD = 200
Figures = dict[str, str]


@dataclass(frozen=True)
class Size:
    rounds: int
    seconds: float
    bookings: int
    """A round, at most; no more than there are people."""
    herds: int
    pairs: int
    compared: int = 600
    """Bookings a round, beside another product's."""
    patients: int = 100_000
    """Of the big clinic, a hundred times the small one's; one practitioner for fifty of them."""
    mails: int = 10_000
    opened: int = 100_000
    """Appointments whose time to confirm begins at once."""


FULL = Size(rounds=3, seconds=6, bookings=1500, herds=3, pairs=40)
QUICK = Size(
    rounds=3,
    seconds=1,
    bookings=300,
    herds=1,
    pairs=12,
    compared=100,
    patients=5_000,
    mails=500,
    opened=2_000,
)


class Clinic:
    """The URLs and requests of the people that bench/data.py made."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._slots = iter(plan["slots"])
        self._booked = 0
        self.people: list[dict[str, str]] = plan["people"]

    def next_slots(self, n: int) -> list[tuple[str, str]]:
        return [next(self._slots) for _ in range(n)]

    def week_url(self, practitioner: str = "", person: dict[str, str] | None = None) -> str:
        chosen = practitioner or self._plan["practitioner"]
        patient = (person or self.people[0])["patient"]
        query = urlencode({**self._choices(chosen), "semaine": self._plan["monday"]})
        return f"/profils/{patient}/reservation/creneau?{query}"

    def soonest_url(self, practitioner: str, person: dict[str, str]) -> str:
        """Without a week asked for: that of the first free time."""
        query = urlencode(self._choices(practitioner))
        return f"/profils/{person['patient']}/reservation/creneau?{query}"

    def new_visit_url(self, person: dict[str, str]) -> str:
        """Where the desk chooses a time, of all who work at one site."""
        query = urlencode({"intervenant": "tous", "lieu": self._plan["site"]})
        return f"/clinique/patients/{person['patient']}/rendez-vous/nouveau?{query}"

    def inbox(self, name: str) -> tuple[str, dict[str, str]]:
        """The list's address, and what its holder's browser sends."""
        person = self._plan["inboxes"][name]
        headers = {"Host": HOST, "Accept-Encoding": "br", "Cookie": f"session={person['session']}"}
        return f"/profils/{person['patient']}/communications", headers

    def pages(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What is opened most, each with the headers of who opens it."""
        own = {"Host": HOST, "Accept-Encoding": "br", "Cookie": self.cookie}
        return {
            "slot page": (self.week_url(), own),
            "dashboard": ("/", own),
            "appointments": (f"/profils/{self.people[0]['patient']}/rendez-vous", own),
            "inbox": self.inbox("short"),
        }

    @property
    def cookie(self) -> str:
        return f"session={self.people[0]['session']}"

    def hold(self, person: dict[str, str], slot: tuple[str, str]) -> bytes:
        url = (
            f"/profils/{person['patient']}/reservation/retenue?{urlencode(self._choices(slot[0]))}"
        )
        return self._form(person, url, creneau=slot[1])

    def confirm(self, person: dict[str, str], slot: tuple[str, str]) -> bytes:
        query = urlencode({**self._choices(slot[0]), "creneau": slot[1]})
        url = f"/profils/{person['patient']}/reservation/confirmation?{query}"
        return self._form(person, url, cle=secrets.token_urlsafe(18))

    def _form(self, person: dict[str, str], url: str, **fields: str) -> bytes:
        token = form_token(DEMO_KEY, person["session"])
        body = urlencode({"_csrf_token": token, **fields})
        return post(url, f"session={person['session']}", body)

    def _choices(self, practitioner: str) -> dict[str, str]:
        return {
            "specialite": self._plan["specialty"],
            "intervenant": practitioner,
            "lieu": self._plan["site"],
            "type": self._plan["visit_type"],
            "moment": "des-que-possible",
        }


@contextmanager
def filled(engine: str) -> Iterator[tuple[Clinic, dict[str, str]]]:
    """A database with the clinic in it, and the environment of a portal on it."""
    with servers.database(engine) as env:
        plan = subprocess.run(
            [sys.executable, "-m", "bench.data"], env=env, stdout=subprocess.PIPE, check=True
        ).stdout
        yield Clinic(json.loads(plan)), env


@contextmanager
def kept(found: Figures, name: str) -> Iterator[None]:
    """What was measured before stays, whatever happens to this figure."""
    try:
        yield
    except Exception as problem:
        found[name] = f"FAILED {problem}"[:60]


def measure(engine: str, size: Size) -> Figures:
    with filled(engine) as (clinic, env):
        return _measure(clinic, engine, env, size)


def _measure(clinic: Clinic, engine: str, env: dict[str, str], size: Size) -> Figures:
    found: Figures = {}
    bare_env = {
        **env,
        "PORTAL_JOBS": "off",
        "BENCH_URL": clinic.week_url(),
        "BENCH_COOKIE": clinic.cookie,
    }
    with running(PORTAL, env) as portal:
        with running(BARE, bare_env) as bare:
            with kept(found, "first visits"):
                found |= weights(clinic, portal)
            with kept(found, "pages"):
                found |= pages(clinic, portal, bare, size)
            with kept(found, "full inbox"):
                found |= inboxes(clinic, portal, size)
            found["memory of the one process after the pages, MB"] = portal.memory()
            with kept(found, "bookings"):
                found |= bookings(clinic, portal, bare, size)
        with kept(found, "one slot"):
            found |= one_slot(clinic, [portal], size)
            with running(PORTAL, env) as second:
                found |= one_slot(clinic, [portal, second], size)
        with kept(found, "sign-ins"):
            found |= sign_in(clinic, portal, size)
        with kept(found, "workers"):
            found |= workers(clinic, engine, portal, env, size)
    return found


def pages(clinic: Clinic, portal: Server, bare: Server, size: Size) -> Figures:
    """Each beside the bare one, in turns."""
    headers = {"Host": HOST, "Accept-Encoding": "br"}
    load.wrk(bare.port, "/", 1, headers)
    found = {}
    for name, (url, own) in clinic.pages().items():
        load.wrk(portal.port, url, 1, own)
        rates, limits = [], []
        for _ in range(size.rounds):
            rates.append(load.wrk(portal.port, url, size.seconds, own))
            limits.append(load.wrk(bare.port, "/", size.seconds, headers))
        found[f"{name}, /s"] = ratio(rates, limits)
    return found


def workers(
    clinic: Clinic, engine: str, portal: Server, env: dict[str, str], size: Size
) -> Figures:
    """A second process, on the core from which the load comes: what it can add at the least."""
    names = ("slot page, 2 workers, /s (of 1)", "hold, 2 workers, /s (of 1)")
    if engine == "SQLite":
        return dict.fromkeys(names, "one process is the rule on SQLite")
    week = [get(clinic.week_url(), clinic.cookie)] * 100_000
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    with running(PORTAL, env, core=LOAD_CORE) as second:
        for n in range(size.rounds):
            both = [portal.port, second.port]
            for place, ports in enumerate((both[:1], both)):
                drive(portal, week[:50], 200, size)
                found[names[0]][place].append(_rate(ports, week, 200, size))
                people = clinic.people[1 + (2 * n + place) * HELD :][:HELD]
                slots = clinic.next_slots(len(people))
                holds = [clinic.hold(*pair) for pair in zip(people, slots, strict=True)]
                found[names[1]][place].append(_rate(ports, holds, 303, size))
    return {name: ratio(two, one, digits=2) for name, (one, two) in found.items()}


def _rate(ports: list[int], requests: list[bytes], status: int, size: Size) -> float:
    answers = asyncio.run(load.spread(ports, requests, size.seconds))
    answers.check(status)
    return answers.rate


def inboxes(clinic: Clinic, portal: Server, size: Size) -> Figures:
    """The same page of a full inbox and of a short one, in turns."""
    waits: dict[str, list[float]] = {"long": [], "short": []}
    for _ in range(size.rounds):
        for name, found in waits.items():
            url, headers = clinic.inbox(name)
            found.append(1000 / load.wrk(portal.port, url, size.seconds, headers))
    long, short = median(waits["long"]), median(waits["short"])
    name = "inbox of 10,000 threads, of one of 50, ms a page"
    return {name: f"{long:.1f} of {short:.1f} = {long / short:.2f} ×"}


def bookings(clinic: Clinic, portal: Server, bare: Server, size: Size) -> Figures:
    holds, confirms, limits = [], [], []
    page = [get("/")] * size.bookings
    for _ in range(size.rounds):
        people = clinic.people[1 : size.bookings + 1]
        pairs = list(zip(people, clinic.next_slots(size.bookings), strict=True))
        holds.append(drive(portal, [clinic.hold(*pair) for pair in pairs], 303, size))
        held = pairs[: len(holds[-1].waits)]
        confirms.append(drive(portal, [clinic.confirm(*pair) for pair in held], 303, size))
        limits.append(drive(bare, page, 200, size))
    bare_rates = [each.rate for each in limits]
    return {
        "hold, /s": ratio([each.rate for each in holds], bare_rates),
        "confirmation of a booking, /s": ratio([each.rate for each in confirms], bare_rates),
        "hold p99, ms": f"{median(each.percentile(99) for each in holds):.0f}",
        "confirmation p99, ms": f"{median(each.percentile(99) for each in confirms):.0f}",
        "(bare p99, ms)": f"{median(each.percentile(99) for each in limits):.0f}",
    }


def drive(server: Server, requests: list[bytes], status: int, size: Size) -> Answers:
    answers = asyncio.run(load.drive(server.port, requests, size.seconds))
    answers.check(status)
    return answers


def one_slot(clinic: Clinic, portals: list[Server], size: Size) -> Figures:
    statuses: set[str] = set()
    longest = 0.0
    for slot in clinic.next_slots(size.herds):
        requests = [clinic.confirm(person, slot) for person in clinic.people[-HERD:]]
        answers = asyncio.run(herd([each.port for each in portals], requests))
        statuses.add(_counted(answers.statuses))
        longest = max(longest, answers.seconds)
    name = f"{HERD} at once for one slot, {len(portals)} process{'es' if portals[1:] else ''}"
    return {name: " or ".join(statuses), f"{name}, s": f"{longest:.2f}"}


def weights(clinic: Clinic, portal: Server) -> Figures:
    found = {}
    for name, url in (
        ("slot page", clinic.week_url()),
        ("« Peu importe l’intervenant »", clinic.week_url("tous")),
    ):
        total, requests, scripts = asyncio.run(_first_visit(portal, url, clinic.cookie))
        found[f"{name}: first visit, kB / requests / script kB"] = (
            f"{total / 1000:.1f} / {requests} / {scripts / 1000:.1f}"
        )
    return found


async def _first_visit(portal: Server, url: str, cookie: str) -> tuple[int, int, int]:
    """Bytes over the wire with headers, requests, and the bytes of scripts alone."""
    client = await load.connect(portal.port)
    page = await client.ask(get(url, cookie))
    html = brotli.decompress(page.partition(b"\r\n\r\n")[2]).decode()
    named = re.findall(
        r'<(?!a )[^>]*?(?:src|href)="(/static/[^"#]+)', html
    )  # a link is not fetched
    names = set(named)
    files = {name: len(await client.ask(get(name, cookie))) for name in names}
    client.transport.close()
    scripts = sum(size for name, size in files.items() if ".js" in name)
    return len(page) + sum(files.values()), 1 + len(files), scripts


def sign_in(clinic: Clinic, portal: Server, size: Size) -> Figures:
    known, unknown = asyncio.run(_refused(clinic, portal, size.pairs))
    during, statuses = asyncio.run(_health_during(clinic, portal))
    difference = [(a - b) * 1000 for a, b in zip(known, unknown, strict=True)]
    return {
        "argon2, ms": f"{_argon2() * 1000:.0f}",
        "wrong password, known address, ms": f"{median(known) * 1000:.1f}",
        "known less unknown address, ms": f"{median(difference):+.1f} ± {error(difference):.1f}",
        f"/sante during {HERD} sign-ins, p50 / p95 ms": (
            f"{during.percentile(50):.1f} / {during.percentile(95):.1f}"
        ),
        f"{HERD} sign-ins at once": f"{_counted(statuses.statuses)} in {statuses.seconds:.1f} s",
    }


async def _refused(clinic: Clinic, portal: Server, pairs: int) -> tuple[list[float], list[float]]:
    """Wrong passwords one after the other, in pairs: for an account, and for no account."""
    waits: tuple[Answers, Answers] = (Answers(), Answers())
    for n in range(pairs + 2):
        # Each from an address of its own: the throttle counts by them.
        client = await load.connect(portal.port, f"127.0.2.{n + 1}")
        emails = (clinic.people[n]["email"], f"nobody-{n}@example.com")
        for which in (0, 1) if n % 2 else (1, 0):
            request = _sign_in(emails[which], "Autre-12-Mot")
            await load.timed(client, request, waits[which])
        client.transport.close()
    assert all(set(each.statuses) == {422} for each in waits)
    return waits[0].waits[2:], waits[1].waits[2:]


async def _health_during(clinic: Clinic, portal: Server) -> tuple[Answers, Answers]:
    requests = [_sign_in(person["email"], PASSWORD) for person in clinic.people[-HERD:]]
    crowd = asyncio.create_task(herd([portal.port], requests, apart=True))
    health = Answers()
    client = await load.connect(portal.port)
    while not crowd.done():
        await load.timed(client, get("/sante"), health)
        await asyncio.sleep(0.005)
    client.transport.close()
    return health, await crowd


def _sign_in(email: str, password: str) -> bytes:
    body = {
        "_csrf_token": form_token(DEMO_KEY, "bench"),
        "courriel": email,
        "mot_de_passe": password,
    }
    return post("/connexion", "csrf=bench", urlencode(body))


def _argon2() -> float:
    passwords = Passwords()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        asyncio.run(passwords.hash(PASSWORD))
        times.append(time.perf_counter() - began)
    return median(times)


def ratio(rates: list[float], limits: list[float], *, digits: int = 3) -> str:
    """The median of the rounds' own ratios: both of a round saw the same machine."""
    of = median(rate / limit for rate, limit in zip(rates, limits, strict=True))
    return f"{median(rates):.0f} of {median(limits):.0f} = {of:.{digits}f}"


def error(differences: list[float]) -> float:
    """How far their median may be off (95 %)."""
    first, _, third = quantiles(differences, n=4)
    return 1.96 * 0.93 * (third - first) / sqrt(len(differences))


def _counted(statuses: Counter[int]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
