import re

from playwright.sync_api import expect

from e2e.patient import Patient
from e2e.portal import Portal

HELD = "Ce créneau vous est réservé jusqu’à 09:35"
OVER = "Ce créneau n’est plus réservé. S’il est encore libre, vous pouvez toujours le confirmer."


def test_a_hold_runs_out_and_the_free_slot_is_booked_all_the_same(
    heather: Patient, portal: Portal
) -> None:
    heather.page.clock.install()
    heather.goes_to_the_slots()
    slot = heather.picks_a_slot()
    heather.reads(HELD)
    expect(heather.main).to_contain_text(re.compile(r"5:00|4:\d\d"))

    portal.clock.advance(minutes=4, seconds=5)
    heather.page.clock.fast_forward("04:05")
    expect(heather.main).to_contain_text(re.compile(r"0:[1-5]\d"))
    expect(heather.page.get_by_role("status")).to_have_text(
        "Il reste une minute pour confirmer ce créneau."
    )

    portal.clock.advance(minutes=1)
    heather.page.clock.fast_forward("01:00")
    heather.reads(OVER)
    heather.does_not_read(HELD)
    expect(heather.page.get_by_role("status")).to_have_text(OVER)
    heather.looks_around()
    portal.run_jobs()

    heather.books()
    assert portal.value("SELECT count(*) FROM appointment WHERE slot = ?", slot) == 1
