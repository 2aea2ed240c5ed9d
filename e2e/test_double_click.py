import pytest

from e2e.browsing import DESKTOP, PHONE, PLAIN_DESKTOP, PLAIN_PHONE
from e2e.conftest import in_soak
from e2e.patient import Patient
from e2e.portal import Portal


@pytest.mark.parametrize(
    "device", [PHONE, PLAIN_DESKTOP, *in_soak(DESKTOP, PLAIN_PHONE)], indirect=True, ids=str
)
def test_a_double_click_books_once(heather: Patient, portal: Portal) -> None:
    heather.goes_to_the_slots()
    heather.picks_a_slot()
    before = portal.value("SELECT count(*) FROM appointment")

    heather.control("Confirmer le rendez-vous").dblclick()

    heather.sees("Votre rendez-vous est pris")
    assert portal.value("SELECT count(*) FROM appointment") == before + 1
    assert len(portal.run_jobs()) == 1
