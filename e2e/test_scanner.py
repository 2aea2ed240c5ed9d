"""The machines that open every link of a mail before its reader does change nothing."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIRequestContext, Page

from e2e.browsing import DESKTOP
from e2e.conftest import Open, in_soak
from e2e.every_mail import KINDS, deliver_all, owe_every_mail
from e2e.portal import Portal

BUTTONS = "form button:not([type=button])"
TIMES = 5
# What was looked at is written down, and tries are counted; nothing else may differ.
NOTES = {"audit_line", "audit_seal", "attempt"}
PLACES = {
    "/",
    "/activation/…",
    "/changement-courriel/…",
    "/clinique",
    "/clinique/activation/…",
    "/clinique/reinitialisation/…",
    "/courriel/annulation/…",
    "/courriel/confirmation/…",
    "/desabonnement/…",
    "/invitation/…",
    "/mot-de-passe-oublie",
    "/profils/…/communications/…",
    "/profils/…/reservation",
    "/reinitialisation/…",
}
"""Where mails lead. Another place belongs here once the bot has been there."""


@pytest.mark.parametrize("language", ["fr", *in_soak("en")])
def test_a_mail_scanner_changes_nothing(open_browser: Open, portal: Portal, language: str) -> None:
    """A41, R88: every link of every kind of mail; a new kind must be owed here to be let in."""
    owe_every_mail(portal, language)
    mailed = deliver_all(portal)
    assert {mail.message["Content-Language"] for mail in mailed} == {language}
    sent = portal.rows("SELECT DISTINCT kind FROM outbound_email WHERE sent_at IS NOT NULL")
    assert {kind for (kind,) in sent} == KINDS
    links = {url for mail in mailed for url in mail.links().values() if url.startswith(portal.url)}
    places = {place(url): url for url in sorted(links)}
    assert set(places) == PLACES
    before = content(portal)

    bot = open_browser(DESKTOP)
    bot.page.clock.install()
    for url in places.values():
        fetches(bot.page.request, url)
        runs_the_scripts_of(bot.page, url)
        submits_the_forms_of(bot.page, url)

    assert content(portal) == before


def place(url: str) -> str:
    """An address without its token or its numbers: its pages are the same for each of them."""
    parts = urlsplit(url).path.split("/")
    return "/".join("…" if re.search(r"[0-9A-Z.]", part) else part for part in parts)


def fetches(request: APIRequestContext, url: str) -> None:
    for _ in range(TIMES):
        assert request.head(url).status < 500
        assert request.get(url).status < 500


def runs_the_scripts_of(page: Page, url: str) -> None:
    page.goto(url)
    page.clock.fast_forward("00:10")


def submits_the_forms_of(page: Page, url: str) -> None:
    """Each form as it stands, and each of its buttons."""
    for place in range(page.locator(BUTTONS).count()):
        page.goto(url)
        button = page.locator(BUTTONS).nth(place)
        with page.expect_event("load"):
            button.evaluate("(button) => button.form.requestSubmit(button)")


def content(portal: Portal) -> dict[str, list[tuple[object, ...]]]:
    return {name: rows for name, rows in portal.content().items() if name not in NOTES}
