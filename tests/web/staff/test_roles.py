"""Who of the staff may do what. The table is the document and the test."""

import pytest

from domain.staff.roles import Right, Role, may
from tests.web.browser import Browser, main
from tests.web.routes import STAFF, Route
from tests.web.staff.desk import at_work
from tests.web.staff.scene import StaffScene
from tests.web.state import rows
from tests.world import World
from web.gate import Gate

ROLES = """
                secretary  practitioner  administrator
day             yes        own           yes
calendar        yes        own           yes
messages        yes        own           yes
appointments    yes        -             yes
patients        yes        -             yes
requests        yes        -             yes
outbox          yes        -             yes
templates       -          own           yes
settings        -          -             yes
staff           -          -             yes
journal         -          -             yes
incidents       -          -             yes
"""
MATRIX = """
GET  /clinique                      day
GET  /clinique/jour                                            day
GET  /clinique/rendez-vous/{appointment}                       day
POST /clinique/rendez-vous/{appointment}/confirmation          appointments
GET  /clinique/rendez-vous/{appointment}/annulation            appointments
POST /clinique/rendez-vous/{appointment}/annulation            appointments
GET  /clinique/rendez-vous/{appointment}/deplacement           appointments
GET  /clinique/rendez-vous/{appointment}/deplacement/{slot}    appointments
POST /clinique/rendez-vous/{appointment}/deplacement/{slot}    appointments
POST /clinique/rendez-vous/{appointment}/appel                 appointments
POST /clinique/rendez-vous/{appointment}/absence               appointments
POST /clinique/rendez-vous/{appointment}/absence/retrait       appointments
GET  /clinique/patients/{patient}/rendez-vous                  appointments
GET  /clinique/patients/{patient}/rendez-vous/nouveau          appointments
GET  /clinique/patients/{patient}/rendez-vous/nouveau/{slot}   appointments
POST /clinique/patients/{patient}/rendez-vous/nouveau/{slot}   appointments
GET  /clinique/plages/{slot}/reservation                       appointments
GET  /clinique/patients                                        patients
GET  /clinique/patients/nouveau                                patients
POST /clinique/patients/nouveau                                patients
GET  /clinique/patients/{patient}                              patients
GET  /clinique/patients/{patient}/modification                 patients
POST /clinique/patients/{patient}/modification                 patients
GET  /clinique/patients/{patient}/invitation                   patients
POST /clinique/patients/{patient}/invitation                   patients
POST /clinique/patients/{patient}/invitation/annulation        patients
GET  /clinique/patients/{patient}/compte                       patients
POST /clinique/patients/{patient}/compte/deblocage             patients
POST /clinique/patients/{patient}/compte/reinitialisation      patients
POST /clinique/patients/{patient}/compte/deconnexion           patients
POST /clinique/patients/{patient}/compte/desactivation         patients
POST /clinique/patients/{patient}/compte/activation            patients
GET  /clinique/patients/{patient}/compte/courriel              patients
POST /clinique/patients/{patient}/compte/courriel              patients
GET  /clinique/patients/{patient}/acces                        patients
GET  /clinique/patients/{patient}/acces/nouveau                patients
POST /clinique/patients/{patient}/acces/nouveau                patients
GET  /clinique/patients/{patient}/acces/{grant}                patients
POST /clinique/patients/{patient}/acces/{grant}                patients
POST /clinique/patients/{patient}/acces/{grant}/accord/fin     patients
GET  /clinique/patients/{patient}/acces/{grant}/retrait        patients
POST /clinique/patients/{patient}/acces/{grant}/retrait        patients
GET  /clinique/patients/{patient}/acces/blocage                patients
POST /clinique/patients/{patient}/acces/blocage                patients
GET  /clinique/patients/{patient}/acces/blocage/{block}        patients
POST /clinique/patients/{patient}/acces/blocage/{block}        patients
GET  /clinique/majorite                                        patients
GET  /clinique/demandes                                        requests
GET  /clinique/demandes/{asked}                                requests
POST /clinique/demandes/{asked}                                requests
GET  /clinique/jumelage                                        patients
GET  /clinique/jumelage/{newcomer}                             patients
POST /clinique/jumelage/{newcomer}                             patients
POST /clinique/jumelage/{newcomer}/creation                    patients
GET  /clinique/jumelage/{newcomer}/refus                       patients
POST /clinique/jumelage/{newcomer}/refus                       patients
POST /clinique/session              any
POST /clinique/deconnexion          any
GET  /clinique/mon-compte                          any
POST /clinique/mon-compte                          any
POST /clinique/mon-compte/appareils                any
GET  /clinique/mon-compte/mot-de-passe             any
POST /clinique/mon-compte/mot-de-passe             any
GET  /clinique/mon-compte/application              any
POST /clinique/mon-compte/application              any
POST /clinique/mon-compte/application/confirmation any
GET  /clinique/personnel                           staff
GET  /clinique/personnel/nouveau                   staff
POST /clinique/personnel/nouveau                   staff
GET  /clinique/personnel/{member}                  staff
POST /clinique/personnel/{member}                  staff
POST /clinique/personnel/{member}/lien             staff
POST /clinique/personnel/{member}/desactivation    staff
POST /clinique/personnel/{member}/reactivation     staff
GET  /clinique/premiers-pas                        settings
POST /clinique/premiers-pas/courriel               settings
GET  /clinique/incidents                                        incidents
GET  /clinique/incidents/export                                 incidents
GET  /clinique/incidents/nouveau                                incidents
GET  /clinique/incidents/{incident}                             incidents
GET  /clinique/journal                                          journal
GET  /clinique/journal/export                                   journal
GET  /clinique/patients/{patient}/journal                       patients
GET  /clinique/reglages                                         settings
GET  /clinique/reglages/comptes                                 settings
GET  /clinique/reglages/consentement                            settings
GET  /clinique/reglages/coordonnees                             settings
GET  /clinique/reglages/courriels                               settings
GET  /clinique/reglages/equipes                                 settings
GET  /clinique/reglages/equipes/nouveau                         settings
GET  /clinique/reglages/equipes/{team}                          settings
GET  /clinique/reglages/equipes/{team}/fin                      settings
GET  /clinique/reglages/historique                              settings
GET  /clinique/reglages/intervenants                            settings
GET  /clinique/reglages/intervenants/nouveau                    settings
GET  /clinique/reglages/intervenants/{practitioner}             settings
GET  /clinique/reglages/intervenants/{practitioner}/fin         settings
GET  /clinique/reglages/lieux                                   settings
GET  /clinique/reglages/lieux/nouveau                           settings
GET  /clinique/reglages/lieux/{site}                            settings
GET  /clinique/reglages/lieux/{site}/fin                        settings
GET  /clinique/reglages/rendez-vous                             settings
GET  /clinique/reglages/sections                                settings
GET  /clinique/reglages/sessions                                settings
GET  /clinique/reglages/specialites                             settings
GET  /clinique/reglages/specialites/nouveau                     settings
GET  /clinique/reglages/specialites/{specialty}                 settings
GET  /clinique/reglages/specialites/{specialty}/fin             settings
GET  /clinique/reglages/textes                                  settings
GET  /clinique/reglages/textes/clause                           settings
GET  /clinique/reglages/textes/clause/{disclaimer}              settings
GET  /clinique/reglages/textes/conditions                       settings
GET  /clinique/reglages/textes/conditions/{terms}               settings
GET  /clinique/reglages/types                                   settings
GET  /clinique/reglages/types/nouveau                           settings
GET  /clinique/reglages/types/{visit_type}                      settings
GET  /clinique/reglages/types/{visit_type}/fin                  settings
POST /clinique/incidents/nouveau                                incidents
POST /clinique/incidents/{incident}                             incidents
POST /clinique/reglages/comptes                                 settings
POST /clinique/reglages/consentement                            settings
POST /clinique/reglages/coordonnees                             settings
POST /clinique/reglages/courriels                               settings
POST /clinique/reglages/equipes/nouveau                         settings
POST /clinique/reglages/equipes/{team}                          settings
POST /clinique/reglages/equipes/{team}/fin                      settings
POST /clinique/reglages/equipes/{team}/ordre                    settings
POST /clinique/reglages/equipes/{team}/reprise                  settings
POST /clinique/reglages/intervenants/nouveau                    settings
POST /clinique/reglages/intervenants/{practitioner}             settings
POST /clinique/reglages/intervenants/{practitioner}/fin         settings
POST /clinique/reglages/intervenants/{practitioner}/reprise     settings
POST /clinique/reglages/lieux/nouveau                           settings
POST /clinique/reglages/lieux/{site}                            settings
POST /clinique/reglages/lieux/{site}/fin                        settings
POST /clinique/reglages/lieux/{site}/ordre                      settings
POST /clinique/reglages/lieux/{site}/reprise                    settings
POST /clinique/reglages/rendez-vous                             settings
POST /clinique/reglages/sections                                settings
POST /clinique/reglages/sessions                                settings
POST /clinique/reglages/specialites/nouveau                     settings
POST /clinique/reglages/specialites/{specialty}                 settings
POST /clinique/reglages/specialites/{specialty}/fin             settings
POST /clinique/reglages/specialites/{specialty}/ordre           settings
POST /clinique/reglages/specialites/{specialty}/reprise         settings
POST /clinique/reglages/textes/clause                           settings
POST /clinique/reglages/textes/conditions                       settings
POST /clinique/reglages/types/nouveau                           settings
POST /clinique/reglages/types/{visit_type}                      settings
POST /clinique/reglages/types/{visit_type}/fin                  settings
POST /clinique/reglages/types/{visit_type}/ordre                settings
POST /clinique/reglages/types/{visit_type}/reprise              settings
GET  /clinique/agenda                                          calendar
GET  /clinique/agenda/{practitioner}                           calendar
GET  /clinique/agenda/{practitioner}/plages/{slot}             calendar
POST /clinique/agenda/{practitioner}/plages/{slot}/retour      calendar
GET  /clinique/agenda/{practitioner}/horaires                  templates
GET  /clinique/agenda/{practitioner}/horaires/nouveau          templates
POST /clinique/agenda/{practitioner}/horaires/nouveau          templates
GET  /clinique/agenda/{practitioner}/horaires/{schedule}       templates
POST /clinique/agenda/{practitioner}/horaires/{schedule}       templates
GET  /clinique/agenda/{practitioner}/horaires/{schedule}/fin   templates
POST /clinique/agenda/{practitioner}/horaires/{schedule}/fin   templates
GET  /clinique/agenda/{practitioner}/journees                  calendar
POST /clinique/agenda/{practitioner}/journees                  calendar
GET  /clinique/agenda/{practitioner}/journees/{open_day}       calendar
POST /clinique/agenda/{practitioner}/journees/{open_day}       calendar
GET  /clinique/agenda/{practitioner}/absences                  calendar
GET  /clinique/agenda/{practitioner}/absences/{absence}/fin    calendar
POST /clinique/agenda/{practitioner}/absences/{absence}/fin    calendar
GET  /clinique/agenda/{practitioner}/retrait                   calendar
POST /clinique/agenda/{practitioner}/retrait                   calendar
GET  /clinique/agenda/fermetures                               settings
GET  /clinique/agenda/fermetures/nouvelle                      settings
POST /clinique/agenda/fermetures/nouvelle                      settings
GET  /clinique/agenda/fermetures/{closure}/fin                 settings
POST /clinique/agenda/fermetures/{closure}/fin                 settings
GET  /clinique/communications                                  messages
GET  /clinique/communications/envoi                            messages
GET  /clinique/communications/envoi/message                    messages
POST /clinique/communications/envoi/message                    messages
GET  /clinique/communications/nouvelle                         messages
POST /clinique/communications/nouvelle                         messages
GET  /clinique/communications/{thread}                         messages
GET  /clinique/communications/{thread}/reponse                 messages
POST /clinique/communications/{thread}/reponse                 messages
POST /clinique/communications/{thread}/droit-de-reponse        messages
GET  /clinique/communications/{thread}/responsable             messages
POST /clinique/communications/{thread}/responsable             messages
POST /clinique/communications/{thread}/fermeture               messages
POST /clinique/communications/{thread}/reouverture             messages
GET  /clinique/communications/{thread}/pieces-jointes/{attachment}                 messages
GET  /clinique/communications/{thread}/pieces-jointes/{attachment}/telechargement  messages
GET  /clinique/patients/{patient}/communications               messages
GET  /clinique/modeles                                         messages
GET  /clinique/modeles/nouveau                                 messages
POST /clinique/modeles/nouveau                                 messages
GET  /clinique/modeles/{template}                              messages
POST /clinique/modeles/{template}                              messages
POST /clinique/modeles/{template}/retrait                      messages
GET  /clinique/courriels                                       outbox
POST /clinique/courriels/{mail}/renvoi                         outbox
POST /clinique/courriels/{mail}/traite                         outbox
"""
"""Each route, and the right that it asks for."""

