"""What the desk writes, sends and settles, for the stories and the pages' states."""

from pathlib import Path
from uuid import UUID

from domain.demo.data.people import HEATHER
from e2e.clinic_writes import patient_of
from e2e.patient import Patient
from e2e.portal import Portal
from tests import pdfs

SUBJECT = "Résultats de votre bilan"
INBOX = "/clinique/communications"


def writing_to(portal: Portal, name: str = "Heather") -> str:
    return f"{INBOX}/nouvelle?patient={patient_of(portal, name)}"


def fills_the_letter(
    on: Patient, text: str = "Bonjour {prénom}, voici.", *, kind: str = "message"
) -> None:
    on.page.locator("#sujet").fill(SUBJECT)
    on.page.locator("#genre").select_option(kind)
    on.page.locator("#texte").fill(text)


def chooses_a_file(on: Patient, folder: Path, name: str = "Bilan d’avril.pdf") -> None:
    file = folder / name
    file.write_bytes(pdfs.good("Bilan", pages=2))
    on.page.locator("#fichiers").set_input_files(file)


def thread_of(portal: Portal, subject: str) -> str:
    """Its page at the desk."""
    return f"{INBOX}/{UUID(portal.value('SELECT id FROM thread WHERE subject = ?', subject))}"


def takes_no_mail(portal: Portal) -> None:
    sql = "UPDATE account SET undeliverable_at = '2026-11-20 14:00:00+00:00' WHERE email = ?"
    portal.change(sql, HEATHER.email)
