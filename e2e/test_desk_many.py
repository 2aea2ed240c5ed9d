"""A clinic of many practitioners: they are chosen by their name."""

import re

from playwright.sync_api import expect

from e2e import charts, colleagues
from e2e.browsing import Device
from e2e.conftest import Open
from e2e.portal import Portal
from e2e.staff import SECRETARY, at_work


def test_a_practitioner_is_chosen_by_name_from_the_day_to_a_new_visit(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    colleagues.many(portal)
    manon = at_work(open_browser(device), SECRETARY)
    manon.opens("/clinique")
    name = manon.main.get_by_label(manon.says(colleagues.BY_NAME))
    name.fill("benali")
    name.press("Enter")
    expect(manon.main.locator("#intervenant option:checked")).to_have_text("Dr Karim Benali")
    expect(manon.main.locator(".day-column")).to_have_count(1)

    manon.opens(charts.chart(manon, page="/rendez-vous/nouveau"))
    name = manon.main.get_by_label(manon.says(colleagues.BY_NAME))
    name.fill("roy")
    name.press("Enter")
    expect(name).to_have_value("")
    expect(manon.main.get_by_text("choisissez dans la liste")).to_be_visible()
    manon.main.locator("#intervenant").select_option(label="Dre Isabelle Roy (attitré)")
    expect(manon.main.locator("#intervenant option:checked")).to_have_text(re.compile("Isabelle"))
    expect(manon.main.get_by_text("choisissez dans la liste")).to_have_count(0)

    manon.main.locator("#intervenant").select_option("tous")
    manon.reads(
        "Nommez un intervenant ou choisissez un lieu :"
        " ils sont trop nombreux pour être montrés tous ensemble."
    )
    manon.looks_around()
    manon.main.locator("#lieu").select_option(index=1)
    expect(manon.main.locator("#creneaux")).to_be_visible()


def test_whoever_chooses_from_the_list_means_nobody_by_name(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    colleagues.many(portal)
    manon = at_work(open_browser(device), SECRETARY)
    manon.opens(charts.chart(manon, page="/modification"))
    manon.main.locator("#intervenant_nom").fill("Zorro")
    manon.main.locator("#intervenant").select_option("")
    manon.presses("Enregistrer")
    manon.sees("Heather Milner")
    row = portal.value(
        "SELECT primary_practitioner FROM patient WHERE first_name = 'Heather'"
        " AND last_name = 'Milner'"
    )
    assert row is None
