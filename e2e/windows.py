"""Windows that one story leaves to the next: to open one takes longer than most pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from e2e.browsing import Device


class Windows:
    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._free: dict[Device, list[Page]] = {}

    @contextmanager
    def one(self, device: Device, **options: Any) -> Iterator[Page]:
        """Without a cookie, a page of its own, and what others did in it."""
        free = self._free.setdefault(device, [])
        page = free.pop() if free and not options else self._opened(device, options)
        try:
            yield page
        except BaseException:
            page.context.close()
            raise
        if options or not self._is_as_it_was(page):
            page.context.close()
            return
        self._tidy(page, device)
        free.append(page)

    def _opened(self, device: Device, options: dict[str, Any]) -> Page:
        return device.open(self._browser, self._url, **options).new_page()

    def _is_as_it_was(self, page: Page) -> bool:
        """No other tab, and a clock that is its own."""
        if page.is_closed() or page.context.pages != [page]:
            return False
        return not page.evaluate("() => '__pwClock' in globalThis")

    def _tidy(self, page: Page, device: Device) -> None:
        page.context.clear_cookies()
        page.unroute_all()
        page.emulate_media(media="null", color_scheme="null", reduced_motion="reduce")
        page.set_viewport_size({"width": device.width, "height": device.height})
        page.goto("/sante")  # a page of ours, so that its process stays; and its timers are gone
