"""Texts used again, as a browser at the desk meets them."""

import pytest

from tests.web.browser import Browser, alert, elements, main, title
from tests.web.staff.mailroom import text_template
from tests.web.state import count
from tests.world import World

FOLDER = "/clinique/modeles"
TYPED = {"nom": "Rappel", "langue": "fr", "sujet": "À faire", "texte": "Bonjour {prénom}."}


async def test_a_text_is_made_changed_and_taken_away(dana: Browser, world: World) -> None:
    page = await dana.get(f"{FOLDER}/nouveau")
    sent = [await dana.press(page, "Enregistrer", TYPED) for _ in range(2)]
    assert [each.headers["location"] for each in sent] == [f"{FOLDER}?fait=cree"] * 2
    assert await count("text_template") == 1
    page = await dana.click(await dana.follow(sent[0]), "Modifier")
    changed = await dana.press(page, "Enregistrer", TYPED | {"nom": "Rappel de jeûne"})
    assert "Rappel de jeûne" in main(await dana.follow(changed))
    gone = await dana.press(page, "Retirer")
    assert "Aucun modèle encore" in main(await dana.follow(gone))


async def test_two_at_once_the_second_sees_the_first_and_may_save_again(
    dana: Browser, fay: Browser, world: World
) -> None:
    template = await text_template(world)
    pages = [await browser.get(f"{FOLDER}/{template}") for browser in (dana, fay)]
    await fay.press(pages[1], "Enregistrer", TYPED | {"texte": "De Fay."})
    told = await dana.press(pages[0], "Enregistrer", TYPED | {"texte": "De Dana."})
    assert (told.status_code, title(told)[:9]) == (409, "Erreur : ")
    assert "Rien n’a été écrasé" in alert(told)
    assert "De Fay." in main(told)
    assert elements(told, "textarea")[0].text == "De Dana."
    saved = await dana.press(told, "Enregistrer", TYPED | {"texte": "De nous deux."})
    assert saved.status_code == 303
    assert "De nous deux." in main(await dana.follow(saved))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nom": ""}, "Donnez un nom au modèle."),
        ({"langue": "de"}, "Choisissez la langue du texte."),
        ({"sujet": "x" * 121}, "Le sujet est trop long"),
        ({"texte": ""}, "Écrivez le texte."),
    ],
)
async def test_a_refused_form_keeps_what_was_typed(
    dana: Browser, world: World, changes: dict[str, str], words: str
) -> None:
    template = await text_template(world)
    for url in (f"{FOLDER}/nouveau", f"{FOLDER}/{template}"):
        typed = TYPED | changes
        page = await dana.press(await dana.get(url), "Enregistrer", typed)
        assert (page.status_code, title(page)[:9]) == (422, "Erreur : ")
        assert words in alert(page)
        assert elements(page, "textarea")[0].text == typed["texte"]
        names = {e.attrs.get("name"): e.attrs.get("value") for e in elements(page, "input")}
        assert (names["nom"], names["sujet"]) == (typed["nom"], typed["sujet"])


async def test_unknown_texts_and_odd_versions_are_refused(dana: Browser, world: World) -> None:
    template = await text_template(world)
    await dana.get(FOLDER)
    for path in ("", "/retrait"):
        assert (await dana.post(f"{FOLDER}/{world.alice}{path}", TYPED)).status_code == 404
    assert (await dana.get(f"{FOLDER}/{world.alice}")).status_code == 404
    for version in ("", "²", "9" * 30, "-1"):
        answer = await dana.post(f"{FOLDER}/{template}", TYPED | {"version": version})
        assert answer.status_code == 409
    assert (await dana.post(f"{FOLDER}/nouveau", TYPED)).status_code == 404
