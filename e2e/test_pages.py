"""Every page and state as far as a page of its own can show something new.

Of the states of a page, the first met is read in English, too, and shows where its focus is;
with `--every-device`, in `make soak`, each is. `make audit PARTS=accessibility` takes each through
both languages, light and dark, narrow, wide, enlarged and spaced, with all of axe.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from e2e.browsing import (
    Device,
    Inspector,
    Watch,
    bring_axe,
    check_width,
    look_over,
    shape,
)
from e2e.conftest import PATIENCE
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.states import STATES, State

NARROW = Device("narrow", 320, 568, is_phone=True)
ENGLISH = replace(NARROW, language="en")
WIDE = {"width": 1280, "height": 800}
OF_THE_FIRST = ["target-size"]
"""`check_targets` asks for more, of nearly all."""
PAGES_OF_A_TAB = 40
"""It keeps something of each: after so many it is large and slow."""


@pytest.fixture(scope="module")
def window(whole_portal: Portal, browser: Browser) -> Iterator[BrowserContext]:
    """One for all the pages, for its first opening is what takes long."""
    with NARROW.open(browser, whole_portal.url) as context:
        context.set_default_timeout(PATIENCE)
        bring_axe(context)
        yield context


class Tab:
    """One for many pages, too: each new one is a new process that compiles the scripts again."""

    def __init__(self, window: BrowserContext) -> None:
        self._window = window
        self._page = window.new_page()
        self._uses = 0

    def page(self) -> Page:
        self._uses += 1
        if self._uses % PAGES_OF_A_TAB == 0:
            self._page.close()
            self._page = self._window.new_page()
        return self._page


@pytest.fixture(scope="module")
def tab(window: BrowserContext) -> Tab:
    return Tab(window)


@pytest.fixture
def page(tab: Tab, window: BrowserContext, portal: Portal) -> Iterator[Page]:
    watch = Watch(portal.url)
    with watch.over(window):
        yield tab.page()
    watch.check()


class Nobody(Inspector):
    """The pages on the way to a state are states themselves."""

    def __init__(self) -> None:
        pass

    def look(self, page: Page, device: Device) -> None:
        pass


@pytest.mark.parametrize("state", STATES, ids=str)
def test_page(state: State, page: Page, portal: Portal, inspector: Inspector) -> None:
    show(page)
    french = reach(state, Patient(page, portal, NARROW, Nobody()))
    is_the_first = inspector.is_the_first(page)
    has_new_colours = inspector.examine(page, french, but=[] if is_the_first else OF_THE_FIRST)
    check_targets(page)
    page.set_viewport_size(WIDE)
    check_width(page)
    if has_new_colours:
        in_dark(page)
        inspector.examine_colours(page)
    if is_the_first:
        check_focus(page)
    if not inspector.is_english_read(page) and is_there_in_english(page, portal, french):
        inspector.note_english(page)


def is_there_in_english(page: Page, portal: Portal, french: dict[str, Any]) -> bool:
    """What only follows a form is read in English by the audit."""
    show(page)
    reader = Patient(page, portal, ENGLISH, Nobody())
    reader.has_chosen_the_language()
    reader.opens(page.url.partition("#")[0])
    is_there = shape(page) == "\n".join(french["shapes"])
    if is_there:
        check_page(reader)
    return is_there


def show(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": NARROW.width, "height": NARROW.height})


def reach(state: State, reader: Patient) -> dict[str, Any]:
    reader.page.context.clear_cookies()
    reader.has_chosen_the_language()
    if state.email and state.is_at_work:
        reader.works_as(state.email)
    elif state.email:
        reader.signs_in_at_once(state.email)
    state.reach(reader)
    reader.page.wait_for_load_state()
    return check_page(reader)


def check_page(reader: Patient) -> dict[str, Any]:
    check_names(reader.page, reader.device.language)
    return look_over(reader.page)


def in_dark(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) < 80


def check_names(page: Page, language: str) -> None:
    """One heading, a title that tells of an error, and the language said."""
    lang, title, headings, alerts = page.evaluate(
        """() => {
            const shown = (what) => [...document.querySelectorAll(what)]
                .filter((element) => element.checkVisibility({ visibilityProperty: true })).length;
            const lang = document.documentElement.lang;
            // That there are too many at once is said above a page that stands.
            const alerts = shown("[role=alert]:not(#foule)");
            return [lang, document.title, shown("h1"), alerts];
        }"""
    )
    assert lang == f"{language}-CA"
    assert headings == 1
    assert title.endswith(" – Clinique des Érables")
    if alerts:
        assert title.startswith(("Erreur : ", "Erreur\u00a0: ", "Error: "))


def check_targets(page: Page) -> None:
    """A thumb finds whatever is neither a word in a sentence nor beside the point."""
    assert not page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, input, textarea")]
            .filter((element) => element.checkVisibility({ visibilityProperty: true })
                && getComputedStyle(element).display !== "inline"
                && !element.matches("input[type=hidden], .top a, .crumbs a, .error-summary a"))
            .map((element) => {
                const target = element.closest("label") ?? element;
                const box = target.getBoundingClientRect();
                const more = getComputedStyle(target, "::after");
                const extra = more.position === "absolute" && more.content !== "none"
                    ? Math.max(0, -2 * parseFloat(more.top)) : 0;
                return [target.outerHTML.slice(0, 70), box.width, box.height + extra];
            })
            .filter(([, width, height]) => width < 43.5 || height < 43.5)"""
    )


def check_focus(page: Page) -> None:
    """With the keyboard in use, whatever takes the focus shows it and is in view."""
    page.keyboard.press("Tab")
    assert not page.evaluate(
        """() => {
            const isOutlined = (element) => {
                const { outlineStyle, outlineWidth } = getComputedStyle(element);
                return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
            };
            return [...document.querySelectorAll("a, button, summary, input, textarea")]
                .filter((element) => element.checkVisibility({ visibilityProperty: true })
                    && !element.matches("input[type=hidden]")
                    && (!document.querySelector(":modal") || element.closest(":modal")))
                .filter((element) => {
                    element.focus();
                    const box = element.getBoundingClientRect();
                    const isSeen = box.bottom > 0 && box.top < innerHeight;
                    const label = element.labels?.[0];
                    const isShown = isOutlined(element) || (label && isOutlined(label));
                    return document.activeElement !== element || !isSeen || !isShown;
                })
                .map((element) => element.outerHTML.slice(0, 120));
        }"""
    )
