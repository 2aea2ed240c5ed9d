"""Two processes believe that they lead: every job runs twice at once, and has its effect once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from domain import audit
from domain.appointments import booking
from domain.mail.delivery import LEASE
from jobs.deliver_mail import deliver_mail
from jobs.schedule import Task, schedule
from tests.crash import invariants
from tests.domain import records
from tests.jobs.smtp_server import Post, smtp_server
from tests.jobs.test_deliver_mail import plain
from tests.jobs.test_publish_slots import MONDAY, hours
from tests.stores import MemoryStore
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_every_job_run_by_two_at_once_has_its_effect_once(
    world: World, monkeypatch: Any
) -> None:
    store = MemoryStore()
    monkeypatch.setattr("jobs.schedule.store_of", lambda _: store)
    await world.set_clinic(most_upcoming=1000)
    visits = {await world.appointment(world.now + n * HOUR) for n in range(24, 64)}
    await hours(world, MONDAY, "09:00", "16:00")
    teen = await world.patient("Zoé", "Gagnon", (world.now - timedelta(days=14 * 365.25)).date())
    await world.grant(world.alice_account, teen)
    slot = await world.slot(world.now + 8 * DAY)
    await booking.hold(await world.viewer(), world.alice, world.choices, slot, now=world.now)
    await store.put("f" * 64, b"nobody's")
    post = Post()
    async with smtp_server(post) as port:
        tasks = schedule(plain(port))
        for now in (world.now + HOUR, world.now + HOUR + 2 * LEASE):
            for task in tasks:
                await both(task, now=now)
        while await deliver_mail(plain(port), now=now):
            pass
    happened = await invariants.check(without_story=visits)
    assert happened["confirmable"] == visits
    assert await audit.first_broken_seal() is None
    assert (await records.count("hold"), store.contents) == (0, {})
    slots = await records.rows("SELECT practitioner, starts_at FROM slot")
    published = [(row["practitioner"], row["starts_at"]) for row in slots]
    assert len(set(published)) == len(published) > len(visits) + 50
    mails = await records.rows("SELECT once_key, sent_at, dropped_at FROM outbound_email")
    assert len({row["once_key"] for row in mails}) == len(mails)
    assert all(row["sent_at"] or row["dropped_at"] for row in mails)
    assert set(Counter(mail["Message-ID"] for mail in post.arrived).values()) == {1}
    assert len(post.arrived) == sum(row["sent_at"] is not None for row in mails)


async def both(task: Task, *, now: datetime) -> Sequence[Any]:
    return await asyncio.gather(task.run(now=now), task.run(now=now))
