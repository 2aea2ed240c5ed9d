"""R111: the guide's journeys, and a secretary's letter, with the keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from domain.demo.data.visits import TO_CANCEL, TO_CONFIRM
from e2e import papers
from e2e.browsing import DESKTOP
from e2e.clinic_writes import ANSWER, writes
from e2e.desk_writing import SUBJECT, writing_to
from e2e.keyboard import follows, goes_to, reaches, ticks, types
from e2e.new_address import NEW, reads_both_mailboxes
from e2e.newcomer import ZOE, mailed_link
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import at_work

pytestmark = [
    pytest.mark.audit,
    pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str),
]
CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


def test_an_account_is_created_and_activated(stranger: Patient) -> None:
    zoe = stranger
    zoe.opens("/connexion")
    follows(zoe, "Créer un compte", "Créer un compte")
    form = {
        "Courriel": ZOE,
        "Confirmez le courriel": ZOE,
        "Mot de passe": PASSWORD,
        "Confirmez le mot de passe": PASSWORD,
        "Prénom": "Zoé",
        "Nom de famille": "Tremblay",
        "Année": "1989",
        "Mois": "avril",
        "Jour": "27",
        "Téléphone principal": "5141231234",
    }
    for label, text in form.items():
        types(zoe, label, text)
    zoe.page.keyboard.press("Enter")
    zoe.sees("Vérifiez votre boîte courriel")
    zoe.opens(mailed_link(zoe))
    types(zoe, "Mot de passe", PASSWORD)
    zoe.page.keyboard.press("Enter")
    zoe.sees("Connexion")
    zoe.reads("Votre compte est activé.")
    types(zoe, "Mot de passe", PASSWORD)
    zoe.page.keyboard.press("Enter")
    zoe.sees("Termes et conditions")
    follows(zoe, "J’ai lu, compris et accepté", "Tableau de bord")


def test_a_visit_is_confirmed_and_another_cancelled(heather: Patient, portal: Portal) -> None:
    follows(heather, "Rendez-vous", "Rendez-vous")
    confirmed, cancelled = portal.coming(TO_CONFIRM), portal.coming(TO_CANCEL)
    reaches(heather, heather.visit(confirmed).locator("summary"))
    heather.page.keyboard.press("Enter")
    goes_to(heather, CONFIRM)
    heather.page.keyboard.press("Enter")
    expect(heather.visit(confirmed)).to_contain_text("Confirmé")

    reaches(heather, heather.visit(cancelled).locator("summary"))
    heather.page.keyboard.press("Space")
    follows(heather, CANCEL, "Annuler ce rendez-vous ?")
    follows(heather, CANCEL, "Rendez-vous")
    expect(heather.visit(cancelled)).to_contain_text("Annulé")


def test_a_message_is_read_and_answered(heather: Patient, portal: Portal) -> None:
    writes(portal, "Heather", subject="Bilan")
    follows(heather, "Boîte de réception", "Boîte de réception")
    follows(heather, "Bilan", "Bilan")
    goes_to(heather, "Répondre")
    heather.page.keyboard.press("Enter")
    expect(heather.page.locator("#texte")).to_be_focused()
    heather.page.keyboard.type(ANSWER)
    ticks(heather, "J’ai lu")
    goes_to(heather, "Envoyer")
    heather.page.keyboard.press("Enter")
    heather.reads("Votre réponse a été envoyée.")
    expect(heather.page.locator("[data-said]")).to_be_focused()


def test_a_document_is_opened_and_kept(heather: Patient, portal: Portal) -> None:
    papers.arrives(portal)
    follows(heather, "Documents", "Documents")
    follows(heather, papers.SUBJECT, papers.SUBJECT)
    with heather.page.expect_download() as kept:
        reaches(heather, heather.control(f"Télécharger {papers.TITLE}"))
        heather.page.keyboard.press("Enter")
    assert kept.value.suggested_filename == papers.FILE_NAME


def test_another_profile_is_chosen_and_left(heather: Patient) -> None:
    reaches(heather, heather.main.get_by_role("link", name="Nathan Milner"))
    heather.page.keyboard.press("Enter")
    heather.sees("Rendez-vous")
    expect(heather.page.get_by_role("region", name="Profil")).to_contain_text("Nathan Milner")
    goes_to(heather, "Changer")
    heather.page.keyboard.press("Enter")
    heather.sees("Tableau de bord")


def test_the_address_is_changed(heather: Patient) -> None:
    follows(heather, "modifier le courriel", "Modifier votre courriel")
    types(heather, "Mot de passe", PASSWORD)
    types(heather, "Courriel", NEW)
    types(heather, "Confirmez le courriel", NEW)
    goes_to(heather, "Sauvegarder")
    heather.page.keyboard.press("Enter")
    heather.sees("Il reste à confirmer votre courriel")
    mailed = reads_both_mailboxes(heather)
    heather.opens(mailed.link)
    types(heather, "Code d’activation", mailed.code)
    heather.page.keyboard.press("Enter")
    heather.sees("Votre courriel est changé")


def test_a_refused_form_is_corrected_from_its_summary(stranger: Patient) -> None:
    stranger.opens("/connexion")
    types(stranger, "Mot de passe", PASSWORD)
    stranger.page.keyboard.press("Enter")
    expect(stranger.page.get_by_role("alert")).to_be_focused()
    stranger.page.keyboard.press("Tab")
    stranger.page.keyboard.press("Enter")
    expect(stranger.page.locator("#courriel")).to_be_focused()
    stranger.page.keyboard.type(HEATHER.email)
    types(stranger, "Mot de passe", PASSWORD)
    stranger.page.keyboard.press("Enter")
    stranger.sees("Tableau de bord")


def test_a_secretary_finds_a_patient_and_writes(stranger: Patient, portal: Portal) -> None:
    manon = at_work(stranger)
    manon.page.keyboard.press("/")
    expect(manon.page.locator("[data-search]")).to_be_focused()
    manon.page.keyboard.type("milner heather")
    manon.page.keyboard.press("Enter")
    manon.sees("Patients")
    follows(manon, "Heather Milner", "Heather Milner")

    manon.opens(writing_to(portal))
    types(manon, "Sujet", SUBJECT)
    types(manon, "Texte", "Bonjour, voici.")
    goes_to(manon, "Envoyer")
    manon.page.keyboard.press("Enter")
    manon.sees(SUBJECT)
    manon.reads("La communication est envoyée.")


def test_a_secretary_confirms_by_the_row(stranger: Patient) -> None:
    manon = at_work(stranger)
    manon.page.keyboard.press("j")
    manon.page.keyboard.press("Enter")
    expect(manon.page).to_have_url(re.compile("/clinique/rendez-vous"))
