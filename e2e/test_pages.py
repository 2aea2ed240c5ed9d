"""Every page and state, narrow and wide, light and dark, in both languages."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from e2e.browsing import (
    Colours,
    Device,
    Inspector,
    Watch,
    bring_axe,
    check_guidelines,
    check_storage,
    check_width,
    check_words,
    shape,
)
from e2e.conftest import PATIENCE
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.states import STATES, State

NARROW = Device("narrow", 320, 568, is_phone=True)
ENGLISH = replace(NARROW, language="en")

# What WCAG 1.4.12 lets a reader set.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-block-end: 2em !important; }"""


@pytest.fixture(scope="module")
def window(whole_portal: Portal, browser: Browser) -> Iterator[BrowserContext]:
    """One for all the pages, for its first opening is what takes long."""
    with NARROW.open(browser, whole_portal.url) as context:
        context.set_default_timeout(PATIENCE)
        bring_axe(context)
        yield context


@pytest.fixture(scope="module")
def tab(window: BrowserContext) -> Page:
    """One for all the pages, too: each new one is a new process that compiles the scripts again."""
    return window.new_page()


@pytest.fixture
def page(tab: Page, window: BrowserContext, portal: Portal) -> Iterator[Page]:
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": NARROW.width, "height": NARROW.height})
    watch = Watch(portal.url)
    with watch.over(window):
        yield tab
    watch.check()


@pytest.fixture(scope="module")
def colours() -> Colours:
    return Colours()


class Nobody(Inspector):
    """The pages on the way to a state are states themselves."""

    def __init__(self) -> None:
        pass

    def look(self, page: Page, device: Device) -> None:
        pass


@pytest.mark.parametrize("state", STATES, ids=str)
def test_page(state: State, page: Page, portal: Portal, colours: Colours) -> None:
    french = reach(state, Patient(page, portal, NARROW, Nobody()))
    check_guidelines(page, but=["color-contrast"])
    colours.check(page)
    check_targets(page)
    with_styles(page, SPACED, check_width)
    for width in (768, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
    check_focus(page)
    in_dark(page)
    colours.check(page)

    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": NARROW.width, "height": NARROW.height})
    reader = Patient(page, portal, ENGLISH, Nobody())
    # The colours are the same; the words are not, nor how long they are.
    if turns_to_english(reader, french):
        check_words(page)
    else:
        portal.begin_again()
        reach(state, reader)
        check_guidelines(page, but=["color-contrast"])
    check_page(reader)
    page.set_viewport_size({"width": 1280, "height": 800})
    check_width(page)


def reach(state: State, reader: Patient) -> str:
    """The shape of the page."""
    reader.page.context.clear_cookies()
    reader.has_chosen_the_language()
    if state.email and state.is_at_work:
        reader.works_as(state.email)
    elif state.email:
        reader.signs_in_at_once(state.email)
    state.reach(reader)
    reader.page.wait_for_load_state()
    check_page(reader)
    return shape(reader.page)


def turns_to_english(reader: Patient, french: str) -> bool:
    """Asked for again in the other language; False if it was the answer to a form, or a script."""
    reader.has_chosen_the_language()
    reader.opens(reader.page.url.partition("#")[0])
    return shape(reader.page) == french


def check_page(reader: Patient) -> None:
    check_storage(reader.page)
    check_width(reader.page)
    check_names(reader.page, reader.device.language)


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
            return [lang, document.title, shown("h1"), shown("[role=alert]")];
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


def with_styles(page: Page, css: str, check: object) -> None:
    page.evaluate(
        """async (css) => {
            const sheet = new CSSStyleSheet();
            await sheet.replace(css);
            document.adoptedStyleSheets = [sheet];
        }""",
        css,
    )
    check(page)  # type: ignore[operator]
    page.evaluate("() => { document.adoptedStyleSheets = []; }")
