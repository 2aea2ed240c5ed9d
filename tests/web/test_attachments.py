"""The PDFs of messages: opened, kept, and by nobody else."""

import logging
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.accounts.languages import LANGUAGES
from domain.messages import attachments
from domain.people.tables import ProxyGrant
from tests import pdfs
from tests.databases import statements
from tests.stores import FILES
from tests.web.browser import Browser, Clock, heading, main
from tests.web.clinic import widen
from tests.web.routes import FORMS, ROUTES, scene
from tests.web.state import journal, journal_after, last_line, rows
from tests.world import ZONE, World
from web import attachments as pages
from web.rendering import Renderer

NAME = "Résultats d’avril.pdf"
CONTENT = pdfs.good("Glycémie")
WAYS = ["", "/telechargement"]


def at(patient: UUID, attachment: UUID, way: str = "") -> str:
    return f"/profils/{patient}/pieces-jointes/{attachment}{way}"


def id_in(url: str) -> UUID:
    return UUID(url.rpartition("/")[2])


@pytest.fixture
async def url(world: World) -> str:
    return at(world.alice, await world.attachment(name=NAME, content=CONTENT))


async def stored_as(attachment: str | UUID) -> str:
    sql = "SELECT stored_as FROM attachment WHERE id = {}"
    return str((await db.fetch(sql, UUID(str(attachment))))[0]["stored_as"])


# Opened and kept.


async def test_a_document_opens_in_the_browser(alice: Browser, url: str) -> None:
    answer = await alice.get(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    kept = {name: answer.headers[name] for name in answer.headers}
    assert kept == {
        "content-type": "application/pdf",
        "content-disposition": 'inline; filename="document.pdf"; '
        "filename*=UTF-8''R%C3%A9sultats%20d%E2%80%99avril.pdf",
        "cache-control": "private, no-store",
        "accept-ranges": "bytes",
        "content-length": str(len(CONTENT)),
        "content-security-policy": "default-src 'none'; object-src 'self';"
        " style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "geolocation=(), camera=(), microphone=(), payment=()",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
    }


async def test_a_document_is_kept_under_its_readable_name(alice: Browser, url: str) -> None:
    answer = await alice.get(f"{url}/telechargement")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-disposition"] == (
        'attachment; filename="document.pdf"; '
        "filename*=UTF-8''R%C3%A9sultats%20d%E2%80%99avril.pdf"
    )
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("name", pdfs.NAMES)
async def test_no_name_breaks_out_of_its_header(alice: Browser, world: World, name: str) -> None:
    """A32: quotes, line breaks, folders, marks that turn the reading around."""
    answer = await alice.get(at(world.alice, await world.attachment(name=name)))
    told = answer.headers["content-disposition"]
    start = "inline; filename=\"document.pdf\"; filename*=UTF-8''"
    assert told.startswith(start)
    assert set(told.removeprefix(start)) & set(" \"\\/;,'\r\n") == set()
    assert told.isascii()
    assert "set-cookie" not in answer.headers


async def test_opening_asks_the_database_three_things(alice: Browser, url: str) -> None:
    with statements() as asked:
        await alice.get(url)
    assert len(asked) == 3  # the viewer, the attachment, the journal's line


@pytest.mark.parametrize("way", WAYS)
async def test_head_tells_the_size_and_sends_nothing(alice: Browser, url: str, way: str) -> None:
    answer = await alice.http.head(url + way)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-type"] == "application/pdf"


async def test_what_is_accepted_changes_nothing(alice: Browser, url: str) -> None:
    """A34: `Accept: text/html` makes no page of it, and nothing packs it."""
    headers = {"accept": "text/html", "accept-encoding": "br, gzip"}
    for htmx in (False, True):
        answer = await alice.get(url, htmx=htmx, headers=headers)
        assert (answer.headers["content-type"], answer.content) == ("application/pdf", CONTENT)
        assert "content-encoding" not in answer.headers


# Parts.

SIZE = len(CONTENT)
LAST = SIZE - 1
PARTS = {
    "bytes=0-": (0, LAST),
    "bytes=0-0": (0, 0),
    "bytes=10-19": (10, 19),
    "bytes=10-": (10, LAST),
    "bytes=-5": (SIZE - 5, LAST),
    f"bytes=-{SIZE * 9}": (0, LAST),
    f"bytes=10-{SIZE * 9}": (10, LAST),
    f"bytes={LAST}-{LAST}": (LAST, LAST),
    "bytes= 10 - 19": (10, 19),
}
NO_PART = ["bytes=", "bytes=-", "bytes=-0", "bytes=9-8", f"bytes={SIZE}-", "bytes=a-b", "bytes=٣-٤"]
NO_PART += ["bytes=--5", f"bytes={'9' * 5000}-", "bytes=1-2-3"]
WHOLE = ["", "pages=1-2", "bytes=0-1,4-5", "octets"]


