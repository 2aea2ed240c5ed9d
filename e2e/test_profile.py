from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER
from e2e import helper
from e2e.addresses import profile
from e2e.browsing import BOTH
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

LOST = "Ce patient a passé l’âge de consentement. Vous n’avez plus accès à son dossier."
STOP = "Ne plus recevoir les courriels de rendez-vous"
BEFORE_MIDNIGHT = datetime(2026, 11, 25, 4, 50, tzinfo=UTC)  # 23:50 in Montréal


def test_she_sees_her_own_profile_and_her_sons(heather: Patient, portal: Portal) -> None:
    goes_to_the_profile(heather)
    heather.reads("27 avril 1989")
    heather.reads("Vous seul avez accès à ce profil sur le portail.")
    field = heather.page.get_by_label("Téléphone secondaire")
    field.fill("12")
    heather.presses("Enregistrer les téléphones")
    heather.is_warned("Ce numéro n’est pas valide.")
    expect(field).to_have_value("12")
    field.fill("438 555 0164")
    heather.presses("Enregistrer les téléphones")
    heather.reads("Vos téléphones sont enregistrés.")
    expect(field).to_have_value("(438) 555-0164")

    heather.opens("/")
    heather.page.get_by_role("link", name="Nathan Milner").click()
    heather.sees("Rendez-vous")
    goes_to_the_profile(heather)
    heather.reads("18 février 2017")
    heather.does_not_read("Téléphone")
    bar = heather.page.get_by_role("region", name="Profil")
    expect(bar).to_contain_text("Vous agissez au nom de Nathan Milner")
    heather.presses("Voir qui a consulté le dossier")
    heather.sees("Qui a consulté ce dossier")
    heather.reads("A consulté le dossier")


def test_her_son_turns_fourteen_while_his_page_is_open(stranger: Patient, portal: Portal) -> None:
    portal.change("UPDATE patient SET birth_date = '2012-11-25' WHERE first_name = 'Nathan'")
    portal.run_jobs()
    portal.clock.now = BEFORE_MIDNIGHT
    stranger.signs_in(HEATHER.email)
    stranger.page.get_by_role("link", name="Nathan Milner").click()
    stranger.sees("Rendez-vous")

    portal.clock.advance(minutes=9, seconds=59)
    goes_to_the_profile(stranger)
    portal.clock.advance(seconds=1)
    stranger.presses("Enregistrer les courriels")

    stranger.sees("Accès terminé")
    stranger.reads(LOST)
    stranger.opens("/")
    card = stranger.main.get_by_role("listitem").filter(has_text="Nathan Milner")
    expect(card).to_contain_text(LOST)
    expect(card.get_by_role("link")).to_have_count(0)
    told = [mail for mail in portal.run_jobs() if mail.to == HEATHER.email]
    assert "Votre accès à un profil a pris fin" in {mail.subject for mail in told}
    assert portal.run_jobs() == []


def test_she_takes_an_access_back_and_it_is_gone_at_once(
    heather: Patient, camille: Patient, portal: Portal
) -> None:
    helper.acts_for_heather(portal)
    camille.opens("/")
    camille.page.get_by_role("link", name="Heather Milner").click()
    camille.sees("Rendez-vous")

    goes_to_the_profile(heather)
    heather.reads("Camille Roy")
    heather.main.get_by_role("link", name="Retirer l’accès").click()
    heather.sees("Retirer cet accès ?")
    heather.presses("Retirer l’accès")
    heather.reads("L’accès est retiré.")
    heather.does_not_read("Camille Roy")

    presses_profile(camille)
    camille.sees("Page introuvable")
    camille.does_not_read("Heather")
    assert {mail.to for mail in portal.run_jobs()} == {HEATHER.email, "roy.camille@example.com"}


def test_unsubscribed_she_can_still_reset_her_password(stranger: Patient, portal: Portal) -> None:
    stranger.opens(link_to_stop(portal))
    stranger.sees("Ne plus recevoir ces courriels ?")
    stranger.presses("Ne plus recevoir")
    stranger.is_warned("Cochez « Oui, ne plus recevoir ces courriels ».")
    stranger.answers("Oui, ne plus recevoir ces courriels")
    stranger.presses("Ne plus recevoir")
    stranger.sees("Ces courriels sont arrêtés")

    stranger.signs_in()
    stranger.goes_to_the_slots()
    stranger.picks_a_slot()
    stranger.books()
    assert portal.run_jobs() == []
    stranger.signs_out()
    stranger.opens("/mot-de-passe-oublie")
    stranger.page.get_by_label("Courriel").fill(HEATHER.email)
    stranger.presses("Réinitialiser le mot de passe")
    (mail,) = portal.run_jobs()
    assert "Réinitialiser votre mot de passe" in mail.links()


def test_what_she_refuses_in_the_profile_is_asked_for_again_there(
    heather: Patient, portal: Portal
) -> None:
    goes_to_the_profile(heather)
    box = heather.page.get_by_role("checkbox", name="Rendez-vous")
    box.uncheck()
    heather.presses("Enregistrer les courriels")
    heather.reads("Votre choix de courriels est enregistré.")
    expect(box).not_to_be_checked()
    box.check()
    heather.presses("Enregistrer les courriels")
    heather.reads("Votre choix de courriels est enregistré.")
    assert portal.value("SELECT count(*) FROM mail_preference") == 0


@pytest.mark.parametrize("device", BOTH[:1], indirect=True, ids=str)
def test_she_ends_another_device_and_takes_her_data_along(heather: Patient, portal: Portal) -> None:
    elsewhere = portal.begin_session(HEATHER.email)
    heather.opens("/")
    heather.presses("Appareils connectés")
    heather.sees("Appareils connectés")
    heather.answers("Tous les autres appareils")
    heather.page.get_by_label("Votre mot de passe").fill("Tulipe-42-Nord")
    heather.presses("Déconnecter")
    heather.reads("C’est fait")
    heather.reads("Votre compte n’est ouvert nulle part ailleurs.")
    assert elsewhere
    assert portal.value("SELECT count(*) FROM session") == 1

    heather.opens("/compte/export")
    heather.page.get_by_label("Votre mot de passe").fill("Tulipe-42-Nord")
    with heather.page.expect_download() as download:
        heather.presses("Télécharger mes données")
    assert download.value.suggested_filename == "mes-donnees.json"


def goes_to_the_profile(patient: Patient) -> None:
    presses_profile(patient)
    patient.sees("Profil")


def presses_profile(patient: Patient) -> None:
    navigation = patient.page.get_by_role("navigation")
    if patient.device.is_phone:
        navigation.get_by_text("Menu").click()
    navigation.get_by_role("link", name=patient.says("Profil"), exact=True).click()


def link_to_stop(portal: Portal) -> str:
    """From a mail about a visit of Heather's own."""
    heather = profile(portal).rpartition("/")[2]
    for mail in portal.mails():
        link = mail.links().get(STOP)
        if link and "Nathan" not in mail.text and mail.to == HEATHER.email:
            return link
    raise AssertionError(f"no mail about {heather}")
