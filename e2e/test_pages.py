"""Every page and state, narrow and wide, light and dark, in both languages."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from e2e.browsing import (
    Device,
    Inspector,
    Watch,
    check_contrast,
    check_guidelines,
    check_storage,
    check_width,
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
        yield context


@pytest.fixture
def reader(
    request: pytest.FixtureRequest, window: BrowserContext, portal: Portal, inspector: Inspector
) -> Iterator[Patient]:
    watch = Watch(portal.url)
    page = window.new_page()
    window.clear_cookies()
    patient = Patient(page, portal, request.param, inspector)
    patient.has_chosen_the_language()
    with watch.over(window):
        yield patient
        page.close()
    watch.check()


@pytest.mark.parametrize("reader", [NARROW], indirect=True, ids=["fr"])
@pytest.mark.parametrize("state", STATES, ids=str)
def test_page_in_french(state: State, reader: Patient) -> None:
    page = reach(state, reader)
    check_guidelines(page)
    check_targets(page)
    with_styles(page, SPACED, check_width)
    for width in (768, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
    check_focus(page)
    in_dark(page)
    check_contrast(page)


@pytest.mark.parametrize("reader", [ENGLISH], indirect=True, ids=["en"])
@pytest.mark.parametrize("state", STATES, ids=str)
def test_page_in_english(state: State, reader: Patient) -> None:
    """The colours are the same; its words are not, nor how long they are."""
    page = reach(state, reader)
    check_guidelines(page, but=["color-contrast"])
    page.set_viewport_size({"width": 1280, "height": 800})
    check_width(page)


def reach(state: State, reader: Patient) -> Page:
    if state.email:
        reader.signs_in_at_once(state.email)
    state.reach(reader)
    page = reader.page
    page.wait_for_load_state()
    check_storage(page)
    check_width(page)
    check_names(page, reader.device.language)
    return page


def in_dark(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) < 80


def check_names(page: Page, language: str) -> None:
    """One heading that the title begins with or holds, and the language said."""
    assert page.locator("html").get_attribute("lang") == f"{language}-CA"
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.title().endswith(" – Clinique des Érables")
    if page.get_by_role("alert").count():
        assert page.title().startswith(("Erreur : ", "Erreur\u00a0: ", "Error: "))


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
