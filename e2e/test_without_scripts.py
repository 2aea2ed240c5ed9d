"""R114: what the other stories tell with scripts alone, without them."""

import pytest
from playwright.sync_api import expect

from domain.demo.data.visits import TO_CANCEL, TO_CONFIRM
from e2e import papers
from e2e.addresses import profile
from e2e.browsing import PLAIN_PHONE
from e2e.new_address import asks, reads_both_mailboxes, types_the_code
from e2e.newcomer import field
from e2e.patient import Patient
from e2e.portal import Portal

pytestmark = [
    pytest.mark.audit,
    pytest.mark.parametrize("device", [PLAIN_PHONE], indirect=True, ids=str),
]


def test_a_visit_is_confirmed_and_another_cancelled(heather: Patient, portal: Portal) -> None:
    heather.opens(f"{profile(portal)}/rendez-vous")
    confirmed, cancelled = portal.coming(TO_CONFIRM), portal.coming(TO_CANCEL)
    heather.unfolds(confirmed).get_by_role("button", name="Confirmer le rendez-vous").click()
    expect(heather.visit(confirmed)).to_contain_text("Confirmé")
    heather.unfolds(cancelled).get_by_role("link", name="Annuler le rendez-vous").click()
    heather.sees("Annuler ce rendez-vous ?")
    heather.presses("Annuler le rendez-vous")
    expect(heather.visit(cancelled)).to_contain_text("Annulé")


def test_a_document_is_kept(heather: Patient, portal: Portal) -> None:
    heather.opens(papers.arrives(portal).thread)
    with heather.page.expect_download() as kept:
        heather.presses(f"Télécharger {papers.TITLE}")
    assert kept.value.suggested_filename == papers.FILE_NAME


def test_another_profile_is_chosen(heather: Patient) -> None:
    heather.page.get_by_role("link", name="Nathan Milner").click()
    heather.sees("Rendez-vous")
    expect(heather.page.get_by_role("region", name="Profil")).to_contain_text("Nathan Milner")
    heather.begins_booking()
    heather.reads("Pédiatrie")


def test_the_address_is_changed(heather: Patient) -> None:
    asks(heather)
    mailed = reads_both_mailboxes(heather)
    heather.opens(mailed.link)
    types_the_code(heather, mailed.code)
    heather.sees("Votre courriel est changé")


def test_the_telephones_are_changed(heather: Patient, portal: Portal) -> None:
    heather.opens(f"{profile(portal)}/profil")
    field(heather, "Téléphone principal").fill("12")
    heather.presses("Enregistrer les téléphones")
    heather.is_warned("Ce numéro n’est pas valide.")
    field(heather, "Téléphone principal").fill("514 555-0123")
    heather.presses("Enregistrer les téléphones")
    heather.reads("Vos téléphones sont enregistrés.")
