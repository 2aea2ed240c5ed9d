"""Writing to one patient and to many; and what a form with files may be."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.messages import attachments
from domain.staff.tables import StaffSession
from tests import pdfs
from tests.domain import records
from tests.web.browser import Browser, alert, elements, heading, links, main, title
from tests.web.staff.mailroom import text_template, upload
from tests.web.state import count, journal
from tests.web.test_slow_requests import scope_of
from tests.world import World
from web import security, uploads
from web.gate import Gate
from web.staff.composing import LARGEST_FORM
from web.staff.sending import packed, unpacked

FOLDER = "/clinique/communications"
GOOD = pdfs.good()
MEGABYTE = 2**20


def letter(world: World, **changes: str) -> dict[str, str]:
    typed = {
        "cle": "k",
        "genre": "message",
        "de": f"equipe:{world.team}",
        "sujet": "Changement d’horaire",
        "texte": "Bonjour {prénom}.",
        "lieu": str(world.site),
    }
    return typed | changes


def to_alice(world: World) -> str:
    return f"{FOLDER}/nouvelle?patient={world.alice}"


def to_both(world: World) -> str:
    return f"{FOLDER}/envoi/message?a={packed([world.alice, world.bob])}"


async def test_one_patient_gets_a_document_and_the_form_sends_once(
    dana: Browser, alice: Browser, world: World
) -> None:
    page = await dana.get(to_alice(world))
    assert heading(page) == "Écrire à Alice Gagnon"
    typed = letter(world, genre="document", reponse="oui")
    sent = await upload(dana, to_alice(world), typed, ("Avis.pdf", GOOD), ("Reçu.PDF", GOOD))
    thread = sent.headers["location"].rpartition("/")[2].partition("?")[0]
    assert sent.headers["location"] == f"{FOLDER}/{thread}?fait=envoi"
    again = await upload(dana, to_alice(world), typed, ("Avis.pdf", GOOD), ("Reçu.PDF", GOOD))
    assert again.headers["location"] == sent.headers["location"]
    theirs = await alice.get(f"/profils/{world.alice}/communications/{thread}")
    assert "Bonjour Alice." in main(theirs)
    assert (await count("thread"), await count("attachment")) == (1, 2)


async def test_many_are_chosen_by_name_or_by_day_and_written_to(
    dana: Browser, world: World
) -> None:
    await world.appointment(world.now + timedelta(days=1), patient=world.bob)
    page = await dana.get(f"{FOLDER}/envoi?q=charlie")
    page = await dana.follow(await dana.press(page, "Ajouter Charlie Dubois"))
    day = {"intervenant": str(world.practitioner), "jour": "2026-11-24"}
    page = await dana.follow(await dana.press(page, "Ajouter ces patients", day))
    assert "2 patients" in main(page)
    page = await dana.open(links(page)["Écrire à ces 2 patients"])
    assert heading(page) == "Écrire à 2 patients"
    form = next(e.attrs["action"] for e in elements(page, "form") if "envoi" in e.attrs["action"])
    unsure = await dana.post(form, letter(world))
    assert (unsure.status_code, "Confirmez" in alert(unsure)) == (422, True)
    assert elements(unsure, "textarea")[0].text == "Bonjour {prénom}."
    sent = await dana.post(form, letter(world, certain="oui"))
    assert "Envoyé à 2 patients" in main(await dana.follow(sent))
    assert await count("thread") == 2
    lines = await journal("communication.sent")
    assert {line["patient"] for line in lines} == {world.bob, world.charlie}


async def test_choosing_tells_what_is_missing(dana: Browser, world: World) -> None:
    nobody = await world.patient("Zoé", "Seule", world.now.date())
    page = await dana.get(f"{FOLDER}/envoi?a={packed([nobody, world.alice])}")
    assert "Un dossier n’est lu en ligne par personne" in main(page)
    assert "sans compte" in main(page)
    left = await dana.follow(await dana.press(page, "Retirer Zoé Seule"))
    assert "sans compte" not in main(left)
    for day in ("0001-01-01", "9999-12-31"):
        page = await dana.get(f"{FOLDER}/envoi?intervenant={world.practitioner}&jour={day}")
        assert page.status_code == 200
    odd = await dana.get(f"{FOLDER}/envoi?intervenant=x&jour=y")
    assert "Choisissez un intervenant et un jour." in main(odd)
    none = await dana.open(f"{FOLDER}/envoi?intervenant={world.practitioner}&jour=2030-01-01")
    assert "Aucun rendez-vous ce jour-là." in main(none)
    assert (await dana.get(f"{FOLDER}/envoi?a={packed([uuid4()])}")).status_code == 404
    assert (await dana.get(f"{FOLDER}/envoi/message")).headers["location"] == f"{FOLDER}/envoi"
    assert (await dana.get(f"{FOLDER}/nouvelle")).headers["location"] == f"{FOLDER}/envoi"
    assert (await dana.post(f"{FOLDER}/nouvelle", letter(world))).status_code == 404


def test_two_hundred_patients_fit_in_an_address_and_nonsense_is_nobody() -> None:
    ids = [uuid4() for _ in range(200)]
    assert unpacked(packed(ids)) == ids
    assert len(packed(ids)) < 4_700
    assert unpacked("..é.%00.AAAA.x") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sujet": ""}, "Indiquez le sujet."),
        ({"sujet": "x" * 121}, "Le sujet est trop long"),
        ({"texte": ""}, "Écrivez le texte."),
        ({"de": ""}, "Choisissez qui signe."),
        ({"lieu": str(UUID(int=7))}, "Choisissez un lieu de la liste."),
        ({"genre": "document"}, "Joignez au moins un PDF"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed(
    dana: Browser, world: World, changes: dict[str, str], words: str
) -> None:
    await dana.get(to_alice(world))
    typed = letter(world, **changes)
    page = await dana.post(to_alice(world), typed)
    assert (page.status_code, title(page)[:9]) == (422, "Erreur : ")
    assert words in alert(page)
    kept = {e.attrs.get("name"): e.attrs.get("value", "") for e in elements(page, "input")}
    assert kept["sujet"] == typed["sujet"]
    assert elements(page, "textarea")[0].text == typed["texte"]
    assert await count("thread") == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("Avis.txt", GOOD, "doit se terminer par"),
        ("Avis.pdf", b"", "vide"),
        ("Avis.pdf", b"MZ" + GOOD, "n’est pas un PDF"),
        ("Avis.pdf", b"%PDF-1.7 broken", "abîmé"),
        ("Avis.pdf", GOOD + b" " * (10 * MEGABYTE + 1 - len(GOOD)), "dépasse 10 Mo"),
    ],
)
async def test_a_bad_file_is_told_and_the_others_must_be_chosen_again(
    dana: Browser, world: World, name: str, content: bytes, words: str
) -> None:
    """R68, R69."""
    await dana.get(to_alice(world))
    page = await upload(
        dana, to_alice(world), letter(world, genre="document"), ("Bon.pdf", GOOD), (name, content)
    )
    assert (page.status_code, words in alert(page)) == (422, True)
    assert "Choisissez de nouveau vos fichiers" in main(page)
    assert elements(page, "textarea")[0].text == "Bonjour {prénom}."
    assert (await count("thread"), await count("attachment")) == (0, 0)


async def test_at_most_five_files_and_the_largest_is_taken(dana: Browser, world: World) -> None:
    """R68."""
    await dana.get(to_alice(world))
    typed = letter(world, genre="document")
    six = [("Avis.pdf", GOOD)] * 6
    assert "au plus 5 fichiers" in alert(await upload(dana, to_alice(world), typed, *six))
    assert (await upload(dana, to_alice(world), typed, *six[:5])).status_code == 303
    assert await count("attachment") == 5


async def test_a_file_name_is_only_ever_text(dana: Browser, world: World) -> None:
    """A35."""
    await dana.get(to_alice(world))
    name = "../<img src=x onerror=alert(1)>\u202efdp.pdf"
    sent = await upload(dana, to_alice(world), letter(world, genre="document"), (name, GOOD))
    page = await dana.follow(sent)
    assert "<img src=x onerror=alert(1)>fdp" in main(page)
    assert len(elements(page, "img")) == 1


async def test_only_forms_that_take_files_may_be_sent_in_parts(
    dana: Browser, alice: Browser, world: World
) -> None:
    """R68: patients have no way to send a file, nor the desk any other."""
    await dana.get(to_alice(world))
    refused = await upload(dana, "/clinique/modeles/nouveau", {"nom": "x"}, ("A.pdf", GOOD))
    assert refused.status_code == 403
    page = f"/profils/{world.alice}/communications/nouveau"
    await alice.get(page)
    assert (await upload(alice, page, {"cle": "k"}, ("A.pdf", GOOD))).status_code == 403


async def test_a_form_of_a_thousand_parts_is_too_large(dana: Browser, world: World) -> None:
    """R68."""
    await dana.get(to_alice(world))
    many = [("A.pdf", b"x")] * 1000
    answer = await upload(dana, to_alice(world), letter(world), *many)
    assert (answer.status_code, heading(answer)) == (413, "Envoi trop volumineux")


async def test_files_come_under_their_own_name_with_the_token_and_no_field_twice(
    dana: Browser, world: World
) -> None:
    await dana.get(to_alice(world))
    url, data = to_alice(world), {"_csrf_token": dana.token, **letter(world)}
    for files in (
        [("texte2", ("A.pdf", GOOD))],
        [("texte", ("A.pdf", GOOD))],
        [("sujet", (None, b"deux"))],
    ):
        assert (await dana.http.post(url, data=data, files=files)).status_code == 403
    data["_csrf_token"] = "x" * 80
    one = [("fichiers", ("A.pdf", GOOD))]
    assert (await dana.http.post(url, data=data, files=one)).status_code == 403
    broken = {"content-type": "multipart/form-data; boundary=x"}
    for content in (b"--x\r\nnonsense", b"--y--", b""):
        answer = await dana.http.post(url, content=content, headers=broken)
        assert answer.status_code == 403
    no_boundary = {"content-type": "multipart/form-data"}
    answer = await dana.http.post(url, content=b"x", headers=no_boundary)
    assert answer.status_code == 403
    assert await count("thread") == 0


MULTIPART = {"content-type": "multipart/form-data; boundary=x", "sec-fetch-site": "same-origin"}


async def read_by(
    app: Gate, browser: Browser, url: str, body: Any, **headers: str
) -> tuple[int, int]:
    """The status, and how many times the body was asked for."""
    asked, statuses = 0, list[int]()

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        return await body()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = scope_of(browser, "POST", url, **MULTIPART | headers)
    await app(scope, receive, send)  # type: ignore[arg-type]
    return statuses[0], asked


async def endless() -> Any:
    return {"type": "http.request", "body": b"x" * MEGABYTE, "more_body": True}


async def test_not_a_byte_is_read_for_who_may_not_send(
    app: Gate, dana: Browser, stranger: Browser, alice: Browser, world: World
) -> None:
    """A31: nobody makes us keep fifty megabytes without having signed in at the desk."""
    for browser in (stranger, alice):
        assert await read_by(app, browser, to_alice(world), endless) == (303, 0)
    await StaffSession.delete(force=True)
    assert await read_by(app, dana, to_alice(world), endless) == (303, 0)


async def test_more_than_five_files_can_be_is_refused_before_or_while_it_comes(
    app: Gate, dana: Browser, world: World
) -> None:
    """A31."""
    said = {"content-length": str(LARGEST_FORM + 1)}
    assert await read_by(app, dana, to_alice(world), endless, **said) == (413, 0)
    status, asked = await read_by(app, dana, to_alice(world), endless)
    assert (status, asked) == (413, LARGEST_FORM // MEGABYTE + 1)


async def test_only_so_many_uploads_come_at_once_and_the_next_is_asked_to_send_again(
    app: Gate, dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31, R83: each takes its memory; a letter without files needs no place."""
    monkeypatch.setattr(app.app.state.portal, "uploads", uploads.Uploads())
    monkeypatch.setattr(uploads, "PATIENCE", 0.05)
    begun, released, url = asyncio.Semaphore(0), asyncio.Event(), to_alice(world)

    async def slow() -> Any:
        begun.release()
        await released.wait()
        return {"type": "http.request", "body": b"--x--", "more_body": False}

    sending = [asyncio.create_task(read_by(app, dana, url, slow)) for _ in range(uploads.MOST)]
    async with asyncio.timeout(30):
        for _ in sending:
            await begun.acquire()
    await dana.get(url)
    late = await upload(dana, url, letter(world), ("A.pdf", GOOD + b" " * uploads.SMALL))
    assert (late.status_code, late.headers["retry-after"]) == (503, "2")
    assert "rechargez cette page" in main(late)
    assert (await dana.post(url, letter(world))).status_code == 303
    released.set()
    assert [status for status, _ in await asyncio.gather(*sending)] == [403] * uploads.MOST
    again = await upload(dana, url, letter(world, cle="k2"), ("A.pdf", GOOD))
    assert again.status_code == 303


