import pytest
from playwright.sync_api import expect

from domain.demo.data.people import CAMILLE, HEATHER
from e2e.conftest import Open
from e2e.new_address import NEW, asks, reads_both_mailboxes, types_the_code
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone


def test_both_mailboxes_answer_in_another_browser_and_the_new_address_signs_in(
    heather: Patient, open_browser: Open, portal: Portal
) -> None:
    asks(heather)
    mailed = reads_both_mailboxes(heather)
    heather.presses("Terminer")
    heather.sees("Tableau de bord")
    elsewhere = open_browser(heather.device)
    elsewhere.signs_in(HEATHER.email)  # the old address, until then
    elsewhere.signs_out()

    elsewhere.opens(mailed.link)
    elsewhere.sees("Modifier votre courriel de connexion")
    assert mailed.link.rpartition("/")[2] not in elsewhere.page.url
    expect(elsewhere.main).to_contain_text(NEW)
    types_the_code(elsewhere, mailed.code)

    elsewhere.sees("Connexion")
    elsewhere.reads("Votre courriel est changé.")
    told = {mail.to for mail in portal.run_jobs() if "changé" in mail.subject}
    assert told == {HEATHER.email, NEW}
    elsewhere.fills_in_the_sign_in_form(NEW)
    elsewhere.sees("Tableau de bord")
    heather.page.reload()
    heather.sees("Connexion")


def test_who_confirms_where_they_are_signed_in_stays_so(heather: Patient) -> None:
    asks(heather)
    mailed = reads_both_mailboxes(heather)

    heather.opens(mailed.link)
    types_the_code(heather, mailed.code)

    heather.sees("Votre courriel est changé")
    heather.presses("Terminer")
    heather.sees("Tableau de bord")
    expect(heather.main).to_contain_text(NEW)


def test_what_is_missing_is_said_and_the_address_is_kept(heather: Patient) -> None:
    heather.opens("/compte/courriel")
    button = heather.control("Sauvegarder")
    expect(button).to_have_attribute("aria-disabled", "true")
    field(heather, "Courriel").fill(NEW)
    field(heather, "Confirmez le courriel").fill("autre@nouveau.example")

    button.press("Enter")

    heather.is_warned("Saisissez votre mot de passe actuel.")
    heather.is_warned("Les deux adresses courriel ne sont pas identiques.")
    expect(field(heather, "Courriel")).to_have_value(NEW)


def test_the_two_mails_are_sent_again(heather: Patient, portal: Portal) -> None:
    asks(heather)
    first = reads_both_mailboxes(heather)
    heather.presses("Renvoyer")
    heather.reads("Attendez une minute avant de les renvoyer.")
    portal.clock.advance(minutes=1)

    heather.presses("Renvoyer")

    heather.reads("Les deux courriels ont été renvoyés.")
    assert reads_both_mailboxes(heather) == first


def test_a_wrong_code_is_told_and_the_fifth_ends_the_request(heather: Patient) -> None:
    asks(heather)
    mailed = reads_both_mailboxes(heather)
    heather.opens(mailed.link)
    for _ in range(4):
        types_the_code(heather, mailed.wrong_code)
        heather.is_warned("Ce n’est pas le bon code.")

    types_the_code(heather, mailed.wrong_code)

    heather.sees("Ce lien ne fonctionne plus")
    heather.opens("/")
    expect(heather.main).to_contain_text(HEATHER.email)


def test_an_address_that_is_taken_looks_the_same_and_its_owner_is_told(
    heather: Patient, portal: Portal
) -> None:
    asks(heather, CAMILLE.email)

    subjects = {mail.to: mail.subject for mail in portal.run_jobs()}

    assert subjects[CAMILLE.email] == "Quelqu’un a demandé votre adresse courriel"
    assert set(subjects) == {HEATHER.email, CAMILLE.email}