LINES = [line.split() for line in MATRIX.strip().splitlines()]
TABLE = {(line[0], line[1]): line[2] for line in LINES}
PRIVATE = [route for route in STAFF if route.right]
GIVEN = {
    (role, line.split()[0]): line.split()[place] != "-"
    for line in ROLES.strip().splitlines()[1:]
    for place, role in enumerate(Role, 1)
}


def test_each_role_has_the_rights_of_the_table() -> None:
    assert {(role, right.value): may(role, right) for role in Role for right in Right} == GIVEN


def test_every_route_stands_in_the_table_with_its_right() -> None:
    assert {(route.method, route.path): route.right for route in PRIVATE} == TABLE


@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_each_role_is_refused_every_route_above_it_and_does_nothing(
    app: Gate, world: World, desk: StaffScene, role: Role
) -> None:
    member = {Role.SECRETARY: world.dana, Role.PRACTITIONER: world.erin}.get(role, world.fay)
    browser = await at_work(app, world, member)
    before = await rows()
    above = [route for route in PRIVATE if not GIVEN.get((role, route.right), True)]
    answered = {str(route): await answer(browser, desk, route) for route in above}
    assert answered == dict.fromkeys(answered, 403)
    assert await rows() == before


@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_each_role_is_let_in_where_it_may(
    app: Gate, world: World, desk: StaffScene, role: Role
) -> None:
    member = {Role.SECRETARY: world.dana, Role.PRACTITIONER: world.erin}.get(role, world.fay)
    browser = await at_work(app, world, member)
    allowed = [route for route in PRIVATE if GIVEN.get((role, route.right), True)]
    for route in allowed:
        if not route.path.endswith("/deconnexion"):
            status = await answer(browser, desk, route)
            assert (str(route), status) != (str(route), 403)
            assert (str(route), status < 500) == (str(route), True)


