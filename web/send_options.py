"""What `portal send` and `portal thread` take. Imports nothing that reads the environment."""

import argparse
from pathlib import Path


def add_send_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", default="", help="e-mail address of the account")
    command.add_argument("--profile", default="", help="whole name; else the account's own profile")
    command.add_argument("--patient", default="", help="id, or exact first and last name")
    command.add_argument("--thread", default="", help="go on with this one instead")
    command.add_argument("--kind", choices=("message", "document", "invoice"), default="message")
    command.add_argument("--from", dest="sender", required=True, help="« Dre Roy » or « Accueil »")
    command.add_argument("--subject", default="")
    command.add_argument("--text", default="", help="what it says; - reads it from the input")
    command.add_argument("--attach", action="append", default=[], type=Path, metavar="PDF")
    command.add_argument("--allow-reply", action="store_true")


def add_thread_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("thread", help="id")
    what = command.add_mutually_exclusive_group(required=True)
    for option, about in (
        ("close", "no more replies, until the clinic writes again"),
        ("reopen", "undo that"),
        ("allow-reply", "to the clinic's latest message"),
        ("refuse-reply", "also to one that was allowed"),
    ):
        what.add_argument(
            f"--{option}", dest="what", action="store_const", const=option, help=about
        )
