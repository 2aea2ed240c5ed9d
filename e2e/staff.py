"""The clinic's side in the stories: who works there."""

from domain.demo.staff import ADMINISTRATOR, PRACTITIONER, SECRETARY, Colleague
from e2e.patient import Patient


def at_work(person: Patient, colleague: Colleague = SECRETARY) -> Patient:
    """In this browser, on « Aujourd’hui »."""
    if person.device.language == "en":
        person.has_chosen_the_language()
    person.works_as(colleague.email)
    person.opens("/clinique")
    person.sees("Aujourd’hui")
    return person


__all__ = ["ADMINISTRATOR", "PRACTITIONER", "SECRETARY", "at_work"]
