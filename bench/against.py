"""The portal beside django-appointment, in turns, on clinics of the same size.

Its week is what its own page needs to show one: a call a day of its open times, as its calendar
makes them. Its booking is its two forms, the time and then who comes, by somebody signed in. Ours
are the page of the whole week, and hold and confirmation. Pages between two forms are left out.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench import load, servers
from bench.figures import Clinic, Figures, Size, kept, ratio
from bench.load import Answers, Client, Journey, get, post
from bench.servers import HOST, PEER, PEER_PYTHON, PORTAL, Server, running

PRACTITIONERS, PEOPLE, BOOKED = 10, 2000, 0.6
WEEK = "a practitioner's whole week, /s, of django-appointment's"
BOOKING = "a booking, /s, of django-appointment's"
TOKEN = "b" * 32
MISSING = "MISSING build/peer: `make build/peer/.installed`"


def measure(engine: str, size: Size) -> Figures:
    if not Path(PEER_PYTHON).exists():
        return {"against django-appointment 3.12": MISSING}
    with ExitStack() as stack:
        ours = stack.enter_context(servers.database(engine))
        theirs = stack.enter_context(servers.database(engine))
        clinic = Clinic(_filled(sys.executable, ours, "bench.data", *_SIZE))
        plan = _filled(PEER_PYTHON, theirs, "bench.peer.fill", *_SIZE, str(size.compared * 3))
        portal = stack.enter_context(running(PORTAL, ours))
        peer = stack.enter_context(running(PEER, theirs, python=PEER_PYTHON))
        found: Figures = {}
        with kept(found, WEEK):
            found |= _weeks(clinic, plan, portal, peer, size)
        with kept(found, BOOKING):
            before = _filled(PEER_PYTHON, theirs, "bench.peer.count")
            compared = _bookings(clinic, plan, portal, peer, size)
            made = _filled(PEER_PYTHON, theirs, "bench.peer.count") - before
            if made != size.rounds * size.compared:  # it redirects in other cases too
                raise RuntimeError(f"it made {made} appointments")
            found |= compared
        return found


_SIZE = (str(PRACTITIONERS), str(PEOPLE), str(BOOKED))


def _filled(python: str, env: dict[str, str], module: str, *options: str) -> Any:
    command = [python, "-m", module, *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])  # above it, its warnings


def _weeks(
    clinic: Clinic, plan: dict[str, Any], portal: Server, peer: Server, size: Size
) -> Figures:
    url, headers = clinic.week_url(), {"Host": HOST, "Accept-Encoding": "br"}
    headers["Cookie"] = clinic.cookie
    week = [_week_of(plan)] * 100_000
    load.wrk(portal.port, url, 1, headers)
    _walk(peer, week, 1, 200)
    ours, theirs = [], []
    worked = portal.cpu(), peer.cpu()
    for _ in range(size.rounds):
        ours.append(load.wrk(portal.port, url, size.seconds, headers))
        theirs.append(_walk(peer, week, size.seconds, 200).rate)
    answered = sum(ours) * size.seconds, sum(theirs) * size.seconds
    return {
        WEEK: ratio(ours, theirs, digits=1),
        "the same, CPU ms of the web process (theirs)": _each(worked, portal, peer, answered),
    }


def _each(
    before: tuple[float, float], portal: Server, peer: Server, answered: tuple[float, float]
) -> str:
    ours, theirs = (
        (server.cpu() - began) / number * 1000
        for server, began, number in zip((portal, peer), before, answered, strict=True)
    )
    return f"{ours:.2f} ({theirs:.1f} = {theirs / ours:.1f} ×)"


def _week_of(plan: dict[str, Any]) -> Journey:
    monday = date.fromisoformat(plan["monday"])
    calls = [
        get(
            "/ajax/available_slots/?"
            + urlencode(
                {
                    "selected_date": (monday + timedelta(days=n)).isoformat(),
                    "staff_member": plan["staff"],
                    "service_id": plan["service"],
                }
            ),
            "",
            "x-requested-with: XMLHttpRequest",
        )
        for n in range(7)
    ]

    async def ask(client: Client) -> Sequence[bytes]:
        return [await client.ask(call) for call in calls]

    return ask


def _bookings(
    clinic: Clinic, plan: dict[str, Any], portal: Server, peer: Server, size: Size
) -> Figures:
    free, sessions = iter(plan["free"]), iter(plan["sessions"])
    ours, theirs = [], []
    worked = portal.cpu(), peer.cpu()
    for n in range(size.rounds):
        people = clinic.people[1 + n * size.compared : 1 + (n + 1) * size.compared]
        pairs = zip(people, clinic.next_slots(size.compared), strict=True)
        ours.append(_walk(portal, [_ours(clinic, *pair) for pair in pairs], 60, 303))
        booked = [
            _theirs(plan["service"], next(free), next(sessions)) for _ in range(size.compared)
        ]
        theirs.append(_walk(peer, booked, 60, 302))
    return {
        BOOKING: ratio([each.rate for each in ours], [each.rate for each in theirs], digits=1),
        "the same, CPU ms of the web process (theirs) ": _each(
            worked, portal, peer, (answered := size.rounds * size.compared, answered)
        ),
        "a booking, p99 ms (theirs)": (
            f"{median(each.percentile(99) for each in ours):.0f}"
            f" ({median(each.percentile(99) for each in theirs):.0f})"
        ),
    }


def _ours(clinic: Clinic, person: dict[str, str], slot: tuple[str, str]) -> Journey:
    async def book(client: Client) -> Sequence[bytes]:
        return [
            await client.ask(clinic.hold(person, slot)),
            await client.ask(clinic.confirm(person, slot)),
        ]

    return book


def _theirs(service: int, slot: tuple[int, str, str, str], session: str) -> Journey:
    staff, day, begins, ends = slot
    cookie = f"csrftoken={TOKEN}; sessionid={session}"
    chosen = {
        "csrfmiddlewaretoken": TOKEN,
        "date": day,
        "start_time": begins,
        "end_time": ends,
        "service": service,
        "staff_member": staff,
    }
    who = {
        "csrfmiddlewaretoken": TOKEN,
        "name": "Alice Gagnon",
        "email": "alice@example.com",
        "phone_0": "CA",
        "phone_1": "5145550100",
        "address": "1, rue Neuve",
        "payment_type": "full",
    }

    async def book(client: Client) -> Sequence[bytes]:
        first = await client.ask(post("/request-submit/", cookie, urlencode(chosen)))
        there = load.location(first)
        return [first, await client.ask(post(there, cookie, urlencode(who)))]

    return book


def _walk(server: Server, journeys: Sequence[Journey], seconds: float, status: int) -> Answers:
    answers = asyncio.run(load.walk([server.port], journeys, seconds))
    answers.check(status)
    return answers
