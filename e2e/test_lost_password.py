import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.browsing import ENGLISH_PHONE, PLAIN_PHONE
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

NEW = "Gélinotte*58brume"


def asks_for_a_link(patient: Patient) -> str:
    """The one that comes by mail."""
    patient.presses("Réinitialiser le mot de passe")
    patient.sees("Vérifiez votre boîte courriel")
    (mail,) = patient.portal.run_jobs()
    assert mail.to == HEATHER.email
    return mail.links()["Réinitialiser votre mot de passe"]


def chooses(patient: Patient, password: str, again: str | None = None) -> None:
    patient.page.locator("#mot_de_passe").fill(password)
    patient.page.locator("#confirmation").fill(again or password)


def test_a_forgotten_password_is_replaced_by_another(stranger: Patient, portal: Portal) -> None:
    stranger.opens("/connexion")
    stranger.page.get_by_label("Courriel").fill(HEATHER.email)
    stranger.presses("Mot de passe oublié ?")

    stranger.sees("Mot de passe oublié")
    expect(stranger.page.get_by_label("Courriel")).to_have_value(HEATHER.email)
    expect(stranger.page).to_have_url(f"{portal.url}/mot-de-passe-oublie")
    link = asks_for_a_link(stranger)

    stranger.opens(link)
    stranger.sees("Choisissez un nouveau mot de passe")
    assert stranger.page.url == f"{portal.url}/reinitialisation"
    expect(stranger.page.get_by_label("Courriel")).to_have_value(HEATHER.email)
    button = stranger.control("Connexion")
    expect(button).to_have_attribute("aria-disabled", "true")
    chooses(stranger, NEW, "Autre-12-Mot")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.press("Enter")
    stranger.is_warned("Les deux mots de passe ne sont pas identiques.")

    chooses(stranger, NEW)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    stranger.presses("Connexion")
    stranger.sees("Tableau de bord")
    (told,) = portal.run_jobs()
    assert told.subject.startswith("Votre mot de passe est changé")

    stranger.opens(link)
    stranger.sees("Ce lien ne fonctionne plus")
    stranger.presses("Recevoir un nouveau lien")
    stranger.sees("Mot de passe oublié")


def test_the_page_says_the_same_for_an_address_nobody_has(
    stranger: Patient, portal: Portal
) -> None:
    stranger.opens("/mot-de-passe-oublie")
    stranger.page.get_by_label("Courriel").fill("personne@example.com")
    stranger.presses("Réinitialiser le mot de passe")

    stranger.sees("Vérifiez votre boîte courriel")
    stranger.reads("Un courriel vous a été envoyé si un compte du portail existe à cette adresse.")
    assert portal.run_jobs() == []


@pytest.mark.parametrize("device", [PLAIN_PHONE, ENGLISH_PHONE], ids=str)
def test_it_works_in_english_and_without_scripts(open_browser: Open, device: object) -> None:
    patient = open_browser(device)
    patient.has_chosen_the_language()
    patient.opens("/mot-de-passe-oublie")
    patient.page.get_by_label(patient.says("Courriel")).fill(HEATHER.email)
    patient.opens(asks_for_a_link(patient))
    patient.sees("Choisissez un nouveau mot de passe")
    chooses(patient, NEW)
    patient.presses("Connexion")
    patient.sees("Tableau de bord")
    assert PASSWORD != NEW
