"""The `portal` command. What reads the environment is imported once that is complete."""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from runpy import run_module
from typing import Any

DEMO_ACCOUNTS = ("milner.heather@example.com", "roy.camille@example.com")
DEMO_PASSWORD = "Tulipe-42-Nord"  # noqa: S105 - the demonstration's own, printed by it
SECONDS_TO_FINISH = 30


def main(arguments: Sequence[str] | None = None) -> int:
    from domain.config import BadConfiguration

    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BadConfiguration as error:
        print(error, file=sys.stderr)
        return 2


def migrate(_: argparse.Namespace) -> int:
    from domain import db

    asyncio.run(db.migrate())
    return 0


def serve(options: argparse.Namespace) -> int:
    import uvicorn

    from domain.config import Settings

    Settings.from_env(os.environ)  # a mistake in it is told here, not in a traceback
    uvicorn.run(
        "web.asgi:app",
        host=options.host,
        port=options.port,
        server_header=False,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
        lifespan="on",
    )
    return 0


def jobs(_: argparse.Namespace) -> int:
    run_module("jobs", run_name="__main__")
    return 0


def seed_demo(_: argparse.Namespace) -> int:
    from domain.config import BadConfiguration

    if os.environ.get("PORTAL_DEMO") != "1":
        raise BadConfiguration("accounts with a known password are for PORTAL_DEMO=1 only")
    _with_database(_seed())
    return 0


def demo(options: argparse.Namespace) -> int:
    from domain import db
    from domain.config import Settings

    if options.host not in {"127.0.0.1", "::1", "localhost"}:
        raise SystemExit("a demonstration, with its known passwords, stays on this machine")
    os.environ |= {"PORTAL_DEMO": "1", "PORT": str(options.port)}
    url = Settings.from_env(os.environ).public_url
    asyncio.run(db.migrate())
    _with_database(_seed())
    print(f"Portail      {url}")
    print(f"Courriels    {url}/courriels")
    print(f"Comptes      {DEMO_ACCOUNTS[0]}\n             {DEMO_ACCOUNTS[1]}")
    print(f"Mot de passe {DEMO_PASSWORD}", flush=True)
    return serve(options)


def check_journal(_: argparse.Namespace) -> int:
    from domain import audit

    broken = _with_database(audit.first_broken_seal())
    if broken is None:
        print("The journal is as it was sealed.")
        return 0
    print(f"The journal was changed at or before line {broken}.", file=sys.stderr)
    return 1


async def _seed() -> None:
    from domain import clock
    from domain.accounts.passwords import Passwords
    from domain.demo import seed

    await seed(now=clock.now(), passwords=Passwords())


def _with_database(work: Coroutine[Any, Any, Any]) -> Any:
    from domain import db

    async def run() -> Any:
        async with db.connected():
            return await work

    return asyncio.run(run())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portal")
    commands = parser.add_subparsers(required=True, metavar="command")
    for run, about in (
        (migrate, "bring the database up to date"),
        (serve, "run the portal"),
        (jobs, "run the jobs alone, beside servers with PORTAL_JOBS=off"),
        (seed_demo, "fill an empty database for a demonstration"),
        (demo, "migrate, seed and run a demonstration"),
        (check_journal, "verify the seals of the audit journal"),
    ):
        command = commands.add_parser(run.__name__.replace("_", "-"), help=about)
        command.set_defaults(run=run)
        if run in (serve, demo):
            command.add_argument("--host", default="127.0.0.1")
            command.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    return parser


if __name__ == "__main__":
    sys.exit(main())
