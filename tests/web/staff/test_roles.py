"""Who of the staff may do what. The table is the document and the test."""

import pytest

from domain.staff.roles import Right, Role, may
from tests.web.browser import Browser
from tests.web.routes import STAFF, Route
from tests.web.staff.desk import at_work
from tests.web.staff.scene import StaffScene
from tests.web.state import rows
from tests.world import World
from web.gate import Gate

ROLES = """
                secretary  practitioner  administrator
day             yes        own           yes
calendar        yes        own           yes
messages        yes        own           yes
appointments    yes        -             yes
patients        yes        -             yes
requests        yes        -             yes
outbox          yes        -             yes
templates       -          own           yes
settings        -          -             yes
staff           -          -             yes
journal         -          -             yes
incidents       -          -             yes
"""
MATRIX = """
GET  /clinique                      day
POST /clinique/session              any
POST /clinique/deconnexion          any
"""
"""Each route, and the right that it asks for."""

LINES = [line.split() for line in MATRIX.strip().splitlines()]
TABLE = {(line[0], line[1]): line[2] for line in LINES}
PRIVATE = [route for route in STAFF if route.right]
GIVEN = {
    (role, line.split()[0]): line.split()[place] != "-"
    for line in ROLES.strip().splitlines()[1:]
    for place, role in enumerate(Role, 1)
}


def test_each_role_has_the_rights_of_the_table() -> None:
    assert {(role, right.value): may(role, right) for role in Role for right in Right} == GIVEN


def test_every_route_stands_in_the_table_with_its_right() -> None:
    assert {(route.method, route.path): route.right for route in PRIVATE} == TABLE


@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_each_role_is_refused_every_route_above_it_and_does_nothing(
    app: Gate, world: World, desk: StaffScene, role: Role
) -> None:
    member = {Role.SECRETARY: world.dana, Role.PRACTITIONER: world.erin}.get(role, world.fay)
    browser = await at_work(app, world, member)
    before = await rows()
    above = [route for route in PRIVATE if not GIVEN.get((role, route.right), True)]
    answered = {str(route): await answer(browser, desk, route) for route in above}
    assert answered == dict.fromkeys(answered, 403)
    assert await rows() == before


@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_each_role_is_let_in_where_it_may(
    app: Gate, world: World, desk: StaffScene, role: Role
) -> None:
    member = {Role.SECRETARY: world.dana, Role.PRACTITIONER: world.erin}.get(role, world.fay)
    browser = await at_work(app, world, member)
    allowed = [route for route in PRIVATE if GIVEN.get((role, route.right), True)]
    for route in allowed:
        if not route.path.endswith("/deconnexion"):
            status = await answer(browser, desk, route)
            assert (str(route), status) != (str(route), 403)
            assert (str(route), status < 500) == (str(route), True)


async def test_patients_and_strangers_are_sent_to_the_staffs_sign_in(
    alice: Browser, stranger: Browser, desk: StaffScene
) -> None:
    before = await rows()
    for browser in (alice, stranger):
        for route in PRIVATE:
            found = await browser.http.request(route.method, desk.url(route))
            way = found.headers["location"].partition("?")[0]
            assert (str(route), found.status_code, way) == (str(route), 303, "/clinique/connexion")
            assert "Gagnon" not in found.text
    assert await rows() == before


async def test_staffs_session_opens_nothing_of_a_patients(dana: Browser, world: World) -> None:
    for url in ("/", f"/profils/{world.alice}/rendez-vous"):
        answer = await dana.get(url)
        assert (answer.status_code, answer.headers["location"][:10]) == (303, "/connexion")


async def answer(browser: Browser, desk: StaffScene, route: Route) -> int:
    if route.method == "GET":
        return (await browser.http.get(desk.url(route))).status_code
    return (await browser.post(desk.url(route), desk.data(route))).status_code
