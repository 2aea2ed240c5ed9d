"""Every page of the clinic's side, as a browser asks for it and as htmx does."""

import re

import pytest

from tests.web.browser import Browser, elements, forms, links, title
from tests.web.routes import STAFF, Route
from tests.web.staff.scene import StaffScene
from tests.web.state import rows

NO_PAGES: set[str] = {
    "choose_calendar",
    "export_journal",
    "export_incidents",
    "leave_staff_answer",
    "leave_assigning",
    "show_thread_file",
    "download_thread_file",
}
"""Handlers whose answer is a file, or leads on at once."""
SHOWN = [r for r in STAFF if r.method == "GET" and r.right and r.handler not in NO_PAGES]
FORMS = [r for r in STAFF if r.method == "POST" and r.right]


@pytest.mark.parametrize("route", SHOWN, ids=str)
async def test_page_is_whole_to_a_browser_and_a_fragment_to_htmx(
    fay: Browser, desk: StaffScene, route: Route
) -> None:
    whole, part = [await fay.get(desk.url(route), htmx=htmx) for htmx in (False, True)]
    assert (whole.status_code, part.status_code) == (200, 200)
    assert whole.text.startswith("<!doctype html>")
    assert [e.attrs["id"] for e in elements(whole, "main")] == ["main"]
    assert [e.text for e in elements(whole, "h1")] == [e.text for e in elements(part, "h1")]
    assert len(elements(whole, "h1")) == 1
    assert title(whole) == title(part)
    assert elements(part, "html", "head", "body", "main", "header", "nav.side") == []


async def test_pages_have_unique_ids_labels_that_find_their_field_and_good_typography(
    fay: Browser, desk: StaffScene
) -> None:
    faults: list[tuple[str, ...]] = []
    for route in SHOWN:
        page = await fay.get(desk.url(route))
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
        shown = "".join(e.text for e in elements(page, "main"))
        faults += [(str(route), found) for found in re.findall(r"\w'\w+|\S ?[«»]\S", shown)]
    assert faults == []


async def test_every_link_and_form_of_every_page_leads_somewhere(
    fay: Browser, desk: StaffScene
) -> None:
    asked: dict[str, str] = {}
    posts = {route.path for route in STAFF if route.method == "POST"}
    for route in SHOWN:
        page = await fay.get(desk.url(route))
        for href in links(page).values():
            if href.startswith("/"):
                asked[href.partition("#")[0]] = str(route)
        for form in forms(page):
            is_known = form.method == "get" or any(
                re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), form.action.partition("?")[0])
                for path in posts
            )
            assert (form.action, is_known) == (form.action, True)
    wrong = {href: at for href, at in asked.items() if (await fay.open(href)).status_code != 200}
    assert wrong == {}


async def test_forms_need_this_sessions_own_token_and_come_from_here(
    fay: Browser, dana: Browser, desk: StaffScene
) -> None:
    before = await rows(without=frozenset())
    for route in FORMS:
        for token in ("", dana.token):
            answer = await fay.post(desk.url(route), desk.data(route) | {"_csrf_token": token})
            assert (str(route), answer.status_code) == (str(route), 403)
        elsewhere = {"sec-fetch-site": "cross-site"}
        answer = await fay.post(desk.url(route), desk.data(route), headers=elsewhere)
        assert (str(route), answer.status_code) == (str(route), 403)
    assert await rows(without=frozenset()) == before


async def test_empty_forms_are_answered_and_crash_nothing(fay: Browser, desk: StaffScene) -> None:
    for route in FORMS:
        if route.path != "/clinique/deconnexion":
            answer = await fay.post(desk.url(route))
            assert (str(route), answer.status_code < 500) == (str(route), True)
