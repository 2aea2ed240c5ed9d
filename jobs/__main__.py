"""The jobs alone, beside web processes that run with PORTAL_JOBS=off."""

import asyncio
import os
import signal
from contextlib import suppress
from typing import cast

from domain import clock, db
from domain.config import Settings
from jobs import logs
from jobs.leader import run_as_leader
from jobs.office import PostOffice
from jobs.schedule import schedule


async def run(settings: Settings) -> None:
    this = cast("asyncio.Task[None]", asyncio.current_task())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with db.connected():
        await run_as_leader(schedule(PostOffice.of(settings, clock.now)), now=clock.now)


def main() -> None:
    logs.to_stdout()
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(run(Settings.from_env(os.environ)))


if __name__ == "__main__":
    main()
