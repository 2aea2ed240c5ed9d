"""Kinds of browser, and what must hold of whatever page one of them shows."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError

COOKIES = {"session", "staff", "csrf", "known", "language", "step", "text", "link"}
BROWSERS = ("chromium-headless-shell", "chromium")
WORD_RULES = [
    "button-name",
    "document-title",
    "empty-heading",
    "html-lang-valid",
    "label",
    "label-content-name-mismatch",
    "link-name",
    "summary-name",
    "target-size",
]
GUIDELINES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The elements of a page and how they look, are related and are laid out; not its words.
SHAPE = """() => {
    const kept = new Set(["class", "role", "type", "open", "hidden", "dir"]);
    const told = (element) => [...element.attributes]
        .map(({ name, value }) => (kept.has(name) ? `${name}=${value}` : name)).sort();
    const words = (element) => [...element.childNodes]
        .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return [...document.querySelectorAll("body, body *")]
        .map((element) => [
            element.tagName, element.parentElement.tagName, words(element), ...told(element),
        ].join(" ")).join("\\n");
}"""

# Of each piece of text: its colour, what it stands on, and how large it is.
COLOURS = """() => {
    const ground = (element) => {
        const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
        const own = `${backgroundColor} ${backgroundImage} ${opacity}`;
        const isWhole = /^rgb\\(/.test(backgroundColor) || !element.parentElement;
        return isWhole ? own : `${own} ${ground(element.parentElement)}`;
    };
    const hasWords = (element) => element.matches("input, textarea, select")
        || [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim());
    return [...new Set([...document.querySelectorAll("body *")]
        .filter((element) => hasWords(element) && element.checkVisibility())
        .map((element) => {
            const { color, fontSize, fontWeight } = getComputedStyle(element);
            return [color, fontSize, fontWeight, element.matches(":disabled"), ground(element)]
                .join(" ");
        }))];
}"""


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
EVERY = (PHONE, DESKTOP, PLAIN_PHONE, PLAIN_DESKTOP)


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


class Inspector:
    """Looks at each kind of page once per device, whichever worker meets it: words aside."""

    def __init__(self, seen: Path) -> None:
        self._seen = seen

    def look(self, page: Page, device: Device) -> None:
        check_cookies(page.context)
        check_width(page)
        check_storage(page)
        # axe itself is a script
        if device.has_scripts and self._is_new(f"{device} {shape(page)}"):
            check_guidelines(page)

    def _is_new(self, kind: str) -> bool:
        try:
            (self._seen / sha256(kind.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def shape(page: Page) -> str:
    """The same for two pages that differ in their words alone."""
    return str(page.evaluate(SHAPE))


def check_cookies(context: BrowserContext) -> None:
    cookies = context.cookies()
    assert {cookie["name"] for cookie in cookies} <= COOKIES
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)


def check_width(page: Page) -> None:
    assert page.evaluate(
        "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    ), "nothing scrolls sideways"


def check_storage(page: Page) -> None:
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0


def check_words(page: Page) -> None:
    """What may be wrong in one language of a page that has nothing against it in another."""
    _check(page, {"type": "rule", "values": WORD_RULES}, {})


def check_contrast(page: Page) -> None:
    _check(page, {"type": "rule", "values": ["color-contrast"]}, {})


class Colours:
    """Examines the contrast of what no page before had in these colours: it takes its time."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def check(self, page: Page) -> None:
        shown = set(page.evaluate(COLOURS))
        if shown - self._seen:
            check_contrast(page)
        self._seen |= shown


def check_guidelines(page: Page, *, but: Sequence[str] = ()) -> None:
    rules = {"target-size": True, **dict.fromkeys(but, False)}
    _check(page, {"type": "tag", "values": GUIDELINES}, rules)


def bring_axe(context: BrowserContext) -> None:
    """To each page, within a function: cheap where each is examined several times."""
    context.add_init_script(f"window.loadAxe = function () {{\n{_axe()}\n}};")


def _check(page: Page, run_only: dict[str, Any], rules: dict[str, bool]) -> None:
    if not page.evaluate("() => Boolean(window.axe || window.loadAxe)"):
        page.evaluate(_axe())
    found = page.evaluate(
        """async ([runOnly, rules]) => {
            if (!window.axe) {
                window.loadAxe();
            }
            const { violations } = await axe.run(document, {
                runOnly,
                rules,
                resultTypes: ["violations"],
                preload: false,
                iframes: false,
            });
            return violations.map(({ id, help, nodes }) => [id, help, nodes.map((n) => n.html)]);
        }""",
        [run_only, {rule: {"enabled": is_on} for rule, is_on in rules.items()}],
    )
    assert not found, f"{page.url}: {found}"


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
