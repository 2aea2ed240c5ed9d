"""What the requests of the clinic's side act on, and for each route an address that works."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tests.web.routes import Route
from tests.world import World


@dataclass(frozen=True)
class StaffScene:
    world: World
    ids: dict[str, UUID]
    """By the name that the path gives to each."""

    def url(self, route: Route) -> str:
        path = route.path
        for name, id in self.ids.items():
            path = path.replace(f"{{{name}}}", str(id))
        return path + QUERIES.get(route.path, "")

    def data(self, route: Route) -> dict[str, str]:
        """What its form sends; routes without a line here are sent nothing more than the token."""
        return {}


QUERIES: dict[str, str] = {}
"""What has to stand in the address, by path."""


async def staff_scene(world: World) -> StaffScene:
    thread = await world.thread(may_answer=True)
    return StaffScene(
        world,
        {
            "patient": world.alice,
            "appointment": await world.appointment(world.now + timedelta(hours=60)),
            "slot": await world.slot(world.now + timedelta(hours=25)),
            "thread": thread,
            "message": await world.message(thread, "Et ceci.", account=world.alice_account),
            "practitioner": world.practitioner,
            "site": world.site,
            "specialty": world.specialty,
            "visit_type": world.visit_type,
            "team": world.team,
            "schedule": world.schedule,
            "member": world.dana,
        },
    )
