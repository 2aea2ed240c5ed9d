"""Every page, as a browser asks for it and as htmx does."""

import re
from datetime import timedelta

import httpx
import pytest

from domain.accounts.tables import TermsVersion
from domain.appointments.tables import Appointment
from tests import databases
from tests.web.browser import Browser, elements, forms, heading, links, main, title
from tests.web.clinic import Wide, slots
from tests.web.routes import ROUTES, Route, Scene
from tests.world import World

CLINIC = "Clinique des Érables"
NO_PAGES = {
    "static_file",
    "health",
    "calendar_file",
    "show",
    "download",
    "start",
    "arrive_to_activate",
    "activation",
    "show_attach",
    "count_unread",
    "leave_reply",
}
PATHS = {r.path for r in ROUTES}
SHOWN = [
    r
    for r in ROUTES
    if r.method == "GET"
    and r.handler not in NO_PAGES
    # The link of a mail is no page: it goes on to one at once.
    and (r.path.removesuffix("/{token}") == r.path or r.path.removesuffix("/{token}") not in PATHS)
]


@pytest.fixture
async def stage(stage: Scene, wide: Wide) -> Scene:
    """With two answers to each step, so that none is skipped."""
    return stage


async def browser_for(route: Route, stage: Scene, alice: Browser, stranger: Browser) -> Browser:
    browser = stranger if route.path.startswith("/connexion") else alice
    if route.path == "/connexion/code":
        browser.http.cookies.set("__Host-step", stage.first_step, domain="portail.example")
    if route.path.startswith("/compte/validation/"):
        await stage.ask_for_codes(stage.world.alice_account)
    if link := stage.before(route):
        await browser.get(link)
    return browser


@pytest.mark.parametrize("route", SHOWN, ids=str)
async def test_page_is_whole_to_a_browser_and_a_fragment_to_htmx(
    alice: Browser, stranger: Browser, stage: Scene, route: Route
) -> None:
    browser = await browser_for(route, stage, alice, stranger)
    whole, part = [await browser.get(stage.url(route), htmx=htmx) for htmx in (False, True)]
    assert (whole.status_code, part.status_code) == (200, 200)
    assert whole.text.startswith('<!doctype html>\n<html lang="fr-CA">')
    assert [e.attrs["id"] for e in elements(whole, "main")] == ["main"]
    assert [e.text for e in elements(whole, "h1")] == [e.text for e in elements(part, "h1")]
    assert len(elements(whole, "h1")) == 1
    assert title(whole) == title(part)
    assert title(whole).endswith(f" – {CLINIC}")
    assert elements(part, "html", "head", "body", "main", "header", "nav.side") == []
    assert set(whole.headers["vary"].split(", ")) >= {"HX-Request", "Cookie"}
    assert set(part.headers["vary"].split(", ")) >= {"HX-Request", "Cookie"}


async def test_restored_history_and_boosted_links_get_whole_pages(alice: Browser) -> None:
    for more in ("hx-history-restore-request", "hx-boosted"):
        page = await alice.get("/", htmx=True, headers={more: "true"})
        assert page.text.startswith("<!doctype html>")


async def test_no_two_pages_have_the_same_title(
    alice: Browser, stranger: Browser, stage: Scene
) -> None:
    titles = {}
    for route in SHOWN:
        browser = await browser_for(route, stage, alice, stranger)
        page = await browser.get(stage.url(route))
        titles.setdefault(title(page), set()).add(heading(page))
    assert {name: heads for name, heads in titles.items() if len(heads) > 1} == {}
    assert len(titles) >= 14


async def test_pages_have_unique_ids_and_labels_that_find_their_field(
    alice: Browser, stranger: Browser, stage: Scene
) -> None:
    faults = []
    for route in SHOWN:
        browser = await browser_for(route, stage, alice, stranger)
        page = await browser.get(stage.url(route))
        everything = elements(page)
        ids = [e.attrs["id"] for e in everything if "id" in e.attrs]
        faults += [(str(route), "twice", name) for name in ids if ids.count(name) > 1]
        for element in everything:
            for attribute in ("for", "aria-labelledby", "aria-describedby"):
                faults += [
                    (str(route), attribute, name)
                    for name in element.attrs.get(attribute, "").split()
                    if name not in ids
                ]
    assert faults == []


