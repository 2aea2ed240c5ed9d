import pytest

from tests.web.browser import Browser, Clock, running
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


@pytest.fixture
async def alice(app: Gate) -> Browser:
    browser = Browser(app)
    await browser.sign_in()
    return browser


@pytest.fixture
async def charlie(app: Gate) -> Browser:
    browser = Browser(app)
    await browser.sign_in("charlie@example.com")
    return browser
