"""Who acts for whom and what patients ask: the staff in one browser, the patient in another."""

import re

import pytest
from playwright.sync_api import expect

from domain.demo.data.visits import TO_CONFIRM
from e2e.browsing import DESKTOP, PHONE, PLAIN_DESKTOP, Device
from e2e.conftest import Open, in_soak
from e2e.desk_access import accesses, request
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import at_work

EVERYWHERE = pytest.mark.parametrize(
    "device", [DESKTOP, PLAIN_DESKTOP, *in_soak(PHONE)], indirect=True, ids=str
)
TABLET = Device("tablet", 768, 1024)


@EVERYWHERE
def test_staff_attach_a_child_and_the_parent_switches_to_it_until_they_take_it_back(
    camille: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    manon = at_work(open_browser(device))
    manon.opens(accesses(portal, "Nathan"))
    manon.sees("Accès")
    manon.presses("Donner un accès")
    manon.sees("Donner un accès")
    manon.page.locator("#q").fill("roy.camille@example.com")
    manon.presses("Chercher")
    manon.main.get_by_role("link", name=re.compile("^Choisir")).click()
    manon.sees("Donner un accès")
    manon.answers("Proche aidant")
    manon.page.get_by_label("Factures").uncheck()
    manon.presses("Donner l’accès")
    manon.reads("L’accès est donné.")
    manon.reads("Camille Roy")
    manon.looks_around()

    assert {(mail.to, mail.subject) for mail in portal.run_jobs()} == {
        ("roy.camille@example.com", "Vous avez accès à un profil")
    }
    camille.opens("/")
    camille.page.get_by_role("link", name="Nathan Milner").click()
    camille.sees("Rendez-vous")
    expect(camille.page.get_by_text("Vous agissez au nom de")).to_be_visible()
    tab = camille.page.url

    camille_row = manon.main.get_by_role("listitem").filter(has_text="Camille Roy")
    camille_row.get_by_role("link", name=re.compile("^Retirer")).click()
    manon.sees("Retirer cet accès ?")
    manon.presses("Retirer l’accès")
    manon.reads("L’accès est retiré.")

    assert camille.page.goto(tab).status == 404  # type: ignore[union-attr]
    camille.opens("/")
    expect(camille.page.get_by_text("Nathan Milner")).to_have_count(0)


@EVERYWHERE
def test_who_cannot_come_tells_the_clinic_which_cancels_and_tells_back(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    appointment = portal.coming(TO_CONFIRM)
    heather.goes_to_the_visits()
    visit = heather.unfolds(appointment)
    visit.get_by_role("link", name="Prévenir la clinique que je ne viendrai pas").click()
    heather.sees("Prévenir la clinique que vous ne viendrez pas ?")
    heather.page.locator("#texte").fill("Je suis au lit avec de la fièvre.")
    heather.presses("Prévenir la clinique")
    heather.sees("Rendez-vous")
    expect(heather.visit(appointment)).to_contain_text("La clinique est prévenue.")
    expect(heather.visit(appointment)).to_contain_text("À confirmer")
    assert portal.run_jobs() == []

    manon = at_work(open_browser(device))
    manon.opens("/clinique/demandes")
    manon.sees("Demandes")
    row = manon.main.get_by_role("row").filter(has_text="au lit avec de la fièvre")
    row.get_by_role("link", name="Ne viendra pas").click()
    manon.sees("Demande de Heather Milner")
    asked = manon.page.url
    manon.presses("Annuler le rendez-vous")
    manon.main.get_by_role("button", name="Annuler le rendez-vous").click()
    assert portal.value("SELECT cancelled_at FROM appointment WHERE id = ?", appointment)
    manon.opens(asked)
    manon.reads("Le rendez-vous est annulé.")
    manon.answers("C’est fait")
    manon.presses("Terminer la demande")
    manon.reads("La demande est traitée.")

    heather.opens(heather.page.url.partition("?")[0])
    expect(heather.visit(appointment)).to_contain_text("Annulé")
    (mail,) = portal.run_jobs()
    assert (mail.to, "annulé" in mail.subject) == ("milner.heather@example.com", True)


@pytest.mark.parametrize("device", [DESKTOP, TABLET], indirect=True, ids=str)
def test_a_wish_to_act_for_someone_is_granted_from_the_request_itself(
    camille: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    manon = at_work(open_browser(device))
    manon.opens(request(portal, "attach"))
    manon.sees("Demande de Camille Roy")
    manon.page.locator("#q").fill("zoé arsenault")
    manon.page.locator("#q").press("Enter")
    manon.main.get_by_role("link", name=re.compile("^Donner un accès")).click()
    manon.sees("Donner un accès")
    manon.answers("Autre lien")
    manon.presses("Donner l’accès")
    manon.sees("Demande de Camille Roy")
    manon.answers("C’est fait")
    manon.presses("Terminer la demande")
    manon.sees("Demandes")
    camille.opens("/")
    expect(camille.page.get_by_role("link", name="Zoé Arsenault")).to_be_visible()
    subjects = {mail.subject for mail in portal.run_jobs() if "camille" in mail.to}
    assert subjects == {"Vous avez accès à un profil", "La clinique a traité votre demande"}


@pytest.mark.parametrize("device", [DESKTOP, *in_soak(PHONE)], indirect=True, ids=str)
def test_a_block_leaves_the_parent_with_nothing_to_read_but_that_it_is_over(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    manon = at_work(open_browser(device))
    manon.opens(accesses(portal, "Nathan", "/blocage"))
    manon.sees("Bloquer un accès")
    manon.page.get_by_role("radio", name=re.compile("Heather Milner")).check()
    manon.page.locator("#motif").fill("Ordonnance du tribunal")
    manon.presses("Bloquer l’accès")
    manon.reads("L’accès est bloqué.")
    manon.reads("Accès bloqué")
    manon.looks_around()

    heather.opens("/")
    heather.sees("Tableau de bord")
    assert "Nathan" not in (heather.page.text_content("body") or "")
    (mail,) = portal.run_jobs()
    assert (mail.to, mail.subject) == (
        "milner.heather@example.com",
        "Votre accès à un profil est retiré",
    )
    assert "bloqu" not in mail.text.lower() + (heather.page.text_content("body") or "").lower()
