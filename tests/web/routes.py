"""Every route of the portal, and for each a request that works: tests walk through them."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from domain.links import Links, Purpose, VisitLink
from tests.web.browser import SETTINGS, running
from tests.world import NOW, PASSWORD, World

SAFE = {"GET", "HEAD"}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    opt: frozenset[str]
    handler: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_private(self) -> bool:
        return not self.opt & {"public", "bare"}


def _routes() -> list[Route]:
    app = running(lambda: NOW).app
    return sorted(
        (
            Route(method, route.path_format, frozenset(handler.opt), handler.handler_name)
            for route in app.routes
            for handler in route.route_handlers  # type: ignore[union-attr]
            for method in handler.http_methods
            if method != "OPTIONS"
        ),
        key=str,
    )


ROUTES = _routes()
UNSAFE = [route for route in ROUTES if route.method not in SAFE]
FORMS = [route for route in UNSAFE if "bare" not in route.opt]
PRIVATE = [route for route in ROUTES if route.is_private]


@dataclass(frozen=True)
class Scene:
    """Alice's visits and a free slot of each kind: what the requests below act on."""

    world: World
    patient: UUID
    coming: UUID
    """May be confirmed and cancelled."""
    later: UUID
    slot: UUID
    urgent_slot: UUID

    def choices(self, folder: str) -> dict[str, str]:
        world = self.world
        place = {"lieu": str(world.site)}
        if folder == "urgence":
            return place | {"type": str(world.urgent_type), "motif": "Fièvre"}
        return place | {
            "specialite": str(world.specialty),
            "intervenant": str(world.practitioner),
            "type": str(world.visit_type),
            "moment": "des-que-possible",
        }

    def free(self, folder: str) -> UUID:
        return self.urgent_slot if folder == "urgence" else self.slot

    def token(self, path: str) -> str:
        purpose = Purpose.CONFIRM if "confirmation" in path else Purpose.CANCEL
        link = VisitLink(self.coming, 1, self.world.alice_account)
        return Links(SETTINGS.keys).sign_visit(purpose, link)

    def url(self, route: Route, *, patient: UUID | None = None) -> str:
        path = route.path.replace("{patient}", str(patient or self.patient))
        path = path.replace("{appointment}", str(self.coming)).replace("{name}", "app.css")
        if "{token}" in path:
            return path.replace("{token}", self.token(path))
        folder = route.path.split("/")[3] if path.startswith("/profils") else ""
        if folder not in {"reservation", "urgence"}:
            return path
        query = self.choices(folder)
        if route.path.endswith("/confirmation"):
            query["creneau"] = str(self.free(folder))
        return f"{path}?{urlencode(query)}"

    def data(self, route: Route) -> dict[str, str]:
        folder = route.path.split("/")[3] if route.path.startswith("/profils") else ""
        if folder in {"reservation", "urgence"}:
            slot = str(self.free(folder))
            return {"creneau": slot} if "retenue" in route.path else {"cle": f"key of {slot}"}
        return {
            "/connexion": {"courriel": "charlie@example.com", "mot_de_passe": PASSWORD},
            "/langue": {"langue": "en", "suivant": "/"},
            "/conditions": {"version": str(self.world.terms), "suivant": "/"},
            "/courriel/confirmation/{token}": {"reponse": "oui"},
            "/courriel/annulation/{token}": {"reponse": "oui"},
        }.get(route.path, {})


async def scene(world: World, patient: UUID | None = None) -> Scene:
    patient = patient or world.alice
    at = world.now
    return Scene(
        world=world,
        patient=patient,
        coming=await world.appointment(at + timedelta(hours=60), patient=patient),
        later=await world.appointment(at + timedelta(days=30), patient=patient),
        slot=await world.slot(at + timedelta(hours=25)),
        urgent_slot=await world.slot(at + timedelta(hours=26)),
    )
