import gzip
import hashlib
from dataclasses import dataclass, replace
from mimetypes import guess_type
from pathlib import Path

import brotli

IMMUTABLE = "public, max-age=31536000, immutable"
# Scripts that a page always needs together come as one: a request less on a phone.
TOGETHER = {
    "signed-in.js": ("app.js", "session.js", "unread.js"),
    "staff-signed-in.js": ("app.js", "session.js"),
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file named by its hash; what can be compressed is, once, and kept."""

    content_type: str
    version: str
    size: int
    bodies: dict[str, bytes]
    on_disk: Path | None = None

    def body(self, accepted: str) -> tuple[str, bytes]:
        if self.on_disk is not None:
            return "", self.on_disk.read_bytes()
        encoding = next((e for e in ("br", "gzip") if e in accepted and e in self.bodies), "")
        return encoding, self.bodies[encoding]


class StaticFiles:
    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for name, parts in TOGETHER.items():
            # Each in a block: their names are their own.
            blocks = [b"{\n" + (folder / part).read_bytes() + b"}\n" for part in parts]
            self._files[name] = _compressed(name, b"".join(blocks))

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self._files[name].version}"

    def size(self, name: str) -> int:
        return self._files[name].size

    def find(self, name: str) -> StaticFile | None:
        return self._files.get(name)


def _read(path: Path) -> StaticFile:
    """A guide is large and rarely asked for: it stays where it is."""
    file = _compressed(path.name, path.read_bytes())
    return replace(file, bodies={}, on_disk=path) if path.suffix == ".pdf" else file


def _compressed(name: str, raw: bytes) -> StaticFile:
    bodies = {"": raw}
    if name.endswith((".css", ".js", ".svg", ".txt")):
        bodies |= {"br": brotli.compress(raw, quality=11), "gzip": gzip.compress(raw, mtime=0)}
    guessed = guess_type(name)[0] or "application/octet-stream"
    is_text = guessed in {"image/svg+xml", "application/javascript"}  # to text/*, Litestar adds it
    return StaticFile(
        content_type=f"{guessed}; charset=utf-8" if is_text else guessed,
        version=hashlib.sha256(raw).hexdigest()[:12],
        size=len(raw),
        bodies=bodies,
    )
