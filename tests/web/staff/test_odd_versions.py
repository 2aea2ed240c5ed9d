"""A version that was altered is none that there is: it never breaks a form."""

import pytest

from tests.web.browser import Browser
from tests.web.routes import STAFF, Route
from tests.web.staff.desk import at_work
from tests.web.staff.scene import FORMS, StaffScene
from tests.world import World
from web.gate import Gate

VERSIONED = [
    route
    for route in STAFF
    if route.method == "POST" and any(name[:7] == "version" for name in FORMS.get(route.path, {}))
]


def test_every_form_with_a_version_is_walked_through() -> None:
    assert "POST /clinique/patients/{patient}/modification" in map(str, VERSIONED)
    assert len(VERSIONED) > 10


@pytest.mark.parametrize("route", VERSIONED, ids=str)
async def test_an_altered_version_is_none(
    route: Route, app: Gate, world: World, desk: StaffScene
) -> None:
    browser: Browser = await at_work(app, world, world.fay)
    await browser.get("/clinique/mon-compte")
    for odd in ("9" * 20, "9" * 5000, "٣", "²", "-1", "", "1e3", "\0"):
        data = {
            name: odd if name[:7] == "version" else value
            for name, value in desk.data(route).items()
        }
        answer = await browser.post(desk.url(route), data)
        assert answer.status_code in {303, 404, 409, 422}, odd
