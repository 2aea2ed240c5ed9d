"""A process of its own on the test's database: `python -m tests.domain.contender book`.

It says when it is ready, waits for a line, and then does all it was given at once.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from domain import db
from domain.appointments import booking
from domain.appointments.choices import Choices
from domain.clinic import publishing
from domain.errors import Refusal
from domain.people import viewer as viewers
from tests import databases

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wish:
    """What one person wants: this slot, for this profile."""

    account: UUID
    patient: UUID
    slot: UUID
    choices: Choices
    now: datetime

    async def try_(self, act: str) -> str:
        try:
            viewer = await viewers.load(self.account, via="account", request_id="race")
            if act == "hold":
                await booking.hold(viewer, self.patient, self.choices, self.slot, now=self.now)
            else:
                key = uuid4().hex
                await booking.book(
                    viewer, self.patient, self.choices, self.slot, form_key=key, now=self.now
                )
        except Refusal as refusal:
            return type(refusal).__name__
        except Exception as error:
            return repr(error)
        return "done"

    def written(self) -> dict[str, str]:
        choices = self.choices
        ids = {
            "account": self.account,
            "patient": self.patient,
            "slot": self.slot,
            "specialty": choices.specialty,
            "practitioner": choices.practitioner,
            "site": choices.site,
            "visit_type": choices.visit_type,
        }
        return {name: str(id) for name, id in ids.items()} | {"now": self.now.isoformat()}

    @classmethod
    def read(cls, text: dict[str, str]) -> "Wish":
        practitioner = text["practitioner"]
        choices = Choices(
            kind="regular",
            specialty=UUID(text["specialty"]),
            practitioner="anyone" if practitioner == "anyone" else UUID(practitioner),
            site=UUID(text["site"]),
            visit_type=UUID(text["visit_type"]),
            moment="soonest",
        )
        now = datetime.fromisoformat(text["now"])
        return cls(UUID(text["account"]), UUID(text["patient"]), UUID(text["slot"]), choices, now)


async def at_once(act: str, wishes: Iterable[Wish]) -> Counter[str]:
    return Counter(await asyncio.gather(*(wish.try_(act) for wish in wishes)))


async def in_processes(act: str, shares: Sequence[Sequence[Wish]]) -> Counter[str]:
    """Each share in a process of its own, all starting together."""
    return sum(
        map(
            Counter, await _together(act, [[wish.written() for wish in share] for share in shares])
        ),
        Counter(),
    )


async def publish_in_processes(processes: int, now: datetime) -> list[int]:
    answers = await _together("publish", [now.isoformat()] * processes)
    return [int(answer["published"]) for answer in answers]


async def _together(act: str, tasks: Sequence[object]) -> list[dict[str, int]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.domain.contender", act],
            cwd=ROOT,
            env=databases.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in tasks
    ]
    try:
        for process in started:
            assert process.stdout is not None
            ready = await asyncio.to_thread(process.stdout.readline)
            assert ready == "ready\n", ready + process.stdout.read()
        for process, task in zip(started, tasks, strict=True):
            print(json.dumps(task), file=process.stdin, flush=True)
        answers = [await asyncio.to_thread(process.communicate, timeout=60) for process in started]
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
    for process, (output, _) in zip(started, answers, strict=True):
        assert process.returncode == 0, output
    return [json.loads(output) for output, _ in answers]


async def main(act: str) -> None:
    async with db.connected():
        tell("ready")
        task = json.loads(await asyncio.to_thread(sys.stdin.readline))
        answer: dict[str, int]
        if act == "publish":
            answer = {"published": await publishing.publish(now=datetime.fromisoformat(task))}
        else:
            answer = dict(await at_once(act, map(Wish.read, task)))
        tell(json.dumps(answer))


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
