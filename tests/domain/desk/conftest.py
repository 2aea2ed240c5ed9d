import pytest

from domain.staff.member import Member
from tests.world import World


@pytest.fixture
async def dana(world: World) -> Member:
    """A secretary at work: in one session, for there are three at most."""
    return await world.at_work()
