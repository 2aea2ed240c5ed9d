from dataclasses import replace

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.addresses import profile
from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE
from e2e.keyboard import goes_to, types
from e2e.patient import Patient


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_a_visit_is_booked_with_the_keyboard_alone(stranger: Patient) -> None:
    stranger.opens("/")
    types(stranger, "Courriel", HEATHER.email)
    types(stranger, "Mot de passe", PASSWORD)
    stranger.page.keyboard.press("Enter")
    stranger.sees("Tableau de bord")
    for choice in (
        "Prendre un rendez-vous",
        "Médecine de famille",
        "Dre Isabelle Roy",
        "Clinique des Érables – Rosemont",
        "Suivi médical",
    ):
        here = stranger.page.url
        goes_to(stranger, choice)
        stranger.page.keyboard.press("Enter")
        expect(stranger.page).not_to_have_url(here)
    stranger.sees("Quand souhaitez-vous venir ?")
    types(stranger, "Raison du rendez-vous", "Fatigue")
    goes_to(stranger, "Continuer")
    stranger.page.keyboard.press("Enter")
    stranger.sees("Sélectionnez votre créneau horaire")
    goes_to(stranger, stranger.slots().first.inner_text().replace("\n", " "))
    stranger.page.keyboard.press("Space")
    stranger.sees("Confirmez le rendez-vous")
    goes_to(stranger, "Confirmer le rendez-vous")
    stranger.page.keyboard.press("Enter")
    stranger.sees("Votre rendez-vous est pris")


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_content_is_one_key_away(heather: Patient) -> None:
    goes_to(heather, "Aller au contenu", within=1)
    heather.page.keyboard.press("Enter")
    expect(heather.main).to_be_focused()


@pytest.mark.parametrize("device", [PHONE], indirect=True, ids=str)
def test_the_menu_closes_when_the_focus_leaves_it(heather: Patient) -> None:
    menu = heather.page.locator(".menu")
    heather.page.get_by_text("Menu", exact=True).click()
    menu.get_by_role("link").last.focus()
    expect(menu).to_have_attribute("open", "")
    heather.control("Prendre un rendez-vous").focus()
    expect(menu).not_to_have_attribute("open", "")


@pytest.mark.parametrize("device", [replace(ENGLISH_PHONE, width=320)], indirect=True, ids=str)
def test_a_list_at_the_edge_comes_into_view_for_the_keyboard_and_stays_under_a_finger(
    camille: Patient,
) -> None:
    camille.opens(f"{profile(camille.portal, 'Camille')}/communications")
    lists = camille.page.locator(".chips a")
    sent = lists.last
    lists.nth(2).focus()
    camille.page.keyboard.press("Tab")
    expect(sent).to_be_focused()
    expect(sent).to_be_in_viewport(ratio=1)

    camille.page.reload()
    box = lists.nth(2).bounding_box()
    assert box is not None
    camille.page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    camille.sees("Factures")
