"""Whether a file may be sent: a PDF that only shows pages."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from domain.errors import PdfRefused
from domain.messages.file_names import is_pdf_name

MOST_BYTES = 10 * 2**20
PATIENCE = 10.0
BEGINNING = b"%PDF-"
READERS = asyncio.Semaphore(2)
"""Each may take half a gigabyte."""
READER = Path(__file__).with_name("pdf_reader.py")
"""Not imported: what opens files that may be made to break it has no place in this process."""
FORBIDDEN = frozenset({"script", "action", "launch", "embedded", "media", "form"})
PROBLEMS = FORBIDDEN | {"broken", "encrypted", "too_complex"}


async def check(name: str, content: bytes) -> None:
    """By its name, its size and its first bytes; then a reader of its own opens it."""
    if not is_pdf_name(name):
        raise PdfRefused("name", name)
    if not content:
        raise PdfRefused("empty", name)
    if len(content) > MOST_BYTES:
        raise PdfRefused("too_large", name)
    if not content.startswith(BEGINNING):
        raise PdfRefused("not_pdf", name)
    async with READERS:
        said = await _read_apart(content)
    if said != "ok":
        raise PdfRefused(said, name)


async def _read_apart(content: bytes) -> str:
    """In a process that sees nothing of ours, not even the environment."""
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(READER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd="/",
        env={},
    )
    try:
        said, _ = await asyncio.wait_for(reader.communicate(content), PATIENCE)
    except TimeoutError:
        return "too_slow"
    finally:
        if reader.returncode is None:
            with suppress(ProcessLookupError):
                reader.kill()
            await reader.wait()
    word = said.decode("ascii", "replace")
    if reader.returncode == 0 and (word == "ok" or word in PROBLEMS):
        return word
    return "too_complex"  # it broke its bounds, or the reader
