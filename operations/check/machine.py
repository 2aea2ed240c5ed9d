"""This machine: its disk, its clock, and the store, which must keep what it is given."""

import asyncio
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from domain.config import Settings
from domain.messages.files import Files, Unreadable, Unwritable
from operations.check.finding import Finding

LITTLE, SCARCE = 5 * 10**9, 10**9
PROBE = b"portal check"
GIGABYTE = 10**9


def findings(settings: Settings) -> Iterator[Finding]:
    yield _rights(settings.data_dir)
    yield _disk(settings.data_dir)


def _rights(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding.wrong(
            "data folder", f"{folder} is not there", f"make it: install -d -m 700 {folder}"
        )
    loose = [
        path
        for path in (folder, folder / "documents", folder / "portal.sqlite")
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o007
    ]
    if loose and stat.S_IMODE(folder.stat().st_mode) & 0o007:
        return Finding.wrong(
            "data folder",
            f"{loose[0]} is open to every user of this machine",
            f"chmod 700 {folder}",
        )
    return Finding.well("data folder", "closed to other users of this machine")


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding.unknown("disk", f"not known: {error.strerror}")
    told = f"{free / GIGABYTE:.1f} GB free"
    if free < SCARCE:
        return Finding.wrong("disk", told, "make room: without any, nothing can be booked or sent")
    if free < LITTLE:
        return Finding.doubtful("disk", told, "make room before it is full")
    return Finding.well("disk", told)


async def clock() -> Finding:
    try:
        process = await asyncio.create_subprocess_exec(
            "timedatectl",
            "show",
            "--property=NTPSynchronized",
            "--value",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said, _ = await process.communicate()
    except OSError:
        said = b""
    if said.strip() == b"yes":
        return Finding.well("clock", "set by NTP")
    if said.strip() == b"no":
        return Finding.doubtful(
            "clock", "not set by NTP", "`timedatectl set-ntp true`: six-digit codes go by the clock"
        )
    return Finding.unknown("clock", "this system does not say whether it is set by NTP")


async def store(files: Files) -> Finding:
    """Written, read back and deleted, under a name that no document has."""
    name, advice = secrets.token_hex(32), ""
    try:
        await files.put(name, PROBE)
        kept = await files.read(name, 0, len(PROBE) + 1)
        await files.delete(name)
        left = name in await files.names()
    except (Unreadable, Unwritable) as error:
        advice = (
            "see to DOCUMENTS_URL and AWS_…, and that the keys may put, get, list and delete;"
            " or to the rights of DATA_DIR/documents"
        )
        return Finding.wrong("store", f"does not work: {error}", advice)
    if kept != PROBE or left:
        return Finding.wrong(
            "store", "does not keep what it is given", "use one that is consistent after a write"
        )
    return Finding.well("store", "wrote, read and deleted a probe")
