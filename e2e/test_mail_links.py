from playwright.sync_api import expect

from domain.demo.data.visits import TO_DECIDE
from e2e.browsing import PLAIN_PHONE
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal

CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


def test_an_unknown_browser_confirms_with_an_answer_of_its_own(
    stranger: Patient, portal: Portal
) -> None:
    appointment = portal.coming(TO_DECIDE)
    stranger.opens(mailed(portal, CONFIRM))
    stranger.sees("Confirmer votre rendez-vous")
    answer = stranger.page.get_by_role("radio", name="Oui, je serai présent")
    expect(answer).not_to_be_checked()

    stranger.presses(CONFIRM)
    stranger.is_warned("Cochez « Oui, je serai présent » pour confirmer.")
    assert not is_confirmed(portal, appointment)

    answer.check()
    stranger.presses(CONFIRM)
    stranger.sees("Votre rendez-vous est confirmé")
    assert is_confirmed(portal, appointment)


def test_a_known_browser_confirms_in_one_click(heather: Patient, portal: Portal) -> None:
    appointment = portal.coming(TO_DECIDE)
    heather.signs_out()
    heather.sees("Connexion")

    heather.opens(mailed(portal, CONFIRM))

    heather.sees("Votre rendez-vous est confirmé")
    assert is_confirmed(portal, appointment)


def test_a_known_browser_without_scripts_confirms_by_the_button(
    open_browser: Open, portal: Portal
) -> None:
    heather = open_browser(PLAIN_PHONE)
    heather.signs_in()

    heather.opens(mailed(portal, CONFIRM))
    heather.sees("Confirmer votre rendez-vous")
    assert not is_confirmed(portal, portal.coming(TO_DECIDE))
    heather.presses(CONFIRM)

    heather.sees("Votre rendez-vous est confirmé")


def test_an_unknown_browser_cancels_and_is_offered_another_visit(
    stranger: Patient, portal: Portal
) -> None:
    stranger.opens(mailed(portal, CANCEL))
    stranger.sees("Annuler ce rendez-vous ?")
    stranger.presses(CANCEL)
    stranger.is_warned("Cochez « Oui, annuler ce rendez-vous » pour l’annuler.")

    stranger.answers("Oui, annuler ce rendez-vous")
    stranger.presses(CANCEL)

    stranger.sees("Votre rendez-vous est annulé")
    expect(stranger.control("Prendre un rendez-vous")).to_be_visible()
    # What that mail still offers is over.
    stranger.opens(mailed(portal, CONFIRM))
    stranger.sees("Ce rendez-vous est annulé")


def test_a_known_browser_cancels_by_the_button_alone(heather: Patient, portal: Portal) -> None:
    heather.opens(mailed(portal, CANCEL))
    heather.sees("Annuler ce rendez-vous ?")
    expect(heather.main.get_by_role("radio")).to_have_count(0)

    heather.presses(CANCEL)

    heather.sees("Votre rendez-vous est annulé")


def test_a_link_altered_on_the_way_says_what_to_do(stranger: Patient, portal: Portal) -> None:
    stranger.opens(mailed(portal, CONFIRM)[:-4] + "AAAA")

    stranger.sees("Ce lien ne fonctionne plus")
    stranger.reads("(514) 555-0142")


def mailed(portal: Portal, words: str) -> str:
    """The button of the mail that asks to confirm the visit that may still be cancelled."""
    (mail,) = [
        mail
        for mail in portal.mails()
        if mail.subject == "Veuillez confirmer votre rendez-vous" and CANCEL in mail.links()
    ]
    return mail.links()[words]


def is_confirmed(portal: Portal, appointment: str) -> bool:
    return bool(
        portal.value("SELECT confirmed_at IS NOT NULL FROM appointment WHERE id = ?", appointment)
    )
