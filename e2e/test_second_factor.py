import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER
from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE, PLAIN_PHONE, Device
from e2e.conftest import Open, in_soak
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.two_steps import is_asked_for_the_code, is_offered, switches_on, types

pytestmark = pytest.mark.phone_alone

WRONG = (
    "Ce code n’est pas le bon, ou il a déjà servi."
    " Attendez que votre application en affiche un nouveau."
)


@pytest.mark.parametrize("device", [PHONE, PLAIN_PHONE, *in_soak(DESKTOP, ENGLISH_PHONE)], ids=str)
def test_who_switches_it_on_is_asked_for_a_code_from_then_on(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    heather = open_browser(device)
    heather.signs_in(HEATHER.email)
    heather.reads("Non activée")
    portal.run_jobs()
    application, codes = switches_on(heather)
    assert len(set(codes)) == 10
    heather.presses("Terminer")
    heather.sees("Tableau de bord")
    heather.does_not_read("Non activée")
    (told,) = portal.run_jobs()
    assert told.to == HEATHER.email
    assert told.subject == "La validation en deux étapes est activée"

    other = open_browser(device)
    other.has_chosen_the_language()
    is_asked_for_the_code(other)
    types(other, "000000")
    other.presses("Connexion")
    other.is_warned(WRONG)
    types(other, application.code())
    other.presses("Connexion")
    other.sees("Tableau de bord")


def test_without_the_phone_a_recovery_code_opens_the_door_once(
    heather: Patient, open_browser: Open, device: Device
) -> None:
    _, codes = switches_on(heather)
    for browser in (open_browser(device), open_browser(device)):
        is_asked_for_the_code(browser)
        types(browser, codes[0])
        browser.presses("Connexion")
        if browser.page.url.endswith("/"):
            browser.sees("Tableau de bord")
            browser.opens("/compte/validation")
            browser.reads("9 codes qui peuvent encore servir")
        else:
            browser.is_warned(WRONG)
    browser.is_warned(WRONG)


def test_who_comes_back_from_the_application_finds_the_page_again(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    application, _ = switches_on(heather)
    other = open_browser(device)
    other.opens("/conditions")
    other.fills_in_the_sign_in_form()
    other.sees("Code de validation")
    other.page.reload()
    other.sees("Code de validation")
    types(other, application.code())
    other.presses("Connexion")
    other.sees("Termes et conditions")

    late = open_browser(device)
    is_asked_for_the_code(late)
    portal.clock.advance(minutes=6)
    types(late, application.code())
    late.presses("Connexion")
    late.is_warned("Connectez-vous de nouveau.")
    late.presses("Revenir à la connexion")
    late.sees("Connexion")


def test_who_switches_it_off_needs_the_password_alone_again(
    heather: Patient, open_browser: Open, device: Device
) -> None:
    application, _ = switches_on(heather)
    heather.opens("/compte/validation")
    heather.presses("Désactiver")
    heather.sees("Désactiver la validation en deux étapes")
    heather.presses("Désactiver")
    heather.is_warned("Saisissez votre mot de passe actuel.")
    field(heather, "Mot de passe").fill("Tulipe-42-Nord")
    types(heather, application.code())
    heather.presses("Désactiver")
    heather.reads("La validation en deux étapes est désactivée.")
    open_browser(device).signs_in(HEATHER.email)


def test_the_codes_can_be_copied(heather: Patient) -> None:
    heather.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _, codes = switches_on(heather)
    heather.presses("Copier")
    expect(heather.control("Copié")).to_be_visible()
    copied = heather.page.evaluate("() => navigator.clipboard.readText()")
    assert copied.split("\n") == codes


def test_who_thinks_better_of_it_goes_back(heather: Patient) -> None:
    is_offered(heather)
    heather.presses("Annuler")
    heather.sees("Validation en deux étapes")
