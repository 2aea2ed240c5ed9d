import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.browsing import Device
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

NEW = "Gélinotte*58brume"


def types(patient: Patient, old: str, new: str, again: str) -> None:
    patient.page.get_by_label("Ancien mot de passe").fill(old)
    patient.page.get_by_label("Nouveau mot de passe").fill(new)
    patient.page.get_by_label("Confirmez le mot de passe").fill(again)


def test_a_new_password_signs_out_the_other_browser_and_not_this_one(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    other = open_browser(device)
    other.signs_in(HEATHER.email)
    portal.run_jobs()

    heather.presses("modifier le mot de passe")
    heather.sees("Changer de mot de passe")
    types(heather, "Autre-12-Mot", NEW, NEW)
    heather.presses("Sauvegarder")
    heather.is_warned("Ce n’est pas votre mot de passe actuel.")
    expect(heather.page.get_by_label("Nouveau mot de passe")).to_have_value("")

    types(heather, PASSWORD, NEW, NEW)
    heather.presses("Sauvegarder")
    heather.sees("Votre mot de passe est changé")
    heather.presses("Terminer")
    heather.sees("Tableau de bord")
    heather.reads("Dernier changement : 24 novembre 2026")
    (told,) = portal.run_jobs()
    assert (told.to, told.subject.startswith("Votre mot de passe est changé")) == (
        HEATHER.email,
        True,
    )

    other.opens("/")
    other.sees("Connexion")
    other.page.get_by_label("Courriel").fill(HEATHER.email)
    other.page.get_by_label("Mot de passe").fill(PASSWORD)
    other.presses("Connexion")
    other.is_warned("Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement")
    other.page.get_by_label("Mot de passe").fill(NEW)
    other.presses("Connexion")
    other.sees("Tableau de bord")


def test_who_thinks_better_of_it_goes_back(heather: Patient) -> None:
    heather.presses("modifier le mot de passe")
    heather.sees("Changer de mot de passe")
    heather.presses("Annuler")
    heather.sees("Tableau de bord")
