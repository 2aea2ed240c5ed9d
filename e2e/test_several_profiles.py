import pytest
from playwright.sync_api import expect

from e2e.browsing import BOTH
from e2e.patient import Patient
from e2e.portal import Portal

LOST = "Ce patient a passé l’âge de consentement. Vous n’avez plus accès à son dossier."


@pytest.mark.both
def test_a_mother_books_for_her_son_and_never_forgets_for_whom(
    heather: Patient, portal: Portal
) -> None:
    heather.page.get_by_role("link", name="Nathan Milner").click()
    heather.sees("Rendez-vous")
    acts_for_nathan(heather)

    heather.begins_booking()
    acts_for_nathan(heather)
    heather.chooses("Pédiatrie")
    heather.sees("Choisissez l’intervenant")
    heather.chooses("Dre Sofia Haddad")
    heather.sees("Quand souhaitez-vous venir ?")
    heather.reads("pour Nathan Milner")
    acts_for_nathan(heather)
    heather.goes_on_to_the_slots(reason="Vaccin")
    acts_for_nathan(heather)
    heather.picks_a_slot(0)
    acts_for_nathan(heather)
    expect(heather.main.get_by_role("definition").filter(has_text="Nathan Milner")).to_be_visible()
    heather.books()
    acts_for_nathan(heather)

    author, patient = portal.rows(
        """
        SELECT ac.email, pa.first_name FROM appointment ap
        JOIN account ac ON ac.id = ap.booked_by JOIN patient pa ON pa.id = ap.patient
        ORDER BY ap.booked_at DESC LIMIT 1
        """
    )[0]
    assert (author, patient) == ("milner.heather@example.com", "Nathan")
    (mail,) = portal.run_jobs()
    assert "Nathan" in mail.text


def test_two_tabs_on_two_profiles_do_not_mix(heather: Patient) -> None:
    heather.page.get_by_role("link", name="Nathan Milner").click()
    heather.sees("Rendez-vous")
    other = heather.page.context.new_page()
    other.goto("/")
    other.get_by_role("link", name="Prendre un rendez-vous").first.click()
    expect(other.get_by_role("main")).to_contain_text("pour Heather Milner")

    heather.begins_booking()

    heather.reads("pour Nathan Milner")


def test_a_son_of_age_is_no_longer_open_to_her(heather: Patient, portal: Portal) -> None:
    hugo = portal.value("SELECT id FROM patient WHERE first_name = 'Hugo'")
    card = heather.main.get_by_role("listitem").filter(has_text="Hugo Levesque")
    expect(card).to_contain_text(LOST)
    expect(card.get_by_role("link")).to_have_count(0)

    with heather.page.expect_response(f"**/profils/{hugo}/rendez-vous") as answer:
        heather.opens(f"/profils/{hugo}/rendez-vous")

    assert answer.value.status == 403
    heather.sees("Accès terminé")
    heather.reads(LOST)


@pytest.mark.parametrize("device", BOTH[:1], indirect=True, ids=str)
def test_a_strangers_profile_does_not_exist(heather: Patient, portal: Portal) -> None:
    camille = portal.value("SELECT id FROM patient WHERE first_name = 'Camille'")

    heather.opens(f"/profils/{camille}/rendez-vous")

    heather.sees("Page introuvable")
    heather.does_not_read("Camille")


def acts_for_nathan(heather: Patient) -> None:
    bar = heather.page.get_by_role("region", name="Profil")
    expect(bar).to_contain_text("Vous agissez au nom de Nathan Milner")
