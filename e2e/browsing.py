"""Kinds of browser, and what must hold of whatever page one of them shows."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError

COOKIES = {"session", "staff", "csrf", "known", "language", "step", "text", "form", "link"}
OF_ONE_THING = re.compile(r"\d|.{24}")
BROWSERS = ("chromium-headless-shell", "chromium")
GUIDELINES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What stands in a part of the page, where, how it is related and whether it is seen: not the
# words, and not how often. Of many visits in a list, one shows what is wrong with all.
SHAPE = """(part) => {
    const kept = new Set(["class", "role", "type", "open", "hidden", "dir"]);
    const refers = new Set(["aria-labelledby", "aria-describedby", "aria-controls", "for"]);
    const isThere = (ids) => ids.split(" ").every((id) => document.getElementById(id));
    const told = ({ name, value }) => kept.has(name) ? `${name}=${value}`
        : refers.has(name) ? `${name} ${isThere(value)}` : `${name} ${value !== ""}`;
    const mixed = (text) => {
        let [one, other] = [0xdeadbeef, 0x41c6ce57];
        for (let i = 0; i < text.length; i++) {
            one = Math.imul(one ^ text.charCodeAt(i), 2654435761);
            other = Math.imul(other ^ text.charCodeAt(i), 1597334677);
        }
        return `${(one >>> 0).toString(36)}${(other >>> 0).toString(36)}`;
    };
    const found = new Set();
    const look = (element, above) => {
        const children = [...element.children].filter((child) => child !== part.but);
        const tags = children.map(({ tagName }) => tagName);
        const hasWords = [...element.childNodes]
            .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        const here = mixed([
            above, element.tagName, hasWords, element.labels?.length, element.checkVisibility(),
            tags.filter((tag, at) => tag !== tags[at - 1]),
            ...[...element.attributes].map(told).sort(),
        ].join(" "));
        found.add(here);
        children.forEach((child) => look(child, here));
    };
    look(part.of, "");
    return [...found].sort().join(" ");
}"""
SHAPES = f"""() => {{
    const shape = {SHAPE};
    const main = document.querySelector("main");
    return [shape({{ of: document.body, but: main }}), main ? shape({{ of: main }}) : ""];
}}"""

# The pieces of text by their colour, what they stand on, and how large they are.
COLOURS = """() => {
    const ground = (element) => {
        const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
        const own = `${backgroundColor} ${backgroundImage} ${opacity}`;
        const isWhole = /^rgb\\(/.test(backgroundColor) || !element.parentElement;
        return isWhole ? own : `${own} ${ground(element.parentElement)}`;
    };
    const hasWords = (element) => element.matches("input, textarea, select")
        || [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim());
    const found = {};
    for (const element of document.querySelectorAll("body *")) {
        if (!hasWords(element) || !element.checkVisibility()) continue;
        const { color, fontSize, fontWeight } = getComputedStyle(element);
        const facts = [color, fontSize, fontWeight, element.matches(":disabled"), ground(element)];
        (found[facts.join(" ")] ??= []).push(element);
    }
    return found;
}"""

FACTS = f"""() => {{
    const isWide = ({{ scrollWidth, clientWidth }}) => scrollWidth > clientWidth;
    return {{
        // Nor does a table that does not say so, by taking the focus: who would look for the rest?
        isWide: isWide(document.documentElement)
            || [...document.querySelectorAll("main .table:not([tabindex])")].some(isWide),
        isKept: localStorage.length + sessionStorage.length > 0,
        shapes: ({SHAPES})(),
        colours: Object.keys(({COLOURS})()),
    }};
}}"""


QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
)


def launch_options() -> dict[str, Any]:
    is_root = os.geteuid() == 0
    return {
        # The shell draws no window frame, so it is much the lighter; None is Playwright's own.
        "executable_path": next(filter(None, map(shutil.which, BROWSERS)), None),
        "args": [*QUIET, *(["--no-sandbox"] if is_root else [])],
        "chromium_sandbox": not is_root,
    }


@dataclass(frozen=True)
class Device:
    name: str
    width: int
    height: int
    is_phone: bool = False
    has_scripts: bool = True
    language: str = "fr"

    def __str__(self) -> str:
        return self.name

    def open(self, browser: Browser, url: str, **options: Any) -> BrowserContext:
        return browser.new_context(
            base_url=url,
            viewport={"width": self.width, "height": self.height},
            has_touch=self.is_phone,
            is_mobile=self.is_phone,
            java_script_enabled=self.has_scripts,
            locale="fr-CA",
            timezone_id="America/Toronto",
            reduced_motion="reduce",
            **options,
        )


PHONE = Device("phone", 390, 844, is_phone=True)
DESKTOP = Device("desktop", 1280, 800)
PLAIN_PHONE = Device("phone without scripts", 390, 844, is_phone=True, has_scripts=False)
PLAIN_DESKTOP = Device("desktop without scripts", 1280, 800, has_scripts=False)
ENGLISH_PHONE = Device("phone in English", 390, 844, is_phone=True, language="en")
BOTH = (PHONE, DESKTOP)


OF_THE_NETWORK = (
    "Failed to load resource: the server responded",
    "Failed to load resource: net::ERR_FAILED",
    "htmx: htmx:error: Failed to fetch",
)


@dataclass
class Watch:
    """What a browser was asked for and complained of, from its opening on."""

    url: str
    strangers: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def over(self, context: BrowserContext) -> Iterator[None]:
        listeners = {
            "request": self._note_request,
            "console": self._note_console,
            "weberror": self._note_error,
        }
        for event, listener in listeners.items():
            context.on(event, listener)  # type: ignore[call-overload]
        yield
        for event, listener in listeners.items():
            context.remove_listener(event, listener)

    def check(self) -> None:
        assert not self.strangers, "only the portal itself is ever asked for anything"
        assert not self.complaints

    def _note_request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if f"{asked.scheme}://{asked.netloc}" != self.url and asked.scheme != "data":
            self.strangers.append(request.url)

    def _note_error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _note_console(self, message: ConsoleMessage) -> None:
        is_of_the_network = message.text.startswith(OF_THE_NETWORK)
        if message.type in {"error", "warning"} and not is_of_the_network:
            self.complaints.append(message.text)


class Seen:
    """What one of the tests has met, whichever process runs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_new(self, kind: str) -> bool:
        try:
            self._of(kind).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def has(self, kind: str) -> bool:
        return self._of(kind).exists()

    def _of(self, kind: str) -> Path:
        return self._folder / sha256(kind.encode()).hexdigest()

    def new(self, kinds: Iterable[str]) -> list[str]:
        return [kind for kind in kinds if self.is_new(kind)]


class Inspector:
    """Whatever page is met must pass; axe, slow, looks at what it has not seen on any before:
    the frame, the page in it, and the colours of the words, each on its own.

    It takes each page and state in test_pages.py; the stories that meet them again, if asked to.
    """

    def __init__(self, folder: Path, *, is_thorough: bool = False) -> None:
        self._seen = Seen(folder)
        self._is_thorough = is_thorough

    def look(self, page: Page, device: Device) -> None:
        check_cookies(page.context)
        facts = look_over(page)
        if self._is_thorough and device.has_scripts:  # axe itself is a script
            self.examine(page, facts)

    def is_the_first(self, page: Page) -> bool:
        """Of the states of this page; all are, where nothing is left to the audit."""
        return self._seen.is_new(address(page)) or self._is_thorough

    def is_english_read(self, page: Page) -> bool:
        """Of one of its states at least."""
        return self._seen.has(f"English {address(page)}") and not self._is_thorough

    def note_english(self, page: Page) -> None:
        self._seen.is_new(f"English {address(page)}")

    def examine(self, page: Page, facts: dict[str, Any], *, but: Sequence[str] = ()) -> bool:
        """Whether the colours were new."""
        if self._seen.new(facts["shapes"]):
            check_guidelines(page, but=["color-contrast", *but])
        return self._examine_colours(page, facts["colours"])

    def examine_colours(self, page: Page) -> None:
        self._examine_colours(page, page.evaluate(f"() => Object.keys(({COLOURS})())"))

    def _examine_colours(self, page: Page, colours: Iterable[str]) -> bool:
        new = self._seen.new(colours)
        if new:
            check_contrast(page, new)
        return bool(new)


def address(page: Page) -> str:
    """The same for a page about one thing or another."""
    parts = urlsplit(page.url).path.split("/")
    return "/".join("*" if OF_ONE_THING.search(part) else part for part in parts)


def look_over(page: Page) -> dict[str, Any]:
    """In one round trip, what must hold of any page and what makes it unlike another."""
    facts: dict[str, Any] = page.evaluate(FACTS)
    assert not facts["isWide"], "nothing scrolls sideways"
    assert not facts["isKept"], "nothing is kept in the browser"
    return facts


def shape(page: Page) -> str:
    """The same for two pages that differ in their words alone, or in how long a list is."""
    return "\n".join(page.evaluate(SHAPES))


def check_cookies(context: BrowserContext) -> None:
    cookies = context.cookies()
    assert {cookie["name"] for cookie in cookies} <= COOKIES
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)


