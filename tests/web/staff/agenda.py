"""What the calendar's forms send, and what they act on."""

from datetime import date, time
from uuid import UUID, uuid4

from domain.clinic.tables import Absence, OpenDay
from tests.world import World

FOLDER = "/clinique/agenda/{practitioner}"
LINE = {"jour_1": "1", "debut_1": "09:00", "fin_1": "12:00", "duree_1": "30"}
HOURS = LINE | {"type_{visit_type}": "oui", "cle": "k", "version": "1", "acte": "enregistrer"}
DAY = {
    "gabarit": "{schedule}",
    "jour": "2026-11-29",
    "debut": "13:00",
    "fin": "16:00",
    "duree": "30",
    "cle": "k",
}
AGENDA = {
    f"{FOLDER}/horaires/nouveau": HOURS | {"lieu": "{site}"},
    f"{FOLDER}/horaires/{{schedule}}": HOURS,
    f"{FOLDER}/horaires/{{schedule}}/fin": {"version": "1"},
    f"{FOLDER}/journees": DAY,
    f"{FOLDER}/journees/{{open_day}}": {"cle": "k"},
    f"{FOLDER}/absences/{{absence}}/fin": {"cle": "k"},
    f"{FOLDER}/retrait": {"cle": "k", "mot": ""},
    "/clinique/agenda/fermetures/nouvelle": {"cle": "k", "mot": ""},
    "/clinique/agenda/fermetures/{closure}/fin": {"cle": "k"},
}


async def single_day_and_absences(world: World) -> dict[str, UUID]:
    open_day, absence, closure = uuid4(), uuid4(), uuid4()
    await OpenDay.insert(
        OpenDay(
            id=open_day,
            schedule=world.schedule,
            day=date(2026, 12, 12),
            opens=time(9),
            closes=time(12),
            slot_minutes=30,
            added_at=world.now,
            added_by="Dana",
        )
    )
    for id, of, day in (
        (absence, world.practitioner, date(2026, 12, 30)),
        (closure, None, date(2026, 12, 31)),
    ):
        away = Absence(id=id, practitioner=of, first_day=day, last_day=day, reason="Congé")
        await Absence.insert(away)
    return {"open_day": open_day, "absence": absence, "closure": closure}
