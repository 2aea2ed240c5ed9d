"""What the commands of this room are told; apart, since what they do imports the configuration."""

import argparse
from pathlib import Path


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without-proxy", action="store_true", help="do not ask PUBLIC_URL: nothing runs there yet"
    )
    parser.add_argument(
        "--dns", action="store_true", help="look up the SPF, DKIM and DMARC records of MAIL_FROM"
    )
    parser.add_argument(
        "--dns-file",
        type=Path,
        metavar="FILE",
        help="the same from a file, in lines such as a zone file or `dig` has them",
    )
    parser.add_argument(
        "--sent-by",
        metavar="ADDRESS",
        help="the address from which the mail server sends: SPF must allow it",
    )
    parser.add_argument(
        "--dkim-selector", metavar="NAME", help="of the key that mails are signed with"
    )
    parser.add_argument(
        "--signed-mail",
        type=Path,
        metavar="FILE",
        help="a mail as it was received: what its DKIM signature covers is looked at",
    )


def add_backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, required=True, help="a folder, or the new file's name")
    parser.add_argument(
        "--keep", type=int, metavar="N", help="then delete all but the newest N of that folder"
    )


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", type=Path, required=True, dest="path", help="the backup")
    parser.add_argument(
        "--only-verify", action="store_true", help="read and compare all of it, and write nothing"
    )
