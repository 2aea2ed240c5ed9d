"""Ten times the load that it can serve: how much is still served, and to whom the portal says no.

The peak is that of clients who wait for each answer. Then people come at ten times that pace,
whether or not those before them are answered, each over a connection of their own.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

from bench import load
from bench.figures import Clinic, Figures, Size
from bench.load import Answers, Client, get
from bench.servers import PORTAL, Server, running

TIMES = 10
KEPT = f"peak, then served at {TIMES} × it, /s"
SERVED, REFUSED = 200, 503
TICK = 0.005
MOST_CONNECTIONS = 1000
BOOKINGS = 40
"""One request in so many is of somebody who is booking: a quarter of what can be served."""


class Asked(NamedTuple):
    kind: str
    request: bytes


@dataclass
class Crowd:
    """What those who came got, by their kind."""

    served: dict[str, Answers] = field(default_factory=dict)
    refused: dict[str, Answers] = field(default_factory=dict)
    lost: int = 0
    in_time: int = 0
    """Served before they ceased to come: what is done after that is done without a crowd."""
    seconds: float = 0

    def share(self, kind: str) -> float:
        served, refused = (len(each[kind].waits) for each in (self.served, self.refused))
        return served / max(1, served + refused)

    @property
    def rate(self) -> float:
        return self.in_time / self.seconds

    @property
    def refusals(self) -> Answers:
        return Answers(waits=[wait for each in self.refused.values() for wait in each.waits])


def measure(clinic: Clinic, env: dict[str, str], size: Size) -> Figures:
    week = [get(clinic.week_url(), clinic.cookie)]
    inbox, headers = clinic.inbox("short")
    others = [get(inbox, headers["Cookie"]), get("/connexion")]
    with running(PORTAL, env) as portal:
        asyncio.run(load.drive(portal.port, week * 50, size.seconds))
        peak = asyncio.run(load.drive(portal.port, week * 100_000, size.seconds)).rate
        same = _come(portal, cycle([Asked("week", week[0])]), peak, size)
        mixed = _come(portal, _mixed(week, others), peak, size)
        after = asyncio.run(load.drive(portal.port, week * 100_000, size.seconds)).rate
    refusals = same.refusals
    return {
        KEPT: f"{peak:.0f}, {same.rate:.0f} = {same.rate / peak:.2f}",
        "503s / unanswered": f"{len(refusals.waits)} / {same.lost}",
        "503 p50 / p99, ms": f"{refusals.percentile(50):.0f} / {refusals.percentile(99):.0f}",
        "answered: bookings / signed in / others": " / ".join(
            f"{mixed.share(kind):.0%}" for kind in ("week", "inbox", "sign-in")
        ),
        "bookings' p99 meanwhile, ms": f"{mixed.served['week'].percentile(99):.0f}",
        "served right after, of the peak": f"{after / peak:.2f}",
    }


def _mixed(week: list[bytes], others: list[bytes]) -> Iterator[Asked]:
    inbox, sign_in = others
    rest = [Asked("inbox", inbox), Asked("sign-in", sign_in)]
    return cycle([Asked("week", week[0]), *(rest[n % 2] for n in range(BOOKINGS - 1))])


def _come(portal: Server, asked: Iterator[Asked], peak: float, size: Size) -> Crowd:
    return asyncio.run(_arrive(portal.port, asked, TIMES * peak, size.seconds))


async def _arrive(port: int, asked: Iterator[Asked], pace: float, seconds: float) -> Crowd:
    crowd, idle = Crowd(), []
    for kind in ("week", "inbox", "sign-in"):
        crowd.served[kind], crowd.refused[kind] = Answers(), Answers()
    under_way: set[asyncio.Task[None]] = set()

    async def ask(client: Client, one: Asked, came: float) -> None:
        try:
            answer = await client.ask(one.request)
        except (ConnectionError, TimeoutError):
            crowd.lost += 1
            client.transport.close()
            return
        idle.append(client)
        answered, status = time.perf_counter(), int(answer[9:12])
        {SERVED: crowd.served, REFUSED: crowd.refused}[status][one.kind].waits.append(
            answered - came
        )
        crowd.in_time += status == SERVED and answered < began + seconds

    connections = min(MOST_CONNECTIONS, round(pace))
    idle += [await load.connect(port) for _ in range(connections)]
    began, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * pace:
            sent += 1
            if not idle:  # each is still owed an answer: who comes now has no chance at all
                crowd.lost += 1
                continue
            task = asyncio.create_task(ask(idle.pop(), next(asked), began + sent / pace))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.sleep(TICK)
    crowd.seconds = seconds
    await asyncio.gather(*under_way)
    for client in idle:
        client.transport.close()
    return crowd
