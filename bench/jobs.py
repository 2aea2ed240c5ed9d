"""One job as the leading process runs it, alone: `python -m bench.jobs publish|open|deliver N`.

It prints how many were done, in how long, and the most memory that this took.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from domain import clock, db
from domain.config import Settings
from jobs.deliver_mail import deliver_mail
from jobs.office import PostOffice
from jobs.open_confirmation_window import open_confirmation_window
from jobs.publish_slots import publish_slots

WHOLE_HORIZON = 24 * 7 * 12


async def publish(_: int, now: datetime) -> int:
    return await publish_slots(now=now)


async def open_window(most: int, now: datetime) -> int:
    """The window is as wide as the horizon, and of so many visits it was not yet said."""
    await db.fetch("UPDATE clinic SET confirm_window_hours = {}", WHOLE_HORIZON)
    await db.fetch(
        "UPDATE appointment SET confirmable_at = NULL WHERE id IN"
        " (SELECT id FROM appointment WHERE starts_at > {} ORDER BY starts_at LIMIT {})",
        now,
        most,
    )
    return await _timed(open_confirmation_window, now)


async def deliver(most: int, now: datetime) -> int:
    """Of the mails that are owed, so many."""
    office = PostOffice.of(Settings.from_env(os.environ), clock.now)
    await db.fetch(
        "UPDATE outbound_email SET dropped_at = {} WHERE id NOT IN"
        " (SELECT id FROM outbound_email ORDER BY created_at, id LIMIT {})",
        now,
        most,
    )

    async def until_none(*, now: datetime) -> int:
        sent = 0
        while left := await deliver_mail(office, now=now):
            sent += left
        return sent

    return await _timed(until_none, now)


_took: list[float] = []


async def _timed(job: Callable[..., Awaitable[int]], now: datetime) -> int:
    began = time.perf_counter()
    done = await job(now=now)
    _took.append(time.perf_counter() - began)
    return done


async def _run(name: str, most: int) -> dict[str, float]:
    job = {"publish": publish, "open": open_window, "deliver": deliver}[name]
    async with db.connected():
        began = time.perf_counter()
        done = await job(most, clock.now())
        whole = time.perf_counter() - began
    return {
        "done": done,
        "seconds": _took[0] if _took else whole,
        "cpu": time.process_time(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(sys.argv[1], int(sys.argv[2])))))
