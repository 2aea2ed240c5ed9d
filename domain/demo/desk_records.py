"""What the demonstration's clinic has changed and written down: its settings, an old incident."""

from datetime import datetime, timedelta
from uuid import uuid4

from domain.clinic.tables import Incident, SettingChange
from domain.demo.rows import insert

AUTHOR = "Paul Lemieux"
CHANGES = (
    (160, "cancel_limit_hours", "24", "48"),
    (90, "has_new_messages", "non", "oui"),
    (41, "answer_days", "3", "2"),
)
"""So many days ago, which, from what to what."""
NOTICED = timedelta(days=230)


async def create(*, now: datetime) -> None:
    await insert([_change(*each, now=now) for each in CHANGES])
    await insert([_incident(now)])


def _change(days: int, name: str, before: str, after: str, *, now: datetime) -> SettingChange:
    at = now - timedelta(days=days)
    return SettingChange(
        id=uuid4(), name=name, before=before, after=after, changed_at=at, changed_by=AUTHOR
    )


def _incident(now: datetime) -> Incident:
    noticed = now - NOTICED
    return Incident(
        id=uuid4(),
        information="Nom, date de naissance et date d’un rendez-vous d’une personne.",
        circumstances="Une feuille de rendez-vous imprimée a été remise à une autre personne"
        " du même nom. Elle l’a rapportée le jour même.",
        occurred_from=(noticed - timedelta(days=1)).date(),
        noticed_on=noticed.date(),
        people=1,
        severity="Renseignements peu sensibles, vus par une seule personne, qui les a rendus :"
        " le risque n’est pas sérieux.",
        people_told_on=noticed.date(),
        measures="La date de naissance est demandée avant de remettre une feuille.",
        recorded_at=noticed,
        recorded_by=AUTHOR,
    )
