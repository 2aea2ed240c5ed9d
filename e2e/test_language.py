from playwright.sync_api import expect

from e2e.patient import Patient
from web.rendering import translations


def test_the_language_is_switched_and_the_page_kept(heather: Patient) -> None:
    heather.goes_to_the_slots(reason="Fatigue")
    step = heather.page.url

    heather.presses("English")

    assert heather.page.url == step
    english = translations("en").gettext("Sélectionnez votre créneau horaire")
    expect(heather.page.get_by_role("heading", level=1)).to_have_text(english)
    expect(heather.page.locator("html")).to_have_attribute("lang", "en-CA")
    heather.looks_around()

    heather.presses("Français")
    heather.sees("Sélectionnez votre créneau horaire")
    assert heather.page.url == step
