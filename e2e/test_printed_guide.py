"""The printed guides: they name what the portal shows, and can be read by everyone."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from guide import patient, staff
from guide.book import FILES, LANGUAGES, Book, read
from tests.catalogue import used
from web.rendering import root

PICTURES = {"patient": patient.PICTURES, "staff": staff.PICTURES}
KINDS = list(PICTURES)
LARGEST = 3_000_000
LETTER = [0, 0, 612, 792]

each = pytest.mark.parametrize(("kind", "language"), list(FILES))


@pytest.fixture(scope="module")
def said() -> set[str]:
    """What the portal says, in French."""
    messages = [message.id for message in used() if message.id]
    return {one for each in messages for one in ([each] if isinstance(each, str) else each)}


@each
def test_each_label_of_a_guide_is_one_of_the_portal(
    kind: str, language: str, said: set[str]
) -> None:
    assert set(read(kind, language).labels) - said == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_guide_tells_the_same_in_both_languages(kind: str) -> None:
    french, english = (read(kind, language) for language in LANGUAGES)
    assert (french.labels, french.pictures) == (english.labels, english.pictures)
    assert places(french) == places(english)
    assert set(french.pictures) == set(PICTURES[kind])


@each
def test_a_guide_is_as_its_text_and_the_portals_labels_are_now(kind: str, language: str) -> None:
    """Else: `make guide`."""
    with opened(kind, language) as pdf:
        assert str(pdf.docinfo["/Source"]) == read(kind, language).digest


@each
def test_a_guide_can_be_read_by_everyone(kind: str, language: str) -> None:
    book = read(kind, language)
    with opened(kind, language) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == f"{language}-CA"
        assert str(pdf.docinfo["/Title"]) == book.guide["title"]
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert all(page.get("/Tabs") == Name.S for page in pdf.pages)
        tags = [(str(tag.S), tag) for tag in structure(pdf.Root.StructTreeRoot)]
        pictures = [str(tag.get("/Alt", "")) for role, tag in tags if role == "/Figure"]
        assert len(pictures) == len(book.pictures)
        assert all(pictures)
        assert {"/H1", "/H2", "/L", "/LI", "/Link", "/P"} <= {role for role, _ in tags}
        levels = [int(role[2:]) for role, _ in tags if role in {"/H1", "/H2", "/H3"}]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


@each
def test_a_guides_bookmarks_and_contents_lead_to_each_of_its_parts(
    kind: str, language: str
) -> None:
    book = read(kind, language)
    with opened(kind, language) as pdf:
        with pdf.open_outline() as outline:
            marks = [(one.title, [part.title for part in one.children]) for one in outline.root]
        linked = [link for link in pdf.pages[1].Annots if link.Subtype == Name.Link]
    assert [title for title, _ in marks] == [chapter.title for chapter in book.contents]
    assert [parts for _, parts in marks] == [
        [part.title for part in chapter.parts] for chapter in book.contents
    ]
    assert len(linked) == len(places(book))


@each
def test_a_guide_prints_on_letter_paper_and_is_soon_downloaded(kind: str, language: str) -> None:
    assert (root("static") / "guide" / FILES[kind, language]).stat().st_size < LARGEST
    with opened(kind, language) as pdf:
        assert {tuple(round(float(side)) for side in page.MediaBox) for page in pdf.pages} == {
            tuple(LETTER)
        }


def opened(kind: str, language: str) -> Pdf:
    return pikepdf.open(root("static") / "guide" / FILES[kind, language])


def places(book: Book) -> list[str]:
    return [part.id for chapter in book.contents for part in (chapter, *chapter.parts)]


def structure(element: Any) -> Iterator[Any]:
    """Each element of the tree, in reading order."""
    if isinstance(element, Array):
        for one in element:
            yield from structure(one)
    elif isinstance(element, Dictionary):
        if "/S" in element:
            yield element
        if "/K" in element:
            yield from structure(element.K)
