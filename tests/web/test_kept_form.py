"""R35: what a patient typed into a form without a draft is there again after signing in."""

from urllib.parse import urlencode
from uuid import uuid4

import pytest

from domain.accounts.tables import ClinicRequest, TermsVersion
from domain.links import Links
from domain.messages import kept_text
from domain.messages.kept_text import KeptText
from tests.web.browser import SETTINGS, Browser, forms, main
from tests.web.test_kept_text import BOX, onward, session_ends, signs_in
from tests.web.test_new_message import value
from tests.world import NOW, PASSWORD, World

COOKIE = "__Host-form"
TEXT = "Mon nom s’écrit avec deux « n ».\nMerci."
SAVED = "Votre texte a été conservé. Votre session s’était terminée."
FORMS = {"/compte/demande": "Envoyer la demande", "/profils/{}/profil/erreur": "Envoyer"}


@pytest.fixture(params=FORMS, ids=["profile", "error"])
def form(request: pytest.FixtureRequest, world: World) -> tuple[str, str]:
    return request.param.format(world.alice), FORMS[request.param]


async def asked() -> int:
    return int(await ClinicRequest.count())


async def test_it_is_there_after_signing_in_and_sent_once(
    alice: Browser, form: tuple[str, str]
) -> None:
    url, button = form
    page = await alice.get(url)
    await session_ends()
    refused = await alice.press(page, button, {"texte": TEXT})
    assert onward(refused) == f"{url}?conserve=1"
    (header,) = [h for h in refused.headers.get_list("set-cookie") if h.startswith(COOKIE)]
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=900"} <= set(
        header.split("; ")
    )
    assert "nom" not in header
    again = await signs_in(alice, refused)
    assert SAVED in main(again)
    assert value(again, "texte") == TEXT
    sent = await alice.press(again, button, {"texte": TEXT})
    assert (sent.status_code, await asked()) == (303, 1)
    assert COOKIE not in alice.http.cookies
    late = await alice.get(f"{url}?conserve=1")
    assert (SAVED not in main(late), value(late, "texte")) == (True, "")


async def test_nobody_else_who_signs_in_there_sees_it(
    alice: Browser, form: tuple[str, str]
) -> None:
    url, button = form
    page = await alice.get(url)
    await session_ends()
    refused = await alice.press(page, button, {"texte": TEXT})
    other = await signs_in(alice, refused, "bob@example.com")
    assert "deux « n »" not in other.text
    assert SAVED not in other.text
    assert "deux « n »" not in (await alice.get("/compte/demande?conserve=1")).text


async def test_a_form_of_before_another_tab_signed_in_again_comes_back(
    alice: Browser, form: tuple[str, str]
) -> None:
    url, button = form
    page = await alice.get(url)
    await session_ends()
    await alice.sign_in()
    refused = await alice.press(page, button, {"texte": TEXT})
    assert (refused.status_code, refused.headers["location"]) == (303, f"{url}?conserve=1")
    assert value(await alice.follow(refused), "texte") == TEXT
    assert await asked() == 0


async def test_what_is_sent_to_be_kept_alone_does_nothing_else(
    alice: Browser, form: tuple[str, str]
) -> None:
    """« Se reconnecter » where the browser's clock runs fast: the session is still there."""
    url, button = form
    page = await alice.get(url)
    kept = await alice.press(page, button, {"texte": TEXT, "garder": "oui"})
    assert (kept.status_code, kept.headers["location"]) == (303, f"{url}?conserve=1")
    assert value(await alice.follow(kept), "texte") == TEXT
    assert await asked() == 0


async def test_new_terms_in_between_lose_nothing(
    alice: Browser, world: World, form: tuple[str, str]
) -> None:
    url, button = form
    page = await alice.get(url)
    row = {"text_fr": "Lisez.", "text_en": "Read.", "published_at": world.now}
    await TermsVersion.insert(TermsVersion(id=uuid4(), number=2, **row))
    refused = await alice.press(page, button, {"texte": TEXT})
    assert refused.headers["location"].startswith("/conditions?suivant=")
    assert COOKIE in refused.headers["set-cookie"]


async def test_only_the_form_s_own_page_shows_it(alice: Browser, world: World) -> None:
    page = await alice.get("/compte/demande")
    await session_ends()
    await signs_in(alice, await alice.press(page, "Envoyer", {"texte": TEXT}))
    error = await alice.get(f"/profils/{world.alice}/profil/erreur?conserve=1")
    assert value(error, "texte") == ""
    assert SAVED not in main(error)


async def test_another_form_that_is_sent_leaves_it_there(alice: Browser, world: World) -> None:
    page = await alice.get("/compte/demande")
    await session_ends()
    again = await signs_in(alice, await alice.press(page, "Envoyer la demande", {"texte": TEXT}))
    url = f"/profils/{world.alice}/profil/erreur"
    assert (await alice.press(await alice.get(url), "Envoyer", {"texte": "Autre."})).is_redirect
    assert value(await alice.get(str(again.url)), "texte") == TEXT


async def test_what_is_refused_says_why_and_no_address_says_whose_form_it_was(
    alice: Browser, form: tuple[str, str]
) -> None:
    url, button = form
    refused = await alice.press(await alice.get(url), button, {"texte": ""})
    assert refused.status_code == 422
    ways = [form.fields["suivant"] for form in forms(refused) if "suivant" in form.fields]
    assert ways
    assert all("auteur" not in way for way in ways)


async def test_the_way_back_to_a_refused_form_does_not_say_whose_it_was(
    alice: Browser, form: tuple[str, str]
) -> None:
    """The page stands at the address that its form was sent to."""
    url, _ = form
    await alice.get(url)
    await session_ends()
    came_from = {"referer": f"https://portail.example{url}?auteur=x&a=1"}
    assert onward(await alice.post(url, {"texte": TEXT}, headers=came_from)) == f"{url}?a=1"


async def test_no_public_form_is_kept(stranger: Browser, world: World) -> None:
    """A password least of all."""
    page = await stranger.get("/connexion")
    links = Links(SETTINGS.keys)
    signed = urlencode({"auteur": links.sign_writer(world.alice_account, world.now)})
    (action,) = [f.action for f in forms(page) if f.action.startswith("/connexion")]
    for typed in ({"garder": "oui"}, {"_csrf_token": "x"}):
        answer = await stranger.post(
            f"{action}{'&' if '?' in action else '?'}{signed}", {"mot_de_passe": PASSWORD} | typed
        )
        assert answer.status_code == 403
        assert COOKIE not in str(answer.headers)


async def test_who_signs_out_keeps_nothing(alice: Browser, world: World) -> None:
    page = await alice.get("/compte/demande")
    action = next(f.action for f in forms(page) if "auteur=" in f.action)
    signed = action.partition("?")[2]
    await session_ends()
    answer = await alice.post(f"/deconnexion?{signed}", {"texte": TEXT})
    assert answer.headers["location"] == "/connexion"
    assert COOKIE not in alice.http.cookies


async def test_an_odd_cookie_restores_nothing(alice: Browser, world: World) -> None:
    text = KeptText(world.alice_account, world.alice, None, None, "", TEXT, False, NOW)
    for cookie in ("x", "gAAAAA==", kept_text.seal(text, BOX, now=NOW)):
        alice.http.cookies.set(COOKIE, cookie, domain="portail.example")
        page = await alice.get("/compte/demande?conserve=1")
        assert (page.status_code, value(page, "texte")) == (200, "")
        assert SAVED not in main(page)
