import pytest
from playwright.sync_api import expect

from e2e.patient import Patient
from e2e.portal import Portal


def test_an_earlier_step_is_changed_and_the_rest_is_kept(heather: Patient, portal: Portal) -> None:
    heather.goes_to_the_slots(reason="Fatigue")
    heather.presses("Dre Isabelle Roy")
    heather.sees("Choisissez l’intervenant")

    heather.chooses("Peu importe l’intervenant")

    heather.sees("Sélectionnez votre créneau horaire")
    assert heather.crumbs() == [
        "Médecine de famille",
        "Peu importe l’intervenant",
        "Clinique des Érables – Rosemont",
        "Suivi médical",
        "Dès que possible",
    ]
    heather.picks_a_slot()
    heather.reads("Fatigue")
    heather.books()


def test_another_slot_is_chosen_and_the_first_is_free_again(
    heather: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots()
    first = heather.picks_a_slot()
    heather.presses("Retourner")
    heather.sees("Sélectionnez votre créneau horaire")
    expect(heather.slot(first)).to_contain_text("réservé pour vous")

    second = heather.picks_a_slot(2)

    assert portal.rows("SELECT slot FROM hold") == [(second,)]
    heather.page.go_back()
    heather.sees("Sélectionnez votre créneau horaire")
    assert first != second


@pytest.mark.both
def test_a_day_is_asked_for_and_the_weeks_are_leafed_through(heather: Patient) -> None:
    heather.begins_booking()
    heather.chooses_the_offer()
    heather.answers("À partir du")
    heather.presses("Continuer")
    heather.is_warned("Choisissez une date.")

    heather.page.get_by_label("Date", exact=True).fill("2026-12-14")
    heather.goes_on_to_the_slots()

    heather.reads("14 – 20 décembre")
    heather.page.get_by_role("link", name="Semaine suivante").click()
    heather.reads("21 – 27 décembre")
    heather.looks_around()
    heather.page.go_back()
    heather.reads("14 – 20 décembre")
