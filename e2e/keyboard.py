"""Someone who uses the keyboard alone: whatever takes the focus must show it and be in view."""

from playwright.sync_api import Locator, expect

from e2e.patient import Patient

FOCUS = """() => {
    const here = document.activeElement;
    if (here === document.body) return { name: "" };
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


def reaches(patient: Patient, what: Locator, *, within: int = 80) -> None:
    """Where the name alone would not tell which."""
    for _ in range(within):
        patient.page.keyboard.press("Tab")
        if what.evaluate("(element) => element === document.activeElement"):
            focus = patient.page.evaluate(FOCUS)
            assert focus["isMarked"], focus
            assert not focus["isCovered"], focus
            return
    raise AssertionError(f"{what} cannot be reached")


def follows(patient: Patient, name: str, heading: str) -> None:
    here = patient.page.url
    goes_to(patient, name)
    patient.page.keyboard.press("Enter")
    expect(patient.page).not_to_have_url(here)
    patient.sees(heading)


def types(patient: Patient, label: str, text: str) -> None:
    goes_to(patient, label)
    patient.page.keyboard.type(text)


def ticks(patient: Patient, label: str) -> None:
    goes_to(patient, label)
    patient.page.keyboard.press("Space")
