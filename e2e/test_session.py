import pytest
from playwright.sync_api import expect

from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone


def test_who_goes_back_after_signing_out_is_shown_nothing(heather: Patient) -> None:
    heather.goes_to_the_visits()
    heather.signs_out()
    heather.sees("Connexion")

    heather.page.go_back()

    heather.sees("Connexion")
    expect(heather.page.get_by_text("Milner")).to_have_count(0)
    assert {cookie["name"] for cookie in heather.page.context.cookies()} == {"csrf", "known"}


def test_a_session_that_ends_during_booking_costs_no_choice(
    heather: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots(reason="Fatigue")
    step = heather.page.url
    portal.clock.advance(minutes=21)

    heather.slots().first.click()

    heather.fills_in_the_sign_in_form()
    heather.sees("Sélectionnez votre créneau horaire")
    assert heather.page.url == step
    heather.picks_a_slot()
    heather.reads("Fatigue")
    heather.books()


def test_a_session_that_ends_while_a_week_is_leafed_through_leads_to_the_sign_in_page(
    heather: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots()
    portal.clock.advance(minutes=21)

    heather.page.get_by_role("link", name="Semaine suivante").click()

    heather.fills_in_the_sign_in_form()
    heather.sees("Sélectionnez votre créneau horaire")


def test_a_session_that_ends_on_the_confirmation_card_leads_back_to_it(
    heather: Patient, portal: Portal
) -> None:
    heather.goes_to_the_slots()
    heather.picks_a_slot()
    portal.clock.advance(minutes=21)

    heather.presses("Confirmer le rendez-vous")

    heather.fills_in_the_sign_in_form()
    heather.sees("Confirmez le rendez-vous")
    heather.books()


def test_the_wrong_password_is_told_and_the_address_is_kept(stranger: Patient) -> None:
    stranger.opens("/")
    stranger.sees("Connexion")
    assert {cookie["name"] for cookie in stranger.page.context.cookies()} == {"csrf"}
    stranger.page.get_by_label("Courriel").fill("milner.heather@example.com")
    stranger.page.get_by_label("Mot de passe").fill("Tulipe-42-Sud")
    stranger.presses("Connexion")

    stranger.is_warned(
        "Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement"
        " de notre système."
    )

    expect(stranger.page.get_by_label("Courriel")).to_have_value("milner.heather@example.com")
    expect(stranger.page.get_by_label("Mot de passe")).to_have_value("")
