"""Makes the guides: `python -m guide`, or of one kind or language: `python -m guide patient fr`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from e2e.portal import Portal
from guide import patient, staff
from guide.book import FILES, Book, read
from guide.camera import Camera, browser_of
from guide.paper import print_book
from web.rendering import root

PICTURES = {"patient": patient.PICTURES, "staff": staff.PICTURES}


def main(*asked: str) -> None:
    folder = root("static") / "guide"
    folder.mkdir(exist_ok=True)
    kept = Path("build/guide").absolute()
    with (
        tempfile.TemporaryDirectory() as data,
        Portal(Path(data)).running() as portal,
        sync_playwright() as playwright,
        browser_of(playwright) as browser,
    ):
        camera = Camera(portal, browser)
        for (kind, language), name in FILES.items():
            if set(asked) <= {kind, language}:
                book = read(kind, language)
                pictures = kept / f"{kind}.{language}"
                take(book, camera, pictures)
                (folder / name).write_bytes(print_book(book, pictures, browser))
                print(folder / name)


def take(book: Book, camera: Camera, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(book.pictures):
        (folder / f"{name}.png").write_bytes(camera.take(PICTURES[book.kind][name], book.language))


if __name__ == "__main__":
    main(*sys.argv[1:])
