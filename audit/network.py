"""A slow telephone: the slots on a first visit, and back to pages and weeks as they were left."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from audit.lighthouse import pages
from audit.portal import ROOT, Demo, demo
from e2e.browsing import PHONE, launch_options

SLOW = {
    "offline": False,
    "latency": 300,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
"""1.6 Mbit/s, 300 ms there and back."""
SLOWER_BY = 4
"""Than the processor here."""
RUNS, MOST = 3, 2_000
"""Milliseconds until the slots are to be seen."""
KEPT = ROOT / "build/audit/network"
MARKS = """(() => {
    window.marks = { shift: 0, largest: 0 };
    const note = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
        .observe({ type, buffered: true });
    note("layout-shift", ({ value }) => { marks.shift += value; });
    note("largest-contentful-paint", ({ startTime }) => { marks.largest = startTime; });
})()"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))"


def main() -> list[str]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (
        demo() as running,
        sync_playwright() as playwright,
        playwright.chromium.launch(**launch_options()) as browser,
    ):
        cookies = running.patient()
        paths = pages(running)
        with telephone(browser, running, cookies) as page:  # the templates are read, once
            page.goto(paths["slots"])
        return [
            *first_visit(browser, running, cookies, paths["slots"]),
            *back_to_a_page(browser, running, cookies),
            *back_to_a_week(browser, running, cookies, paths["slots"]),
        ]


@contextmanager
def telephone(browser: Browser, running: Demo, cookies: dict[str, str]) -> Iterator[Page]:
    """With nothing kept of an earlier visit."""
    with PHONE.open(browser, running.url) as context:
        context.add_cookies(
            [{"name": name, "value": value, "url": running.url} for name, value in cookies.items()]
        )
        context.add_init_script(MARKS)
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.emulateNetworkConditions", SLOW)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_BY})
        yield page


def first_visit(
    browser: Browser, running: Demo, cookies: dict[str, str], path: str
) -> Iterator[str]:
    shown = []
    for _ in range(RUNS):
        with telephone(browser, running, cookies) as page:
            page.goto(path)
            shown.append(marks(page)["largest"])
            yield from shifts(page, "the slots")
    runs = ", ".join(f"{each:.0f}" for each in shown)
    print(f"   the slots are shown after {median(shown):.0f} ms ({runs})", flush=True)
    if median(shown) >= MOST:
        yield f"the slots are shown after {median(shown):.0f} ms"


def back_to_a_page(browser: Browser, running: Demo, cookies: dict[str, str]) -> Iterator[str]:
    with telephone(browser, running, cookies) as page:
        page.goto("/")
        left = scrolled(page)
        keep(page, "dashboard-before")
        page.evaluate("() => document.querySelector('.bar a[href$=rendez-vous]').click()")
        page.wait_for_url("**/rendez-vous")
        page.go_back()
        yield from is_as_left(page, "the dashboard", left)
        keep(page, "dashboard-after")
        page.go_forward()
        page.wait_for_url("**/rendez-vous")
        yield from shifts(page, "the visits, forward again")


def back_to_a_week(
    browser: Browser, running: Demo, cookies: dict[str, str], path: str
) -> Iterator[str]:
    """The weeks are put into the page by htmx."""
    with telephone(browser, running, cookies) as page:
        page.goto(path)
        week = page.locator(".week h2, main h2").first
        words = week.inner_text()
        left = scrolled(page)
        keep(page, "week-before")
        page.evaluate("() => document.querySelector('.week-nav a:last-of-type').click()")
        expect(week).not_to_have_text(words)
        page.go_back()
        expect(week).to_have_text(words)
        yield from is_as_left(page, "the week", left)
        keep(page, "week-after")


def scrolled(page: Page) -> float:
    """A little down, as a reader is."""
    page.evaluate("() => scrollTo(0, 200)")
    page.evaluate(SETTLED)
    return float(page.evaluate("() => scrollY"))


def is_as_left(page: Page, what: str, left: float) -> Iterator[str]:
    yield from shifts(page, what)
    now = float(page.evaluate("() => scrollY"))
    print(f"   {what}: left at {left:.0f} px, back at {now:.0f} px")
    if abs(now - left) > 1:
        yield f"{what} was left at {left:.0f} px and is shown at {now:.0f} px"


def shifts(page: Page, what: str) -> Iterator[str]:
    moved = marks(page)["shift"]
    if moved > 0:
        yield f"{what}: the page shifts by {moved:.4f}"


def marks(page: Page) -> dict[str, Any]:
    page.wait_for_load_state()
    page.evaluate(SETTLED)
    return page.evaluate("() => marks")  # type: ignore[no-any-return]


def keep(page: Page, name: str) -> None:
    page.screenshot(path=KEPT / f"{name}.png")