def check_width(page: Page) -> None:
    assert page.evaluate(
        "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    ), "nothing scrolls sideways"


def check_contrast(page: Page, colours: Sequence[str]) -> None:
    """Of the words in these colours: what is slow is to find what lies under each."""
    _check(page, {"type": "rule", "values": ["color-contrast"]}, {}, colours)


def check_guidelines(page: Page, *, but: Sequence[str] = ()) -> None:
    rules = {"target-size": True, **dict.fromkeys(but, False)}
    _check(page, {"type": "tag", "values": GUIDELINES}, rules)


def bring_axe(context: BrowserContext) -> None:
    """To each page, within a function: cheap where each is examined several times."""
    context.add_init_script(f"window.loadAxe = function () {{\n{_axe()}\n}};")


def _check(
    page: Page, run_only: dict[str, Any], rules: dict[str, bool], colours: Sequence[str] = ()
) -> None:
    if not page.evaluate("() => Boolean(window.axe || window.loadAxe)"):
        page.evaluate(_axe())
    found = page.evaluate(
        f"""async ([runOnly, rules, colours]) => {{
            if (!window.axe) {{
                window.loadAxe();
            }}
            const words = colours.length ? ({COLOURS})() : {{}};
            const include = colours.flatMap((each) => words[each] ?? []);
            const where = include.length ? {{ include }} : document;
            const {{ violations }} = await axe.run(where, {{
                runOnly,
                rules,
                resultTypes: ["violations"],
                preload: false,
                iframes: false,
            }});
            return violations.map(({{ id, help, nodes }}) => [id, help, nodes.map((n) => n.html)]);
        }}""",
        [run_only, {rule: {"enabled": is_on} for rule, is_on in rules.items()}, list(colours)],
    )
    assert not found, f"{page.url}: {found}"


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
