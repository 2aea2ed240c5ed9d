"""Who signed up alone, and waits for the clinic to find their chart."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.accounts.tables import Registration
from tests.world import World

EMAIL = "zoe@example.com"
CHART = {
    "prenom": "Zoé",
    "nom": "Tremblay",
    "naissance_annee": "1989",
    "naissance_mois": "04",
    "naissance_jour": "27",
    "numero_sante": "TREZ 8954 2714",
    "telephone": "514 555-0199",
    "telephone_type": "mobile",
    "autre_telephone": "",
    "autre_telephone_type": "work",
    "intervenant": "",
    "cle": "k",
}
"""What a good form of a patient's chart sends."""


async def newcomer(
    world: World, email: str = EMAIL, *, asked_at: datetime | None = None, **said: Any
) -> UUID:
    """Their account."""
    account = await world.account(email)
    facts: dict[str, Any] = {
        "first_name": "Zoé",
        "last_name": "Tremblay",
        "birth_date": date(1989, 4, 27),
        "health_number": "TREZ 8954 2714",
        "phone": "+15145550199",
        **said,
    }
    await Registration.insert(
        Registration(
            id=uuid4(),
            account=account,
            asked_at=asked_at or world.now - timedelta(hours=2),
            **facts,
        )
    )
    return account
