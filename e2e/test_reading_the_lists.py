"""The lists of communications: counted, searched, paged, and found again as they were left."""

import pytest
from playwright.sync_api import Locator, expect

from e2e.fills import NEEDLE, is_emptied, writes_often
from e2e.patient import Patient
from e2e.portal import Portal


def rows(on: Patient) -> Locator:
    return on.main.locator(".threads").get_by_role("listitem")


def counter(on: Patient) -> Locator:
    return on.page.locator(f"{'.bar' if on.device.is_phone else '.side'} [data-unread=inbox]")


def goes_to_the_inbox(on: Patient) -> None:
    name = "Messages" if on.device.is_phone else "Boîte de réception"
    on.page.get_by_role("navigation").get_by_role("link", name=on.says(name)).first.click()
    on.sees("Boîte de réception")


@pytest.mark.both
def test_she_pages_back_and_forth_and_finds_the_list_as_she_left_it(
    heather: Patient, portal: Portal
) -> None:
    is_emptied(portal)
    writes_often(portal)
    goes_to_the_inbox(heather)
    expect(rows(heather)).to_have_count(50)
    expect(counter(heather)).to_contain_text("60")

    heather.presses("Plus anciennes")
    heather.sees("Boîte de réception")
    expect(rows(heather)).to_have_count(10)
    heather.reads("Il n’y a pas de communication plus ancienne.")
    left = heather.page.url

    rows(heather).nth(7).get_by_role("link").click()
    heather.sees("Message 57")
    expect(counter(heather)).to_contain_text("59")

    heather.presses("Boîte de réception" if heather.device.is_phone else "Plus récentes")
    heather.sees("Boîte de réception")
    if heather.device.is_phone:
        assert heather.page.url.partition("#")[0] == left
        expect(rows(heather).nth(7)).to_be_in_viewport()
        heather.presses("Plus récentes")
    expect(rows(heather)).to_have_count(50)


@pytest.mark.both
def test_the_browser_s_way_back_leads_to_the_row_that_was_opened(
    heather: Patient, portal: Portal
) -> None:
    is_emptied(portal)
    writes_often(portal)
    goes_to_the_inbox(heather)
    rows(heather).nth(30).get_by_role("link").click()
    heather.sees("Message 30")
    heather.page.go_back()
    heather.sees("Boîte de réception")
    expect(rows(heather).nth(30)).to_be_in_viewport()


def test_she_searches_without_accents_and_is_told_when_nothing_is_found(
    heather: Patient, portal: Portal
) -> None:
    is_emptied(portal)
    writes_often(portal)
    goes_to_the_inbox(heather)
    search = heather.main.get_by_role("searchbox")
    search.fill("levothyroxine")
    search.press("Enter")
    expect(rows(heather)).to_have_count(1)
    heather.sees("Boîte de réception")
    heather.reads(NEEDLE)

    heather.main.get_by_role("searchbox").fill("zèbre")
    heather.presses("Chercher")
    heather.reads("Rien ne correspond à « zèbre ».")
    heather.looks_around()

    heather.presses("Tout afficher")
    expect(rows(heather)).to_have_count(50)


@pytest.mark.both
def test_a_page_that_stands_open_learns_of_a_new_message(heather: Patient, portal: Portal) -> None:
    is_emptied(portal)
    writes_often(portal, 1)
    heather.page.clock.install()
    goes_to_the_inbox(heather)
    expect(counter(heather)).to_contain_text("1")
    writes_often(portal, 2)

    heather.page.clock.run_for(61_000)

    expect(counter(heather)).to_contain_text("3")
