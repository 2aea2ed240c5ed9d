"""The mail server is away, slow or half there: every mail leaves in the end, once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.mail import delivery
from jobs import deliver_mail as job
from jobs.deliver_mail import deliver_mail
from jobs.office import PostOffice
from tests import pgtmp
from tests.domain import records
from tests.jobs.smtp_server import Post, odd_server, smtp_server
from tests.jobs.test_deliver_mail import owe, plain
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Slow(Post):
    """Takes its time with each mail; no one else's clock goes on."""

    passed = 0.0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.passed += 0.4 * job.ENOUGH.total_seconds()
        return await super().handle_DATA(server, session, envelope)


async def test_a_server_away_for_a_day_loses_nothing_and_is_caught_up_within_an_hour(
    world: World,
) -> None:
    post, port, now = Post(), pgtmp.free_port(), world.now
    for days in (9, 10, 11):
        await owe(world, days=days)
    await owe(world, days=1, cancelled_at=now)  # true now, and no longer when the server is back
    end = now + DAY
    while now < end:
        assert await deliver_mail(plain(port), now=now) == 0
        now += 10 * MINUTE
    assert await states() == Counter({"waiting": 3, "dropped": 1})
    assert {row["tries"] for row in await mails()} == {0}
    async with smtp_server(post, port=port):
        while now < end + HOUR:
            await deliver_mail(plain(port), now=now)
            now += 2 * MINUTE
    assert await states() == Counter({"sent": 3, "dropped": 1})
    assert len({mail["Message-ID"] for mail in post.arrived}) == len(post.arrived) == 3


async def test_a_slow_server_gets_no_mail_whose_lease_may_have_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(5, 11):
        await owe(world, days=days)
    post = Slow()
    monkeypatch.setattr(job, "monotonic", lambda: post.passed)
    async with smtp_server(post) as port:
        assert await deliver_mail(plain(port), now=world.now) == 3
        assert await states() == Counter({"sent": 3, "waiting": 3})
        # The others are nobody's: whoever comes next need not wait for the lease.
        assert await deliver_mail(plain(port), now=world.now) == 3
    assert len({mail["Message-ID"] for mail in post.arrived}) == len(post.arrived) == 6


async def test_a_server_that_says_nothing_costs_one_wait_for_all_and_no_try(world: World) -> None:
    for days in range(5, 11):
        await owe(world, days=days)
    async with odd_server(b"") as port:
        async with asyncio.timeout(10):  # of half a second for one, three for six
            assert await deliver_mail(plain(port, timeout=0.5), now=world.now) == 0
    assert [(row["tries"], row["leased_until"]) for row in await mails()] == [(0, None)] * 6


async def test_a_server_that_closes_on_a_batch_gets_it_later(world: World) -> None:
    for days in range(5, 9):
        await owe(world, days=days)
    post = Post()
    async with smtp_server(post) as port:
        post.at_data = "421 closing"
        assert await deliver_mail(plain(port), now=world.now) == 0
        post.at_data = "250 OK"
        assert await catch_up(plain(port), world.now + MINUTE) == 4
    assert len({mail["Message-ID"] for mail in post.arrived}) == 4
    assert {row["tries"] for row in await mails()} == {0}


async def catch_up(office: PostOffice, now: datetime) -> int:
    return sum([await deliver_mail(office, now=now + n * delivery.LEASE) for n in range(3)])


async def mails() -> list[dict[str, Any]]:
    return await records.rows("SELECT * FROM outbound_email")


async def states() -> Counter[str]:
    return Counter(
        next((s for s in ("sent", "dropped", "dead") if row[f"{s}_at"]), "waiting")
        for row in await mails()
    )
