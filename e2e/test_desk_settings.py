"""What an administrator decides is in force at the patients' next page."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import expect

from domain.people import names
from e2e.addresses import profile
from e2e.browsing import DESKTOP, Device
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import ADMINISTRATOR, SECRETARY, at_work

FORMULA = '=HYPERLINK("http://evil.example")'


def tab(patient: Patient, words: str) -> int:
    link = patient.page.get_by_role("navigation").get_by_role("link", name=patient.says(words))
    return link.count()


def test_a_section_switched_off_is_gone_and_refused_with_its_page_open(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    documents = f"{profile(portal)}/documents"
    heather.opens(documents)
    heather.sees("Documents")
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens("/clinique/reglages")
    paul.sees("Réglages")
    paul.opens("/clinique/reglages/sections")
    paul.sees("Sections offertes aux patients")
    for words in (
        "Documents : leur onglet. Ils restent lisibles dans la boîte de réception.",
        "Prendre un rendez-vous",
    ):
        paul.page.get_by_label(paul.says(words)).uncheck()
    paul.presses("Enregistrer")
    paul.sees("Réglages")
    expect(paul.main.locator("#sections")).to_contain_text(
        paul.says("C’est enregistré, et en vigueur dès maintenant.")
    )

    heather.page.reload()
    expect(heather.page.get_by_role("heading", level=1)).not_to_have_text(heather.says("Documents"))
    heather.opens(f"{profile(portal)}/rendez-vous")
    heather.sees("Rendez-vous")
    assert heather.page.locator(f"a[href='{documents}']").count() == 0
    assert heather.page.locator(f"main a[href='{profile(portal)}/reservation']").count() == 0
    answer = heather.page.request.get(f"{portal.url}{profile(portal)}/reservation")
    assert answer.status == 403

    paul.opens("/clinique/reglages/historique")
    paul.sees("Historique des réglages")
    paul.reads("Prise de rendez-vous")


def test_new_terms_are_accepted_before_anything_else_opens(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    visits = f"{profile(portal)}/rendez-vous"
    heather.opens(visits)
    heather.sees("Rendez-vous")
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens("/clinique/reglages/textes/conditions")
    for words, text in (("Texte français", "Tout est nouveau."), ("Texte anglais", "All is new.")):
        paul.page.get_by_label(paul.says(words)).fill(f"# 2026\n\n{text}")
    paul.presses("Prévisualiser")
    paul.reads("Aperçu : rien n’est encore publié.")
    paul.looks_around()
    paul.presses("Publier")
    paul.is_warned("Cochez la case : une version publiée ne se retire pas.")
    paul.page.get_by_role("checkbox").check()
    paul.presses("Publier")
    paul.reads("La nouvelle version est publiée.")
    paul.looks_around()

    heather.page.reload()
    heather.sees("Termes et conditions")
    heather.reads(heather.says_of_the_clinic("Tout est nouveau.", "All is new."))
    heather.presses("J’ai lu, compris et accepté les Termes et conditions")
    heather.sees("Rendez-vous")


def test_a_patient_named_as_a_formula_is_one_in_no_spreadsheet(
    open_browser: Open, portal: Portal, tmp_path: Path
) -> None:
    """A37."""
    portal.change(
        "UPDATE patient SET first_name = ?, folded_name = ? WHERE first_name = 'Heather'",
        FORMULA,
        names.searched(FORMULA, "Milner"),
    )
    paul = at_work(open_browser(DESKTOP), ADMINISTRATOR)
    paul.opens("/clinique/journal")
    today = portal.clock().date().isoformat()
    for id in ("du", "au"):
        paul.page.locator(f"#{id}").fill(today)
    paul.page.locator("#patient").fill("milner")
    with paul.page.expect_download() as download:
        paul.presses("Exporter (CSV)")
    file = tmp_path / "journal.csv"
    download.value.save_as(file)
    header, *lines = csv.reader(StringIO(file.read_text("utf-8-sig"), newline=""))
    patients = {line[header.index("Patient")] for line in lines}
    assert f"'{FORMULA} Milner" in patients
    assert not [name for name in patients if name.startswith("=")]


def test_who_looked_is_in_the_journal_of_both_sides(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    """A53: the patient reads the name of who opened the record."""
    id = portal.value("SELECT id FROM patient WHERE first_name = 'Heather'")
    manon = at_work(open_browser(device), SECRETARY)
    manon.opens(f"/clinique/patients/{id}/journal")
    manon.sees("Qui a consulté ce dossier")
    heather.opens(f"{profile(portal)}/profil/journal")
    heather.sees("Qui a consulté ce dossier")
    expect(heather.main).to_contain_text(
        re.compile(r"Manon Girard, (de la clinique|of the clinic)")
    )


def test_the_age_of_consent_shows_whom_it_touches_first(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens("/clinique/reglages/consentement")
    paul.sees("Âge de consentement")
    paul.page.locator("#age").fill("13")
    paul.page.locator("#source").fill("Politique de la clinique")
    paul.presses("Enregistrer")
    paul.is_warned("Ce changement touche des personnes dès l’enregistrement :")
    assert portal.value("SELECT consent_age FROM clinic") == 14
    paul.presses("Enregistrer quand même")
    paul.sees("Réglages")
    assert portal.value("SELECT consent_age FROM clinic") == 13


def test_an_incident_goes_into_the_register(open_browser: Open, device: Device) -> None:
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens("/clinique/incidents")
    paul.presses("Inscrire un incident")
    paul.sees("Inscrire un incident")
    paul.presses("Inscrire au registre")
    paul.is_warned("Remplissez ce champ : la loi le demande.")
    for id in ("renseignements", "circonstances", "gravite", "mesures"):
        paul.page.locator(f"#{id}").fill("Écrit.")
    for id in ("debut", "constate"):
        paul.page.locator(f"#{id}").fill("2026-01-12")
    paul.page.locator("#personnes").fill("3")
    paul.presses("Inscrire au registre")
    paul.reads("L’incident est inscrit au registre.")
    paul.looks_around()


@pytest.mark.phone_alone
def test_a_visit_type_is_added_and_ordered(open_browser: Open, device: Device) -> None:
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens("/clinique/reglages/types")
    paul.sees("Types de rendez-vous")
    paul.presses("Ajouter un type")
    paul.page.locator("#nom").fill("Voyage")
    paul.presses("Ajouter")
    paul.is_warned("Inscrivez une durée de 5 à 240 minutes.")
    paul.page.locator("#duree").fill("20")
    paul.presses("Ajouter")
    paul.reads("Voyage")
    row = paul.main.get_by_role("row").filter(has_text="Voyage")
    before = paul.main.get_by_role("row").count()
    row.get_by_role("button", name=re.compile(paul.says("Monter"))).click()
    expect(paul.main.get_by_role("row")).to_have_count(before)
    paul.looks_around()
