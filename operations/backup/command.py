"""`portal backup` and `portal restore`: what they are told, and what they tell."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from domain import clock
from domain.config import BadConfiguration, Settings, backup_keys
from domain.messages.files import Away, Unreadable, Unwritable, store_of
from operations.backup import restoring, taking
from operations.backup.archive import Manifest
from operations.backup.databases import DatabaseFailed
from operations.backup.restoring import NotEmpty, NotWhole
from operations.backup.sealing import CannotOpen

MEGABYTE = 10**6
PROBLEMS = (CannotOpen, DatabaseFailed, NotEmpty, NotWhole, Unreadable, OSError)


def backup(options: argparse.Namespace) -> int:
    return _told("No backup was taken", lambda: _backup(options))


def restore(options: argparse.Namespace) -> int:
    return _told("Not restored", lambda: _restore(options))


async def _backup(options: argparse.Namespace) -> int:
    if options.keep is not None and (options.keep < 1 or not options.to.is_dir()):
        raise BadConfiguration("--keep is one or more, and --to is then a folder")
    settings = Settings.from_env(os.environ)
    key = backup_keys(os.environ)[0]
    now = clock.now()
    taken = await taking.take(options.to, store_of(settings, is_hurried=False), key, now=now)
    print(f"{taken.path}: {_size(taken.manifest)}")
    if taken.manifest.missing:
        _name_missing(taken.manifest)
        return 1  # and no older backup, which may hold them, is deleted
    for old in taking.forget_old(options.to, options.keep, now=now) if options.keep else []:
        print(f"{old}: deleted")
    return 0


async def _restore(options: argparse.Namespace) -> int:
    settings, keys = Settings.from_env(os.environ), backup_keys(os.environ)
    if options.only_verify:
        manifest = await restoring.checked(options.path, keys)
        print(f"Whole, of {manifest.taken_at}: {_size(manifest)}")
    else:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = store_of(settings, is_hurried=False)
        manifest = await restoring.restore(options.path, store, keys)
        print(f"Restored, as of {manifest.taken_at}: {_size(manifest)}; the journal is whole.")
        print("Nobody is signed in, and links that open an account are dead.")
        print("Access withdrawn, blocked or closed since then is open again: docs/deployment.md.")
        print("Run `portal migrate`, then `portal check`.")
    if manifest.missing:
        _name_missing(manifest)
        return 1
    return 0


def _name_missing(manifest: Manifest) -> None:
    print(
        f"{len(manifest.missing)} documents are not in this backup: when it was taken, the store"
        " had lost them, or had them otherwise than they were stored:",
        *manifest.missing,
        sep="\n  ",
        file=sys.stderr,
    )


def _size(manifest: Manifest) -> str:
    return f"a database and {len(manifest.documents)} documents, {manifest.size / MEGABYTE:.1f} MB"


def _told(what: str, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    try:
        return asyncio.run(work())
    except (Away, Unwritable) as problem:
        print(f"{what}: the documents' store does not work: {problem}", file=sys.stderr)
        return 1
    except PROBLEMS as problem:
        print(f"{what}: {problem}", file=sys.stderr)
        return 1
