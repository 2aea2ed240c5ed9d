"""Every page that stands before the clinic's side: whole, labelled, in good typography."""

import re

import pytest

from domain.staff import staff_links
from tests.web.browser import Browser, Clock, elements, heading, title
from tests.web.staff.doors import LINKS, first_step
from tests.world import World

SIMPLE = [
    "/clinique/connexion",
    "/clinique/mot-de-passe-oublie",
    "/clinique/mot-de-passe-oublie/envoi",
]


@pytest.mark.parametrize("path", [*SIMPLE, "activation", "reinitialisation", "code"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_page_is_whole_and_labelled(
    stranger: Browser, clock: Clock, world: World, path: str, language: str
) -> None:
    stranger.http.cookies.set("__Host-language", language, domain="portail.example")
    url = await address(stranger, path, world, clock)
    whole = await stranger.open(url)
    part = await stranger.get(str(whole.url), htmx=True)
    assert (whole.status_code, part.status_code) == (200, 200)
    assert whole.text.startswith("<!doctype html>")
    assert heading(whole) == heading(part)
    assert len(elements(whole, "h1")) == 1
    assert title(whole) == f"{heading(whole)} – Clinique des Érables"
    ids = [e.attrs["id"] for e in elements(whole) if "id" in e.attrs]
    assert sorted(ids) == sorted(set(ids))
    for element in elements(whole):
        for attribute in ("for", "aria-labelledby", "aria-describedby"):
            assert set(element.attrs.get(attribute, "").split()) <= set(ids)
    said = "".join(e.text for e in elements(whole, "main"))
    assert re.findall(r"\w'\w+|\S ?[«»]\S", said) == []


async def address(browser: Browser, path: str, world: World, clock: Clock) -> str:
    if path == "code":
        await first_step(browser)
        return "/clinique/connexion/code"
    if path in {"activation", "reinitialisation"}:
        kind: staff_links.Kind = "enrol" if path == "activation" else "reset"
        link = await staff_links.issue(world.dana, kind, links=LINKS, now=clock.now)
        return staff_links.path_of(link, kind, LINKS)
    return path
