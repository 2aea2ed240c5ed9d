"""A process of its own on the test's database: `python -m tests.jobs.alone lead|open …`."""

import asyncio
import os
import sys
from asyncio import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from apscheduler.triggers.interval import IntervalTrigger

from domain import clock, db
from jobs.leader import run_as_leader
from jobs.open_confirmation_window import open_confirmation_window
from jobs.schedule import Task


def ticking(name: str, file: Path) -> list[Task]:
    """A job that notes, five times a second, who runs it."""

    async def tick(*, now: datetime) -> None:
        with file.open("a") as notes:
            notes.write(f"{name} {now.timestamp()}\n")

    return [Task("tick", tick, IntervalTrigger(seconds=0.2))]  # type: ignore[arg-type]


async def lead(name: str, file: str) -> None:
    async with db.connected():
        await run_as_leader(ticking(name, Path(file)), now=clock.now)


async def open_window(now: str) -> None:
    async with db.connected():
        opened = await open_confirmation_window(now=datetime.fromisoformat(now))
        sys.stdout.write(str(opened))


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.jobs.alone",
        *arguments,
        env=os.environ | _same_database(db.engine()),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


def _same_database(engine: Any) -> dict[str, str]:
    if db.is_postgres():
        return {"DATABASE_URL": engine.config["dsn"]}
    return {"DATABASE_URL": "", "DATA_DIR": str(Path(engine.path).parent)}


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    asyncio.run({"lead": lead, "open": open_window}[command](*rest))
