import pytest

from tests.kept import kept
from tests.web.browser import Browser, Clock, Kept, running
from tests.web.clinic import Wide, widen
from tests.web.routes import Scene, scene
from tests.world import NOW, World
from web.gate import Gate
from web.portal import NO_CLINIC


@pytest.fixture(scope="session")
def kept_clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(scope="session")
def kept_app(kept_clock: Clock) -> Gate:
    """Made once: compressing the static files and compiling the templates takes its time."""
    return running(kept_clock)


@pytest.fixture
def clock(kept_clock: Clock, world: World) -> Clock:
    kept_clock.now = world.now
    return kept_clock


@pytest.fixture
async def app(kept_app: Gate, clock: Clock) -> Gate:
    kept_app.app.state.portal.last_clinic = NO_CLINIC
    return kept_app


@pytest.fixture
async def stranger(app: Gate) -> Browser:
    """Signed out."""
    return Browser(app)


@kept
async def alice_signed_in(world: World, kept_app: Gate, kept_clock: Clock) -> Kept:
    return await signed_in("alice@example.com", world, kept_app, kept_clock)


@kept
async def charlie_signed_in(world: World, kept_app: Gate, kept_clock: Clock) -> Kept:
    return await signed_in("charlie@example.com", world, kept_app, kept_clock)


async def signed_in(email: str, world: World, app: Gate, clock: Clock) -> Kept:
    clock.now = world.now
    app.app.state.portal.last_clinic = NO_CLINIC
    browser = Browser(app)
    assert (await browser.sign_in(email)).status_code == 303
    return browser.keep()


@pytest.fixture
async def alice(app: Gate, alice_signed_in: Kept) -> Browser:
    return Browser(app, kept=alice_signed_in)


@pytest.fixture
async def charlie(app: Gate, charlie_signed_in: Kept) -> Browser:
    return Browser(app, kept=charlie_signed_in)


@kept
async def stage(world: World) -> Scene:
    return await scene(world)


@kept
async def wide(world: World) -> Wide:
    return await widen(world)
