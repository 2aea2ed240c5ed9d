import re

import pytest
from playwright.sync_api import CDPSession

from domain.demo.data.people import HEATHER
from e2e.addresses import step
from e2e.browsing import PHONE
from e2e.conftest import Open

MOST_IN_ALL, MOST_OF_SCRIPT, MOST_REQUESTS = 50_000, 25_000, 6


@pytest.mark.parametrize("practitioner", ["one", "anyone"])
def test_a_first_visit_to_the_slots_is_light(practitioner: str, open_browser: Open) -> None:
    patient = open_browser(PHONE)
    patient.signs_in_at_once(HEATHER.email)
    wire = Wire(patient.page.context.new_cdp_session(patient.page))

    # A week that nobody has booked much of: the page at its largest.
    url = step(patient.portal, "creneau", semaine="2027-01-18")
    if practitioner == "anyone":
        url = re.sub("intervenant=[^&]+", "intervenant=tous", url)
    patient.opens(url)
    patient.sees("Sélectionnez votre créneau horaire")

    assert wire.total() <= MOST_IN_ALL, wire.sizes
    assert wire.total("Script") <= MOST_OF_SCRIPT, wire.sizes
    assert len(wire.sizes) <= MOST_REQUESTS, wire.sizes


class Wire:
    """What comes over it, headers and all."""

    def __init__(self, session: CDPSession) -> None:
        self._kinds: dict[str, tuple[str, str]] = {}
        self.sizes: list[tuple[str, str, int]] = []
        session.on("Network.responseReceived", self._begin)
        session.on("Network.loadingFinished", self._end)
        session.send("Network.enable")

    def total(self, kind: str | None = None) -> int:
        return sum(size for each, _, size in self.sizes if kind in (None, each))

    def _begin(self, event: dict[str, object]) -> None:
        response: dict[str, str] = event["response"]  # type: ignore[assignment]
        self._kinds[str(event["requestId"])] = str(event["type"]), response["url"]

    def _end(self, event: dict[str, object]) -> None:
        kind, url = self._kinds[str(event["requestId"])]
        size = int(event["encodedDataLength"])  # type: ignore[call-overload]
        if size:  # else it was in the browser already
            self.sizes.append((kind, url.split("?")[0].rsplit("/", 1)[1], size))
