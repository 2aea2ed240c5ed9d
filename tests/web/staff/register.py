"""An incident of the register, and what a good form of one sends."""

from uuid import UUID, uuid4

from domain.clinic.tables import Incident
from tests.world import World

GOOD = {
    "renseignements": "Nom et date d’un rendez-vous.",
    "circonstances": "Une feuille remise à la mauvaise personne.",
    "debut": "2026-11-20",
    "fin": "",
    "constate": "2026-11-21",
    "personnes": "1",
    "gravite": "Vue par une seule personne, qui l’a rendue.",
    "avis_commission": "",
    "avis_personnes": "2026-11-22",
    "avis_public": "",
    "mesures": "La date de naissance est demandée.",
}


async def incident(world: World) -> UUID:
    row = Incident(
        id=uuid4(),
        information="Adresses de courriel.",
        circumstances="Un courriel avec tous les destinataires visibles.",
        occurred_from=world.now.date(),
        noticed_on=world.now.date(),
        people=12,
        severity="Peu sensible.",
        measures="Les envois passent par le portail.",
        recorded_at=world.now,
        recorded_by="Fay Blais",
    )
    await Incident.insert(row)
    return row.id
