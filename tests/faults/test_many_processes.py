"""Three web processes on one PostgreSQL behind a proxy: the leader dies, the connections are cut.

What people were told is so, nothing comes twice, and only what was under way is answered late.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from domain import clock, db
from domain.messages import attachments
from domain.messages.bucket import ObjectStore
from domain.messages.tables import Message
from tests import pdfs
from tests.crash import invariants
from tests.crash.patient import KEY, Interrupted, Person, Told, statuses
from tests.crash.server import Server, environment, nursery
from tests.domain import records
from tests.faults.proxy import Proxy, proxy
from tests.jobs.smtp_server import Post, smtp_server
from tests.s3_server import Bucket, s3_server
from tests.world import World, build

BUCKET = "s3://papers/clinic"
WEB = 3
PEOPLE, SLOTS = 6, 30
"""At a time."""
ANOTHER_LEADS_WITHIN = 10
FAULT_ENDS_WITHIN = 5
LEADS, LEADS_NO_LONGER = "this process runs the jobs", "no longer runs the jobs"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Facts:
    """Someone with a document of their own and, next day, a visit to confirm."""

    email: str
    patient: UUID
    query: str
    document: UUID
    waiting: UUID


@dataclass
class Answers(Told):
    confirmed: set[UUID] = field(default_factory=set)
    failed: list[tuple[float, httpx.Response]] = field(default_factory=list)


class Patient(Person):
    """Goes on when a page says « Un instant… », with the same form."""

    told: Answers

    def __init__(self, portal: "Portal", facts: Facts, told: Answers) -> None:
        super().__init__(portal, facts.email, facts.patient, facts.query, told)
        self.paper = f"{self.folder}/pieces-jointes/{facts.document}"
        self.waiting = facts.waiting

    async def ask(
        self, method: str, url: str, data: dict[str, str] | None = None
    ) -> httpx.Response:
        answer = await super().ask(method, url, data)
        if answer.status_code >= 500:
            self.told.failed.append((time.monotonic(), answer))
        return answer

    async def final(self, card: httpx.Response, url: str) -> httpx.Response:
        """The last step, pressed again and again until there is an answer."""
        key = KEY.search(card.text)
        assert key, card.text
        for _ in range(40):
            answer = await self.send(card, url, cle=key[1])
            if answer.status_code < 500:
                return answer
            await asyncio.sleep(0.2)
        raise AssertionError("no answer for eight seconds")

    async def confirm(self, visit: UUID) -> None:
        page = await self.get(f"{self.folder}/rendez-vous")
        url = f"{self.folder}/rendez-vous/{visit}/confirmation"
        if (await self.send(page, url)).status_code == 303:
            self.told.confirmed.add(visit)

    async def live(self, slots: list[UUID], chance: random.Random, end: asyncio.Event) -> None:
        while not end.is_set():
            try:
                await self.book(chance.choice(slots))
                await self.get("/")
                await self.read()
                if chance.random() < 0.3:
                    await self.confirm(self.waiting)
                if self.visits and chance.random() < 0.5:
                    await self.cancel(self.visits[-1])
                    self.visits.pop()
            except Interrupted:
                await asyncio.sleep(0.1)

    async def read(self) -> None:
        answer = await self.get(self.paper)
        if answer.status_code < 500:
            assert (answer.status_code, answer.content) == (200, pdfs.good())


@dataclass
class Portal:
    """The three, as one address."""

    servers: list[Server]
    proxy: Proxy
    url: str
    is_alive: bool = True

    def leader(self) -> Server | None:
        return next((server for server in self.servers if leads(server)), None)


def leads(server: Server) -> bool:
    log = log_of(server)
    return server.is_alive and log.count(LEADS) > log.count(LEADS_NO_LONGER)


def log_of(server: Server) -> str:
    return server.log.read_text() if server.log.exists() else ""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        monkeypatch.setenv("AWS_REGION", "ca-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "portal")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield bucket


@pytest.fixture
async def clinic(database: object) -> World:
    world = await build(clock.now().replace(microsecond=0))
    await world.set_clinic(most_upcoming=1000)
    return world


@pytest.mark.postgres
async def test_of_three_the_leader_dies_and_all_connections_are_cut(
    clinic: World, bucket: Bucket, tmp_path: Path
) -> None:
    await loses_nothing(1, clinic, tmp_path)


@pytest.mark.soak
@pytest.mark.postgres
async def test_of_three_the_leader_dies_and_all_connections_are_cut_ten_times(
    clinic: World, bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = await loses_nothing(10, clinic, tmp_path)
    with capsys.disabled():
        sys.stdout.write(
            f"\n10 leaders killed, 10 times all connections cut: {len(told.statuses)} answers"
            f" {statuses(told)}, {len(told.booked)} visits booked, {len(told.cancelled)} cancelled,"
            f" {len(told.confirmed)} confirmed: nothing lost\n"
        )


async def loses_nothing(rounds: int, clinic: World, folder: Path) -> Answers:
    post, told, chance = Post(), Answers(), random.Random(rounds)
    store = ObjectStore(BUCKET)
    slots = await published(clinic, SLOTS * rounds)
    known = await patients(clinic, store, PEOPLE * rounds)
    faults: list[tuple[float, float]] = []
    async with smtp_server(post) as port, portal(port, folder) as three:
        people = [Patient(three, facts, told) for facts in known]
        for person in people:
            await person.sign_in()
        for n in range(rounds):  # others each time: nobody may book without end
            among = people[n * PEOPLE : (n + 1) * PEOPLE]
            async with living(among, slots[n * SLOTS : (n + 1) * SLOTS], chance):
                await under_way(told)
                await lose_leader(three, faults)
                await under_way(told)
                await lose_connections(faults)
                await under_way(told)
        await until(clear_of_mails, 20)
        for person in people:
            await person.close()
        stop(three)
        assert three.proxy.answered_by == {server.port for server in three.servers}
    await check(told, {facts.waiting for facts in known}, store, post, rounds)
    check_failures(told, faults, three)
    return told


@asynccontextmanager
async def living(
    people: list[Patient], slots: list[UUID], chance: random.Random
) -> AsyncIterator[None]:
    end = asyncio.Event()
    load = [asyncio.create_task(person.live(slots, chance, end)) for person in people]
    try:
        yield
    finally:
        end.set()
        await asyncio.gather(*load)


async def under_way(told: Answers) -> None:
    """All of it, since the last fault: what each does once in a while too."""
    booked, cancelled = len(told.booked) + PEOPLE // 2, len(told.cancelled)
    await until(
        lambda: len(told.booked) >= booked and len(told.cancelled) > cancelled and told.confirmed,
        30,
    )


async def lose_leader(three: Portal, faults: list[tuple[float, float]]) -> None:
    await until(three.leader, ANOTHER_LEADS_WITHIN)  # none does just after a cut
    leader = three.leader()
    assert leader is not None
    began = time.monotonic()
    leader.kill()
    await until(three.leader, ANOTHER_LEADS_WITHIN)
    leader.log.unlink()
    await leader.start()
    faults.append((began, time.monotonic()))


async def lose_connections(faults: list[tuple[float, float]]) -> None:
    began = time.monotonic()
    with suppress(*db.CONNECTION_LOST):
        await db.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    faults.append((began, began + FAULT_ENDS_WITHIN))
    await asyncio.sleep(0.1)


async def until(is_so: object, within: float) -> None:
    deadline = time.monotonic() + within
    while True:
        found = is_so()  # type: ignore[operator]
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert time.monotonic() < deadline, "too late"
        await asyncio.sleep(0.1)


async def clear_of_mails() -> bool:
    """All that is owed has left, but for what a killed leader had leased, or a cut put off."""
    rows = await records.rows(
        "SELECT id FROM outbound_email WHERE sent_at IS NULL AND dropped_at IS NULL"
        " AND dead_at IS NULL AND leased_until IS NULL AND due_at <= {}",
        clock.now(),
    )
    return not rows


def stop(three: Portal) -> None:
    for server in three.servers:
        server.kill()


async def check(
    told: Answers, soon: set[UUID], store: ObjectStore, post: Post, rounds: int
) -> None:
    happened = await invariants.check(store=store, is_swept=True, without_story=soon)
    assert told.booked <= happened["booked"]
    assert told.cancelled <= happened["cancelled"]
    assert told.confirmed <= happened["confirmed"] <= soon
    assert happened["confirmable"] == soon
    assert told.booked
    assert told.cancelled
    assert told.confirmed
    # A mail twice only where a leader, or its connection, was lost between 250 and the mark.
    arrived = Counter(UUID(str(mail["Message-ID"])[1:].split("@")[0]) for mail in post.arrived)
    sent = await records.rows("SELECT id FROM outbound_email WHERE sent_at IS NOT NULL")
    assert {row["id"] for row in sent} <= arrived.keys()
    assert sum(times - 1 for times in arrived.values()) <= 2 * rounds


def check_failures(told: Answers, faults: list[tuple[float, float]], three: Portal) -> None:
    for at, answer in told.failed:
        assert any(began <= at <= end + 0.5 for began, end in faults), (answer.status_code, faults)
        assert answer.status_code in {502, 503}, answer.text
        assert "Un instant…" in answer.text
        assert answer.headers["retry-after"]
    for server in three.servers:
        assert "Traceback" not in log_of(server)


async def published(clinic: World, number: int) -> list[UUID]:
    """From the fourth day on, so that all can be cancelled."""
    async with db.transaction():
        return [
            await clinic.slot(clinic.now + timedelta(days=4) + 15 * n * MINUTE)
            for n in range(number)
        ]


async def patients(clinic: World, store: ObjectStore, number: int) -> list[Facts]:
    query = (
        f"specialite={clinic.specialty}&intervenant={clinic.practitioner}&lieu={clinic.site}"
        f"&type={clinic.visit_type}&moment=des-que-possible"
    )
    made = []
    for n, (_, patient) in enumerate(await records.crowd(clinic, number)):
        starts_at = clinic.now + timedelta(days=1) + 15 * n * MINUTE
        visit = await clinic.appointment(starts_at, patient=patient)
        paper = await document(clinic, patient, store)
        made.append(Facts(f"patient{n}@example.com", patient, query, paper, visit))
    return made


async def document(clinic: World, patient: UUID, store: ObjectStore) -> UUID:
    thread = await clinic.thread("Voici.", patient=patient, kind="document")
    (message,) = await Message.select(Message.id).where(Message.thread == thread)
    files = await attachments.stored([attachments.File("Résultats.pdf", pdfs.good())], store)
    await attachments.add(message["id"], files, now=clinic.now)
    (shown,) = (await attachments.of_messages([message["id"]]))[message["id"]]
    return shown.id


@asynccontextmanager
async def portal(smtp_port: int, folder: Path) -> AsyncIterator[Portal]:
    env = environment(smtp_port, DOCUMENTS_URL=BUCKET, TRUSTED_PROXIES="127.0.0.1")
    with ExitStack() as stack:
        born = stack.enter_context(nursery(env, folder / "nursery.log"))
        servers = [Server(born, folder / f"server{n}.log") for n in range(WEB)]
        for server in servers:
            stack.callback(server.kill)
        await asyncio.gather(*[server.start() for server in servers])
        async with proxy(*[server.port for server in servers]) as (made, port):
            three = Portal(servers, made, f"http://127.0.0.1:{port}")
            await until(three.leader, ANOTHER_LEADS_WITHIN)
            yield three
