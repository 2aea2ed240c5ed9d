"""What a page costs in a clinic a hundred times as large, and what the jobs have to do there.

Cost is the time that the processors worked for it, in the web process and in PostgreSQL's: what
else runs on the machine does not count. Argon2 is at its cheapest; its own cost grows with nobody.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import asyncpg

from bench import load, servers
from bench.data import PASSWORD
from bench.figures import Clinic, Figures, Size, kept
from bench.load import get, post
from bench.servers import LOAD_CORE, SERVER_CORE, Server, pinned, running
from domain.config import DEMO_KEY
from web.security import form_token

SMALLER = 100
PORTAL = ("-m", "bench.portal")
ROUNDS, A_ROUND = 3, 40
PAGES = tuple(
    f"{name}, CPU ms"
    for name in (
        "slot page",
        "« Peu importe l’intervenant »",
        "« Peu importe l’intervenant », soonest",
        "dashboard",
        "appointments",
        "inbox",
        "hold",
        "sign-in, argon2 left out",
        "staff: the day of one practitioner",
        "staff: the day of all",
        "staff: a practitioner's week",
        "staff: a new visit at one site",
        "staff: search by name",
        "staff: search by birth date",
    )
)


class Network:
    """One filled clinic, with its server."""

    def __init__(self, plan: dict[str, Any], env: dict[str, str], server: Server) -> None:
        self.plan, self.env, self.server = plan, env, server
        self._clinic = Clinic(plan)

    def pages(self) -> dict[str, list[bytes]]:
        """The same number of requests of each page, of as many people."""
        people, desk = self.plan["people"], "staff=desk"
        monday = self.plan["monday"]
        of_all = {"jour": monday}
        of_one = of_all | {"intervenant": self.plan["practitioner"]}

        def each(path: str) -> list[bytes]:
            return [
                get(path.format(patient=one["patient"]), f"session={one['session']}")
                for one in people
            ]

        def week(practitioner: str) -> list[bytes]:
            return [
                get(self._clinic.week_url(practitioner, one), f"session={one['session']}")
                for one in people
            ]

        soonest = [
            get(self._clinic.soonest_url("tous", one), f"session={one['session']}")
            for one in people
        ]

        def at_desk(path: str) -> list[bytes]:
            return [get(f"/clinique{path}", desk)] * len(people)

        names = [f"/clinique/patients?q={quote(one['name'])}" for one in people]
        calendar = f"/agenda/{self.plan['practitioner']}?jour={monday}"
        requests = [
            week(""),
            week("tous"),
            soonest,
            each("/"),
            each("/profils/{patient}/rendez-vous"),
            each("/profils/{patient}/communications"),
            [
                self._clinic.hold(one, (self.plan["practitioner"], slot))
                for one, slot in zip(people, self.plan["free"], strict=True)
            ],
            [_sign_in(one["email"]) for one in people],
            at_desk(f"?{urlencode(of_one)}"),
            at_desk(f"?{urlencode(of_all)}"),
            at_desk(calendar),
            [get(self._clinic.new_visit_url(one), desk) for one in people],
            [get(name, desk) for name in names],
            at_desk("/patients?q=1930-01-05"),
        ]
        return dict(zip(PAGES, requests, strict=True))


def _sign_in(email: str) -> bytes:
    token = form_token(DEMO_KEY, "bench")
    fields = {"_csrf_token": token, "courriel": email, "mot_de_passe": PASSWORD}
    return post("/connexion", "csrf=bench", urlencode(fields))


def measure(engine: str, size: Size, wanted: Sequence[str]) -> Figures:
    """The pages (`growth`) and the jobs (`jobs`) share the big clinic: it takes long to fill."""
    found: Figures = {}
    with ExitStack() as stack:
        env = stack.enter_context(servers.database(engine))
        began = time.monotonic()
        _run("bench.network", str(size.patients), env=env)
        filled = time.monotonic() - began
        published = _job("publish", 0, env)
        plan = json.loads(_run("bench.network", "--book", env=env))
        if "jobs" in wanted:
            practitioners = size.patients // 50
            found[f"publish 12 weeks of {practitioners:,} practitioners"] = _told(published)
            found["(filling the rest of this clinic, s)"] = f"{filled:.0f}"
        if "growth" in wanted:
            small = stack.enter_context(servers.database(engine))
            few = str(size.patients // SMALLER)
            _run("bench.network", few, env=small)
            _job("publish", 0, small)
            small_plan = json.loads(_run("bench.network", "--book", env=small))
            with running(PORTAL, small) as one, running(PORTAL, env) as other:
                both = Network(small_plan, small, one), Network(plan, env, other)
                found |= _pages(*both)
            if engine == "PostgreSQL":
                found |= asyncio.run(_weights(env["DATABASE_URL"]))
        if "jobs" in wanted:
            found |= _mails(env, size)
    return found


def _pages(small: Network, big: Network) -> Figures:
    found: Figures = {}
    pages = zip(small.pages().items(), big.pages().values(), strict=True)
    for (name, of_small), of_big in pages:
        with kept(found, name):
            costs = [(_cost(small, of_small), _cost(big, of_big)) for _ in range(ROUNDS + 1)][1:]
            few, web, database = (
                median(take(pair) for pair in costs)
                for take in (lambda p: sum(p[0]), lambda p: p[1][0], lambda p: p[1][1])
            )
            times = median(sum(many) / sum(few) for few, many in costs)
            split = f" ({web:.1f} + {database:.1f})" if database else ""
            found[name] = f"{few:.1f} → {web + database:.1f} = {times:.2f} ×{split}"
    return found


def _cost(network: Network, requests: list[bytes]) -> tuple[float, float]:
    """Milliseconds of work a request: of the web process and of PostgreSQL."""
    before = _worked(network)
    if requests[0].startswith(b"POST /connexion"):  # counted by address
        answers = asyncio.run(load.herd([network.server.port], requests[:20], apart=True))
    else:
        many = (requests * A_ROUND)[:A_ROUND]
        answers = asyncio.run(load.spread([network.server.port], many, 60, clients=2))
    answers.check(200, 303)
    web, database = (
        (now - then) / len(answers.waits) * 1000
        for then, now in zip(before, _worked(network), strict=True)
    )
    return web, database


def _worked(network: Network) -> tuple[float, float]:
    url = network.env.get("DATABASE_URL")
    return network.server.cpu(), asyncio.run(_database_cpu(url)) if url else 0


async def _database_cpu(url: str) -> float:
    """Of all of PostgreSQL's processes that serve this database, where they run here."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    worked = 0.0
    for row in rows:
        with suppress(FileNotFoundError):
            worked += Server(0, row["pid"]).cpu()
    return worked


