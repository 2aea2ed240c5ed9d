"""The printed guide, from the page where whoever is lost arrives, and from the tabs."""

from playwright.sync_api import Locator, expect

from e2e.patient import Patient

NAMES = {"fr": "guide-utilisation.pdf", "en": "user-guide.pdf"}


def link(on: Patient) -> Locator:
    return on.page.locator("a[type='application/pdf']").locator("visible=true")


def test_the_guide_is_downloaded_before_signing_in_by_keyboard_and_after(
    heather: Patient, stranger: Patient
) -> None:
    stranger.opens("/connexion")
    stranger.reads("C’est votre première fois ici et vous avez besoin d’aide ?")
    is_downloaded(stranger)
    if heather.device.is_phone:
        heather.page.get_by_text("Menu", exact=True).click()
    is_downloaded(heather)


def is_downloaded(on: Patient) -> None:
    expect(link(on)).to_contain_text(on.says("Téléchargez le guide d’utilisation"))
    link(on).focus()
    with on.page.expect_download() as download:
        on.page.keyboard.press("Enter")
    assert download.value.suggested_filename == NAMES[on.device.language]
