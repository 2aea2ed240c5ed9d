import pytest

from tests.web.browser import Browser, Clock, running
from tests.world import World
from web.gate import Gate


@pytest.fixture
def clock(world: World) -> Clock:
    return Clock(world.now)


@pytest.fixture
async def app(clock: Clock) -> Gate:
    return running(clock)


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
