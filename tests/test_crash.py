"""The server is killed at any moment: what it told people is so, and nothing is half done.

The short form kills ten times; `make soak` a hundred.
"""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import clock, db
from domain.appointments import booking, slots
from domain.appointments.slots import Search
from domain.clinic.tables import Slot
from domain.config import Settings
from domain.people.policy import Grant
from jobs.deliver_mail import deliver_mail
from jobs.office import PostOffice
from tests.crash import invariants
from tests.crash.patient import Person, Told, statuses
from tests.crash.server import Server, environment, nursery
from tests.domain import records
from tests.jobs.smtp_server import Post, smtp_server
from tests.world import World, build

PEOPLE = 12
SLOTS = 60
MINUTE = timedelta(minutes=1)
LEASE_IS_OVER = 6 * MINUTE
ROUND = ("load", "load", "lease", "load", "data", "load", "sent", "load", "load", "sent")
LONGEST_ROUND = 8  # seconds; then it ends all the same


class Office(Post):
    """The clinic's mail server, which sees when the portal is at its most fragile."""

    def __init__(self, server: list[Server]) -> None:
        super().__init__()
        self.server = server
        self.kill_at = ""
        self.struck = asyncio.Event()

    async def handle_MAIL(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.kill_at == "lease":  # leased, and not yet handed over
            self.strike()
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.kill_at == "data":  # all there, and not yet accepted
            self.strike()
            return "451 Not now"
        answer = await super().handle_DATA(server, session, envelope)
        if self.kill_at == "sent":  # accepted, and not yet marked
            asyncio.get_running_loop().call_soon(self.strike)
        return answer

    def strike(self) -> None:
        self.kill_at = ""
        self.server[0].kill()
        self.struck.set()

    @property
    def times_arrived(self) -> Counter[UUID]:
        return Counter(UUID(str(m["Message-ID"])[1:].split("@")[0]) for m in self.arrived)


@pytest.fixture
async def clinic(database: object) -> World:
    world = await build(clock.now().replace(microsecond=0))
    await world.set_clinic(most_upcoming=1000)
    return world


@pytest.fixture
async def office() -> AsyncIterator[tuple[Office, int]]:
    office = Office([])
    async with smtp_server(office) as port:
        yield office, port


@pytest.fixture
async def server(office: tuple[Office, int], tmp_path: Path) -> AsyncIterator[Server]:
    post, port = office
    log = tmp_path / "server.log"
    with nursery(environment(port), log) as born:
        server = Server(born, log)
        post.server.append(server)
        yield server
        server.kill()


async def test_killed_ten_times(clinic: World, office: tuple[Office, int], server: Server) -> None:
    """A56."""
    await killed(10, clinic, office[0], server)


@pytest.mark.soak
async def test_killed_a_hundred_times(
    clinic: World,
    office: tuple[Office, int],
    server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = await killed(100, clinic, office[0], server)
    with capsys.disabled():
        sys.stdout.write(
            f"\n100 kills: {len(told.statuses)} answers {statuses(told)},"
            f" {len(told.booked)} visits booked, {len(told.cancelled)} cancelled,"
            f" {len(office[0].arrived)} mails of which"
            f" {len(office[0].arrived) - len(office[0].times_arrived)} twice: nothing lost\n"
        )


async def killed(times: int, clinic: World, post: Office, server: Server) -> Told:
    chance = random.Random(times)
    told = Told()
    free = await published(clinic, SLOTS * times // 10)
    *people, newcomer = await visitors(clinic, server, told, PEOPLE * times // 10 + 1)
    try:
        await server.start()
        for person in people:
            await person.sign_in()
        for n in range(times):
            among = [people[(6 * n + k) % len(people)] for k in range(6)]
            load = [asyncio.create_task(person.go_on(free, chance)) for person in among]
            await strike(post, server, ROUND[n % len(ROUND)], told, chance)
            await asyncio.gather(*load)
            await check_nothing_is_half_done(told)
            await server.start()
        await check_it_still_serves(people, newcomer, free)
    finally:
        for person in (*people, newcomer):
            await person.close()
    server.kill()
    assert not {status for status in told.statuses if status >= 500}, statuses(told)
    assert " ERROR " not in server.log.read_text()
    assert told.booked
    assert told.cancelled
    await check_mails(post, server, kills=times + 1)
    await check_holds_end(clinic, free)
    return told


async def strike(
    post: Office, server: Server, kind: str, told: Told, chance: random.Random
) -> None:
    if kind == "load":  # somewhere in the middle of what people do
        enough = len(told.statuses) + chance.randint(4, 60)
        for _ in range(100 * LONGEST_ROUND):
            if len(told.statuses) >= enough:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.random() * 0.02)
    else:
        post.struck.clear()
        post.kill_at = kind
        with suppress(TimeoutError):
            await asyncio.wait_for(post.struck.wait(), LONGEST_ROUND)
        post.kill_at = ""
    server.kill()


async def check_nothing_is_half_done(told: Told) -> None:
    happened = await invariants.check()
    # What was told is so.
    assert told.booked <= happened["booked"]
    assert told.cancelled <= happened["cancelled"]


async def check_it_still_serves(people: list[Person], newcomer: Person, free: list[UUID]) -> None:
    for person in people[:4]:
        for url in ("/", f"{person.folder}/rendez-vous", f"{person.folder}/reservation"):
            answer = await person.get(url)
            assert answer.status_code in {200, 303}
    held = {row["slot"] for row in await records.rows("SELECT slot FROM hold")}
    taken = await records.rows("SELECT slot FROM appointment WHERE cancelled_at IS NULL")
    open_ = [slot for slot in free if slot not in held | {row["slot"] for row in taken}]
    # The others may have reached the bookings of an hour.
    await newcomer.sign_in()
    await newcomer.book(open_[0])
    assert len(newcomer.visits) == 1


async def check_mails(post: Office, server: Server, *, kills: int) -> None:
    """All that is owed leaves in the end; each kill makes one leave again at the most."""
    later = clock.now() + LEASE_IS_OVER
    office = PostOffice.of(Settings.from_env(server.environment), lambda: later)
    while await due(later):
        await deliver_mail(office, now=later)
    arrived = post.times_arrived
    for row in await records.rows("SELECT * FROM outbound_email"):
        assert row["dead_at"] is None
        if row["sent_at"] is not None:
            assert arrived.pop(row["id"], 0) >= 1
        else:
            assert row["dropped_at"] is not None
            assert arrived.pop(row["id"], 0) <= 1
    assert arrived == {}
    duplicates = sum(times - 1 for times in post.times_arrived.values())
    assert duplicates <= kills


async def due(now: datetime) -> bool:
    rows = await records.rows(
        "SELECT id FROM outbound_email WHERE sent_at IS NULL AND dropped_at IS NULL"
        " AND dead_at IS NULL AND due_at <= {}",
        now,
    )
    return bool(rows)


async def check_holds_end(clinic: World, free: list[UUID]) -> None:
    """Whoever held a slot when the server died no longer does after five minutes."""
    later = clock.now() + LEASE_IS_OVER
    viewer = await clinic.viewer()
    profile = viewer.acting_for(clinic.alice, Grant.BOOK, later)
    search = Search(viewer, profile, clinic.choices, later)
    taken = await records.rows("SELECT slot FROM appointment WHERE cancelled_at IS NULL")
    expected = set(free) - {row["slot"] for row in taken}
    assert {slot for slot in free if await slots.is_open(search, slot)} == expected
    await booking.release_expired(now=later)
    assert await records.count("hold") == 0


async def published(clinic: World, number: int) -> list[UUID]:
    """From the fourth day on, so that all can be cancelled."""
    async with db.transaction():
        for n in range(number):
            await clinic.slot(clinic.now + timedelta(days=4) + 15 * n * MINUTE)
    return [slot.id for slot in await Slot.objects()]


async def visitors(clinic: World, server: Server, told: Told, number: int) -> list[Person]:
    query = (
        f"specialite={clinic.specialty}&intervenant={clinic.practitioner}&lieu={clinic.site}"
        f"&type={clinic.visit_type}&moment=des-que-possible"
    )
    return [
        Person(server, f"patient{n}@example.com", patient, query, told)
        for n, (_, patient) in enumerate(await records.crowd(clinic, number))
    ]
