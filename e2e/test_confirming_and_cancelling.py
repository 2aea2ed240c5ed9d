import pytest
from playwright.sync_api import expect

from domain.demo.data.visits import TO_CANCEL, TO_CONFIRM, TO_DECIDE
from e2e.patient import Patient
from e2e.portal import Portal

CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


def test_a_visit_is_confirmed_in_the_tab(heather: Patient, portal: Portal) -> None:
    appointment = portal.coming(TO_CONFIRM)
    heather.goes_to_the_visits()
    visit = heather.unfolds(appointment)
    expect(visit.get_by_role("link", name=CANCEL)).to_have_count(0)
    expect(visit.get_by_role("link", name="appelez la clinique")).to_be_visible()

    visit.get_by_role("button", name=CONFIRM).click()

    expect(heather.visit(appointment)).to_contain_text("Confirmé")
    expect(visit.get_by_role("button", name=CONFIRM)).to_have_count(0)
    expect(heather.activity().get_by_role("link").first).to_contain_text("Rendez-vous confirmé")
    heather.looks_around()


@pytest.mark.both
def test_a_visit_is_cancelled_from_the_dashboard_after_asking(
    heather: Patient, portal: Portal
) -> None:
    appointment = portal.coming(TO_CANCEL)
    heather.presses("Afficher tous les rendez-vous")
    visit = heather.unfolds(appointment)
    expect(visit.get_by_role("button", name=CONFIRM)).to_have_count(0)

    visit.get_by_role("link", name=CANCEL).click()
    heather.sees("Annuler ce rendez-vous ?")
    heather.reads("Heather Milner")
    heather.presses("Retour")
    heather.sees("Rendez-vous")
    expect(heather.visit(appointment)).to_contain_text("À confirmer")

    heather.visit(appointment).get_by_role("link", name=CANCEL).click()
    heather.sees("Annuler ce rendez-vous ?")
    heather.presses(CANCEL)

    heather.sees("Rendez-vous")
    expect(heather.visit(appointment)).to_contain_text("Annulé")
    expect(heather.activity().get_by_role("link").first).to_contain_text("Rendez-vous annulé")
    (mail,) = portal.run_jobs()
    assert mail.subject == "Votre rendez-vous est annulé"


def test_a_deadline_that_passes_while_the_page_is_open_is_told(
    heather: Patient, portal: Portal
) -> None:
    appointment = portal.coming(TO_DECIDE)
    heather.goes_to_the_visits()
    visit = heather.unfolds(appointment)
    expect(visit.get_by_role("button", name=CONFIRM)).to_be_visible()
    visit.get_by_role("link", name=CANCEL).click()
    heather.sees("Annuler ce rendez-vous ?")
    heather.reads("Ce rendez-vous ne peut être annulé après le 24 novembre 2026 à 19:40")

    portal.change("UPDATE session SET last_used_at = '2026-11-25 00:39:00+00:00'")
    portal.clock.advance(hours=10, minutes=11)
    heather.presses(CANCEL)

    heather.is_warned("Ce rendez-vous ne peut être annulé après le 24 novembre 2026 à 19:40.")
    expect(heather.visit(appointment)).to_contain_text("À confirmer")
    expect(heather.visit(appointment).get_by_role("link", name=CANCEL)).to_have_count(0)
