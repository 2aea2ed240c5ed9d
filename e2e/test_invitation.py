import pytest
from playwright.sync_api import expect

from domain.demo.data.people import CAMILLE
from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE, PLAIN_PHONE, Device
from e2e.conftest import Open, in_soak
from e2e.invited import DENIS, answers, is_invited
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = pytest.mark.phone_alone

AGAIN = "Appelez la clinique pour recevoir une nouvelle demande d’activation et un nouveau code."


@pytest.mark.parametrize("device", [PHONE, PLAIN_PHONE, *in_soak(DESKTOP, ENGLISH_PHONE)], ids=str)
def test_the_link_and_the_code_lead_to_the_terms_and_in(open_browser: Open, device: Device) -> None:
    denis = open_browser(device)
    invitation = is_invited(denis)

    denis.opens(invitation.link)
    denis.sees("Activer votre compte")
    assert invitation.link.rpartition("/")[2] not in denis.page.url
    expect(field(denis, "Courriel")).to_have_value(DENIS)
    expect(field(denis, "Courriel")).not_to_be_editable()
    answers(denis, f"{invitation.code[:3]} {invitation.code[3:]}")

    denis.sees("Termes et conditions")
    denis.presses("J’ai lu, compris et accepté les Termes et conditions")
    denis.sees("Tableau de bord")
    expect(denis.page.get_by_text("Denis Ouellet").first).to_be_attached()


def test_the_button_tells_when_all_is_filled_in(stranger: Patient) -> None:
    stranger.opens(is_invited(stranger).link)
    button = stranger.main.get_by_role("button", name="Connexion", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")

    button.press("Enter")
    stranger.is_warned("Saisissez le code.")
    stranger.is_warned("Choisissez un mot de passe.")


def test_a_wrong_code_is_told_with_what_is_left_and_the_fifth_ends_it(stranger: Patient) -> None:
    invitation = is_invited(stranger)
    stranger.opens(invitation.link)
    stranger.sees("Activer votre compte")

    for left in ("Il reste 4 essais.", "Il reste 3 essais.", "Il reste 2 essais.", "un essai"):
        answers(stranger, invitation.wrong_code)
        stranger.is_warned(
            f"Ce n’est pas le bon code. {left if left != 'un essai' else 'Il reste un essai.'}"
        )
        expect(field(stranger, "Code de la clinique")).to_have_value(invitation.wrong_code)
        expect(field(stranger, "Mot de passe")).to_have_value("")

    answers(stranger, invitation.wrong_code)
    stranger.sees("Trop d’essais")
    stranger.reads(AGAIN)
    stranger.opens(invitation.link)
    stranger.sees("Trop d’essais")


def test_an_invitation_that_ran_out_says_whom_to_call(stranger: Patient, portal: Portal) -> None:
    invitation = is_invited(stranger)
    stranger.opens(invitation.link)
    stranger.sees("Activer votre compte")
    portal.clock.advance(days=7)

    answers(stranger, invitation.code)

    stranger.sees("Invitation expirée")
    stranger.reads(AGAIN)
    expect(stranger.main.get_by_role("link", name="(514) 555-0142")).to_be_visible()


def test_who_has_an_account_already_signs_in_and_is_told_to_call_for_a_second_chart(
    stranger: Patient,
) -> None:
    invitation = is_invited(stranger, CAMILLE.email)
    stranger.opens(invitation.link)
    stranger.sees("Activer votre compte")
    stranger.reads("Rien n’y a été changé.")

    stranger.presses("Connexion")
    stranger.fills_in_the_sign_in_form(CAMILLE.email)

    stranger.sees("Appelez la clinique")


def test_who_has_an_account_without_a_chart_adds_it_with_the_code(
    stranger: Patient, portal: Portal
) -> None:
    portal.change(
        "DELETE FROM proxy_grant WHERE account = (SELECT id FROM account WHERE email = ?)",
        CAMILLE.email,
    )
    invitation = is_invited(stranger, CAMILLE.email)
    stranger.opens(invitation.link)
    stranger.presses("Connexion")
    stranger.fills_in_the_sign_in_form(CAMILLE.email)

    stranger.sees("Ajouter votre dossier")
    field(stranger, "Code de la clinique").fill(invitation.code)
    stranger.presses("Ajouter mon dossier")

    stranger.sees("Tableau de bord")
    expect(stranger.page.get_by_text("Denis Ouellet").first).to_be_attached()
