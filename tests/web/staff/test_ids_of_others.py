"""An id in an address is never a right: each is tried by who may not have what it names."""

from uuid import UUID

from domain.clinic.tables import Schedule
from domain.staff.roles import Role
from tests.web.browser import Browser
from tests.web.routes import ROUTES, Route, scene
from tests.web.staff.desk import at_work
from tests.web.staff.scene import StaffScene
from tests.web.staff.test_roles import PRIVATE as STAFF
from tests.web.staff.test_roles import TABLE
from tests.web.state import rows
from tests.world import World
from web.gate import Gate

OWN = {"day", "calendar", "messages", "templates"}
"""The rights that a practitioner has over what is theirs."""
THEIRS = ("{appointment}", "{thread}", "{attachment}", "{practitioner}", "{schedule}")
"""What belongs to one practitioner; texts to begin a letter with are everybody's."""


async def test_an_id_of_anothers_is_not_found_under_ones_own_profile(
    alice: Browser, world: World
) -> None:
    """A1, A2, A3: visits, threads, files and accesses of Charlie, at Alice's own addresses."""
    charlies = await scene(world, world.charlie)
    before = await rows()
    named = [r for r in ROUTES if r.path.startswith("/profils") and r.path.count("{") > 1]
    assert len(named) > 10
    for route in named:
        url = charlies.url(route, patient=world.alice)
        if route.method == "POST":
            answer = await alice.post(url, charlies.data(route))
        else:
            answer = await alice.http.request(route.method, url)
        # The address of a refused reply leads on to its thread, whoever's that is: to a 404.
        is_led_on = route.method == "GET" and route.path.endswith("/reponse")
        assert (str(route), answer.status_code) == (str(route), 303 if is_led_on else 404)
        assert "Dubois" not in answer.text
    assert await rows() == before


async def test_what_is_another_practitioners_is_not_found_by_a_practitioner(
    app: Gate, world: World, desk: StaffScene
) -> None:
    """A1, A2: on every page and act of the rights that a practitioner has over their own."""
    schedule = await world.another_practitioner()
    practitioner = await practitioner_of(schedule)
    member = await world.member(role=Role.PRACTITIONER, practitioner=practitioner)
    other = await at_work(app, world, member)
    before = await rows()
    named = [
        r for r in STAFF if TABLE[(r.method, r.path)] in OWN and any(i in r.path for i in THEIRS)
    ]
    assert len(named) > 20
    answers = {str(route): await asked(other, desk, route) for route in named}
    assert {name: status for name, status in answers.items() if status not in {403, 404}} == {}
    assert await rows() == before


async def practitioner_of(schedule: UUID) -> UUID:
    row = await Schedule.objects().get(Schedule.id == schedule)
    assert row is not None
    return row.practitioner  # type: ignore[no-any-return]


async def asked(browser: Browser, desk: StaffScene, route: Route) -> int:
    if route.method == "GET":
        return (await browser.http.get(desk.url(route))).status_code
    return (await browser.post(desk.url(route), desk.data(route))).status_code
