import pytest
from playwright.sync_api import expect

from e2e.browsing import DESKTOP, PHONE, PLAIN_DESKTOP, PLAIN_PHONE
from e2e.conftest import in_soak
from e2e.patient import Patient
from e2e.portal import Portal

QUESTION = "En quelques mots, indiquez le motif de la consultation"


@pytest.mark.parametrize(
    "device", [PHONE, PLAIN_DESKTOP, *in_soak(DESKTOP, PLAIN_PHONE)], indirect=True, ids=str
)
def test_a_patient_finds_an_urgent_visit_with_whoever_is_free(
    heather: Patient, portal: Portal
) -> None:
    heather.presses("Rendez-vous d’urgence")
    heather.sees("Choisissez le lieu")
    heather.chooses("Clinique des Érables – Rosemont")
    heather.sees("Choisissez le type de rendez-vous")
    heather.chooses("Accès adapté")
    heather.sees("Motif de la consultation")
    heather.reads("S’il s’agit d’une urgence, appelez le 911.")

    heather.presses("Continuer")
    heather.is_warned("Indiquez le motif de la consultation.")

    heather.page.get_by_role("textbox", name=QUESTION).fill("Fièvre depuis hier soir")
    if heather.device.has_scripts:
        heather.reads("23 / 140")
    heather.presses("Continuer")
    heather.sees("Sélectionnez votre créneau horaire")
    assert len({words.split(" ", 1)[1] for words in heather.slots().all_text_contents()}) > 1

    slot = heather.picks_a_slot()
    heather.reads("Fièvre depuis hier soir")
    heather.books()

    heather.presses("Terminé")
    heather.sees("Rendez-vous")
    appointment = portal.value("SELECT id FROM appointment WHERE slot = ?", slot)
    # It begins within 72 hours, so that it may be confirmed at once.
    visit = heather.unfolds(appointment)
    expect(visit.get_by_role("button", name="Confirmer le rendez-vous")).to_be_visible()
    (mail,) = portal.run_jobs()
    assert "Confirmer le rendez-vous" in mail.links()
