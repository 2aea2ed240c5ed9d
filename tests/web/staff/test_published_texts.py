"""Terms and disclaimer: seen before they are published, and never changed after."""

import httpx
import pytest

from domain import db
from domain.messages.tables import Message
from tests.web.browser import Browser, elements, links, main, title
from tests.web.staff.test_settings import value
from tests.web.state import journal, rows
from tests.world import World

BASE = "/clinique/reglages/textes"
NEW = {"francais": "# Nouveau\n\nLisez ceci.", "anglais": "# New\n\nRead this."}
TABLES = {"conditions": "terms_version", "clause": "disclaimer_version"}


async def previewed(browser: Browser, word: str, form: dict[str, str] = NEW) -> httpx.Response:
    page = await browser.get(f"{BASE}/{word}")
    return await browser.press(page, "Prévisualiser", form)


async def versions(word: str) -> list[tuple[int, str]]:
    found = await db.fetch(f"SELECT number, text_fr FROM {TABLES[word]} ORDER BY number")
    return [(row["number"], row["text_fr"]) for row in found]


@pytest.mark.parametrize("word", TABLES)
async def test_a_version_is_seen_first_then_published_with_its_author(
    fay: Browser, word: str
) -> None:
    before = await versions(word)
    preview = await previewed(fay, word)
    assert preview.status_code == 200
    assert "Aperçu : rien n’est encore publié." in main(preview).replace("\xa0", " ")
    assert [e.text for e in elements(preview, "h2")][:2] == ["Nouveau", "New"]
    assert await versions(word) == before
    done = await fay.press(preview, "Publier", {"compris": "oui"})
    assert (done.status_code, done.headers["location"]) == (303, f"{BASE}?fait={word}")
    assert await versions(word) == [*before, (2, NEW["francais"])]
    page = await fay.get(done.headers["location"])
    assert "La nouvelle version est publiée." in main(page)
    which = {"conditions": "terms", "clause": "disclaimer"}[word]
    assert len(await journal(f"{which}.published")) == 1
    assert "Fay Blais" in main(page)


async def test_new_terms_are_asked_for_at_the_patients_next_page(
    fay: Browser, alice: Browser, world: World
) -> None:
    url = f"/profils/{world.alice}/rendez-vous"
    assert (await alice.get(url)).status_code == 200
    await fay.press(await previewed(fay, "conditions"), "Publier", {"compris": "oui"})
    asked = await alice.get(url)
    assert (asked.status_code, asked.headers["location"][:11]) == (303, "/conditions")
    page = await alice.open(url)
    assert [e.text for e in elements(page, "h2")][:1] == ["Nouveau"]
    assert "Version 2" in main(page)
    after = await alice.follow(await alice.press(page, "J’ai lu, compris et accepté"))
    assert after.status_code == 200
    assert (await alice.get(url)).status_code == 200


async def test_a_message_keeps_the_disclaimer_that_was_read(
    fay: Browser, alice: Browser, world: World
) -> None:
    thread = await world.thread("Est-ce fait ?", may_answer=True)
    await fay.press(await previewed(fay, "clause"), "Publier", {"compris": "oui"})
    form = await alice.get(f"/profils/{world.alice}/communications/{thread}?repondre=1")
    assert "Lisez ceci." in main(form)
    await alice.press(form, "Envoyer", {"texte": "Oui.", "lu": "oui"})
    (sent,) = await Message.objects().where(Message.account.is_not_null())
    assert sent.disclaimer != world.disclaimer


async def test_nothing_is_published_by_a_slip(fay: Browser) -> None:
    """Neither by the preview, nor by « Publier » without the box."""
    preview = await previewed(fay, "conditions")
    before = await rows()
    refused = await fay.press(preview, "Publier")
    assert refused.status_code == 422
    assert title(refused).startswith("Erreur : ")
    assert "#compris" in links(refused).values()
    assert value(refused, "francais").replace("\r", "") == NEW["francais"]
    assert await rows() == before
    done = await fay.press(refused, "Publier", {"compris": "oui"})
    assert done.status_code == 303


async def test_a_text_goes_back_to_be_corrected_as_it_was(fay: Browser) -> None:
    back = await fay.press(await previewed(fay, "conditions"), "Corriger le texte")
    assert back.status_code == 200
    assert [e.text for e in elements(back, "textarea")] == [
        " ".join(text.split()) for text in NEW.values()
    ]


async def test_published_twice_is_one_version(fay: Browser) -> None:
    preview = await previewed(fay, "conditions")
    for _ in range(2):
        answer = await fay.press(preview, "Publier", {"compris": "oui"})
        assert answer.status_code == 303
    assert len(await versions("conditions")) == 2


async def test_two_at_once_the_second_reads_what_was_published_meanwhile(fay: Browser) -> None:
    mine = await previewed(fay, "conditions", NEW | {"francais": "Le mien."})
    await fay.press(await previewed(fay, "conditions"), "Publier", {"compris": "oui"})
    late = await fay.press(mine, "Publier", {"compris": "oui"})
    assert late.status_code == 409
    assert "Publié entre-temps : version 2" in main(late).replace("\xa0", " ")
    assert next(e.text for e in elements(late, "textarea")) == "Le mien."
    assert len(await versions("conditions")) == 2
    again = await fay.press(
        late, "Prévisualiser", {"francais": "Le mien.", "anglais": NEW["anglais"]}
    )
    done = await fay.press(again, "Publier", {"compris": "oui"})
    assert done.status_code == 303
    assert [number for number, _ in await versions("conditions")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("conditions", {"francais": " \n "}),
        ("conditions", {"anglais": ""}),
        ("conditions", {"francais": "x" * 20_001}),
        ("clause", {"anglais": "x" * 2_001}),
    ],
)
async def test_what_cannot_be_is_refused_with_all_that_was_typed(
    fay: Browser, word: str, wrong: dict[str, str]
) -> None:
    before, form = await rows(), NEW | wrong
    answer = await previewed(fay, word, form)
    assert answer.status_code == 422
    (name,) = wrong
    assert f"#{name}" in links(answer).values()
    assert [e.text for e in elements(answer, "textarea")] == [
        " ".join(text.split()) for text in form.values()
    ]
    assert await rows() == before


async def test_a_text_is_text_in_its_preview_and_to_the_patient(
    fay: Browser, alice: Browser
) -> None:
    """A35, A36, A39."""
    bad = '# <b>T</b>\n\n<img src=x onerror=alert(1)>\n\n<div hx-get="/deconnexion">{{ 7*7 }}</div>'
    preview = await previewed(fay, "conditions", {"francais": bad, "anglais": bad})
    await fay.press(preview, "Publier", {"compris": "oui"})
    for page in (preview, await alice.open("/conditions")):
        assert elements(page, "img[src=x]") == []
        assert not [e for e in elements(page) if "hx-get" in e.attrs and "main" in e.attrs]
        assert "{{ 7*7 }}" in page.text
        assert "<img src=x" not in page.text


async def test_old_versions_can_be_read_as_they_were(fay: Browser, world: World) -> None:
    await fay.press(await previewed(fay, "conditions"), "Publier", {"compris": "oui"})
    page = await fay.get(f"{BASE}/conditions/{world.terms}")
    assert "Version 1" in main(page)
    assert [e.text for e in elements(page, "h2")][:2] == ["Termes", "Terms"]
    assert (await fay.get(f"{BASE}/clause/{world.terms}")).status_code == 404