async def test_patients_and_strangers_are_sent_to_the_staffs_sign_in(
    alice: Browser, stranger: Browser, desk: StaffScene
) -> None:
    before = await rows()
    for browser in (alice, stranger):
        for route in PRIVATE:
            found = await browser.http.request(route.method, desk.url(route))
            way = found.headers["location"].partition("?")[0]
            assert (str(route), found.status_code, way) == (str(route), 303, "/clinique/connexion")
            assert "Gagnon" not in found.text
    assert await rows() == before


async def test_staffs_session_opens_nothing_of_a_patients(dana: Browser, world: World) -> None:
    for url in ("/", f"/profils/{world.alice}/rendez-vous"):
        answer = await dana.get(url)
        assert (answer.status_code, answer.headers["location"][:10]) == (303, "/connexion")


async def answer(browser: Browser, desk: StaffScene, route: Route) -> int:
    if route.method == "GET":
        return (await browser.http.get(desk.url(route))).status_code
    return (await browser.post(desk.url(route), desk.data(route))).status_code


async def test_who_is_refused_is_sent_to_an_administrator_not_to_the_phone(dana: Browser) -> None:
    """Finding C10: whoever works there does not call the clinic."""
    page = await dana.get("/clinique/personnel")
    assert page.status_code == 403
    assert "Demandez-le à un administrateur." in main(page)
    assert "ppelez la clinique" not in main(page)
