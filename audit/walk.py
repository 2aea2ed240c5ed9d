"""Every page and state of the portal, in both languages, by several browsers at once."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page, Response, sync_playwright

from e2e.browsing import Device, Inspector, bring_axe, launch_options, shape
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.states import STATES, State
from tests import databases

NARROW = Device("narrow", 320, 568, is_phone=True)
LANGUAGES = ("fr", "en")
PATIENCE = 10_000  # milliseconds
MOST_AT_ONCE = 4
STATES_OF_A_TAB = 15
"""It keeps something of each look: after so many it is large and slow."""

Look = Callable[["Visit"], list[str]]


class Visit:
    """A page that was reached, and what the server answered last to get there."""

    def __init__(self, state: str, reader: Patient, answer: str) -> None:
        self.state = state
        self.reader = reader
        self.answer = answer

    @property
    def page(self) -> Page:
        return self.reader.page

    @property
    def language(self) -> str:
        return self.reader.device.language

    def __str__(self) -> str:
        return f"{self.state}.{self.language}"


def walk(look: Look) -> list[str]:
    """What was found at each. `STATES=a,b` in the environment walks to these alone."""
    wanted = set(filter(None, os.environ.get("STATES", "").split(",")))
    names = [str(state) for state in STATES if not wanted or str(state) in wanted]
    hands = min(MOST_AT_ONCE, os.cpu_count() or 1, len(names))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(hands, mp_context=spawn) as pool:
        shares = [pool.submit(_walk, look, names[hand::hands]) for hand in range(hands)]
        return sorted(found for share in shares for found in share.result())


def _walk(look: Look, names: Sequence[str]) -> list[str]:
    by_name = {str(state): state for state in STATES}
    with (
        databases.folder() as folder,
        Portal(Path(folder)).running() as portal,
        sync_playwright() as playwright,
        playwright.chromium.launch(**launch_options()) as browser,
        NARROW.open(browser, portal.url) as context,
    ):
        context.set_default_timeout(PATIENCE)
        bring_axe(context)
        walker = Walker(portal, context, look)
        found = []
        for place, name in enumerate(names):
            if place % STATES_OF_A_TAB == 0:
                walker.opens_a_tab()
            found += walker.at(by_name[name])
        return found


class Walker:
    def __init__(self, portal: Portal, context: BrowserContext, look: Look) -> None:
        self._portal = portal
        self._context = context
        self._look = look
        self._answer: Response | None = None

    def opens_a_tab(self) -> None:
        for page in self._context.pages:
            page.close()
        self._page = self._context.new_page()
        self._page.on("response", self._note)

    def at(self, state: State) -> list[str]:
        found: list[str] = []
        french = ""
        for language in LANGUAGES:
            try:
                reader = self._reader(language)
                if language == "fr" or not self._turns(reader, french):
                    self._reach(state, reader)
                french = french or shape(self._page)
                found += [
                    f"{state}.{language}: {each}" for each in self._look(self._visit(state, reader))
                ]
            except (AssertionError, Error) as problem:
                found.append(f"{state}.{language}: not reached, or not left as it was: {problem}")
        return found

    def _reader(self, language: str) -> Patient:
        self._page.emulate_media(color_scheme="light")
        self._page.set_viewport_size({"width": NARROW.width, "height": NARROW.height})
        device = replace(NARROW, language=language)
        return Patient(self._page, self._portal, device, _Nobody())

    def _reach(self, state: State, reader: Patient) -> None:
        self._portal.begin_again()
        self._context.clear_cookies()
        reader.has_chosen_the_language()
        if state.email and state.is_at_work:
            reader.works_as(state.email)
        elif state.email:
            reader.signs_in_at_once(state.email)
        state.reach(reader)
        self._page.wait_for_load_state()

    def _turns(self, reader: Patient, french: str) -> bool:
        """Asked for again in the other language; False if it was the answer to a form."""
        reader.has_chosen_the_language()
        reader.opens(self._page.url.partition("#")[0])
        return shape(self._page) == french

    def _visit(self, state: State, reader: Patient) -> Visit:
        answer = self._answer.text() if self._answer is not None else ""
        return Visit(str(state), reader, answer)

    def _note(self, response: Response) -> None:
        request = response.request
        is_page = request.is_navigation_request() and request.frame == self._page.main_frame
        if is_page and not 300 <= response.status < 400:
            self._answer = response


class _Nobody(Inspector):
    """The pages on the way to a state are states themselves."""

    def __init__(self) -> None:
        pass

    def look(self, page: Page, device: Device) -> None:
        pass
