"""The browser's clock and the server's are both moved on: what one foresees, the other decides."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.addresses import profile
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

ASKED = "Êtes-vous toujours là ?"
OVER = "Votre session est terminée"


@pytest.fixture
def heather(heather: Patient) -> Patient:
    heather.page.clock.install()
    heather.opens("/")
    return heather


def wait(patient: Patient, minutes: int, seconds: int = 0) -> None:
    patient.portal.clock.advance(minutes=minutes, seconds=seconds)
    patient.page.clock.fast_forward(f"{minutes:02}:{seconds:02}")


def dialog(page: Page) -> Locator:
    return page.get_by_role("alertdialog")


def is_asked(patient: Patient) -> None:
    expect(dialog(patient.page)).to_have_accessible_name(patient.says(ASKED))
    expect(patient.control("Rester connecté")).to_be_focused()
    patient.looks_around()


def is_told_of_the_end(patient: Patient) -> None:
    expect(dialog(patient.page)).to_have_accessible_name(patient.says(OVER))
    expect(patient.main).to_be_hidden()
    patient.looks_around()


def test_who_is_still_there_stays_signed_in_by_one_press(heather: Patient, portal: Portal) -> None:
    wait(heather, 17, 30)
    expect(dialog(heather.page)).to_be_hidden()
    wait(heather, 0, 35)
    is_asked(heather)
    expect(dialog(heather.page)).to_contain_text(re.compile(r"Temps restant\s: 1:\d\d"))

    with heather.page.expect_response("**/session") as answer:
        heather.presses("Rester connecté")
    assert answer.value.status == 204
    expect(dialog(heather.page)).to_be_hidden()

    wait(heather, 17)
    expect(dialog(heather.page)).to_be_hidden()
    heather.goes_to_the_visits()


def test_escape_is_an_answer_too(heather: Patient) -> None:
    wait(heather, 18, 5)
    is_asked(heather)

    with heather.page.expect_response("**/session"):
        heather.page.keyboard.press("Escape")

    expect(dialog(heather.page)).to_be_hidden()


def test_nothing_that_uses_the_session_is_asked_meanwhile(heather: Patient) -> None:
    asked: list[str] = []
    heather.page.on("request", lambda request: asked.append(request.url))
    wait(heather, 18, 5)
    is_asked(heather)
    wait(heather, 2)
    is_told_of_the_end(heather)
    assert [url for url in asked if not url.endswith("compteurs")] == []


def test_after_the_end_nothing_is_shown_and_signing_in_leads_back(
    heather: Patient, portal: Portal
) -> None:
    heather.goes_to_the_visits()
    there = heather.page.url
    wait(heather, 20, 1)
    is_told_of_the_end(heather)
    heather.page.keyboard.press("Escape")
    is_told_of_the_end(heather)

    heather.presses("Se reconnecter")

    heather.fills_in_the_sign_in_form()
    heather.sees("Rendez-vous")
    assert heather.page.url == there


def test_what_was_typed_and_not_yet_sent_is_there_after_signing_in(
    heather: Patient, portal: Portal
) -> None:
    heather.opens(f"{profile(portal)}/urgence/lieu")
    heather.chooses("Clinique des Érables – Rosemont")
    heather.chooses("Accès adapté")
    heather.page.get_by_role("textbox").fill("Fièvre & toux depuis 3 jours ?")
    wait(heather, 21)
    is_told_of_the_end(heather)

    heather.presses("Se reconnecter")

    heather.fills_in_the_sign_in_form()
    heather.sees("Motif de la consultation")
    expect(heather.page.get_by_role("textbox")).to_have_value("Fièvre & toux depuis 3 jours ?")


def test_who_comes_back_too_late_to_stay_is_told_so(heather: Patient, portal: Portal) -> None:
    wait(heather, 18, 5)
    is_asked(heather)
    portal.clock.advance(minutes=5)

    heather.presses("Rester connecté")

    is_told_of_the_end(heather)


def test_who_is_warned_may_sign_out(heather: Patient) -> None:
    wait(heather, 18, 5)
    is_asked(heather)

    heather.presses("Se déconnecter")

    heather.sees("Connexion")


def test_a_second_tab_in_use_keeps_the_first_from_asking(heather: Patient) -> None:
    wait(heather, 10)
    other = heather.page.context.new_page()
    other.goto("/conditions")
    wait(heather, 9)
    expect(dialog(heather.page)).to_be_hidden()
    wait(heather, 10)
    expect(dialog(heather.page)).to_be_visible()
    expect(dialog(other)).to_be_visible()

    dialog(other).get_by_role("button", name="Rester connecté").click()

    expect(dialog(other)).to_be_hidden()
    expect(dialog(heather.page)).to_be_hidden()


def test_signing_out_in_one_tab_hides_what_the_others_show(heather: Patient) -> None:
    other = heather.page.context.new_page()
    other.goto("/conditions")

    heather.signs_out()

    heather.sees("Connexion")
    expect(dialog(other)).to_have_accessible_name(OVER)
    expect(other.get_by_role("main")).to_be_hidden()


def test_signing_in_elsewhere_leaves_a_way_back_where_it_was_over(heather: Patient) -> None:
    """What is hidden stays so: it may be somebody else who signed in."""
    heather.goes_to_the_visits()
    there = heather.page.url
    wait(heather, 20, 1)
    is_told_of_the_end(heather)
    first, other = heather.page, heather.page.context.new_page()
    heather.page = other
    heather.opens("/connexion")
    heather.fills_in_the_sign_in_form()
    heather.sees("Tableau de bord")

    heather.page = first
    is_told_of_the_end(heather)
    heather.presses("Se reconnecter")
    heather.sees("Rendez-vous")
    assert heather.page.url == there


def test_what_is_typed_without_a_draft_is_there_after_signing_in_again(
    heather: Patient, portal: Portal
) -> None:
    heather.opens("/compte/demande")
    heather.main.locator("#texte").fill("Ma mère, Marie Levesque.")
    wait(heather, 20, 1)
    is_told_of_the_end(heather)

    heather.presses("Se reconnecter")
    heather.fills_in_the_sign_in_form()
    heather.sees("Demander l’ajout d’un profil")
    heather.reads("Votre texte a été conservé.")
    expect(heather.main.locator("#texte")).to_have_value("Ma mère, Marie Levesque.")
    assert portal.value("SELECT count(*) FROM clinic_request WHERE text LIKE 'Ma mère%'") == 0


def test_near_the_twelfth_hour_staying_is_not_offered(heather: Patient, portal: Portal) -> None:
    portal.change(
        "UPDATE session SET created_at = datetime(created_at, '-11 hours', '-55 minutes')"
    )
    heather.opens("/")
    wait(heather, 3, 5)
    expect(dialog(heather.page)).to_have_accessible_name("Votre session se termine bientôt")
    expect(heather.control("Rester connecté")).to_be_hidden()
    heather.looks_around()

    heather.presses("Continuer")

    expect(dialog(heather.page)).to_be_hidden()
    wait(heather, 2)
    is_told_of_the_end(heather)
