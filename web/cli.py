"""The `portal` command. What reads the environment is imported once that is complete."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from runpy import run_module
from typing import Any

from web.first_run_options import add_admin_arguments, add_init_arguments
from web.send_options import add_send_arguments, add_thread_arguments

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

    settings = Settings.from_env(os.environ)  # a mistake in it is told here, not in a traceback
    _with_database(_check_clinic(settings))
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
    from domain.config import Settings

    _with_database(_check_clinic(Settings.from_env(os.environ)))
    run_module("jobs", run_name="__main__")
    return 0


def seed_demo(_: argparse.Namespace) -> int:
    from domain.config import BadConfiguration, Settings

    if os.environ.get("PORTAL_DEMO") != "1":
        raise BadConfiguration("accounts with a known password are for PORTAL_DEMO=1 only")
    _with_database(_seed(Settings.from_env(os.environ)))
    return 0


def demo(options: argparse.Namespace) -> int:
    from domain import db
    from domain.config import Settings

    if options.host not in {"127.0.0.1", "::1", "localhost"}:
        raise SystemExit("a demonstration, with its known passwords, stays on this machine")
    os.environ |= {"PORTAL_DEMO": "1", "PORT": str(options.port)}
    settings = Settings.from_env(os.environ)
    url = settings.public_url
    asyncio.run(db.migrate())
    _with_database(_seed(settings))
    invited = _with_database(_invite_someone(settings.keys))
    print(f"Portail      {url}")
    print(f"Courriels    {url}/courriels")
    print(f"Comptes      {DEMO_ACCOUNTS[0]}\n             {DEMO_ACCOUNTS[1]}")
    print(f"Mot de passe {DEMO_PASSWORD}")
    print(f"Clinique     {url}/clinique")
    for member in _with_database(_staff_of_the_demo(settings.keys)):
        print(f"             {member.email} ({member.role}), code {member.code}")
    if invited is not None:
        print(f"Invitation   {invited.email}\n             code de la clinique {invited.code}")
    sys.stdout.flush()
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

    settings = Settings.from_env(os.environ)
    try:
        code = _with_database(_invite(options, settings.keys))
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


async def _check_clinic(settings: Any) -> None:
    """What the clinic left out is told before anyone is let in; an empty installation runs.

    It has no clinic to sign up with: its pages say so.
    """
    from domain import clock
    from domain.clinic import readiness
    from domain.clinic.clinic import current_settings
    from domain.config import BadConfiguration
    from domain.errors import NotFound
    from domain.links import Links
    from web import first_run

    try:
        missing = readiness.missing_in(await current_settings())
    except NotFound:
        path = first_run.browser_path(Links(settings.keys), clock.now())
        print("There is no clinic in the database yet. Within three days, open", file=sys.stderr)
        print(f"{settings.public_url}{path}\nor run `portal init`.", file=sys.stderr)
        return
    if missing:
        raise BadConfiguration("\n".join(["The clinic lacks settings:", *missing]))


async def _seed(settings: Any) -> None:
    from domain import clock
    from domain.accounts.passwords import Passwords
    from domain.accounts.secret_box import SecretBox
    from domain.demo import seed
    from domain.messages.files import store_of

    await seed(
        now=clock.now(),
        passwords=Passwords(),
        files=store_of(settings),
        box=SecretBox(settings.keys),
    )


async def _invite(options: argparse.Namespace, keys: Sequence[str]) -> str:
    from domain import clock
    from domain.accounts import invitations
    from domain.accounts.passwords import Passwords
    from domain.audit import Actor
    from domain.links import Links

    return await invitations.invite(
        await invitations.patient_named(options.patient),
        options.email,
        options.language,
        Actor("console", None, "portal invite"),
        links=Links(keys),
        passwords=Passwords(),
        now=clock.now(),
        in_spite_of_proxy=options.in_spite_of_proxy,
    )


async def _invite_someone(keys: Sequence[str]) -> Any:
    from domain import clock
    from domain.accounts.passwords import Passwords
    from domain.demo import invitation
    from domain.links import Links

    return await invitation.invite(links=Links(keys), passwords=Passwords(), now=clock.now())


async def _staff_of_the_demo(keys: Sequence[str]) -> Any:
    from domain import clock
    from domain.accounts.secret_box import SecretBox
    from domain.demo import staff

    return await staff.shown(SecretBox(keys), now=clock.now())


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
        (init, "make an empty installation a clinic, with its first administrator"),
        (admin, "add the first administrator, or send one a new link"),
        (invite, "invite a patient by mail, and show the code to hand over"),
        (send, "send a patient a message, a document or an invoice"),
        (thread, "close or reopen a thread, allow or refuse a reply"),
        (check_journal, "verify the seals of the audit journal"),
    ):
        command = commands.add_parser(run.__name__.replace("_", "-"), help=about)
        command.set_defaults(run=run)
        if run in (serve, demo):
            command.add_argument("--host", default="127.0.0.1")
            command.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        if run is init:
            add_init_arguments(command)
        if run is admin:
            add_admin_arguments(command)
        if run is send:
            add_send_arguments(command)
        if run is thread:
            add_thread_arguments(command)
        if run is invite:
            command.add_argument(
                "--patient", required=True, help="id, or exact first and last name"
            )
            command.add_argument("--email", required=True)
            command.add_argument("--language", choices=("fr", "en"), default="fr")
            command.add_argument(
                "--in-spite-of-proxy",
                action="store_true",
                help="also when the address or phone is that of someone who acts for the patient",
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
