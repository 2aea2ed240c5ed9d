"""`portal send` and `portal thread`, as someone at the clinic types them."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import db
from domain.errors import Invalid, PdfRefused
from domain.messages import threads
from domain.messages.clinic_side import LONGEST_CLINIC_BODY
from domain.messages.files import FolderStore
from domain.messages.threads import ThreadView
from tests import pdfs
from tests.world import NOW, World
from web import send_command
from web.cli import _parser
from web.send_command import CannotSend

TO_ALICE = ("--to", "alice@example.com", "--from", "Dre Roy")
SAYS = ("--subject", "Résultats", "--text", "Bonjour.")


@pytest.fixture
def files(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "documents")


async def sent(files: FolderStore, *arguments: str) -> UUID:
    return await send_command.send(_parser().parse_args(["send", *arguments]), files, now=NOW)


async def changed(*arguments: object, now: datetime = NOW) -> None:
    options = _parser().parse_args(["thread", *map(str, arguments)])
    await send_command.change_thread(options, now=now)


async def opened(world: World, patient: UUID, thread: UUID) -> ThreadView:
    return await threads.open(await world.viewer(), patient, thread, now=NOW)


async def test_a_document_for_a_child_arrives_with_its_file(
    world: World, files: FolderStore, tmp_path: Path
) -> None:
    paper = tmp_path / "Courbe de croissance.pdf"
    paper.write_bytes(pdfs.good())
    thread = await sent(
        files,
        *(*TO_ALICE, "--profile", "Bob Gagnon", "--kind", "document", "--subject", "Courbe"),
        *("--attach", str(paper), "--allow-reply"),
    )
    view = await opened(world, world.bob, thread)
    (message,) = view.messages
    assert (message.kind, message.sender, view.subject) == ("document", "Dre Camille Roy", "Courbe")
    assert [file.title for file in message.attachments] == ["Courbe de croissance"]
    assert view.reply_to.why_not == ""


def test_a_huge_file_is_read_no_further_than_it_takes_to_refuse_it(tmp_path: Path) -> None:
    """A31."""
    huge = tmp_path / "film.pdf"
    with huge.open("wb") as file:
        file.truncate(50 * 2**20)
    assert len(send_command._read(huge).content) == 10 * 2**20 + 1


async def test_a_text_comes_from_the_input_and_a_thread_goes_on(
    world: World, files: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await sent(files, "--patient", "Alice Gagnon", "--from", "Accueil", *SAYS)
    monkeypatch.setattr("sys.stdin", io.StringIO("Encore un mot.\n"))
    options = ["send", "--thread", str(first), "--from", "Accueil", "--text", "-"]
    later = NOW + timedelta(minutes=1)
    again = await send_command.send(_parser().parse_args(options), files, now=later)
    view = await opened(world, world.alice, first)
    assert again == first
    assert [message.body for message in view.messages] == ["Bonjour.", "Encore un mot."]


async def test_a_thread_is_closed_reopened_and_its_reply_refused(
    world: World, files: FolderStore
) -> None:
    thread = await sent(files, *TO_ALICE, *SAYS, "--allow-reply")
    said = []
    for n, what in enumerate(("--close", "--reopen", "--refuse-reply", "--allow-reply")):
        await changed(thread, what, now=NOW + timedelta(minutes=n))
        said.append((await opened(world, world.alice, thread)).reply_to.why_not)
    assert said == ["closed", "", "refused", ""]


async def test_what_is_wrong_is_said_in_words(
    world: World, files: FolderStore, tmp_path: Path
) -> None:
    nanny = await world.account("nanny@example.com")
    await world.grant(nanny, world.bob)
    page = tmp_path / "page.pdf"
    page.write_bytes(b"<html>")
    problems = []
    for arguments in (
        ("--from", "Accueil", *SAYS),
        ("--to", "nobody@example.com", "--from", "Accueil", *SAYS),
        ("--to", "nanny@example.com", "--from", "Accueil", *SAYS),
        (*TO_ALICE, "--profile", "Nobody", *SAYS),
        ("--patient", "Nobody", "--from", "Accueil", *SAYS),
        ("--to", "alice@example.com", "--from", "Personne", *SAYS),
        (*TO_ALICE, "--kind", "invoice", "--subject", "Facture"),
        (*TO_ALICE, *SAYS, "--attach", str(page)),
        (*TO_ALICE, *SAYS, "--attach", str(tmp_path / "gone.pdf")),
        (*TO_ALICE, "--subject", "x", "--text", "x" * (LONGEST_CLINIC_BODY + 1)),
    ):
        with pytest.raises(CannotSend) as refused:
            await sent(files, *arguments)
        problems.append(str(refused.value))
    assert problems == [
        "say for whom: --to, --patient or --thread",
        "--to: no open account of this e-mail address holds a profile",
        "--to: this account has no chart of its own; say which one: --profile",
        "--profile: this account holds no such profile",
        "--patient: not the id or the whole name of one patient",
        "--from: no team and no practitioner has this name",
        "--attach: a document or an invoice needs a PDF",
        "page.pdf: it is not a PDF",
        f"{tmp_path}/gone.pdf: No such file or directory",
        "--text: at most 10,000 characters",
    ]
    assert await db.fetch("SELECT id FROM message") == []


async def test_a_thread_that_is_none_cannot_be_changed(world: World) -> None:
    with pytest.raises(CannotSend, match="no thread has this id"):
        await changed("x", "--close")


@pytest.mark.parametrize("arguments", [["thread", "x"], ["thread", "x", "--close", "--reopen"]])
def test_one_thing_at_a_time_is_done_to_a_thread(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        _parser().parse_args(arguments)
    assert refused.value.code == 2


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (PdfRefused("too_many"), "at most 5 files go with a message"),
        (PdfRefused("script", "a.pdf"), "a.pdf: it does more than show pages (script)"),
        (Invalid({"subject": "missing", "x": "odd"}), "--subject: a new thread needs one\nx.odd"),
    ],
)
def test_every_refusal_has_its_words(refusal: Any, words: str) -> None:
    assert send_command.words_of(refusal) == words


async def test_no_log_holds_a_word_of_it(
    world: World, files: FolderStore, caplog: pytest.LogCaptureFixture
) -> None:
    """R99."""
    with caplog.at_level("DEBUG"):
        await sent(files, *TO_ALICE, "--subject", "MSUBJECT", "--text", "MTEXT")
    assert "MSUBJECT" not in caplog.text
    assert "MTEXT" not in caplog.text
