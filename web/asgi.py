"""The application as a server runs it: `uvicorn web.asgi:app`."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from litestar import Litestar

from domain import clock
from domain.config import Settings
from jobs import logs
from jobs.leader import run_as_leader
from jobs.office import PostOffice
from jobs.schedule import Task, schedule
from web.app import Lifespan, create_app
from web.gate import Gate

RARELY = (10_000, 10, 10)  # objects made before the collector looks: a page makes thousands


def from_environment() -> Gate:
    settings = Settings.from_env(os.environ)
    tasks = schedule(PostOffice.of(settings, clock.now))
    leading = [_leading(tasks)] if settings.has_jobs else []
    return create_app(settings, lifespan=[_settled, *leading])


@asynccontextmanager
async def _settled(_: Litestar) -> AsyncIterator[None]:
    """What was imported stays: the collector need not look at all of it in the midst of a page."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)
    yield


def _leading(tasks: Sequence[Task]) -> Lifespan:
    @asynccontextmanager
    async def lead(_: Litestar) -> AsyncIterator[None]:
        offer = asyncio.create_task(run_as_leader(tasks, now=clock.now))
        try:
            yield
        finally:
            offer.cancel()
            with suppress(asyncio.CancelledError):
                await offer

    return lead


logs.to_stdout()
app = from_environment()
