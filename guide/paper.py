"""HTML to a tagged PDF: printed twice, for the table of contents to know its pages."""

import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, PdfImage, String
from PIL import Image
from playwright.sync_api import Browser

from guide.book import Book

COLOURS = 64


def print_book(book: Book, pictures: Path, browser: Browser) -> bytes:
    pages = pages_of(_printed(book, {}, pictures, browser))
    return _finished(_printed(book, pages, pictures, browser), book)


def pages_of(content: bytes) -> dict[str, int]:
    """On which page each named place is."""
    with Pdf.open(BytesIO(content)) as pdf:
        numbers = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
        return {
            str(name).lstrip("/"): numbers[_page(place).objgen]
            for name, place in _places(pdf).items()
        }


def _places(pdf: Pdf) -> Mapping[str, Any]:
    if "/Dests" in pdf.Root:
        return dict(pdf.Root.Dests.items())
    return dict(pikepdf.NameTree(pdf.Root.Names.Dests).items())


def _page(place: Any) -> Any:
    return (place.D if isinstance(place, Dictionary) else place)[0]


def _printed(book: Book, pages: Mapping[str, int], pictures: Path, browser: Browser) -> bytes:
    source = pictures / f"{book.kind}.html"
    source.write_text(book.html(pages))
    page = browser.new_page()
    page.goto(source.as_uri())
    page.evaluate("() => document.fonts.ready")
    content = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    page.close()
    return content


def _finished(content: bytes, book: Book) -> bytes:
    with Pdf.open(BytesIO(content)) as pdf:
        pdf.Root.Lang = String(f"{book.language}-CA")
        pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        pdf.Root.PageMode = Name.UseOutlines
        _name_the_bookmarks(pdf, book)
        for image in _images(pdf):
            _shrink(image)
        with pdf.open_metadata(set_pikepdf_as_editor=False) as about:
            about.clear()
            about["dc:title"] = book.guide["title"]
            about["dc:description"] = book.guide["subject"]
            about["dc:language"] = [f"{book.language}-CA"]
        for key in list(pdf.docinfo.keys()):
            del pdf.docinfo[key]
        pdf.docinfo["/Title"] = book.guide["title"]
        pdf.docinfo["/Subject"] = book.guide["subject"]
        pdf.docinfo["/Source"] = book.digest
        saved = BytesIO()
        pdf.save(
            saved,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            linearize=True,
            deterministic_id=True,
        )
    return saved.getvalue()


def _name_the_bookmarks(pdf: Pdf, book: Book) -> None:
    """The browser says the first one twice."""
    with pdf.open_outline() as outline:
        for mark, chapter in zip(outline.root, book.contents, strict=True):
            mark.title = chapter.title


def _images(pdf: Pdf) -> list[Any]:
    return [
        thing
        for thing in pdf.objects
        if isinstance(thing, pikepdf.Stream)
        and thing.get("/Subtype") == Name.Image
        and thing.get("/ColorSpace") != Name.DeviceGray
    ]


def _shrink(image: Any) -> None:
    """A screen has few colours: a palette holds them, in a third of the room."""
    few = (
        PdfImage(image)
        .as_pil_image()
        .convert("RGB")
        .quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    )
    palette = bytes(few.getpalette() or [])[: 3 * COLOURS]
    packed = zlib.compress(few.tobytes(), 9)
    for key in ("/DecodeParms", "/Decode", "/Filter"):
        if key in image:
            del image[key]
    image.write(packed, filter=Name.FlateDecode)
    image.ColorSpace = Array([Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, String(palette)])
    image.BitsPerComponent = 8
