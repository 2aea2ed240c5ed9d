"""The process that delivers is killed at each point: no mail is lost, and at most one comes twice.

R84: before commit, after commit, after lease, during DATA, after 250, before the mark.
"""

import os
import signal
import sys
from asyncio import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.mail import delivery
from jobs.deliver_mail import deliver_mail
from tests import databases
from tests.crash import deliverer
from tests.domain import records
from tests.jobs.smtp_server import Post, smtp_server
from tests.world import World

ROOT = Path(__file__).parents[2]
ARRIVES = {"uncommitted": 0, "committed": 1, "leased": 1, "data": 1, "accepted": 2, "unmarked": 2}
"""How often in the end: twice only where the server had said 250 and nobody had noted it yet."""
NOT_LEASED = {"uncommitted", "committed"}
SECOND = timedelta(seconds=1)


async def test_killed_at_each_of_six_points_no_mail_is_lost_and_one_comes_twice(
    world: World,
) -> None:
    post, now = Post(), world.now
    async with smtp_server(post) as port, delivering() as process:
        office = deliverer.office(port)
        for day, (place, times) in enumerate(ARRIVES.items(), 5):
            visit = await world.appointment(world.now + timedelta(days=day))
            post.arrived.clear()
            await kill_at(process, place, visit, world.alice_account, now.isoformat(), port)
            sent = [
                await deliver_mail(office, now=now + wait)
                # What it had leased is nobody else's until the lease ends.
                for wait in (SECOND, delivery.LEASE + SECOND, 3 * delivery.LEASE)
            ]
            assert sent == ([min(times, 1), 0, 0] if place in NOT_LEASED else [0, 1, 0]), place
            mails = await about(visit)
            assert [mail["tries"] for mail in mails if mail["sent_at"]] == [0] * min(times, 1)
            expected = {f"<{mail['id']}@portail.example>": times for mail in mails}
            assert Counter(mail["Message-ID"] for mail in post.arrived) == expected, place
            now += timedelta(hours=1)


@asynccontextmanager
async def delivering() -> AsyncIterator[subprocess.Process]:
    process = await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.deliverer"),
        cwd=ROOT,
        env=databases.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def kill_at(process: subprocess.Process, *words: object) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
    there = await process.stdout.readline()
    os.kill(int(there), signal.SIGKILL)


async def about(visit: UUID) -> list[dict[str, Any]]:
    rows = await records.rows("SELECT * FROM outbound_email")
    return [row for row in rows if str(visit) in str(row["facts"])]
