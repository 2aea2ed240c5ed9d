"""Nothing that was typed is lost: not by closing the page, nor by the session's end."""

import re

from playwright.sync_api import expect

from e2e import writing
from e2e.patient import Patient
from e2e.portal import Portal


def test_what_was_being_written_is_there_in_another_tab_and_is_sent(
    heather: Patient, portal: Portal
) -> None:
    writing.opens_the_form(heather)
    writing.fills_it_in(heather)
    writing.is_told_of_the_draft(heather)
    heather.looks_around()

    first, heather.page = heather.page, heather.page.context.new_page()
    first.close()
    writing.opens_the_form(heather)
    expect(writing.text(heather)).to_have_value(writing.TEXT)
    expect(writing.subject(heather)).to_have_value(writing.SUBJECT)
    writing.is_told_of_the_draft(heather)

    writing.sends(heather)
    assert portal.value("SELECT count(*) FROM draft") == 0
    assert portal.value("SELECT body FROM message ORDER BY sent_at DESC LIMIT 1") == writing.TEXT


def test_the_last_words_before_the_tab_closes_are_kept(heather: Patient, portal: Portal) -> None:
    writing.opens_the_form(heather)
    writing.text(heather).fill("Bonjour, ")
    heather.opens("/")
    heather.sees("Tableau de bord")

    writing.opens_the_form(heather)
    expect(writing.text(heather)).to_have_value("Bonjour, ")
    heather.presses("Supprimer le brouillon")
    heather.sees("Boîte de réception")
    assert portal.value("SELECT count(*) FROM draft") == 0


def test_a_message_sent_after_the_session_s_end_goes_after_signing_in(
    heather: Patient, portal: Portal
) -> None:
    writing.opens_the_form(heather)
    writing.fills_it_in(heather)
    writing.session_ends(heather)
    heather.presses("Envoyer")

    heather.fills_in_the_sign_in_form()
    heather.sees("Nouveau message")
    heather.reads("Votre texte a été conservé.")
    expect(writing.text(heather)).to_have_value(writing.TEXT)
    expect(heather.main.locator("#lu")).to_be_checked()
    writing.sends(heather)
    assert portal.value("SELECT count(*) FROM message WHERE body = ?", writing.TEXT) == 1


def test_saving_after_the_session_s_end_says_so_and_stops(heather: Patient, portal: Portal) -> None:
    writing.opens_the_form(heather)
    writing.session_ends(heather)
    writing.text(heather).fill(writing.TEXT)
    heather.reads("Votre session est terminée. Votre texte sera conservé à l’envoi.")
    asked: list[str] = []
    heather.page.on("request", lambda request: asked.append(request.url))
    writing.text(heather).fill(f"{writing.TEXT} Merci.")
    heather.page.wait_for_timeout(2000)
    assert asked == []

    heather.presses("Envoyer")
    heather.fills_in_the_sign_in_form()
    heather.reads("Votre texte a été conservé.")
    expect(writing.text(heather)).to_have_value(f"{writing.TEXT} Merci.")


def test_of_two_tabs_the_older_does_not_write_over_the_newer(
    heather: Patient, portal: Portal
) -> None:
    writing.opens_the_form(heather)
    writing.is_written_in_another_tab(heather)

    writing.text(heather).fill("Le premier onglet.")
    heather.reads(writing.NEWER)
    heather.looks_around()
    assert portal.rows("SELECT body FROM draft") == [("Ce qui fut écrit ailleurs.",)]


def test_what_was_signed_in_again_in_another_tab_takes_the_text_of_the_first(
    heather: Patient, portal: Portal
) -> None:
    writing.opens_the_form(heather)
    writing.fills_it_in(heather)
    writing.is_told_of_the_draft(heather)
    first, heather.page = heather.page, heather.page.context.new_page()
    writing.session_ends(heather)
    heather.opens("/")
    heather.fills_in_the_sign_in_form()
    heather.sees("Tableau de bord")
    heather.page.close()

    heather.page = first
    heather.presses("Envoyer")
    heather.reads("Votre texte a été conservé.")
    writing.sends(heather)


def test_the_counter_counts_as_the_server_does(heather: Patient) -> None:
    writing.opens_the_form(heather)
    writing.text(heather).fill("😀" * 499)
    counter = heather.main.locator("#texte-counter")
    expect(counter).to_have_text("499 / 500")
    writing.text(heather).press_sequentially("\nab")
    expect(counter).to_have_text("502 / 500")
    status = heather.page.locator("#status")
    expect(status).to_have_text(re.compile(heather.says("Caractères en trop :") + " 2"))