async def test_every_link_and_form_of_every_page_leads_somewhere(
    alice: Browser, stage: Scene
) -> None:
    asked: dict[str, str] = {}
    posts = {route.path for route in ROUTES if route.method == "POST"}
    for route in SHOWN:
        await browser_for(route, stage, alice, alice)
        page = await alice.open(stage.url(route))
        for href in links(page).values():
            if href.startswith("/") and not href.startswith("/courriels"):
                asked[href.partition("#")[0]] = str(route)
        for form in forms(page):
            is_known = form.method == "get" or any(
                re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), form.action.partition("?")[0])
                for path in posts
            )
            assert (form.action, is_known) == (form.action, True)
    wrong = {
        href: route for href, route in asked.items() if (await alice.open(href)).status_code != 200
    }
    assert wrong == {}
    assert len(asked) > 20


# Languages.


async def test_french_is_first_and_english_is_chosen_by_its_button(alice: Browser) -> None:
    page = await alice.get("/")
    assert (elements(page, "html")[0].attrs["lang"], heading(page)) == (
        "fr-CA",
        "Tableau de bord",
    )
    await alice.press(page, "English")
    page = await alice.get("/")
    assert (elements(page, "html")[0].attrs["lang"], heading(page)) == ("en-CA", "Dashboard")
    await alice.press(page, "Français")
    assert heading(await alice.get("/")) == "Tableau de bord"


@pytest.mark.parametrize("route", SHOWN, ids=str)
async def test_switching_language_keeps_the_very_page(
    alice: Browser, stranger: Browser, stage: Scene, route: Route
) -> None:
    browser = await browser_for(route, stage, alice, stranger)
    url = stage.url(route)
    answer = await browser.press(await browser.get(url), "English")
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    assert elements(await browser.get(url), "html")[0].attrs["lang"] == "en-CA"


async def test_language_is_kept_after_signing_out(alice: Browser) -> None:
    await alice.press(await alice.get("/"), "English")
    await alice.press(await alice.get("/"), "Sign out")
    assert heading(await alice.get("/connexion")) == "Sign in"


async def test_account_language_counts_where_none_was_chosen(
    stranger: Browser, world: World
) -> None:
    await world.account("jane@example.com", language="en")
    await stranger.sign_in("jane@example.com")
    assert heading(await stranger.get("/")) == "Dashboard"


async def test_unknown_language_is_refused_and_an_altered_cookie_ignored(alice: Browser) -> None:
    assert (await alice.post("/langue", {"langue": "de"})).status_code == 404
    alice.http.cookies.set("__Host-language", "../../etc", domain="portail.example")
    assert heading(await alice.get("/")) == "Tableau de bord"


async def test_terms_come_in_the_language_chosen(alice: Browser, world: World) -> None:
    assert await TermsVersion.exists().where(TermsVersion.text_en == "# Terms\n\nRead.")
    assert main(await alice.get("/conditions")).endswith("Lisez. Retour au tableau de bord")
    await alice.press(await alice.get("/"), "English")
    assert "Read." in main(await alice.get("/conditions"))


async def test_french_typography_has_its_narrow_spaces_and_apostrophes(
    alice: Browser, stranger: Browser, stage: Scene
) -> None:
    faults = []
    for route in SHOWN:
        browser = await browser_for(route, stage, alice, stranger)
        page = await browser.get(stage.url(route))
        shown = "".join(e.text for e in elements(page, "main"))
        faults += [(str(route), found) for found in re.findall(r"\w'\w+|\S ?[«»]\S", shown)]
    assert faults == []