@pytest.mark.parametrize("asked", PARTS)
async def test_a_part_is_sent_alone(alice: Browser, url: str, asked: str) -> None:
    first, last = PARTS[asked]
    answer = await alice.get(url, headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("at_once", [1, 7, 256, SIZE - 1, SIZE, SIZE + 1])
async def test_it_is_the_same_however_it_is_read(
    alice: Browser, url: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "PART", at_once)
    monkeypatch.setattr(pages, "PIECE", 100)
    assert (await alice.get(url)).content == CONTENT
    for first, last in ((0, 0), (6, 7), (7, 13), (10, 300), (SIZE - 8, LAST)):
        answer = await alice.get(url, headers={"range": f"bytes={first}-{last}"})
        assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])


@pytest.mark.parametrize("asked", NO_PART)
async def test_what_is_no_part_of_it_is_refused(alice: Browser, url: str, asked: str) -> None:
    answer = await alice.get(url, headers={"range": asked.encode()})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", WHOLE)
async def test_anything_else_gets_the_whole(alice: Browser, url: str, asked: str) -> None:
    answer = await alice.get(url, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    condition = {"range": "bytes=0-4", "if-range": '"1"'}
    assert (await alice.get(url, headers=condition)).content == CONTENT


# By whom.


async def ask_in_every_way(browser: Browser, url: str) -> list[httpx.Response]:
    part, fragment = {"range": "bytes=0-9"}, {"hx-request": "true"}
    return [
        await browser.http.request(method, url + way, headers=headers)
        for way in WAYS
        for method in ("GET", "HEAD")
        for headers in ({}, part, fragment, {"accept": "text/html"})
    ]


async def test_anothers_document_does_not_exist(
    charlie: Browser, url: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A1, A34: by its number, as a part, as a fragment, by HEAD; and it is in the journal."""
    attachment = id_in(url)
    for patient in (world.alice, world.charlie, world.bob):
        answers = await ask_in_every_way(charlie, at(patient, attachment))
        assert {answer.status_code for answer in answers} == {404}
        assert not any(b"%PDF" in answer.content for answer in answers)
    (line, *_) = await journal("access")
    assert (line["actor"], line["patient"], line["outcome"]) == (
        world.charlie_account,
        world.alice,
        "refused.not_found",
    )
    assert await journal("read.attachment") == []
    assert caplog.messages == []


async def test_ones_own_document_is_not_found_under_another_profile(
    alice: Browser, url: str, world: World
) -> None:
    answers = await ask_in_every_way(alice, at(world.bob, id_in(url)))
    assert {answer.status_code for answer in answers} == {404}


async def test_a_guessed_number_is_answered_like_anothers(alice: Browser, world: World) -> None:
    """A34: another account's, or of nobody at all."""
    theirs = await world.attachment(patient=world.charlie)
    pages = [await alice.get(at(world.alice, id)) for id in (theirs, uuid4())]
    assert [(page.status_code, heading(page)) for page in pages] == [(404, "Page introuvable")] * 2
    assert main(pages[0]) == main(pages[1])


GRANTS = ["book", "read_messages", "read_documents", "read_invoices"]
KINDS = {"message": "read_messages", "document": "read_documents", "invoice": "read_invoices"}


@pytest.mark.parametrize("grant", GRANTS)
async def test_a_proxy_opens_only_the_kinds_that_they_may_read(
    stranger: Browser, world: World, grant: str
) -> None:
    """A6: with « rendez-vous » alone nothing, with « factures » alone invoices."""
    nanny = await world.account("nanny@example.com")
    await world.grant(nanny, world.bob, grant, relationship="caregiver")
    await stranger.sign_in("nanny@example.com")
    for kind, needed in KINDS.items():
        attachment = await world.attachment(kind=kind, patient=world.bob)  # type: ignore[arg-type]
        refused = 403 if grant == "book" else 404
        answers = await ask_in_every_way(stranger, at(world.bob, attachment))
        got = {answer.status_code for answer in answers}
        assert (kind, got) == (kind, {200, 206} if grant == needed else {refused})


async def test_an_ended_access_ends_with_the_next_part(alice: Browser, world: World) -> None:
    url = at(world.bob, await world.attachment(patient=world.bob))
    assert (await alice.get(url, headers={"range": "bytes=0-99"})).status_code == 206
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    assert (await alice.get(url, headers={"range": "bytes=100-"})).status_code == 404


async def test_signed_out_one_signs_in_and_comes_back(stranger: Browser, url: str) -> None:
    """P19: the link works in a tab of its own."""
    answer = await stranger.get(url)
    assert answer.status_code == 303
    page = await stranger.follow(answer)
    data = {"courriel": "alice@example.com", "mot_de_passe": "Tulipe-42-Nord"}
    answer = await stranger.press(page, "Connexion", data)
    assert answer.headers["location"] == url
    assert (await stranger.get(url)).content == CONTENT


# The journal.


async def test_an_opening_is_one_line(alice: Browser, url: str, world: World, clock: Clock) -> None:
    """The parts that a viewer asks for one after the other belong to it; none goes unseen."""
    after = await last_line()
    await alice.get(url, headers={"range": "bytes=0-99"})
    for first in (100, 200, 300):
        clock.now += timedelta(seconds=1)
        await alice.get(url, headers={"range": f"bytes={first}-{first + 99}"})
    attachment = id_in(url)
    assert [
        (line["action"], line["patient"], line["subject"], line["actor"], line["outcome"])
        for line in await journal_after(after)
    ] == [("read.attachment", world.alice, attachment, world.alice_account, "done")]
    await alice.get(url)
    await alice.get(f"{url}/telechargement")
    assert len(await journal_after(after)) == 3


async def test_leaving_out_the_first_byte_hides_nothing(alice: Browser, url: str) -> None:
    after = await last_line()
    await alice.get(url, headers={"range": "bytes=1-"})
    assert [line["action"] for line in await journal_after(after)] == ["read.attachment"]


async def test_opening_changes_nothing_else(alice: Browser, url: str) -> None:
    before = await rows()
    await ask_in_every_way(alice, url)
    assert await rows() == before


async def test_the_journal_tells_a_parent_in_words_who_opened_what(
    alice: Browser, stranger: Browser, world: World
) -> None:
    await world.grant(await world.account("nanny@example.com"), world.bob, "read_documents")
    await stranger.sign_in("nanny@example.com")
    lost, opened = [await world.attachment(patient=world.bob) for _ in range(2)]
    await stranger.get(at(world.bob, opened))
    await FILES.delete(await stored_as(lost))
    await stranger.get(at(world.bob, lost))
    told = main(await alice.get(f"/profils/{world.bob}/profil/journal"))
    assert "A ouvert une pièce jointe" in told
    assert "A voulu ouvrir une pièce jointe, qui n’était pas disponible" in told


# A file that is not as it was.


@pytest.mark.parametrize("loss", ["deleted", "altered", "cut", "emptied"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_lost_or_altered_file_is_a_page_and_an_alert(
    alice: Browser, url: str, loss: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Never a 500, and never a byte of something else."""
    name = await stored_as(id_in(url))
    damaged = {"altered": CONTENT[:-1] + b"\0", "cut": CONTENT[:100], "emptied": b""}
    if loss == "deleted":
        await FILES.delete(name)
    else:
        FILES.contents[name] = damaged[loss]
    with caplog.at_level(logging.ERROR, "portal.files"):
        answer = await alice.get(url + way, headers={"range": "bytes=0-9"})
    assert (answer.status_code, heading(answer)) == (503, "Document indisponible")
    assert "Ce document n’est pas disponible pour le moment. Appelez la clinique" in main(answer)
    assert "(514) 555-0142" in main(answer)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers
    (alert,) = caplog.messages
    assert alert.startswith(f"the file of attachment {url.rpartition('/')[2]} ")
    assert await journal("read.attachment") == []
    (line,) = await journal("attachment.missing")
    assert line["subject"] == id_in(url)


# Nowhere else, and no way in.


async def test_no_path_leads_to_the_files_themselves(alice: Browser, url: str) -> None:
    """A33: the store's own paths, and out of the static folder."""
    name = await stored_as(id_in(url))
    for path in (
        f"/documents/{name[:2]}/{name}",
        f"/data/documents/{name[:2]}/{name}",
        f"/static/..%2f..%2fdata/documents/{name[:2]}/{name}",
        f"/static/%2e%2e/documents/{name}",
        "/static/..%2f..%2fetc/passwd",
        "/static/....//app.css",
        f"{url}/../{name}",
        f"{url.rpartition('/')[0]}/{name}",
        f"{url}%2f..%2f{name}",
        f"{url}/telechargement/{name}",
    ):
        answer = await alice.get(path)
        assert (path, answer.status_code) == (path, 404)


async def test_patients_have_no_way_to_send_a_file(alice: Browser, world: World) -> None:
    """R68: every route refuses multipart, and none is made for it."""
    stage = await scene(world)
    await widen(world)
    before = await rows()
    for route in FORMS:
        data = {"_csrf_token": alice.token, **stage.data(route)}
        files = {"fichier": ("a.pdf", CONTENT, "application/pdf")}
        answer = await alice.http.post(stage.url(route), data=data, files=files)
        assert (str(route), answer.status_code) == (str(route), 403)
    assert await rows() == before
    of_files = {route.method for route in ROUTES if "pieces-jointes" in route.path}
    assert of_files == {"GET", "HEAD"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_chose_a_file_is_told_what_is_wrong_with_it(language: str) -> None:
    environment = Renderer()._environment(language, ZONE)
    words = environment.get_template("components/refusal.html").module
    problems = {problem for problem, _ in pdfs.BAD.values()}
    problems |= {"name", "too_slow", "too_many", "too_much_today", "another"}
    said = {problem: str(words.pdf_problem(problem)) for problem in problems}  # type: ignore[attr-defined]
    assert len(set(said.values())) == len(problems)
