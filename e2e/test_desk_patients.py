"""Patients at the desk: what the staff do, and what the patient sees of it."""

import re

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e import newcomer as applicant
from e2e.browsing import DESKTOP, PHONE, PLAIN_DESKTOP, PLAIN_PHONE, Device
from e2e.charts import AMBIGUOUS, CLEAR, chart, invites, newcomer
from e2e.conftest import Open, in_soak
from e2e.invited import DENIS, answers
from e2e.newcomer import ZOE, field
from e2e.patient import Patient
from e2e.staff import at_work

TABLET = Device("tablet", 768, 1024)


@pytest.fixture
def manon(open_browser: Open, device: Device) -> Patient:
    """The secretary, at work."""
    return at_work(open_browser(device))


@pytest.mark.parametrize("device", [DESKTOP, TABLET], indirect=True, ids=str)
def test_a_patient_is_found_as_one_types_without_leaving_the_keyboard(manon: Patient) -> None:
    manon.opens("/clinique/patients")
    manon.sees("Patients")
    keys = manon.page.keyboard
    expect(manon.page.locator("#q")).to_be_focused()
    keys.type("mil hea")
    found = manon.page.locator("#resultats .found a")
    expect(found).to_have_count(1)
    expect(manon.page).to_have_url(re.compile(r"\?q=mil(\+|%20)hea$"))
    expect(manon.page.locator("#q")).to_be_focused()
    expect(manon.page.locator("#status")).to_have_text("1 patient")
    keys.press("ArrowDown")
    expect(found).to_be_focused()
    keys.press("ArrowUp")
    expect(manon.page.locator("#q")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    manon.sees("Heather Milner")
    manon.page.go_back()
    expect(found).to_have_count(1)


@pytest.mark.parametrize("device", [PLAIN_DESKTOP, *in_soak(PLAIN_PHONE)], indirect=True, ids=str)
@pytest.mark.parametrize("text", ["1989-04-27", "milh 8954 2714", "heather milner"])
def test_without_scripts_enter_finds_too(manon: Patient, text: str) -> None:
    manon.opens("/clinique/patients")
    manon.page.locator("#q").fill(text)
    manon.page.keyboard.press("Enter")
    manon.page.locator(".found a").click()
    manon.sees("Heather Milner")


@pytest.mark.parametrize("device", [DESKTOP, *in_soak(PHONE)], indirect=True, ids=str)
def test_staff_invite_and_the_patient_comes_in_and_sees_their_visits(
    manon: Patient, open_browser: Open
) -> None:
    invites(manon, DENIS)
    code = manon.page.locator(".slip .slip-code").inner_text().replace(" ", "")
    (mail,) = [mail for mail in manon.portal.run_jobs() if mail.to == DENIS]

    denis = open_browser(PHONE)
    denis.opens(mail.links()["Activer votre compte"])
    denis.sees("Activer votre compte")
    answers(denis, code)
    denis.presses("J’ai lu, compris et accepté les Termes et conditions")
    denis.sees("Tableau de bord")
    expect(denis.main.locator(".visits li").first).to_be_visible()

    manon.opens(chart(manon, "Denis Ouellet"))
    manon.reads("Actif")
    manon.reads(DENIS)


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_slip_prints_alone(manon: Patient) -> None:
    invites(manon, DENIS)
    manon.page.emulate_media(media="print")
    expect(manon.page.locator(".slip-code")).to_be_visible()
    for hidden in (".top", ".desk-side", ".patient-head", "h1", ".notice", ".bar"):
        expect(manon.page.locator(hidden).first).to_be_hidden()
    assert manon.page.locator("body").bounding_box()["height"] < 1000  # type: ignore[index]


@pytest.mark.parametrize("device", [DESKTOP, *in_soak(PHONE)], indirect=True, ids=str)
def test_a_patient_signs_up_and_staff_find_their_chart(manon: Patient, open_browser: Open) -> None:
    manon.portal.change(
        "UPDATE patient SET first_name = 'Zoé', last_name = 'Tremblay', birth_date = '1989-04-27',"
        " folded_name = 'tremblay zoe' WHERE first_name = 'Denis'"
    )
    zoe = open_browser(PHONE)
    applicant.applies(zoe)
    applicant.activates(zoe)
    applicant.enters(zoe)
    zoe.reads("Votre compte est en attente de jumelage")

    manon.opens("/clinique/patients")
    manon.presses("3 comptes à jumeler")
    manon.sees("Jumelage")
    manon.page.locator(".found a", has_text="Zoé Tremblay").click()
    manon.sees("Jumeler un compte")
    manon.reads("1 dossier possible")
    manon.page.get_by_role("checkbox").check()
    manon.presses("Relier à ce dossier")
    manon.reads("Le compte est relié à ce dossier.")

    zoe.opens("/")
    zoe.sees("Tableau de bord")
    zoe.does_not_read("Votre compte est en attente de jumelage")
    expect(zoe.main.locator(".visits li").first).to_be_visible()
    assert [mail.subject for mail in zoe.portal.run_jobs() if mail.to == ZOE] == [
        "Votre compte est relié à votre dossier"
    ]


@pytest.mark.parametrize("device", [DESKTOP, *in_soak(PHONE)], indirect=True, ids=str)
def test_of_two_charts_the_differences_are_told_in_words(manon: Patient) -> None:
    manon.opens(newcomer(manon, AMBIGUOUS))
    manon.sees("Jumeler un compte")
    manon.reads("2 dossiers possibles")
    fathers = manon.page.locator(".match .stack > .card").nth(1)
    expect(fathers).to_contain_text("Différent")
    fathers.get_by_role("button", name="Relier à ce dossier").click()
    manon.is_warned("Vérifiez l’identité, puis cochez la case.")


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_a_new_address_needs_the_mailed_link_and_the_code_said_aloud(
    manon: Patient, heather: Patient, open_browser: Open
) -> None:
    new = "heather@nouvelle.example"
    manon.opens(chart(manon, page="/compte/courriel"))
    manon.page.locator("#courriel").fill(new)
    manon.page.get_by_role("checkbox").check()
    manon.presses("Préparer le changement")
    code = manon.page.locator(".slip-code").inner_text()
    mails = {mail.to: mail for mail in manon.portal.run_jobs()}
    assert mails[HEATHER.email].subject == "Un changement de courriel a été demandé"
    link = mails[new].links()["Confirmer le changement"]

    elsewhere = open_browser(PHONE)
    elsewhere.opens(link)
    elsewhere.sees("Modifier votre courriel de connexion")
    field(elsewhere, "Code d’activation").fill(code)
    elsewhere.presses("Modifier le courriel")
    elsewhere.page.get_by_label("Courriel").fill(new)
    elsewhere.page.get_by_label("Mot de passe").fill(PASSWORD)
    elsewhere.presses("Connexion")
    elsewhere.sees("Tableau de bord")
    heather.opens("/")
    heather.sees("Connexion")


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_who_is_no_patient_is_told_to_call(manon: Patient) -> None:
    manon.opens(newcomer(manon))
    manon.presses("Ce n’est pas un patient")
    manon.sees("Ce n’est pas un patient ?")
    manon.presses("Refuser la demande")
    manon.reads("La personne est avertie par courriel")
    (mail,) = [mail for mail in manon.portal.run_jobs() if mail.to == CLEAR]
    assert mail.subject == "Appelez la clinique au sujet de votre compte"
