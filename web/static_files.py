import gzip
import hashlib
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

import brotli

IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file read and compressed once, named by its hash."""

    content_type: str
    version: str
    bodies: dict[str, bytes]

    def body(self, accepted: str) -> tuple[str, bytes]:
        encoding = next((e for e in ("br", "gzip") if e in accepted and e in self.bodies), "")
        return encoding, self.bodies[encoding]


class StaticFiles:
    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self._files[name].version}"

    def find(self, name: str) -> StaticFile | None:
        return self._files.get(name)


def _read(path: Path) -> StaticFile:
    raw = path.read_bytes()
    bodies = {"": raw}
    if path.suffix in {".css", ".js", ".svg", ".txt"}:
        bodies |= {"br": brotli.compress(raw, quality=11), "gzip": gzip.compress(raw, mtime=0)}
    guessed = guess_type(path.name)[0] or "application/octet-stream"
    is_text = guessed in {"image/svg+xml", "application/javascript"}  # to text/*, Litestar adds it
    return StaticFile(
        content_type=f"{guessed}; charset=utf-8" if is_text else guessed,
        version=hashlib.sha256(raw).hexdigest()[:12],
        bodies=bodies,
    )
