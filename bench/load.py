"""The load: wrk for one page again and again, and a raw client where every request differs."""

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from bench.servers import HOST, LOAD_CORE

CLIENTS = 16
TIMEOUT = 30
BUSY = 503
MOST_REFUSED = 0.05
"""A busy portal says so at once: a few such answers are no fault, and no work done either."""


def wrk(port: int, url: str, seconds: float, headers: dict[str, str]) -> float:
    """Requests a second that were answered well; of the others there may be a few."""
    options = [f"-H{name}: {value}" for name, value in headers.items()]
    options += [
        "-t1",
        f"-c{CLIENTS}",
        f"--timeout={TIMEOUT}s",
        f"-d{seconds:.0f}s",
        f"http://127.0.0.1:{port}{url}",
    ]
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "wrk", *options],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    refused = int(told[1]) if told else 0
    asked, took = re.search(r"(\d+) requests in ([\d.]+)s", done).groups()  # type: ignore[union-attr]
    if "Socket errors" in done or refused > int(asked) * MOST_REFUSED:
        raise RuntimeError(done)
    return (int(asked) - refused) / float(took)


@dataclass
class Answers:
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    seconds: float = 0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def check(self, *expected: int) -> None:
        """All were answered like this, but for a few that came when it was too busy."""
        busy = self.statuses[BUSY]
        allowed = {*expected, BUSY} if busy <= self.statuses.total() * MOST_REFUSED else expected
        if not set(self.statuses) <= set(allowed):
            raise RuntimeError(f"not all {expected}: {dict(self.statuses)}")

    def percentile(self, n: int) -> float:
        """In milliseconds."""
        return quantiles(self.waits, n=100, method="inclusive")[n - 1] * 1000


class Client(asyncio.Protocol):
    """One kept connection; knows of HTTP only how long an answer is."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head) and self._answer is not None:
            self._answer.set_result(self._buffer)
            self._buffer, self._answer = b"", None

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None:
            self._answer.set_exception(error or ConnectionError("closed before it answered"))

    async def ask(self, request: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await asyncio.wait_for(self._answer, TIMEOUT)


async def connect(port: int, address: str = "127.0.0.1") -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, "127.0.0.1", port, local_addr=(address, 0))
    return client


Journey = Callable[["Client"], Awaitable[Sequence[bytes]]]
"""Requests that lead to one another, over one connection; the answers."""


async def drive(port: int, requests: Sequence[bytes], seconds: float) -> Answers:
    """The requests, once each and in order, as far as the clients come, one at a time each."""
    return await spread([port], requests, seconds)


async def spread(
    ports: Sequence[int], requests: Sequence[bytes], seconds: float, *, clients: int = CLIENTS
) -> Answers:
    """The same to several servers: each client keeps to one."""

    def asking(request: bytes) -> Journey:
        async def ask(client: Client) -> Sequence[bytes]:
            return [await client.ask(request)]

        return ask

    return await walk(ports, [asking(request) for request in requests], seconds, clients=clients)


async def walk(
    ports: Sequence[int], journeys: Sequence[Journey], seconds: float, *, clients: int = CLIENTS
) -> Answers:
    """The same with several requests each; their waits are the whole journeys'."""
    answers = Answers()
    queue = iter(journeys)
    connections = [await connect(ports[n % len(ports)]) for n in range(clients)]

    async def work(client: Client) -> None:
        while time.perf_counter() < began + seconds and (journey := next(queue, None)):
            set_out = time.perf_counter()
            found = await journey(client)
            statuses = [int(answer[9:12]) for answer in found]
            answers.statuses.update(statuses)
            if BUSY not in statuses:
                answers.waits.append(time.perf_counter() - set_out)

    began = time.perf_counter()
    await asyncio.gather(*map(work, connections))
    answers.seconds = time.perf_counter() - began
    for each in connections:
        each.transport.close()
    return answers


async def herd(ports: Sequence[int], requests: Sequence[bytes], *, apart: bool = False) -> Answers:
    """All at once, each over a connection of its own; `apart`, from as many addresses."""
    answers = Answers()
    clients = [
        await connect(ports[n % len(ports)], f"127.0.1.{n + 1}" if apart else "127.0.0.1")
        for n in range(len(requests))
    ]
    began = time.perf_counter()
    await asyncio.gather(
        *(
            timed(client, request, answers)
            for client, request in zip(clients, requests, strict=True)
        )
    )
    answers.seconds = time.perf_counter() - began
    for client in clients:
        client.transport.close()
    return answers


async def timed(client: Client, request: bytes, answers: Answers) -> bytes:
    began = time.perf_counter()
    answer = await client.ask(request)
    answers.waits.append(time.perf_counter() - began)
    answers.statuses[int(answer[9:12])] += 1
    return answer


def get(url: str, cookie: str = "", *more: str) -> bytes:
    """`more`: headers, a line each."""
    return _request("GET", url, cookie, "", *more)


def post(url: str, cookie: str, body: str) -> bytes:
    return _request("POST", url, cookie, body)


def _request(method: str, url: str, cookie: str, body: str, *more: str) -> bytes:
    lines = [f"{method} {url} HTTP/1.1", f"host: {HOST}", "accept-encoding: br", *more]
    if cookie:
        lines.append(f"cookie: {cookie}")
    if method == "POST":
        lines += [
            "sec-fetch-site: same-origin",
            "content-type: application/x-www-form-urlencoded",
            f"content-length: {len(body)}",
        ]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def location(answer: bytes) -> str:
    """Where a redirect leads."""
    found = re.search(rb"\r\nlocation: *([^\r]+)", answer, re.IGNORECASE)
    if found is None:
        raise RuntimeError(f"no redirect: {answer[:300]!r}")
    return found[1].decode()
