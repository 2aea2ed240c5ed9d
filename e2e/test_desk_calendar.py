"""« Agenda »: what the staff publish and take back, and what the patient sees of it."""

import re

import pytest
from playwright.sync_api import expect

from e2e.addresses import step
from e2e.browsing import DESKTOP, Device
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import ADMINISTRATOR, SECRETARY, at_work

SUNDAY = "2026-11-29"
SHORT = re.compile("Rosemont – (Suivi médical, Renouv|Follow-up visit, Presc)")


def calendar(portal: Portal, path: str = "") -> str:
    id = portal.value("SELECT id FROM practitioner WHERE last_name = 'Roy'")
    return f"/clinique/agenda/{id}{path}"


def test_a_day_is_published_booked_by_a_patient_and_taken_back(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    manon = at_work(open_browser(device), SECRETARY)
    publishes_a_sunday(manon, portal)

    heather.opens(step(portal, "creneau", moment=SUNDAY))
    heather.sees("Sélectionnez votre créneau horaire")
    slot = heather.picks_a_slot(0)
    heather.books()
    heather.presses("Terminé")
    appointment = portal.value("SELECT id FROM appointment WHERE slot = ?", slot)
    portal.run_jobs()

    manon.opens(calendar(portal, f"?semaine={SUNDAY}&jour={SUNDAY}"))
    expect(manon.main.get_by_role("link", name=re.compile("^09:00 Heather Milner"))).to_be_visible()
    takes_the_sunday_back(manon, portal)

    (mail,) = portal.run_jobs()
    assert mail.to == "milner.heather@example.com"
    assert mail.subject == heather.says("La clinique a annulé votre rendez-vous")
    heather.goes_to_the_visits()
    visit = heather.unfolds(appointment)
    expect(visit).to_contain_text(heather.says("Annulé par la clinique"))
    expect(visit).to_contain_text("Dre Roy est souffrante.")
    heather.opens(step(portal, "creneau", moment=SUNDAY))
    expect(heather.slot(slot)).to_have_count(0)

    reopens_the_sunday(manon, portal)
    heather.opens(step(portal, "creneau", moment=SUNDAY))
    expect(heather.slot(slot)).to_have_count(1)


def publishes_a_sunday(manon: Patient, portal: Portal) -> None:
    manon.opens(calendar(portal, "/journees"))
    manon.presses("Ajouter et publier")
    manon.is_warned("Choisissez le jour.")
    form = manon.main
    schedule = form.get_by_label(manon.says("Lieu et types de rendez-vous"))
    labels = [text.strip() for text in schedule.locator("option").all_text_contents()]
    schedule.select_option(label=next(text for text in labels if SHORT.search(text)))
    form.get_by_label(manon.says("Jour"), exact=True).fill(SUNDAY)
    for label, value in (("De", "9 h"), ("À", "10:00"), ("Minutes par plage", "15")):
        form.get_by_label(manon.says(label), exact=True).fill(value)
    manon.presses("Ajouter et publier")
    manon.reads("La journée est ajoutée, et ses plages sont publiées.")


def takes_the_sunday_back(manon: Patient, portal: Portal) -> None:
    manon.opens(calendar(portal, "/absences"))
    manon.main.get_by_label(manon.says("Premier jour")).fill(SUNDAY)
    manon.presses("Voir qui est touché")
    manon.sees("Retirer ce temps ?")
    manon.reads("Heather Milner")
    manon.reads("milner.heather@example.com")
    note = manon.main.get_by_role("textbox", name=manon.says("Ajouter un mot (facultatif)"))
    note.fill("Dre Roy est souffrante.")
    manon.presses("Retirer ce temps")
    manon.reads("C’est fait : les plages sont retirées.")
    manon.reads("1 patient prévenu par courriel.")


def reopens_the_sunday(manon: Patient, portal: Portal) -> None:
    manon.opens(calendar(portal, "/absences"))
    manon.main.get_by_role("link", name=re.compile(f"^{manon.says('Retirer')} .*29")).click()
    expect(manon.main.get_by_role("heading", level=1)).to_contain_text("29")
    expect(manon.main).to_contain_text(re.compile("4 (plages seront|slots will be)"))
    manon.looks_around()
    manon.presses("Rouvrir")
    manon.reads("L’absence est retirée, et les plages sont de nouveau publiées.")


def test_the_week_goes_by_the_arrow_keys(open_browser: Open, portal: Portal) -> None:
    manon = at_work(open_browser(DESKTOP), SECRETARY)
    manon.opens(calendar(portal))
    slots = manon.main.locator(".week-grid a.slot")
    slots.first.focus()
    focused = manon.page.locator(":focus")
    before = focused.get_attribute("href")
    manon.page.keyboard.press("ArrowDown")
    assert focused.get_attribute("href") != before
    manon.page.keyboard.press("ArrowUp")
    assert focused.get_attribute("href") == before
    manon.page.keyboard.press("ArrowRight")
    assert focused.get_attribute("href") != before
    manon.page.keyboard.press("Enter")
    expect(manon.main.get_by_role("heading", level=1)).to_contain_text(
        manon.says("Plage du %(when)s").partition("%")[0]
    )
    manon.looks_around()


@pytest.mark.both
def test_hours_are_looked_at_with_their_effect_and_then_saved(
    open_browser: Open, portal: Portal, device: Device
) -> None:
    paul = at_work(open_browser(device), ADMINISTRATOR)
    paul.opens(calendar(portal, "/horaires"))
    paul.main.get_by_role("link", name=re.compile(f"^{paul.says('Modifier')} 1$")).click()
    paul.main.locator("#fin_1").fill("08:00")
    paul.presses("Enregistrer et publier")
    paul.is_warned("La fin doit venir après le début, le même jour.")
    paul.main.locator("#fin_1").fill("10:00")
    paul.presses("Voir ce qui va changer")
    paul.reads("Ce qui va changer")
    paul.looks_around()
    paul.presses("Enregistrer et publier")
    paul.reads("L’horaire est enregistré, et ses plages sont publiées.")
