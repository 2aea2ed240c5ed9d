"""What htmx changes in a page is told, and the keyboard goes on from there."""

import re

import pytest
from playwright.sync_api import expect

from e2e import states
from e2e.addresses import step
from e2e.browsing import DESKTOP
from e2e.patient import Patient


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_another_week_takes_the_focus_and_is_told(heather: Patient) -> None:
    states.slots(heather)

    heather.page.get_by_role("link", name="Semaine suivante").press("Enter")

    week = heather.page.get_by_role("heading", level=2, name="30 novembre – 6 décembre")
    expect(week).to_be_focused()
    expect(heather.page.get_by_role("status")).to_have_text("30 novembre – 6 décembre")
    expect(heather.page).to_have_url(re.compile("semaine=2026-11-30"))
    expect(heather.page).to_have_title(re.compile("^Sélectionnez votre créneau horaire"))
    heather.looks_around()

    heather.page.reload()
    expect(week).to_be_visible()
    heather.page.go_back()
    expect(heather.page.get_by_role("heading", level=2, name="23 – 29 novembre")).to_be_visible()


@pytest.mark.parametrize("device", [DESKTOP], indirect=True, ids=str)
def test_the_rest_of_a_half_day_is_shown_in_place(heather: Patient) -> None:
    heather.opens(step(heather.portal, "creneau", semaine="2027-01-18"))
    shown = heather.slots().count()

    heather.page.get_by_role("link", name=re.compile("Afficher")).first.click()

    expect(heather.slots()).not_to_have_count(shown)
    assert heather.slots().count() > shown
    heather.looks_around()
