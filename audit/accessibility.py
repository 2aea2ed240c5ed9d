"""WCAG 2.2 AA on every page, state and mail: both languages, light and dark, narrow and wide,
enlarged, spaced, with forced colours. What only a person can judge is in docs/accessibility.md."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from audit.walk import Visit, walk
from e2e.browsing import GUIDELINES, bring_axe, launch_options

LOOKS = Path(__file__).with_name("looks.js")
SCHEMES = ("light", "dark")
NARROW, WIDE = (320, 568), (1280, 800)
BETWEEN = (768, 1024)
ENLARGED = (320, 200)
"""1280 × 800 at 400 %."""
LEAST_ROOM = 0.5
TAGS = [*GUIDELINES, "best-practice"]
AXE = """async (tags) => {
    if (!window.axe) window.loadAxe();
    const { violations } = await axe.run(document, {
        runOnly: { type: "tag", values: tags },
        rules: { "target-size": { enabled: true } },
        resultTypes: ["violations"], preload: false, iframes: false,
    });
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ html }) => `axe ${id}: ${help}: ${html.replace(/\\s+/g, " ").slice(0, 110)}`));
}"""
# What WCAG 1.4.12 lets a reader set, and 1.4.4.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-block-end: 2em !important; }"""
LARGE = "html { font-size: 200% !important; }"
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{20,}")


def main() -> list[str]:
    return _each_once(walk(examine)) + _each_once(mails())


def examine(visit: Visit) -> list[str]:
    page = visit.page
    page.keyboard.press("Tab")  # with the keyboard in use, the focus is shown
    page.evaluate("() => document.activeElement.blur()")
    found = page_says(page, "moving")
    for (width, height), scheme in product((NARROW, WIDE), SCHEMES):
        _show(page, width, height, scheme)
        here = f"{width} px, {scheme}: "
        found += [here + each for each in (*axe(page), *page_says(page, "sideways", "controls"))]
        found += [here + each for each in page_says(page, "focus")] if scheme == "dark" else []
    for width in BETWEEN:
        _show(page, width, 800)
        found += [f"{width} px: {each}" for each in page_says(page, "sideways")]
    _show(page, *ENLARGED)
    enlarged = [*page_says(page, "sideways", "cut", "focus"), *_looks(page, f"room({LEAST_ROOM})")]
    found += [f"at 400 %: {each}" for each in enlarged]
    for (width, height), kind, css in ((NARROW, "spaced", SPACED), (WIDE, "text at 200 %", LARGE)):
        _show(page, width, height)
        with _styled(page, css):
            said = page_says(page, "sideways", "cut", "crossing", "strait")
            found += [f"{kind}: {each}" for each in said]
    page.emulate_media(forced_colors="active")
    found += [f"forced colours: {each}" for each in page_says(page, "sideways", "focus")]
    page.emulate_media(forced_colors="none")
    return found


def mails() -> Iterator[str]:
    from tests.domain.test_mail_content import EVERY, bodies, parsed

    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(**launch_options()) as browser,
        browser.new_context() as context,
    ):
        bring_axe(context)
        page = context.new_page()
        for about, size, scheme in product(EVERY, (NARROW, WIDE), SCHEMES):
            page.goto("about:blank")
            _show(page, *size, scheme)
            page.set_content(bodies(parsed(about))[1])
            for each in (*axe(page), *page_says(page, "sideways", "cut")):
                yield f"mail {about.kind}.{about.language}: {size[0]} px, {scheme}: {each}"


def axe(page: Page) -> list[str]:
    return page.evaluate(AXE, TAGS)  # type: ignore[no-any-return]


def page_says(page: Page, *names: str) -> list[str]:
    return [each for name in names for each in _looks(page, f"{name}()")]


def _looks(page: Page, call: str) -> list[str]:
    if not page.evaluate("() => Boolean(window.looks)"):
        page.evaluate(_script())
    return page.evaluate(f"() => looks.{call}")  # type: ignore[no-any-return]


@cache
def _script() -> str:
    return f"() => {{ {LOOKS.read_text()} }}"


def _show(page: Page, width: int, height: int, scheme: Any = "light") -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)


@contextmanager
def _styled(page: Page, css: str) -> Iterator[None]:
    page.evaluate(
        """async (css) => {
            const sheet = new CSSStyleSheet();
            await sheet.replace(css);
            document.adoptedStyleSheets = [sheet];
        }""",
        css,
    )
    yield
    page.evaluate("() => { document.adoptedStyleSheets = []; }")


def _each_once(told: Any) -> list[str]:
    """A fault of a part that many pages share is told once, with one page that has it."""
    where: dict[str, list[str]] = defaultdict(list)
    for each in told:
        page, _, fault = each.partition(": ")
        where[NUMBER.sub("…", fault)].append(page)
    return [f"{fault} ({len(on)} times, as in {on[0]})" for fault, on in sorted(where.items())]
