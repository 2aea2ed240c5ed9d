"""R35: what was typed at the desk when the session had ended is there again for who typed it."""

from datetime import date
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from domain.accounts import kept_form
from domain.accounts.kept_form import KeptForm
from domain.accounts.secret_box import SecretBox
from domain.desk.sending import MOST_RECIPIENTS
from domain.staff.tables import StaffSession
from tests.web.browser import SETTINGS, Browser, forms, main
from tests.web.staff.desk import at_work
from tests.web.staff.doors import SIGN_IN, first_step
from tests.web.staff.register import GOOD
from tests.web.staff.scene import StaffScene
from tests.web.staff.test_sending import letter
from tests.web.state import count, rows
from tests.web.test_new_message import value
from tests.world import World
from web.gate import Gate
from web.staff.sending import packed

COOKIE = "__Host-form"
ADULT = date(1980, 5, 17)
SAVED = "Votre texte a été conservé. Votre session s’était terminée."
PAGES = {
    "/clinique/incidents/nouveau": ("circonstances", "Inscrire au registre", GOOD),
    "/clinique/incidents/{incident}": ("mesures", "Enregistrer", GOOD),
    "/clinique/modeles/nouveau": ("texte", "Enregistrer", {"nom": "Rappel", "texte": "Bonjour."}),
    "/clinique/modeles/{template}": ("texte", "Enregistrer", {"nom": "Rappel", "texte": "Bonj."}),
    "/clinique/reglages/types/{visit_type}": (
        "message",
        "Enregistrer",
        {"nom": "Suivi", "duree": "30", "message": "À jeun."},
    ),
    "/clinique/patients/{patient}/acces/blocage": ("motif", "Bloquer", {"motif": "Ordonnance."}),
    "/clinique/demandes/{asked}": ("note", "Terminer", {"note": "Appelée deux fois."}),
    "/clinique/rendez-vous/{appointment}/annulation": ("mot", "Annuler", {"mot": "Désolés."}),
    "/clinique/rendez-vous/{appointment}/deplacement/{slot}": (
        "mot",
        "Déplacer",
        {"mot": "Plus tôt."},
    ),
}


ADMINISTRATORS = [path for path in PAGES if "incidents" in path or "reglages" in path]


def keep(browser: Browser, kept: KeptForm, world: World) -> None:
    sealed = kept_form.seal(kept, SecretBox(SETTINGS.keys), now=world.now)
    assert sealed is not None
    browser.http.cookies.set(COOKIE, sealed, domain="portail.example")


@pytest.mark.parametrize("path", PAGES)
async def test_it_is_there_again_and_nothing_was_done(
    app: Gate, world: World, desk: StaffScene, path: str
) -> None:
    name, button, typed = PAGES[path]
    url = path.format(**desk.ids)
    member = world.dana if path not in ADMINISTRATORS else world.fay
    browser = await at_work(app, world, member)
    page = await browser.get(url)
    await StaffSession.delete(force=True)
    before = await rows()
    refused = await browser.press(page, button, typed)
    assert refused.headers["location"].startswith("/clinique/connexion?suivant=")
    assert await rows() == before
    for who, is_theirs in ((member, True), (world.erin, False)):
        again = await at_work(app, world, who)
        again.http.cookies.set(COOKIE, browser.http.cookies[COOKIE], domain="portail.example")
        shown = await again.get(f"{url}?conserve=1")
        assert (SAVED in main(shown)) is is_theirs
        assert (typed[name] in shown.text) is is_theirs
        if is_theirs:
            assert value(shown, name) == typed[name]
            assert (await again.press(shown, button, typed)).status_code in (303, 422)


async def test_a_colleague_s_change_in_between_is_still_seen(
    app: Gate, world: World, desk: StaffScene
) -> None:
    url = f"/clinique/incidents/{desk.ids['incident']}"
    browser = await at_work(app, world, world.fay)
    page = await browser.get(url)
    await StaffSession.delete(force=True)
    await browser.press(page, "Enregistrer", GOOD | {"mesures": "Les miennes."})
    again = await at_work(app, world, world.fay)
    other = await again.get(url)
    assert (await again.press(other, "Enregistrer", GOOD)).status_code == 303
    again.http.cookies.set(COOKIE, browser.http.cookies[COOKIE], domain="portail.example")
    shown = await again.get(f"{url}?conserve=1")
    assert value(shown, "mesures") == "Les miennes."
    late = await again.press(shown, "Enregistrer", GOOD | {"mesures": "Les miennes."})
    assert late.status_code == 409


async def test_a_letter_to_as_many_as_can_be_is_there_again(app: Gate, world: World) -> None:
    ids = [await world.patient("Zoé", f"Roy {n}", ADULT) for n in range(MOST_RECIPIENTS)]
    browser = await at_work(app, world, world.dana)
    page = await browser.get(f"/clinique/communications/envoi/message?a={packed(ids)}")
    await StaffSession.delete(force=True)
    refused = await browser.press(page, "Envoyer", {"texte": "Bonjour.", "sujet": "Congé"})
    page = await browser.follow(refused)
    (onward,) = [f.fields["suivant"] for f in forms(page) if f.action == SIGN_IN]
    asked = await first_step(browser, onward=onward)
    (way,) = parse_qs(urlsplit(asked.headers["location"]).query)["suivant"]
    again = await at_work(app, world, world.dana)
    again.http.cookies.set(COOKIE, browser.http.cookies[COOKIE], domain="portail.example")
    shown = await again.get(way)
    assert SAVED in main(shown)
    assert (value(shown, "texte"), value(shown, "sujet")) == ("Bonjour.", "Congé")


@pytest.mark.parametrize("htmx", [False, True])
async def test_a_letter_that_was_sent_is_in_no_browser_any_more(
    app: Gate, world: World, *, htmx: bool
) -> None:
    url = f"/clinique/communications/nouvelle?patient={world.alice}"
    browser = await at_work(app, world, world.dana)
    keep(browser, KeptForm(world.dana, url, {"texte": "Bonjour."}), world)
    assert SAVED in main(await browser.get(f"{url}&conserve=1"))
    await browser.post(f"{url}&auteur=x", letter(world, texte=""), htmx=htmx)
    assert COOKIE in browser.http.cookies
    await browser.post(f"{url}&auteur=x", letter(world), htmx=htmx)
    assert COOKIE not in browser.http.cookies
    assert await count("thread") == 1


async def test_an_error_page_does_not_say_that_a_text_was_kept(app: Gate, world: World) -> None:
    url = f"/clinique/patients/{uuid4()}/acces/blocage"
    kept = KeptForm(world.dana, url, {"motif": "Ordonnance."})
    browser = await at_work(app, world, world.dana)
    keep(browser, kept, world)
    shown = await browser.get(f"{url}?conserve=1")
    assert shown.status_code == 404
    assert SAVED not in main(shown)


async def test_a_form_without_its_writer_s_signature_is_not_read(
    app: Gate, world: World, desk: StaffScene
) -> None:
    browser = await at_work(app, world, world.dana)
    url = f"/clinique/demandes/{desk.ids['asked']}"
    action = next(f.action for f in forms(await browser.get(url)) if "auteur=" in f.action)
    await StaffSession.delete(force=True)
    for wrong in (action.replace("auteur=", "auteur=x"), url, f"{url}?auteur="):
        refused = await browser.post(wrong, {"note": "Appelée."})
        assert "conserve" not in refused.headers["location"]
        assert COOKIE not in refused.headers.get("set-cookie", "")
