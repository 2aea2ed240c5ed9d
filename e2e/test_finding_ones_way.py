"""Small things on the way: nothing is typed twice, and each page opens where one was."""

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import CAMILLE
from e2e import invited
from e2e.addresses import profile
from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE, PLAIN_PHONE, Device
from e2e.conftest import Open, in_soak
from e2e.new_address import NEW, asks
from e2e.newcomer import ZOE, activates, applies, field, fills_in, goes_to_the_form
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone


@pytest.mark.parametrize("device", [PHONE, PLAIN_PHONE, *in_soak(DESKTOP, ENGLISH_PHONE)], ids=str)
def test_a_mistyped_year_is_corrected_in_its_field_and_the_password_asked_again(
    open_browser: Open, device: Device
) -> None:
    zoe = open_browser(device)
    goes_to_the_form(zoe)
    fills_in(zoe, year="2019")
    zoe.presses("Créer un compte")
    zoe.sees("Un parent ou un tuteur crée le compte")
    zoe.presses("Corriger la date de naissance")
    expect(field(zoe, "Année")).to_be_focused()
    expect(field(zoe, "Année")).to_be_in_viewport()

    field(zoe, "Année").fill("1989")
    field(zoe, "Prénom").fill("")
    zoe.control("Créer un compte").press("Enter")
    zoe.is_warned("Inscrivez votre prénom.")
    zoe.reads("Choisissez un mot de passe.")


def test_whoever_activates_types_the_address_no_more(stranger: Patient) -> None:
    applies(stranger)
    activates(stranger)
    expect(field(stranger, "Courriel")).to_have_value(ZOE)
    stranger.page.reload()
    expect(field(stranger, "Courriel")).to_have_value("")


def test_a_pending_address_and_all_visits_are_a_press_away(heather: Patient) -> None:
    asks(heather)
    heather.opens("/")
    visits = heather.main.locator("details.visit")
    expect(visits).to_have_count(5)
    heather.presses("Afficher tous les rendez-vous")
    expect(visits.nth(5)).to_be_visible()
    expect(heather.main).to_contain_text(NEW)
    heather.presses("Confirmer ou renvoyer")
    heather.sees("Il reste à confirmer votre courriel")


def test_what_is_saved_is_said_where_it_was_saved(heather: Patient, portal: Portal) -> None:
    heather.opens(f"{profile(portal)}/profil")
    heather.presses("Enregistrer les courriels")
    saved = heather.main.get_by_text(heather.says("Votre choix de courriels est enregistré."))
    expect(saved).to_be_in_viewport()


def test_a_link_opened_in_another_session_says_whose_it_is(camille: Patient) -> None:
    camille.opens(invited.is_invited(camille).link)
    camille.sees("Activer votre compte")
    expect(camille.main).to_contain_text(CAMILLE.email)
    camille.reads("Activer le compte ci-dessous vous en déconnectera.")
