"""Which files the clinic may send: PDFs that only show pages."""

from pathlib import Path

import pytest

from domain.errors import PdfRefused
from domain.messages import pdf_check, pdf_reader
from domain.messages.attachments import DAY, MOST_BYTES_A_DAY, File, check_all
from domain.messages.file_names import LONGEST, is_pdf_name, readable
from domain.messages.tables import Attachment
from tests import pdfs
from tests.world import World


async def said_of(content: bytes, name: str = "a.pdf") -> str:
    try:
        await pdf_check.check(name, content)
    except PdfRefused as refused:
        return refused.problem
    return "ok"


@pytest.mark.parametrize("kind", pdfs.GOOD)
async def test_an_ordinary_pdf_may_be_sent(kind: str) -> None:
    assert await said_of(pdfs.GOOD[kind]()) == "ok"


@pytest.mark.parametrize("kind", pdfs.BAD)
async def test_a_file_that_would_do_more_than_show_pages_is_refused(kind: str) -> None:
    """A31: renamed, polyglot, too large, encrypted, unpacking into gigabytes, with a script…"""
    problem, make = pdfs.BAD[kind]
    assert await said_of(make()) == problem


async def test_ten_mebibytes_are_counted_to_the_byte() -> None:
    """A31: 10 MiB + 1."""
    sizes = [len(pdfs.of_size(n)) - pdf_check.MOST_BYTES for n in (10 * 2**20, 10 * 2**20 + 1)]
    assert sizes == [0, 1]


@pytest.mark.parametrize("name", pdfs.BAD_NAMES)
async def test_a_name_that_is_not_a_pdfs_is_refused(name: str) -> None:
    """A32: `.pdf.html`, and a name that only reads as if it ended in « .pdf »."""
    assert await said_of(pdfs.good(), name) == "name"


@pytest.mark.parametrize("name", pdfs.NAMES)
async def test_a_file_is_called_by_what_can_be_read_of_its_name(name: str) -> None:
    """A32: folders, line breaks, a mark that turns the reading around, 4 000 characters."""
    assert readable(name) == pdfs.NAMES[name]
    assert len(readable(name)) <= LONGEST
    assert readable(readable(name)) == readable(name)
    assert is_pdf_name(name)


async def test_a_file_that_is_long_to_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_check, "PATIENCE", 0.01)
    assert await said_of(pdfs.good(pages=20)) == "too_slow"


async def test_a_reader_that_breaks_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_check, "READER", Path("/nowhere.py"))
    assert await said_of(pdfs.good()) == "too_complex"


async def test_one_bad_file_refuses_the_whole_message(world: World) -> None:
    files = [File("a.pdf", pdfs.good()), File("b.pdf", b"no")]
    with pytest.raises(PdfRefused) as refused:
        await check_all(files, now=world.now)
    assert refused.value.problems == {"fichiers": "not_pdf"}
    assert refused.value.file_name == "b.pdf"


async def test_a_message_has_at_most_five_files(world: World) -> None:
    file = File("a.pdf", pdfs.good())
    await check_all([file] * 5, now=world.now)
    with pytest.raises(PdfRefused) as refused:
        await check_all([file] * 6, now=world.now)
    assert refused.value.problem == "too_many"


async def test_the_clinic_sends_at_most_200_mebibytes_a_day(world: World) -> None:
    content = pdfs.good()
    earlier = await world.attachment()
    room = MOST_BYTES_A_DAY - len(content)
    for size, problem in ((room, ""), (room + 1, "too_much_today")):
        await Attachment.update({Attachment.size: size}).where(Attachment.id == earlier)
        said = ""
        try:
            await check_all([File("a.pdf", content)], now=world.now)
        except PdfRefused as refused:
            said = refused.problem
        assert said == problem
    await check_all([File("a.pdf", content)], now=world.now + DAY)


def test_every_word_of_the_reader_is_known() -> None:
    assert set(pdf_reader.FORBIDDEN.values()) == pdf_check.FORBIDDEN
