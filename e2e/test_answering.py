"""Reading what the clinic wrote, and answering it."""

import re

import pytest
from playwright.sync_api import expect

from domain.demo.data.people import CAMILLE
from domain.people.policy import Grant
from e2e import helper
from e2e.browsing import DESKTOP, PLAIN_PHONE, Device
from e2e.clinic_writes import ANSWER, ASKED, SUBJECT, answers, id_of, patient_of, writes
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal

RED = ".side [data-unread=inbox] .count, .bar [data-unread=inbox] .count"


def counted(on: Patient) -> int:
    """The red counter, where this device shows it."""
    (text,) = {e.inner_text() for e in on.page.locator(RED).filter(visible=True).all()} or {""}
    return int(re.sub(r"\D", "", text) or 0)


def is_counted(on: Patient, number: int) -> None:
    for _ in range(100):
        if counted(on) == number:
            return
        on.page.wait_for_timeout(100)
    assert counted(on) == number


def opens_from_the_list(on: Patient, subject: str = SUBJECT) -> None:
    row = on.main.get_by_role("link").filter(has_text=subject).first
    row.click()
    on.sees(subject)


@pytest.mark.both
def test_an_unread_message_is_read_answered_once_and_again_when_the_clinic_writes(
    heather: Patient, portal: Portal
) -> None:
    address = writes(portal, "Heather")
    heather.opens(f"/profils/{patient_of(portal, 'Heather')}/communications")
    before = counted(heather)

    opens_from_the_list(heather)

    expect(heather.main).to_contain_text(ASKED)
    expect(heather.page).to_have_url(re.compile(id_of(address)))
    is_counted(heather, before - 1)
    heather.reads("Note : Vous êtes limité à une seule réponse.")
    heather.presses("Répondre")
    heather.reads("appelez le 911")
    answers(heather)

    expect(heather.page.locator("[data-said]")).to_be_focused()
    heather.reads("Votre réponse a été envoyée.")
    heather.looks_around()
    expect(heather.page.locator(".message.is-own")).to_contain_text(ANSWER)
    expect(heather.page.locator(".message.is-own")).to_contain_text("Envoyé")
    button = heather.page.get_by_role("button", name="Répondre", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_accessible_description(re.compile("Une réponse a déjà été envoyée"))

    writes(portal, "Heather", "Et pour janvier ?", thread=id_of(address))
    heather.opens(address)
    expect(heather.page.locator("li.message").last).to_contain_text("Nouveau")
    heather.presses("Répondre")
    answers(heather, "Oui, aussi.")
    expect(heather.page.locator(".message.is-own")).to_have_count(2)


def test_a_corrected_answer_leaves_no_form_to_send_again_behind(
    heather: Patient, portal: Portal
) -> None:
    heather.opens(writes(portal, "Heather"))
    heather.presses("Répondre")
    expect(heather.page.locator("#texte")).to_be_focused()
    heather.presses("Envoyer")
    heather.is_warned("Écrivez votre message.")
    answers(heather)
    heather.reads("Votre réponse a été envoyée.")

    heather.page.go_back()
    heather.sees(SUBJECT)
    expect(heather.page.locator(".message.is-own")).to_contain_text(ANSWER)
    heather.does_not_read("Votre réponse a été envoyée.")


def test_a_double_click_answers_once(heather: Patient, portal: Portal) -> None:
    heather.opens(f"{writes(portal, 'Heather')}?repondre=1")
    before = portal.value("SELECT count(*) FROM message")
    heather.page.locator("#texte").fill(ANSWER)
    heather.page.locator("#lu").check()
    heather.control("Envoyer").dblclick()
    heather.reads("Votre réponse a été envoyée.")
    assert portal.value("SELECT count(*) FROM message") == before + 1


def test_an_answer_that_does_not_get_through_stays_in_its_form(
    heather: Patient, portal: Portal
) -> None:
    heather.opens(f"{writes(portal, 'Heather')}?repondre=1")
    heather.page.route("**/reponse*", lambda route: route.abort())
    answers(heather)
    heather.reads("Rien n’a été envoyé : le portail ne répond pas.")
    heather.page.unroute("**/reponse*")
    heather.presses("Envoyer")
    heather.reads("Votre réponse a été envoyée.")


def test_cancelling_closes_the_form_and_keeps_what_was_begun(
    heather: Patient, portal: Portal
) -> None:
    heather.opens(f"{writes(portal, 'Heather')}?repondre=1")
    heather.page.locator("#texte").fill(ANSWER)
    heather.presses("Annuler")
    heather.sees(SUBJECT)
    expect(heather.page.locator("#texte")).to_have_count(0)
    heather.presses("Répondre")
    expect(heather.page.locator("#texte")).to_have_value(ANSWER)


def test_who_answers_for_someone_else_is_told_so(heather: Patient, portal: Portal) -> None:
    """P15: the name stands where one writes, and where it was sent."""
    heather.opens(f"{writes(portal, 'Nathan')}?repondre=1")
    heather.reads("Au nom de Nathan Milner")
    answers(heather)
    heather.reads("Votre réponse a été envoyée au nom de Nathan Milner.")


def test_everything_works_without_scripts(open_browser: Open, portal: Portal) -> None:
    heather = open_browser(PLAIN_PHONE)
    heather.signs_in()
    writes(portal, "Heather")
    heather.opens(f"/profils/{patient_of(portal, 'Heather')}/communications")
    opens_from_the_list(heather)
    heather.presses("Répondre")
    heather.presses("Envoyer")
    heather.is_warned("Écrivez votre message.")
    answers(heather)
    heather.reads("Votre réponse a été envoyée.")


@pytest.mark.both
def test_a_long_thread_opens_at_what_is_new(heather: Patient, portal: Portal) -> None:
    bodies = [f"Message {n}. " + "Nous avons reçu vos résultats. " * 12 for n in range(8)]
    address = writes(portal, "Heather", *bodies)
    heather.opens(address)
    expect(heather.page.locator("#nouveau")).to_be_in_viewport()
    heather.looks_around()


def test_on_a_wide_screen_the_next_thread_opens_beside_the_list(
    open_browser: Open, portal: Portal
) -> None:
    heather = open_browser(DESKTOP)
    heather.signs_in()
    writes(portal, "Heather", subject="Premier")
    second = writes(portal, "Heather", subject="Deuxième")
    heather.opens(second)
    heather.sees("Deuxième")
    heather.page.evaluate("() => { window.isTheSamePage = true; }")
    opens_from_the_list(heather, "Premier")
    assert heather.page.evaluate("() => window.isTheSamePage")
    expect(heather.page).to_have_title(re.compile("^Premier"))
    current = heather.page.locator(".pane-list [aria-current]")
    expect(current).to_contain_text("Premier")
    heather.page.go_back()
    heather.sees("Deuxième")


def test_the_last_words_are_kept_when_another_thread_opens_beside_the_list(
    open_browser: Open, portal: Portal
) -> None:
    heather = open_browser(DESKTOP)
    heather.signs_in()
    writes(portal, "Heather", subject="Premier")
    second = writes(portal, "Heather", subject="Deuxième")
    heather.opens(f"{second}?repondre=1")
    heather.page.locator("#texte").fill(ANSWER)
    opens_from_the_list(heather, "Premier")
    expect(heather.page.locator("#texte")).to_have_count(0)
    opens_from_the_list(heather, "Deuxième")
    expect(heather.page.locator("#texte")).to_have_value(ANSWER)


def test_who_may_only_see_invoices_reads_nothing_else(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    """A6: of a thread that holds both, the invoice alone."""
    helper.acts_for_heather(portal, Grant.READ_INVOICES)
    address = writes(portal, "Heather", "Le message.", subject="Prise de sang")
    writes(portal, "Heather", "La facture.", kind="invoice", thread=id_of(address))
    other = writes(portal, "Heather", "Un secret.", subject="Autre chose")
    camille = open_browser(device)
    camille.signs_in(CAMILLE.email)
    camille.opens(address)
    camille.sees("Prise de sang")
    camille.reads("La facture.")
    camille.does_not_read("Le message.")
    camille.does_not_read("Autre chose")
    camille.reads("Votre accès à ce profil ne permet pas d’écrire à la clinique.")
    camille.opens(other)
    camille.sees("Page introuvable")
