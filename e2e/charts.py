"""Where the clinic's pages about one of the demonstration's people are."""

from domain.demo.arrivals import AMBIGUOUS, CLEAR
from e2e.patient import Patient

PATIENTS, MATCHING = "/clinique/patients", "/clinique/jumelage"


def chart(on: Patient, name: str = "Heather Milner", page: str = "") -> str:
    first_name, _, last_name = name.partition(" ")
    id = on.portal.value(
        "SELECT id FROM patient WHERE first_name = ? AND last_name = ? ORDER BY birth_date",
        first_name,
        last_name,
    )
    return f"{PATIENTS}/{id}{page}"


def newcomer(on: Patient, email: str = CLEAR, page: str = "") -> str:
    return f"{MATCHING}/{on.portal.account(email)}{page}"


def invites(on: Patient, email: str, name: str = "Denis Ouellet") -> None:
    on.opens(chart(on, name, "/invitation"))
    on.page.locator("#courriel").fill(email)
    on.presses("Inviter")
    on.sees("L’invitation est partie")


__all__ = ["AMBIGUOUS", "CLEAR", "MATCHING", "PATIENTS", "chart", "invites", "newcomer"]