async def test_switching_language_keeps_the_week_and_what_is_open(
    alice: Browser, stage: Scene, world: World
) -> None:
    week = stage.url(next(r for r in SHOWN if r.path.endswith("reservation/creneau")))
    for url in (
        f"{week}&semaine=2026-12-07",
        f"/profils/{world.alice}/rendez-vous?ouvert={stage.coming}",
        f"/profils/{world.alice}/rendez-vous?avant=2026-11-01T00:00:00%2B00:00",
    ):
        answer = await alice.press(await alice.get(url), "English")
        assert answer.headers["location"] == url
        await alice.press(await alice.get(url), "Français")


# The frame round the page.


async def test_acting_for_someone_else_is_always_visible(alice: Browser, world: World) -> None:
    page = await alice.get(f"/profils/{world.bob}/rendez-vous")
    assert "Vous agissez au nom de Bob Gagnon" in bar(page)
    own = await alice.get(f"/profils/{world.alice}/rendez-vous")
    assert "Vous agissez" not in own.text
    assert bar(own).startswith("Alice Gagnon")


async def test_left_column_shows_the_profile_of_the_address(alice: Browser, world: World) -> None:
    for patient, words in [
        (world.alice, "Alice Gagnon1985-05-02"),
        (world.bob, "Bob Gagnon2018-03-09"),
    ]:
        page = await alice.get(f"/profils/{patient}/rendez-vous")
        whose = next(e for e in elements(page, "a") if "whose" in e.attrs.get("class", ""))
        assert whose.text == words


async def test_account_without_a_profile_is_told_it_waits(stranger: Browser, world: World) -> None:
    await world.account("new@example.com")
    await stranger.sign_in("new@example.com")
    page = await stranger.get("/")
    assert "en attente de jumelage" in main(page)
    assert "(514) 555-0142" in main(page)


async def test_header_has_the_clinics_name_and_a_phone_to_tap(stranger: Browser) -> None:
    page = await stranger.get("/connexion")
    assert CLINIC in elements(page, "header")[0].text
    assert "tel:+15145550142" in links(page).values()


def bar(page: httpx.Response) -> str:
    section = next(e for e in elements(page, "section") if "profile-bar" in e.attrs["class"])
    return section.text


# What a page costs.


async def cost(browser: Browser, url: str) -> tuple[int, int]:
    """How many statements read, and how many write a line in the journal."""
    with databases.statements() as asked:
        answer = await browser.get(url)
    assert answer.status_code == 200
    verbs = [sql.split()[0].upper() for sql in asked]
    lines = [sql for sql in asked if sql.split()[:3] == ["INSERT", "INTO", "audit_line"]]
    assert len(verbs) == verbs.count("SELECT") + len(lines)
    return verbs.count("SELECT"), len(lines)


async def test_slot_page_costs_the_same_with_one_slot_and_with_fifty(
    alice: Browser, stage: Scene, world: World
) -> None:
    url = stage.url(next(r for r in SHOWN if r.path.endswith("reservation/creneau")))
    with_few = await cost(alice, url)
    await slots(world, world.now + timedelta(hours=40), 50)
    page = await alice.get(url)
    assert len([b for b in elements(page, "button") if b.attrs.get("name") == "creneau"]) > 10
    assert await cost(alice, url) == with_few
    assert with_few[0] <= 6
    assert with_few[1] == 1


async def test_dashboard_and_tab_cost_the_same_with_one_visit_and_with_twenty(
    alice: Browser, stage: Scene, world: World
) -> None:
    tab = f"/profils/{world.alice}/rendez-vous"
    await Appointment.delete().where(Appointment.id.is_in([stage.later, stage.soon]))
    few = [await cost(alice, url) for url in ("/", tab)]
    for day in range(2, 12):
        await world.appointment(world.now + timedelta(days=day, hours=3))
        await world.appointment(world.now - timedelta(days=day))
    assert len(elements(await alice.get(tab), "details")) == 21 + 1
    assert [await cost(alice, url) for url in ("/", tab)] == few
    assert few == [(6, 1), (5, 1)]


async def test_signed_out_page_reads_the_clinic_and_nothing_else(stranger: Browser) -> None:
    assert await cost(stranger, "/connexion") == (1, 0)


async def test_static_file_asks_the_database_nothing(stranger: Browser) -> None:
    assert await cost(stranger, "/static/app.css") == (0, 0)
