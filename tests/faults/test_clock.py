"""The clock jumps: what is due comes once, and nothing lasts for ever because it was wrong."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from domain.accounts import sessions
from domain.appointments import booking
from domain.staff import sessions as staff_sessions
from jobs.come_of_age import come_of_age
from jobs.deliver_mail import deliver_mail
from jobs.open_confirmation_window import open_confirmation_window
from jobs.release_holds import release_holds
from tests.crash import invariants
from tests.domain import records
from tests.jobs.smtp_server import Post, smtp_server
from tests.jobs.test_deliver_mail import plain
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JUMPS = {"an hour back": -HOUR, "three hours on": 3 * HOUR, "forty days on": 40 * DAY}


@pytest.mark.parametrize("jump", JUMPS)
async def test_after_a_jump_and_back_each_due_reminder_was_sent_once(
    world: World, jump: str
) -> None:
    visits = {await world.appointment(world.now + n * HOUR) for n in (50, 70, 73, 74, 100)}
    teen = await world.patient("Zoé", "Gagnon", (world.now - timedelta(days=14 * 365.25)).date())
    await world.grant(world.alice_account, teen)
    post = Post()
    async with smtp_server(post) as port:
        for now in times(world.now, JUMPS[jump]):
            await open_confirmation_window(now=now)
            await come_of_age(now=now)
            await deliver_mail(plain(port), now=now)
    happened = await invariants.check(without_story=visits)
    assert happened["confirmable"] == visits
    keys = [row["once_key"] for row in await records.rows("SELECT once_key FROM outbound_email")]
    assert len(set(keys)) == len(keys)
    times_sent = Counter(mail["Message-ID"] for mail in post.arrived)
    assert set(times_sent.values()) <= {1}
    # What the clock's jump over their time made untrue is dropped, and nothing waits for ever.
    left = "SELECT id FROM outbound_email WHERE sent_at IS NULL AND dropped_at IS NULL"
    assert await records.rows(left) == []


def times(begin: datetime, jump: timedelta) -> list[datetime]:
    """An hour, the jump, some hours there, back again, and the days until all is past."""
    there = [begin + jump + n * HOUR for n in range(3)]
    after = [begin + n * 4 * HOUR for n in range(42)]
    return [begin, *there, *after]


async def test_a_session_begun_by_a_clock_far_ahead_ends_when_it_is_set_right(
    world: World,
) -> None:
    ahead = world.now + 40 * DAY
    for begin, who, of in (
        (sessions.begin, world.alice_account, sessions.viewer_of),
        (staff_sessions.begin, world.dana, staff_sessions.member_of),
    ):
        token = await begin(who, device="test", now=ahead)
        assert await of(token, request_id="r", now=ahead + MINUTE) is not None
        assert await of(token, request_id="r", now=world.now) is None
        assert await of(token, request_id="r", now=world.now + 39 * DAY) is None


async def test_a_session_used_while_the_clock_was_ahead_is_idle_as_soon_as_any(
    world: World,
) -> None:
    token = await sessions.begin(world.alice_account, device="test", now=world.now)
    ahead = world.now + 15 * MINUTE
    assert await sessions.viewer_of(token, request_id="r", now=ahead) is not None
    back = world.now + MINUTE  # its mark is put right by the next use
    assert await sessions.viewer_of(token, request_id="r", now=back) is not None
    idle = back + timedelta(minutes=20)
    assert await sessions.viewer_of(token, request_id="r", now=idle) is None


async def test_an_hour_back_signs_nobody_out_and_prolongs_by_that_hour_at_most(
    world: World,
) -> None:
    token = await sessions.begin(world.alice_account, device="test", now=world.now)
    back = world.now - HOUR
    for n in range(13 * 60 // 15):
        now = back + n * 15 * MINUTE
        assert await sessions.viewer_of(token, request_id="r", now=now) is not None
    assert await sessions.viewer_of(token, request_id="r", now=back + 13 * HOUR) is None


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_hold_of_another_time_keeps_no_slot_for_long(world: World, jump: str) -> None:
    slot = await world.slot(world.now + 60 * DAY)
    viewer = await world.viewer()
    held_at = world.now + JUMPS[jump]
    await booking.hold(viewer, world.alice, world.choices, slot, now=held_at)
    assert await records.count("hold") == 1
    for n in range(0, 66):
        await release_holds(now=world.now + n * MINUTE)
    assert await records.count("hold") == 0
