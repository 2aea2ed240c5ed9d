"""Servers without the two seconds of imports: `python -m tests.crash.nursery serve --port …`.

For each line « start » it forks one, which then runs the command as if it had just begun, and
tells its number; for « wait » it waits until that one is dead.
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


def main(arguments: list[str]) -> None:
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(2, 1)
                sys.exit(cli.main(arguments))
            tell(child)
        elif child:
            os.waitpid(child, 0)
            tell(child)
            child = 0
    if child:  # nobody is left to kill it
        os.kill(child, signal.SIGKILL)


def tell(child: int) -> None:
    sys.stdout.write(f"{child}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
