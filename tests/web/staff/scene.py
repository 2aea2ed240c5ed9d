"""What the requests of the clinic's side act on, and for each route an address that works."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tests.web.routes import Route
from tests.web.staff import register
from tests.web.staff.agenda import AGENDA, single_day_and_absences
from tests.web.staff.helpers import blocked, helper, request
from tests.web.staff.mailroom import dead_mail, first_from_clinic, text_template
from tests.web.staff.newcomers import CHART, newcomer
from tests.world import PASSWORD, World
from web.staff.sending import packed


@dataclass(frozen=True)
class StaffScene:
    world: World
    ids: dict[str, UUID]
    """By the name that the path gives to each."""

    def url(self, route: Route) -> str:
        url = route.path + QUERIES.get(route.path, "")
        for name, id in self.ids.items():
            url = url.replace(f"{{{name}}}", str(id))
        return url.replace("{packed}", packed([self.world.alice, self.world.bob]))

    def data(self, route: Route) -> dict[str, str]:
        """What its form sends; routes without a line here are sent nothing more than the token."""
        sent = FORMS.get(route.path, {})
        return {name.format(**self.ids): value.format(**self.ids) for name, value in sent.items()}


COLLEAGUE = {
    "prenom": "Zoé",
    "nom": "Tremblay",
    "courriel": "zoe@clinique.example",
    "role": "secretary",
    "intervenant": "",
    "langue": "fr",
}
"""Someone who begins to work here."""
FORMS: dict[str, dict[str, str]] = {
    "/clinique/mon-compte": {"prenom": "Fay", "nom": "Pelletier", "version": "1"},
    "/clinique/mon-compte/appareils": {"appareil": "autres"},
    "/clinique/mon-compte/mot-de-passe": {"ancien": PASSWORD, "code": "000000"},
    "/clinique/mon-compte/application": {"mot_de_passe": PASSWORD, "code": "000000"},
    "/clinique/mon-compte/application/confirmation": {"cle": "", "code": "000000"},
    "/clinique/personnel/nouveau": COLLEAGUE | {"cle": "k"},
    "/clinique/personnel/{member}": COLLEAGUE | {"version": "1"},
    **AGENDA,
    "/clinique/patients/nouveau": CHART,
    "/clinique/patients/{patient}/modification": CHART | {"version": "1"},
    "/clinique/patients/{patient}/invitation": {
        "courriel": "alice@example.com",
        "langue": "fr",
        "cle": "k",
    },
    "/clinique/patients/{patient}/compte/courriel": {
        "courriel": "neuve@example.com",
        "identite": "oui",
    },
    "/clinique/patients/{patient}/acces/nouveau": {
        "compte": "{charlie_account}",
        "lien": "caregiver",
        "rendez_vous": "oui",
        "comment": "spoken",
        "cle": "k",
    },
    "/clinique/patients/{patient}/acces/{grant}": {"messages": "oui", "vu": "book"},
    "/clinique/patients/{patient}/acces/blocage": {"qui": "tous", "motif": "Ordre", "cle": "k"},
    "/clinique/demandes/{asked}": {"suite": "done"},
    "/clinique/jumelage/{newcomer}": {"patient": "{patient}"},
    "/clinique/rendez-vous/{appointment}/confirmation": {"version": "1"},
    "/clinique/rendez-vous/{appointment}/annulation": {"version": "1", "mot": ""},
    "/clinique/rendez-vous/{appointment}/deplacement/{slot}": {"version": "1", "cle": "k"},
    "/clinique/rendez-vous/{appointment}/appel": {"suite": "no_answer"},
    "/clinique/rendez-vous/{appointment}/absence": {"version": "1"},
    "/clinique/rendez-vous/{appointment}/absence/retrait": {"version": "1"},
    "/clinique/patients/{patient}/rendez-vous/nouveau/{slot}": {"type": "{visit_type}", "cle": "k"},
    "/clinique/reglages/sessions": {"version": "1", "patients": "30", "personnel": "10"},
    "/clinique/reglages/sections": {"version": "1", "prise": "oui"},
    "/clinique/reglages/courriels": {"version": "1", "expediteur": "Le Parc", "delai": "3"},
    "/clinique/reglages/consentement": {
        "version": "1",
        "province": "QC",
        "age": "15",
        "source": "S",
    },
    "/clinique/reglages/specialites/nouveau": {"nom": "Pédiatrie", "cle": "k"},
    "/clinique/reglages/specialites/{specialty}": {"nom": "Pédiatrie", "version": "1"},
    "/clinique/reglages/equipes/nouveau": {"nom": "Soins", "cle": "k"},
    "/clinique/reglages/equipes/{team}": {"nom": "Soins", "version": "1"},
    "/clinique/reglages/equipes/{team}/fin": {"version": "1"},
    "/clinique/reglages/types/{visit_type}": {"nom": "Suivi", "duree": "30", "version": "1"},
    "/clinique/reglages/types/{visit_type}/ordre": {"sens": "monter"},
    "/clinique/reglages/textes/conditions": {
        "geste": "publier",
        "compris": "oui",
        "version": "1",
        "francais": "Lisez.",
        "anglais": "Read.",
    },
    "/clinique/incidents/nouveau": register.GOOD | {"cle": "k"},
    "/clinique/incidents/{incident}": register.GOOD | {"version": "1"},
}
"""What a form sends, by path; `{patient}` in it is the scene's."""

QUERIES: dict[str, str] = {
    "/clinique/agenda/{practitioner}/retrait": "?du=2026-11-27",
    "/clinique/agenda/fermetures/nouvelle": "?du=2026-11-28",
    "/clinique/patients": "?q=gagnon",
    "/clinique/journal/export": "?du=2026-11-20&au=2026-11-23",
    "/clinique/communications/nouvelle": "?patient={patient}",
    "/clinique/communications/envoi/message": "?a={packed}",
}
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
            **await single_day_and_absences(world),
            "newcomer": await newcomer(world),
            "grant": await helper(world),
            "block": await blocked(world),
            "asked": await request(world),
            "charlie_account": world.charlie_account,
            "terms": world.terms,
            "disclaimer": world.disclaimer,
            "incident": await register.incident(world),
            "attachment": await world.attachment(await first_from_clinic(thread)),
            "template": await text_template(world),
            "mail": await dead_mail(world),
        },
    )
