"""« Nouveau message », as someone writes one."""

from playwright.sync_api import Locator, expect

from e2e.addresses import profile
from e2e.patient import Patient

TEXT = "Bonjour, puis-je renouveler mon ordonnance ?"
SUBJECT = "Ordonnance"
NEWER = "Un texte plus récent a été enregistré dans un autre onglet ou sur un autre appareil."


def opens_the_form(on: Patient, of: str = "Heather") -> None:
    on.opens(f"{profile(on.portal, of)}/communications/nouveau")
    on.sees("Nouveau message")


def text(on: Patient) -> Locator:
    return on.main.locator("#texte")


def subject(on: Patient) -> Locator:
    return on.main.locator("#sujet")


def fills_it_in(on: Patient, said: str = TEXT) -> None:
    on.main.locator("#equipe").select_option(index=1)
    subject(on).fill(SUBJECT)
    text(on).fill(said)
    on.main.locator("#lu").check()


def is_told_of_the_draft(on: Patient) -> None:
    line = on.main.locator("[data-drafts]")
    expect(line).to_contain_text(on.says("Brouillon enregistré à %(at)s").partition("%")[0])


def sends(on: Patient) -> None:
    on.presses("Envoyer")
    on.sees(SUBJECT)
    on.reads("Votre message a été envoyé.")


def session_ends(on: Patient) -> None:
    on.portal.change("DELETE FROM session")


def is_written_in_another_tab(on: Patient) -> None:
    first, on.page = on.page, on.page.context.new_page()
    opens_the_form(on)
    text(on).fill("Ce qui fut écrit ailleurs.")
    is_told_of_the_draft(on)
    on.page.close()
    on.page = first
