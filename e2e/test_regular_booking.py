import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from e2e.browsing import DESKTOP, ENGLISH_PHONE, PHONE, PLAIN_DESKTOP, PLAIN_PHONE
from e2e.conftest import in_soak
from e2e.patient import Patient
from e2e.portal import Portal


@pytest.mark.parametrize(
    "device",
    [PHONE, DESKTOP, PLAIN_PHONE, *in_soak(PLAIN_DESKTOP, ENGLISH_PHONE)],
    indirect=True,
    ids=str,
)
def test_a_patient_books_a_visit_and_finds_it_everywhere(stranger: Patient, portal: Portal) -> None:
    heather = stranger
    heather.signs_in()
    heather.begins_booking()
    heather.chooses_the_offer()
    heather.goes_on_to_the_slots(reason="Fatigue depuis un mois")

    slot = heather.picks_a_slot()
    heather.reads("Heather Milner")
    heather.reads("Fatigue depuis un mois")
    heather.books()

    appointment, starts_at = portal.rows(
        "SELECT id, starts_at FROM appointment WHERE slot = ?", slot
    )[0]
    heather.presses("Terminé")
    heather.sees("Rendez-vous")
    visit = heather.unfolds(appointment)
    expect(visit).to_contain_text("Dre Isabelle Roy")
    expect(visit).to_contain_text(heather.says("À confirmer"))
    expect(heather.activity().get_by_role("link").first).to_have_attribute(
        "href", re.compile(appointment)
    )

    heather.opens("/")
    expect(heather.visit(appointment)).to_contain_text("Heather Milner")

    (mail,) = portal.run_jobs()
    assert mail.to == "milner.heather@example.com"
    assert _hour(starts_at) in mail.text
    assert mail.attachments() == ["rendez-vous.ics"]


def _hour(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo("America/Toronto")).strftime("%H:%M")
