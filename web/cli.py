"""The `portal` command. What reads the environment is imported once that is complete."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from runpy import run_module
from typing import Any

from operations.options import (
    add_backup_arguments,
    add_check_arguments,
    add_restore_arguments,
)
from web.first_run_options import add_admin_arguments, add_init_arguments
from web.send_options import add_send_arguments, add_thread_arguments

SECONDS_TO_FINISH = 30
SERVED: dict[str, Any] = {
    "server_header": False,
    "access_log": False,
    "log_config": None,
    "proxy_headers": False,
    "lifespan": "on",
}
"""How uvicorn answers; the stories in a browser ask one that is told the same."""

Command = Callable[[argparse.Namespace], int]
AddArguments = Callable[[argparse.ArgumentParser], None]


def main(arguments: Sequence[str] | None = None) -> int:
    from domain.config import BadConfiguration

    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BadConfiguration as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:
        return _without_database(error)


def _without_database(error: Exception) -> int:
    """In a word, for whoever starts it again and again until the database is there."""
    from domain import db

    trouble = db.trouble_of(error)
    if trouble is None:
        raise error
    print(f"The database is {trouble}: {type(error).__name__}.", file=sys.stderr)
    return 3


def migrate(_: argparse.Namespace) -> int:
    from domain import db

    asyncio.run(db.migrate())
    return 0


def serve(options: argparse.Namespace) -> int:
    import uvicorn

    from domain.config import Settings
    from web.connections import Connection

    settings = Settings.from_env(os.environ)  # a mistake in it is told here, not in a traceback
    _check(settings)
    uvicorn.run(
        "web.asgi:app",
        host=options.host,
        port=options.port,
        http=Connection,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
        **SERVED,
    )
    return 0


def jobs(_: argparse.Namespace) -> int:
    from domain.config import Settings

    _check(Settings.from_env(os.environ))
    run_module("jobs", run_name="__main__")
    return 0


def _check(settings: Any) -> None:
    from web import starting

    print(_with_database(starting.check(settings)), end="", file=sys.stderr)


def seed_demo(_: argparse.Namespace) -> int:
    from domain.config import BadConfiguration, Settings
    from web import demo_command

    if os.environ.get("PORTAL_DEMO") != "1":
        raise BadConfiguration("accounts with a known password are for PORTAL_DEMO=1 only")
    _with_database(demo_command.fill(Settings.from_env(os.environ)))
    return 0


def demo(options: argparse.Namespace) -> int:
    from domain.config import Settings
    from web import demo_command

    if options.host not in demo_command.HERE:
        raise SystemExit("a demonstration, with its known passwords, stays on this machine")
    os.environ |= {"PORTAL_DEMO": "1", "PORT": str(options.port)}
    settings = Settings.from_env(os.environ)
    migrate(options)
    print(_with_database(demo_command.prepare(settings)), flush=True)
    return serve(options)


def init(options: argparse.Namespace) -> int:
    from web import first_run

    ask = input if sys.stdin.isatty() else None
    return _follow(lambda links, now: first_run.init(options, links, ask=ask, now=now))


def admin(options: argparse.Namespace) -> int:
    from web import first_run

    return _follow(lambda links, now: first_run.add_administrator(options, links, now=now))


def _follow(work: Callable[[Any, Any], Coroutine[Any, Any, str]]) -> int:
    """What leads to a link, which is shown once."""
    from domain import clock
    from domain.config import Settings
    from domain.links import Links
    from web.first_run import CannotInstall

    settings = Settings.from_env(os.environ)
    try:
        path = _with_database(work(Links(settings.keys), clock.now()))
    except CannotInstall as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"To go on, open this link within three days:\n{settings.public_url}{path}")
    return 0


def invite(options: argparse.Namespace) -> int:
    from domain.config import Settings
    from domain.errors import Refusal
    from web import invite_command

    settings = Settings.from_env(os.environ)
    try:
        code = _with_database(invite_command.invite(options, settings.keys))
    except Refusal as refusal:
        print(f"Not invited: {refusal.code}", file=sys.stderr)
        return 1
    print(f"Code to hand over, shown this once: {code}")
    return 0


def send(options: argparse.Namespace) -> int:
    from domain import clock
    from domain.config import Settings
    from domain.messages.files import store_of
    from web import send_command

    files = store_of(Settings.from_env(os.environ))
    try:
        thread = _with_database(send_command.send(options, files, now=clock.now()))
    except send_command.CannotSend as problem:
        print(f"Not sent: {problem}", file=sys.stderr)
        return 2
    print(f"Sent, in thread {thread}")
    return 0


def thread(options: argparse.Namespace) -> int:
    from domain import clock
    from web import send_command

    try:
        _with_database(send_command.change_thread(options, now=clock.now()))
    except send_command.CannotSend as problem:
        print(f"Not done: {problem}", file=sys.stderr)
        return 2
    return 0


def check_journal(_: argparse.Namespace) -> int:
    from domain import audit

    broken = _with_database(audit.first_broken_seal())
    if broken is None:
        print("The journal is as it was sealed.")
        return 0
    print(f"The journal was changed at or before line {broken}.", file=sys.stderr)
    return 1


def check(options: argparse.Namespace) -> int:
    from operations.check import command

    return command.check(options)


def backup(options: argparse.Namespace) -> int:
    from operations.backup import command

    return command.backup(options)


def restore(options: argparse.Namespace) -> int:
    from operations.backup import command

    return command.restore(options)


def _with_database(work: Coroutine[Any, Any, Any]) -> Any:
    from domain import db

    async def run() -> Any:
        async with db.connected():
            return await work

    try:
        return asyncio.run(run())
    finally:
        work.close()  # if there was no database, nobody has begun it


def _add_address(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))


def _add_invitation(command: argparse.ArgumentParser) -> None:
    command.add_argument("--patient", required=True, help="id, or exact first and last name")
    command.add_argument("--email", required=True)
    command.add_argument("--language", choices=("fr", "en"), default="fr")
    command.add_argument(
        "--in-spite-of-proxy",
        action="store_true",
        help="also when the address or phone is that of someone who acts for the patient",
    )


COMMANDS: tuple[tuple[Command, str, AddArguments | None], ...] = (
    (migrate, "bring the database up to date", None),
    (serve, "run the portal", _add_address),
    (jobs, "run the jobs alone, beside servers with PORTAL_JOBS=off", None),
    (seed_demo, "fill an empty database for a demonstration", None),
    (demo, "migrate, seed and run a demonstration", _add_address),
    (init, "make an empty installation a clinic, with its first administrator", add_init_arguments),
    (admin, "add the first administrator, or send one a new link", add_admin_arguments),
    (invite, "invite a patient by mail, and show the code to hand over", _add_invitation),
    (send, "send a patient a message, a document or an invoice", add_send_arguments),
    (thread, "close or reopen a thread, allow or refuse a reply", add_thread_arguments),
    (check_journal, "verify the seals of the audit journal", None),
    (check, "look at this deployment, and say what to do about it", add_check_arguments),
    (backup, "seal the database and its documents into one file, under way", add_backup_arguments),
    (restore, "put a backup back into an empty place", add_restore_arguments),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portal")
    commands = parser.add_subparsers(required=True, metavar="command")
    for run, about, add_arguments in COMMANDS:
        command = commands.add_parser(run.__name__.replace("_", "-"), help=about)
        command.set_defaults(run=run)
        if add_arguments is not None:
            add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