async def test_a_slow_upload_is_given_up(
    app: Gate, dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "FILES_WITHIN", 0.05)

    async def for_ever() -> Any:
        await asyncio.sleep(60)

    assert await read_by(app, dana, to_alice(world), for_ever) == (408, 1)


async def test_a_member_who_is_out_meanwhile_sends_nothing(
    app: Gate, dana: Browser, world: World
) -> None:
    """A11: deactivated while a large form was on its way."""

    async def ended() -> Any:
        await StaffSession.delete(force=True)
        return {"type": "http.request", "body": b"--x--", "more_body": False}

    assert await read_by(app, dana, to_alice(world), ended) == (303, 1)


async def test_a_days_worth_of_files_is_told(
    dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES_A_DAY", len(GOOD))
    await dana.get(to_both(world))
    typed = letter(world, genre="document", certain="oui")
    page = await upload(dana, to_both(world), typed, ("A.pdf", GOOD))
    assert (page.status_code, "200 Mo" in alert(page)) == (422, True)
    assert await count("thread") == 0


async def test_a_template_begins_a_letter(dana: Browser, world: World) -> None:
    template = await text_template(world)
    page = await dana.get(f"{to_alice(world)}&modele={template}")
    assert elements(page, "textarea")[0].text == "Bonjour {prénom}, ils sont là."
    put_in = letter(world, sujet="", texte="", modele=str(template), inserer="oui")
    page = await dana.post(to_alice(world), put_in)
    subject = next(e for e in elements(page, "input") if e.attrs.get("name") == "sujet")
    assert (page.status_code, subject.attrs["value"]) == (200, "Vos résultats")


async def test_a_practitioner_writes_to_their_own_patients(erin: Browser, world: World) -> None:
    assert (await erin.get(to_alice(world))).status_code == 404
    assert (await erin.post(to_alice(world), letter(world))).status_code == 404
    await world.appointment(world.now + timedelta(days=1))
    page = await erin.get(to_alice(world))
    own = f"intervenant:{world.practitioner}"
    values = [e.attrs["value"] for e in elements(page, "option") if ":" in e.attrs["value"]]
    assert values == [own]
    assert (await erin.post(to_alice(world), letter(world))).status_code == 422
    assert (await erin.post(to_alice(world), letter(world, de=own))).status_code == 303


def part(name: str, text: bytes, charset: str) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    kind = f"Content-Type: text/plain; charset={charset}"
    return f"--b\r\n{head}\r\n{kind}\r\n\r\n".encode() + text + b"\r\n"


async def send_parts(dana: Browser, world: World, *parts: bytes) -> int:
    answer = await dana.http.post(
        to_alice(world),
        content=b"".join(parts) + b"--b--\r\n",
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    return answer.status_code


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "unicode_escape", "utf-16", "nope"])
async def test_a_text_is_utf_8_whatever_its_part_says(
    dana: Browser, world: World, charset: str
) -> None:
    """Of some codecs the time grows with the square, before the token is looked at."""
    text = "« é » +2AA- \\ud800 a-b"
    fields = {"_csrf_token": dana.token, **letter(world), "texte": text}
    parts = [part(name, value.encode(), charset) for name, value in fields.items()]
    assert await send_parts(dana, world, *parts) == 303
    (row,) = await records.rows("SELECT body FROM message")
    assert row["body"] == text


@pytest.mark.parametrize("name", ["texte", "_csrf_token", "de_nom"])
async def test_bytes_that_are_no_text_are_refused(dana: Browser, world: World, name: str) -> None:
    assert await send_parts(dana, world, part(name, b"\xff\xfe", "utf-8")) == 403
