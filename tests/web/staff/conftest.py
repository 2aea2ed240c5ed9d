import pytest

from tests.kept import kept
from tests.web.browser import Browser
from tests.web.staff.desk import at_work
from tests.web.staff.scene import StaffScene, staff_scene
from tests.world import World
from web.gate import Gate


@pytest.fixture
async def dana(app: Gate, world: World) -> Browser:
    """A secretary."""
    return await at_work(app, world, world.dana)


@pytest.fixture
async def erin(app: Gate, world: World) -> Browser:
    """A practitioner."""
    return await at_work(app, world, world.erin)


@pytest.fixture
async def fay(app: Gate, world: World) -> Browser:
    """An administrator."""
    return await at_work(app, world, world.fay)


@kept
async def desk(world: World) -> StaffScene:
    return await staff_scene(world)
