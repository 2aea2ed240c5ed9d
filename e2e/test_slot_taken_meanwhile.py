from playwright.sync_api import expect

from e2e.patient import Patient
from e2e.portal import Portal


def test_a_slot_taken_meanwhile_gives_way_to_one_of_the_nearest(
    heather: Patient, camille: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots(reason="Fatigue")
    camille.goes_to_the_slots(of="Camille")
    wanted = camille.picks_a_slot()
    camille.books()

    heather.slot(wanted).click()
    heather.is_warned("Ce créneau vient d’être pris.")
    expect(heather.slot(wanted)).to_have_count(0)

    heather.page.get_by_role("alert").get_by_role("button").first.click()
    heather.sees("Confirmez le rendez-vous")
    heather.reads("Fatigue")
    heather.books()
    assert portal.value("SELECT count(*) FROM appointment WHERE slot = ?", wanted) == 1


def test_a_slot_held_by_another_is_not_offered(heather: Patient, camille: Patient) -> None:
    camille.goes_to_the_slots(of="Camille")
    held = camille.picks_a_slot()

    heather.goes_to_the_slots()

    expect(heather.slot(held)).to_have_count(0)


def test_a_slot_lost_on_the_card_is_told_and_nothing_typed_is_lost(
    heather: Patient, camille: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots(reason="Fatigue")
    wanted = heather.picks_a_slot()
    portal.clock.advance(minutes=6)
    camille.goes_to_the_slots(of="Camille")
    camille.slot(wanted).click()
    camille.sees("Confirmez le rendez-vous")
    camille.books()

    heather.presses("Confirmer le rendez-vous")

    heather.is_warned("Ce créneau vient d’être pris.")
    heather.picks_a_slot()
    heather.reads("Fatigue")
