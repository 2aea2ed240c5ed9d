import pytest
from playwright.sync_api import expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.browsing import DESKTOP
from e2e.patient import Patient

FOCUS = """() => {
    const here = document.activeElement;
    const box = here.getBoundingClientRect();
    const over = document.elementFromPoint(
        Math.min(innerWidth - 1, Math.max(0, box.x + box.width / 2)),
        Math.min(innerHeight - 1, Math.max(0, box.y + box.height / 2)));
    const label = here.labels?.[0];
    const isOutlined = (element) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    // Within a date's field it is the browser that marks what has the focus.
    const isInside = !here.matches(":focus");
    return {
        name: here.ariaLabel ?? (label ?? here).innerText?.replace(/\\s+/g, " ").trim() ?? "",
        isMarked: isInside || isOutlined(here) || Boolean(label) && isOutlined(label),
        isCovered: over !== null && !here.contains(over) && !over.contains(here)
            && !(label?.contains(over)),
    };
}"""


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_a_visit_is_booked_with_the_keyboard_alone(stranger: Patient) -> None:
    stranger.opens("/")
    types(stranger, "Courriel", HEATHER.email)
    types(stranger, "Mot de passe", PASSWORD)
    stranger.page.keyboard.press("Enter")
    stranger.sees("Tableau de bord")
    for choice in (
        "Prendre un rendez-vous",
        "Médecine de famille",
        "Dre Isabelle Roy",
        "Clinique des Érables – Rosemont",
        "Suivi médical",
    ):
        here = stranger.page.url
        goes_to(stranger, choice)
        stranger.page.keyboard.press("Enter")
        expect(stranger.page).not_to_have_url(here)
    stranger.sees("Quand souhaitez-vous venir ?")
    types(stranger, "Raison du rendez-vous", "Fatigue")
    goes_to(stranger, "Continuer")
    stranger.page.keyboard.press("Enter")
    stranger.sees("Sélectionnez votre créneau horaire")
    goes_to(stranger, stranger.slots().first.inner_text().replace("\n", " "))
    stranger.page.keyboard.press("Space")
    stranger.sees("Confirmez le rendez-vous")
    goes_to(stranger, "Confirmer le rendez-vous")
    stranger.page.keyboard.press("Enter")
    stranger.sees("Votre rendez-vous est pris")


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_content_is_one_key_away(heather: Patient) -> None:
    goes_to(heather, "Aller au contenu", within=1)
    heather.page.keyboard.press("Enter")
    expect(heather.main).to_be_focused()


def goes_to(patient: Patient, name: str, *, within: int = 60) -> None:
    """By the tabulator; whatever has the focus on the way shows it, and nothing lies over it."""
    for _ in range(within):
        patient.page.keyboard.press("Tab")
        focus = patient.page.evaluate(FOCUS)
        if focus["name"]:
            assert focus["isMarked"], focus
            assert not focus["isCovered"], focus
        if focus["name"].startswith(name) or name in focus["name"]:
            return
    raise AssertionError(f"{name} cannot be reached")


def types(patient: Patient, label: str, text: str) -> None:
    goes_to(patient, label)
    patient.page.keyboard.type(text)
