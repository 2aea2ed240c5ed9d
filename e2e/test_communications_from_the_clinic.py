"""What the clinic sends is told by mail, and its button leads to just that."""

import re
from pathlib import Path

from playwright.sync_api import expect

from domain.messages.files import store_of
from e2e.browsing import PLAIN_PHONE
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal
from tests import pdfs
from web import send_command
from web.cli import _parser

NATHANS = "Rappel de vaccin de Nathan"
READ = "Consulter le message"


def test_a_mail_leads_through_the_sign_in_to_the_thread_of_the_right_profile(
    stranger: Patient, portal: Portal
) -> None:
    stranger.opens(link_of(portal, NATHANS))
    stranger.fills_in_the_sign_in_form()

    stranger.sees(NATHANS)
    stranger.reads("Nathan peut recevoir cet automne")
    assert stranger.page.url == link_of(portal, NATHANS)
    assert patient_of(stranger.page.url) == of(portal, NATHANS)


def test_a_mail_without_scripts_does_the_same(open_browser: Open, portal: Portal) -> None:
    heather = open_browser(PLAIN_PHONE)
    heather.opens(link_of(portal, NATHANS))
    heather.fills_in_the_sign_in_form()

    heather.sees(NATHANS)


def test_a_mail_about_a_profile_lost_meanwhile_says_so(heather: Patient, portal: Portal) -> None:
    """A46, P27: what counts is who may read it when the link is opened."""
    link = link_of(portal, NATHANS)
    portal.change("UPDATE patient SET birth_date = '2008-01-01' WHERE first_name = ?", "Nathan")

    heather.opens(link)

    heather.reads("a passé l’âge de consentement")
    heather.does_not_read("Nathan peut recevoir cet automne")
    heather.looks_around()


def test_what_portal_send_sends_arrives_with_its_mail_and_its_file(
    heather: Patient, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "Courbe de croissance.pdf"
    file.write_bytes(pdfs.good())
    portal.clock.advance(minutes=5)
    arguments = ["send", "--to", "milner.heather@example.com", "--profile", "Nathan Milner"]
    arguments += ["--kind", "document", "--from", "Dre Haddad", "--attach", str(file)]
    arguments += ["--subject", "Courbe à jour", "--text", "Voici sa courbe."]
    options = _parser().parse_args(arguments)
    files = store_of(portal.settings)
    portal.run(send_command.send(options, files, now=portal.clock()))

    (mail,) = portal.run_jobs()
    assert mail.subject == "Vous avez un nouveau document"
    assert "Pour : Nathan" in mail.text.replace("\u00a0", " ")
    assert "courbe" not in mail.text.lower()
    heather.opens(mail.links()["Consulter le document"])

    heather.sees("Courbe à jour")
    heather.reads("Voici sa courbe.")
    link = heather.main.get_by_role("link", name=re.compile("Courbe de croissance")).first
    expect(link).to_be_visible()
    answer = heather.page.context.request.get(portal.url + str(link.get_attribute("href")))
    assert answer.status == 200
    assert answer.body() == file.read_bytes()


def link_of(portal: Portal, subject: str) -> str:
    """The button of the mail about that thread."""
    thread = portal.value("SELECT id FROM thread WHERE subject = ?", subject)
    (link,) = [
        url
        for mail in portal.mails()
        for words, url in mail.links().items()
        if words == READ and str(thread) in url
    ]
    return link


def of(portal: Portal, subject: str) -> str:
    return str(portal.value("SELECT patient FROM thread WHERE subject = ?", subject))


def patient_of(url: str) -> str:
    return url.split("/profils/")[1].split("/", maxsplit=1)[0]
