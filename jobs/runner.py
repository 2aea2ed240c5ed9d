import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from domain import clock
from domain.failures import place_of
from jobs.office import Clock
from jobs.schedule import Task

# A late tick still runs, several late ones run once, and none runs beside itself.
DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
GRACE = 0.5
AGAIN_AFTER = timedelta(hours=20)
"""What is done once a day is told of each time, though a tick be early."""
log = logging.getLogger("portal.jobs")


@asynccontextmanager
async def running(tasks: Sequence[Task], *, now: Clock) -> AsyncIterator[None]:
    """The tasks on their schedule; at the end each may finish what it does, if that is soon."""
    ticks = Ticks(now)
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=DEFAULTS)
    for task in tasks:
        # The scheduler lives by the real clock, whichever one the tasks are given.
        scheduler.add_job(ticks.run, task.trigger, args=[task], next_run_time=clock.now())
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        await ticks.end()
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)


class Ticks:
    def __init__(self, now: Clock) -> None:
        self._now = now
        self._under_way: set[asyncio.Task[None]] = set()
        self._told: dict[str, tuple[str, datetime]] = {}

    async def run(self, task: Task) -> None:
        current = cast("asyncio.Task[None]", asyncio.current_task())
        self._under_way.add(current)
        try:
            done = await task.run(now=self._now())
            self._told.pop(task.name, None)
            if done:
                log.info("%s: %d", task.name, done)
        except asyncio.CancelledError:  # by `end`; the scheduler would log it as a failure
            log.warning("%s was stopped before its end: its next tick goes on", task.name)
        except Exception as error:
            self._tell(task.name, place_of(error))
        finally:
            self._under_way.discard(current)

    def _tell(self, name: str, place: str) -> None:
        """Once a day: as long as it fails at the same place, each tick would say it again."""
        now = self._now()
        told = self._told.get(name)
        if told is None or told[0] != place or now - told[1] >= AGAIN_AFTER:
            log.error("%s failed, its next tick tries again: %s", name, place)
            self._told[name] = (place, now)

    async def end(self) -> None:
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=GRACE)
        for each in late:
            each.cancel()
        if late:
            await asyncio.wait(late, timeout=GRACE)
