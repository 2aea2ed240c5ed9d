"""Takes a guide's pictures from the running portal, as it was seeded, at its own date."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright

from e2e.browsing import PHONE, Device, Inspector, launch_options
from e2e.patient import Patient
from e2e.portal import Portal

Marks = Callable[[Patient], Sequence[Locator]]

HERE = Path(__file__).parent
MARGIN = 12  # pixels left round what is shown
RING = """([boxes, isNumbered]) => boxes.forEach((box, place) => {
    const ring = document.createElement("div");
    const near = isNumbered ? 0 : 5;
    Object.assign(ring.style, {
        position: "absolute",
        zIndex: 9999,
        boxSizing: "border-box",
        left: `${box.x - near}px`,
        top: `${box.y - near}px`,
        width: `${box.width + 2 * near}px`,
        height: `${box.height + 2 * near}px`,
        border: `${isNumbered ? 2 : 3}px solid #e08600`,
        borderRadius: "12px",
        boxShadow: isNumbered ? "none" : "0 0 0 3px rgb(224 134 0 / .22)",
        pointerEvents: "none",
    });
    if (isNumbered) {
        const number = document.createElement("b");
        number.textContent = place + 1;
        Object.assign(number.style, {
            position: "absolute", right: "8px", top: "8px", width: "34px", height: "34px",
            borderRadius: "50%", background: "#e08600", color: "#16262b",
            font: "700 20px/34px Inter, sans-serif", textAlign: "center",
        });
        ring.append(number);
    }
    document.body.append(ring);
})"""
FADE = """(bottom) => {
    const veil = document.createElement("div");
    Object.assign(veil.style, {
        position: "absolute", zIndex: 9999, left: 0, right: 0, top: `${bottom - 56}px`,
        height: "56px", background: "linear-gradient(transparent, #fff)",
    });
    document.body.append(veil);
}"""
ADDRESS = "portail.erables.example"
# A date is written as it is in Canada, whatever languages the browser was packaged with.
# Nothing has the focus; nothing tells of the demonstration, nor where it runs.
AS_AT_A_CLINIC = """([here, address]) => {
    document.activeElement.blur();
    document.querySelectorAll("input[type=date]").forEach((field) => {
        const { value } = field;
        field.type = "text";
        field.value = value;
    });
    document.querySelectorAll("a[href='/courriels']").forEach((link) => {
        link.closest("p").hidden = true;
    });
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { data } = texts.currentNode;
        if (data.includes(here)) {
            texts.currentNode.data = data.replace(`http://${here}`, address).replace(here, address);
        }
    }
}"""


@dataclass(frozen=True)
class Shot:
    reach: Callable[[Patient], None]
    email: str | None = None
    shows: Sequence[str] = ("main",)
    """What the picture is cropped to; nothing: the window as it is."""
    marks: Marks | None = None
    """The controls that the text speaks of."""
    is_numbered: bool = False
    is_at_work: bool = False
    device: Device = PHONE
    most: int = 0
    """How high it may be at most, in pixels: what goes on below fades away."""


class Camera:
    def __init__(self, portal: Portal, browser: Browser) -> None:
        self._portal = portal
        self._browser = browser

    def take(self, shot: Shot, language: str) -> bytes:
        self._portal.begin_again()
        device = replace(shot.device, language=language)
        context = device.open(self._browser, self._portal.url, device_scale_factor=2)
        context.set_default_timeout(8_000)
        with tempfile.TemporaryDirectory() as seen:
            on = Patient(context.new_page(), self._portal, device, _Unseeing(Path(seen)))
            if language == "en":
                on.has_chosen_the_language()
            if shot.email:
                (on.works_as if shot.is_at_work else on.signs_in_at_once)(shot.email)
            shot.reach(on)
            on.page.wait_for_load_state()
            picture = _photograph(on, shot)
        context.close()
        return picture


class _Unseeing(Inspector):
    """The suites look for faults in these pages; here they are only shown."""

    def look(self, page: Page, device: Device) -> None:
        pass


def _photograph(on: Patient, shot: Shot) -> bytes:
    page = on.page
    page.evaluate(AS_AT_A_CLINIC, [urlsplit(on.portal.url).netloc, ADDRESS])
    if shot.shows:
        # As tall as the page: what sticks to the window's edges goes to the page's.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": shot.device.width, "height": int(height)})
    page.evaluate("() => scrollTo(0, 0)")
    boxes = [_box(mark) for mark in shot.marks(on)] if shot.marks else []
    page.evaluate(RING, [boxes, shot.is_numbered])
    if not shot.shows:
        return page.screenshot()
    shown = [_box(page.locator(selector).first) for selector in shot.shows]
    clip = _around([*shown, *boxes], shot.device.width)
    if shot.most and clip["height"] > shot.most:
        clip["height"] = shot.most
        page.evaluate(FADE, clip["y"] + clip["height"])
    return page.screenshot(clip=clip)


def _box(of: Locator) -> FloatRect:
    of.first.wait_for()
    box = of.first.bounding_box()
    assert box is not None, f"not to be seen: {of}"
    return box


def _around(boxes: Sequence[FloatRect], width: int) -> FloatRect:
    left = max(0, min(box["x"] for box in boxes) - MARGIN)
    top = max(0, min(box["y"] for box in boxes) - MARGIN)
    right = min(width, max(box["x"] + box["width"] for box in boxes) + MARGIN)
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


@contextmanager
def browser_of(playwright: Playwright) -> Iterator[Browser]:
    """In a typeface that is the same on every machine that makes the guides."""
    fonts = {**os.environ, "FONTCONFIG_FILE": str(HERE / "fonts.conf")}
    options = launch_options()
    options["args"] = [*options["args"], "--lang=fr-CA"]  # for the fields that it draws itself
    with playwright.chromium.launch(**options, env=fonts) as browser:
        yield browser
