"""Of many that offer, one runs the jobs; when it dies, another does."""

import asyncio
from asyncio import Task as Running
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest
from apscheduler.triggers.interval import IntervalTrigger

from domain import clock, db
from domain.engines import PostgresEngine, SQLiteEngine
from jobs.leader import LOCK, run_as_leader
from jobs.runner import Ticks
from jobs.schedule import Task
from tests.jobs.alone import process, ticking
from tests.world import NOW

Database = SQLiteEngine | PostgresEngine
PATIENCE = 30
"""Seconds: a busy machine is slow, and who has not to wait does not."""
SOON = 10


def who(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


async def within(seconds: float, is_so: Callable[[], bool]) -> float:
    began = perf_counter()
    while not is_so():
        assert perf_counter() - began < seconds, "too late"
        await asyncio.sleep(0.02)
    return perf_counter() - began


@asynccontextmanager
async def offering(tasks: list[Task]) -> AsyncIterator[Running[None]]:
    offer = asyncio.create_task(run_as_leader(tasks, now=clock.now))
    try:
        yield offer
    finally:
        await end(offer)


async def end(offer: Running[None]) -> float:
    began = perf_counter()
    offer.cancel()
    await asyncio.gather(offer, return_exceptions=True)
    return perf_counter() - began


async def test_of_two_one_runs_and_the_other_follows(database: Database, tmp_path: Path) -> None:
    """A56."""
    file = tmp_path / "ticks"
    async with offering(ticking("first", file)) as first:
        await within(PATIENCE, lambda: "first" in who(file))
        async with offering(ticking("second", file)):
            await asyncio.sleep(1.5)
            assert set(who(file)) == {"first"}
            assert await end(first) < SOON
            await within(PATIENCE, lambda: "second" in who(file))
            ticks = who(file)
            assert "first" not in ticks[ticks.index("second") :]


async def test_after_a_kill_another_process_leads(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    async with process("lead", "first", str(file)) as first:
        await within(PATIENCE, lambda: "first" in who(file))
        async with offering(ticking("second", file)):
            await asyncio.sleep(1.2)
            assert set(who(file)) == {"first"}
            first.kill()
            await first.wait()
            await within(PATIENCE, lambda: "second" in who(file))


@pytest.mark.postgres  # a file's lock is lost only with its process
async def test_a_lost_connection_ends_the_jobs_until_the_lock_is_had_again(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "ticks"
    async with offering(ticking("only", file)):
        await within(PATIENCE, lambda: "only" in who(file))
        await db.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objid = {} AND granted",
            LOCK,
        )
        async with offering(ticking("other", file)):
            await within(PATIENCE, lambda: len(who(file)) > 15)
    assert sum(one != other for one, other in pairwise(who(file))) <= 1


async def test_a_job_under_way_may_finish_and_a_long_one_is_stopped_soon(
    database: Database,
) -> None:
    done: list[str] = []

    async def short(*, now: datetime) -> None:
        await asyncio.sleep(0.2)
        done.append("short")

    async def long(*, now: datetime) -> None:
        try:
            done.append("began")
            await asyncio.sleep(60)
        finally:
            done.append("stopped")

    rarely = IntervalTrigger(hours=1)
    async with offering([Task("short", short, rarely), Task("long", long, rarely)]) as offer:
        await within(PATIENCE, lambda: "began" in done)
        assert await end(offer) < SOON
    assert done == ["began", "short", "stopped"]


async def test_a_job_that_fails_is_told_and_tried_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    times: list[datetime] = []

    async def failing(*, now: datetime) -> None:
        times.append(now)
        raise RuntimeError("out of order")

    often = IntervalTrigger(seconds=0.2)  # type: ignore[arg-type]
    async with offering([Task("failing", failing, often)]):
        await within(PATIENCE, lambda: len(times) >= 3)
    assert "failing failed, its next tick tries again" in caplog.text
    assert "RuntimeError at" in caplog.text
    assert "out of order" not in caplog.text  # the words may be a patient's


async def test_what_fails_at_each_tick_is_told_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    async def failing(*, now: datetime) -> None:
        raise RuntimeError

    passed = timedelta()
    ticks = Ticks(lambda: NOW + passed)
    for _ in range(10):  # at 0, 24 and 48 hours
        await ticks.run(Task("failing", failing, IntervalTrigger(hours=6)))
        passed += timedelta(hours=6)
    assert caplog.text.count("failing failed") == 3


async def test_a_slow_job_is_never_beside_itself(database: Database) -> None:
    at_once, most = 0, 0

    async def slow(*, now: datetime) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.5)
        at_once -= 1

    often = IntervalTrigger(seconds=0.1)  # type: ignore[arg-type]
    async with offering([Task("slow", slow, often)]):
        await asyncio.sleep(1.2)
    assert most == 1
