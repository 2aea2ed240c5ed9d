"""« Aujourd’hui » and one visit: what the staff do, and what the patient sees of it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from domain.demo.data.visits import TO_CANCEL, TO_DECIDE
from e2e.addresses import profile, step
from e2e.browsing import DESKTOP, PHONE, PLAIN_DESKTOP, Device
from e2e.conftest import Open, in_soak
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import PRACTITIONER, at_work

TABLET = Device("tablet", 768, 1024)
CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


def visit_url(appointment: str) -> str:
    return f"/clinique/rendez-vous/{appointment}"


def patient_id(portal: Portal) -> str:
    return profile(portal).rpartition("/")[2]


def hour_of(portal: Portal, appointment: str) -> str:
    starts_at = portal.value("SELECT starts_at FROM appointment WHERE id = ?", appointment)
    return (
        datetime.fromisoformat(starts_at).astimezone(ZoneInfo("America/Toronto")).strftime("%H:%M")
    )


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_a_secretary_books_by_keyboard_alone_and_the_patient_sees_it(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    manon = at_work(open_browser(device))
    keys = manon.page.keyboard
    keys.press("j")
    for _ in range(60):  # down to the first free time of the day
        if manon.page.evaluate("() => document.activeElement.matches('a.slot-chip')"):
            break
        keys.press("ArrowDown")
    keys.press("Enter")
    manon.sees("Réserver une plage")
    keys.type("milner heather")
    keys.press("Enter")
    expect(manon.page.get_by_role("link", name="Heather Milner")).to_be_focused()
    keys.press("Enter")
    manon.sees("Réserver ce rendez-vous ?")
    expect(manon.control("Réserver")).to_be_focused()
    manon.reads("milner.heather@example.com")
    keys.press("Enter")
    manon.reads("C’est réservé.")

    appointment = portal.value("SELECT id FROM appointment WHERE booked_by_staff IS NOT NULL")
    assert manon.page.url.endswith(f"{visit_url(appointment)}?fait=reservation")
    heather.goes_to_the_visits()
    expect(heather.unfolds(appointment)).to_contain_text(hour_of(portal, appointment))
    (mail,) = portal.run_jobs()
    assert mail.to == "milner.heather@example.com"
    assert "La clinique l’a pris pour vous." in mail.text


@pytest.mark.parametrize(
    "device", [DESKTOP, PLAIN_DESKTOP, *in_soak(PHONE)], indirect=True, ids=str
)
def test_a_secretary_books_the_first_time_of_a_type_for_a_patient(
    stranger: Patient, portal: Portal
) -> None:
    manon = at_work(stranger)
    manon.opens(f"/clinique/patients/{patient_id(portal)}/rendez-vous")
    manon.sees("Rendez-vous")
    manon.presses("Nouveau rendez-vous")
    manon.sees("Nouveau rendez-vous")
    kind = manon.page.get_by_label("Type", exact=True)
    label = kind.locator("option", has_text="Suivi médical").first.text_content()
    kind.select_option(label=label)
    if not manon.device.has_scripts:
        manon.presses("Afficher")
    manon.page.wait_for_url("**type=**")
    manon.slots().first.click()
    manon.sees("Réserver ce rendez-vous ?")
    manon.page.get_by_role("textbox", name="Motif").fill("Résultats")
    manon.presses("Réserver")
    manon.reads("C’est réservé.")
    manon.reads("Résultats")
    manon.looks_around()


def test_staff_cancel_and_the_patient_is_told_and_the_time_is_free(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    appointment = portal.coming(TO_CANCEL)
    slot = portal.value("SELECT slot FROM appointment WHERE id = ?", appointment)
    manon = at_work(open_browser(device))
    manon.opens(visit_url(appointment))
    manon.looks_around()
    manon.presses(CANCEL)
    manon.sees("Annuler ce rendez-vous ?")
    manon.page.get_by_role("textbox", name="Mot au patient").fill("La docteure est absente.")
    manon.presses(CANCEL)
    manon.reads("La place est libérée.")
    manon.reads("Un courriel est parti à :")
    manon.looks_around()

    (mail,) = portal.run_jobs()
    assert mail.subject == "La clinique a annulé votre rendez-vous"
    assert "Prendre un rendez-vous" in mail.links()
    assert "La docteure est absente." not in mail.text  # details are not for mails here
    assert "La clinique vous a laissé un mot" in mail.text
    heather.goes_to_the_visits()
    visit = heather.unfolds(appointment)
    expect(visit).to_contain_text("Annulé par la clinique")
    expect(visit).to_contain_text("La docteure est absente.")
    starts_at = portal.value("SELECT starts_at FROM slot WHERE id = ?", slot)
    kind, place = portal.rows("SELECT visit_type, site FROM appointment WHERE id = ?", appointment)[
        0
    ]
    query = {"type": kind, "lieu": place, "semaine": starts_at[:10]}
    heather.opens(step(portal, "creneau", **query) + f"&entier={starts_at[:10]}-matin")
    free = heather.slot(slot)
    if free.count() == 0:
        heather.opens(step(portal, "creneau", **query) + f"&entier={starts_at[:10]}-apres-midi")
    expect(free).to_be_visible()


@pytest.mark.parametrize("device", [DESKTOP, *in_soak(PHONE)], indirect=True, ids=str)
def test_staff_move_a_visit_and_the_links_of_earlier_mails_are_dead(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    appointment = portal.coming(TO_DECIDE)
    links = [mail.links() for mail in portal.mails()]
    earlier = next(each[CANCEL] for each in links if CONFIRM in each and CANCEL in each)
    manon = at_work(open_browser(device))
    manon.opens(visit_url(appointment))
    manon.presses("Déplacer")
    manon.sees("Déplacer le rendez-vous")
    manon.slots().last.click()
    manon.sees("Déplacer le rendez-vous")
    manon.page.get_by_role("textbox", name="Mot au patient").fill("Comme convenu.")
    manon.presses("Déplacer le rendez-vous")
    manon.reads("Le rendez-vous est déplacé.")
    manon.looks_around()

    mails = portal.run_jobs()
    assert [mail.subject for mail in mails] == ["Votre rendez-vous est déplacé"]
    heather.opens(earlier)
    heather.reads("Ce lien ne fonctionne plus")
    heather.opens("/")
    heather.goes_to_the_visits()
    expect(heather.unfolds(appointment)).to_contain_text(hour_of(portal, appointment))
    expect(heather.visit(appointment)).to_contain_text("Comme convenu.")


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_an_absence_is_noted_and_the_patient_reads_it_calmly(
    heather: Patient, open_browser: Open, device: Device, portal: Portal
) -> None:
    appointment = portal.coming(TO_DECIDE)
    manon = at_work(open_browser(device))
    portal.change(
        "UPDATE appointment SET starts_at = ?, ends_at = ? WHERE id = ?",
        "2026-11-24 08:00:00+00:00",
        "2026-11-24 08:15:00+00:00",
        appointment,
    )
    manon.opens("/clinique")
    manon.main.get_by_role("rowheader").get_by_role("link", name="Heather Milner").first.click()
    manon.presses("Noter l’absence")
    manon.reads("L’absence est notée.")
    manon.looks_around()
    heather.goes_to_the_visits()
    expect(heather.visit(appointment)).to_contain_text("Absence notée")
    assert portal.run_jobs() == []
    manon.presses("Retirer l’absence")
    manon.reads("L’absence est retirée.")


@pytest.mark.parametrize("device", [DESKTOP, PHONE, *in_soak(TABLET)], indirect=True, ids=str)
def test_whoever_has_not_confirmed_is_called_and_noted_in_one_press(
    stranger: Patient, portal: Portal
) -> None:
    manon = at_work(stranger)
    appointment = portal.value(
        "SELECT id FROM appointment WHERE confirmed_at IS NULL AND cancelled_at IS NULL"
        " AND starts_at > ? ORDER BY starts_at, id LIMIT 1",
        "2026-11-24 14:30:00+00:00",
    )
    forms = manon.page.locator(".to-call form")
    later = forms.nth(1).get_attribute("action")
    button = manon.page.locator(
        f"form[action='{visit_url(appointment)}/confirmation'] .btn-confirm"
    )
    button.click()
    expect(manon.page.locator("#fait")).to_contain_text("confirmé")
    expect(manon.page.locator(f"li:has(form[action='{later}']) [data-row]")).to_be_focused()
    manon.looks_around()
    expect(button).to_have_count(0)
    forms.first.get_by_role("button", name="Pas de réponse").click()
    expect(manon.page.locator("#fait")).to_contain_text("pas de réponse")
    expect(manon.page.locator(".to-call .late").first).to_contain_text("Manon Girard")


@pytest.mark.parametrize("device", [TABLET, PHONE], indirect=True, ids=str)
def test_a_practitioner_reads_their_day(stranger: Patient, portal: Portal) -> None:
    roy = at_work(stranger, PRACTITIONER)
    expect(roy.main.get_by_role("heading", level=2).first).to_contain_text("Dre Isabelle Roy")
    roy.main.get_by_role("rowheader").get_by_role("link").first.click()
    roy.reads("Ce qui s’est passé")
    roy.looks_around()
    expect(roy.page.get_by_role("button", name=re.compile("Confirmer|Absence"))).to_have_count(0)


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_keys_are_told_can_be_switched_off_and_never_act_while_typing(
    stranger: Patient,
) -> None:
    manon = at_work(stranger)
    page = manon.page
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Chercher un patient")
    expect(field).to_be_focused()
    page.keyboard.type("jk?/")
    expect(field).to_have_value("jk?/")
    expect(page.get_by_text("Ligne suivante")).to_be_hidden()
    field.blur()
    page.keyboard.press("?")
    expect(page.get_by_text("Ligne suivante")).to_be_visible()
    manon.looks_around()
    manon.presses("Désactiver les raccourcis")
    page.keyboard.press("j")
    expect(page.locator("[data-row]:focus")).to_have_count(0)
    manon.presses("Activer les raccourcis")
    page.keyboard.press("j")
    expect(page.locator("[data-row]:focus")).to_have_count(1)


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_open_day_shows_what_others_did_within_a_minute(
    stranger: Patient, portal: Portal
) -> None:
    stranger.page.clock.install()
    manon = at_work(stranger)
    row = manon.main.get_by_role("row").filter(has_text="À confirmer").first
    name = row.get_by_role("rowheader").get_by_role("link").first
    appointment = str(name.get_attribute("id"))[1:]
    name.focus()
    portal.change("UPDATE appointment SET confirmed_at = ? WHERE id = ?", "2026-11-24", appointment)
    stranger.page.clock.run_for(61_000)
    shown = manon.page.locator(f"tr:has(#r{appointment})")
    expect(shown).to_contain_text("Confirmé")
    expect(shown.get_by_role("rowheader").get_by_role("link").first).to_be_focused()


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_day_is_printed_without_what_surrounds_it(stranger: Patient) -> None:
    manon = at_work(stranger)
    manon.page.emulate_media(media="print")
    expect(manon.main.get_by_role("heading", level=1)).to_be_visible()
    expect(manon.main.get_by_role("table").first).to_be_visible()
    for gone in (".top", ".desk-side", ".day-filter", ".day-aside", ".keys", "tr.gap"):
        expect(manon.page.locator(gone).first).to_be_hidden()
