"""Templates, compiled once for every application, process and run on the same sources."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from jinja2 import FileSystemBytecodeCache

from web import rendering

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from jinja2 import Environment

FOLDER = Path(__file__).parent.parent / "build" / "templates"


class Compiled(FileSystemBytecodeCache):
    """What a template says in a language is compiled into it, and where its static files are."""

    def __init__(self, *made_with: str) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        super().__init__(str(FOLDER))
        self._variant = " ".join(made_with)

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return super().get_cache_key(f"{self._variant} {name}", filename)

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(source + sources())


@cache
def sources() -> str:
    """Changes with whatever else the compiler reads."""
    folders = (rendering.root("locale"), rendering.root("static"))
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    read = hashlib.sha256(jinja2.__version__.encode())
    for path in (Path(rendering.__file__), *files):
        read.update(path.as_posix().encode() + path.read_bytes())
    return read.hexdigest()


_environment = rendering._environment


def _kept(language: str, zone: ZoneInfo, static: Callable[[str], str]) -> Environment:
    environment = _environment(language, zone, static)
    environment.bytecode_cache = Compiled(language, zone.key, static("app.css").partition("?")[0])
    return environment


def keep() -> None:
    rendering._environment = _kept