async def _weights(url: str) -> Figures:
    """How much room the rows take, with their indexes: what a year would take is computed of it."""
    tables = ("slot", "appointment", "patient", "account", "message", "receipt", "audit_line")
    connection = await asyncpg.connect(url)
    try:
        weights = [
            await connection.fetchval(
                f"SELECT pg_total_relation_size('{table}')::float / greatest(count(*), 1)"
                f" FROM {table}"
            )
            for table in tables
        ]
    finally:
        await connection.close()
    told = ", ".join(f"{n} {weight:.0f}" for n, weight in zip(tables, weights, strict=True))
    return {"bytes a row, with its indexes": told}


def _mails(env: dict[str, str], size: Size) -> Figures:
    opened = _job("open", size.opened, env)
    with running(("-m", "bench.sink"), env) as server:
        smtp = {"SMTP_URL": f"smtp+plain://127.0.0.1:{server.port}"}
        sent = _job("deliver", size.mails, {**env, **smtp})
    return {
        f"announce {size.opened:,} visits that may be confirmed": _told(opened),
        f"send {size.mails:,} mails over SMTP": _told(sent),
    }


def _job(name: str, most: int, env: dict[str, str]) -> dict[str, float]:
    return json.loads(_run("bench.jobs", name, str(most), env=env))


def _told(job: dict[str, float]) -> str:
    rate = job["done"] / job["seconds"]
    return (
        f"{job['done']:.0f} in {job['seconds']:.1f} s = {rate:.0f} /s,"
        f" CPU {job['cpu']:.0f} s, {job['peak']:.0f} MB"
    )


def _run(module: str, *options: str, env: dict[str, str]) -> str:
    with pinned(SERVER_CORE, LOAD_CORE):
        done = subprocess.run(
            [sys.executable, "-m", module, *options],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return done.stdout.splitlines()[-1] if done.stdout else ""
