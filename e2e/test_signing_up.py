import pytest
from playwright.sync_api import expect

from e2e import newcomer
from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE, PLAIN_PHONE, Device
from e2e.conftest import Open, in_soak
from e2e.newcomer import ZOE, activates, applies, enters, field, fills_in, goes_to_the_form
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

JUNK = (
    "Le courriel peut se retrouver dans la boîte des indésirables. Vérifiez-la si vous ne voyez"
    " pas la demande d’activation dans votre boîte principale."
)


@pytest.mark.parametrize("device", [PHONE, PLAIN_PHONE, *in_soak(DESKTOP, ENGLISH_PHONE)], ids=str)
def test_a_newcomer_signs_up_and_reaches_the_dashboard(open_browser: Open, device: Device) -> None:
    zoe = open_browser(device)

    applies(zoe)
    zoe.reads(JUNK)
    expect(zoe.main).to_contain_text(ZOE)
    activates(zoe)
    enters(zoe)

    zoe.reads("En attente de jumelage")
    expect(zoe.main).to_contain_text("Zoé Tremblay")
    expect(zoe.main).to_contain_text("1989-04-27")
    expect(zoe.main).to_contain_text("(514) 555-0142")


def test_the_button_says_when_all_is_filled_in_and_can_be_pressed_before(
    stranger: Patient,
) -> None:
    goes_to_the_form(stranger)
    button = stranger.control("Créer un compte")
    expect(button).to_have_attribute("aria-disabled", "true")

    button.press("Enter")
    stranger.is_warned("Inscrivez votre adresse courriel.")
    expect(stranger.page.get_by_role("alert")).to_be_focused()

    fills_in(stranger)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    field(stranger, "Confirmez le courriel").fill("zoe@example.org")
    expect(button).to_have_attribute("aria-disabled", "true")


def test_what_was_typed_is_kept_beside_each_error(stranger: Patient) -> None:
    goes_to_the_form(stranger)
    fills_in(stranger, month="Avrile")
    field(stranger, "Numéro d’assurance maladie").fill("TREM 12")

    stranger.control("Créer un compte").press("Enter")

    stranger.is_warned("Écrivez le mois de votre naissance")
    expect(field(stranger, "Courriel")).to_have_value(ZOE)
    expect(field(stranger, "Mois")).to_have_value("Avrile")
    expect(field(stranger, "Mois")).to_have_attribute("aria-invalid", "true")
    expect(field(stranger, "Mot de passe")).to_have_value("")
    stranger.page.get_by_role("alert").get_by_role("link").last.click()
    expect(field(stranger, "Numéro d’assurance maladie")).to_be_focused()


def test_the_password_list_follows_what_is_typed(stranger: Patient) -> None:
    goes_to_the_form(stranger)
    met = stranger.main.locator(".conditions .is-met")
    expect(met).to_have_count(0)
    field(stranger, "Mot de passe").fill("Tulipe")
    expect(met).to_have_text(["une lettre minuscule : fait", "une lettre majuscule : fait"])
    newcomer.types_the_password(stranger)
    expect(met).to_have_count(5)


def test_the_rarer_kinds_of_phone_wait_behind_show_all(stranger: Patient) -> None:
    goes_to_the_form(stranger)
    kind = stranger.main.get_by_role("combobox").first
    options = kind.get_by_role("option")
    expect(options).to_have_text(["Mobile", "Ligne fixe", "Travail", "Afficher tout"])

    kind.select_option("Travail")
    kind.select_option("Afficher tout")

    expect(options).to_have_text(["Mobile", "Ligne fixe", "Travail", "Domicile", "Autre"])
    expect(kind).to_have_value("work")
    kind.select_option("Domicile")
    stranger.control("Créer un compte").press("Enter")
    stranger.is_warned("Inscrivez votre adresse courriel.")
    expect(kind).to_have_value("home")
    expect(options).to_have_count(5)


@pytest.mark.parametrize("device", [PHONE, PLAIN_PHONE], ids=str)
def test_a_child_is_sent_to_a_parent_and_a_mistyped_year_is_put_right(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    zoe = open_browser(device)
    goes_to_the_form(zoe)
    fills_in(zoe, year="2019")
    zoe.presses("Créer un compte")
    zoe.sees("Un parent ou un tuteur crée le compte")
    assert portal.rows("SELECT * FROM registration WHERE first_name = 'Zoé'") == []

    zoe.presses("Corriger la date de naissance")
    zoe.sees("Créer un compte")
    expect(field(zoe, "Courriel")).to_have_value(ZOE)
    field(zoe, "Année").fill("1989")
    newcomer.types_the_password(zoe)
    zoe.presses("Créer un compte")
    zoe.sees("Vérifiez votre boîte courriel")


def test_a_mail_that_does_not_come_is_sent_again_after_a_moment(
    stranger: Patient, portal: Portal
) -> None:
    applies(stranger)
    first = newcomer.mailed_link(stranger)
    stranger.presses("Renvoyer le courriel")
    stranger.is_warned("Le courriel vient d’être envoyé.")

    portal.clock.advance(minutes=2)
    stranger.presses("Renvoyer le courriel")
    stranger.reads("Seul le lien du plus récent fonctionne.")

    stranger.opens(first)
    stranger.sees("Ce lien ne fonctionne plus")
    activates(stranger)


def test_who_signs_in_too_early_is_offered_the_mail(stranger: Patient, portal: Portal) -> None:
    applies(stranger)
    stranger.opens("/connexion")
    stranger.fills_in_the_sign_in_form(ZOE)
    stranger.sees("Compte à activer")

    portal.clock.advance(minutes=2)
    stranger.presses("Renvoyer le courriel")
    stranger.sees("Vérifiez votre boîte courriel")
    activates(stranger)


def test_an_expired_link_offers_a_new_one(stranger: Patient, portal: Portal) -> None:
    applies(stranger)
    link = newcomer.mailed_link(stranger)
    portal.clock.advance(hours=24)
    stranger.opens(link)
    stranger.sees("Ce lien ne fonctionne plus")
    field(stranger, "Courriel").fill(ZOE)
    stranger.presses("Renvoyer le courriel")
    stranger.sees("Vérifiez votre boîte courriel")
    activates(stranger)


def test_a_robot_that_looks_at_the_mail_activates_nothing(
    stranger: Patient, portal: Portal
) -> None:
    applies(stranger)
    link = newcomer.mailed_link(stranger)
    for _ in range(3):
        stranger.page.request.get(link)
        stranger.page.request.head(link)
    assert portal.rows("SELECT activated_at FROM account WHERE email = ?", ZOE) == [(None,)]
    stranger.opens(link)
    stranger.sees("Activez votre compte")
