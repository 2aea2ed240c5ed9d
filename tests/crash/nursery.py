"""Servers without the two seconds of imports: `python -m tests.crash.nursery`.

For each line « start PORT LOG » it forks one, which then runs `portal serve` as if it had just
begun, and tells its number; for « wait NUMBER » it waits until that one is dead.
"""

import os
import signal
import sys

import piccolo.apps.migrations.commands.forwards
import uvicorn

import jobs.leader
import jobs.schedule
import web.app
from web import cli

READY = (piccolo.apps.migrations.commands.forwards, uvicorn, jobs.leader, jobs.schedule, web.app)


def main() -> None:
    children: set[int] = set()
    for line in sys.stdin:
        match line.split():
            case ["start", port, log]:
                child = os.fork()
                if child == 0:
                    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                    for descriptor in (1, 2):
                        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
                    sys.exit(cli.main(["serve", "--port", port]))
                children.add(child)
                tell(child)
            case ["wait", number]:
                os.waitpid(int(number), 0)
                children.discard(int(number))
                tell(int(number))
    for child in children:  # nobody is left to kill them
        os.kill(child, signal.SIGKILL)


def tell(child: int) -> None:
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
