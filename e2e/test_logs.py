"""What is logged of a story. Every other story listens too: `ear` in conftest.py."""

import logging

from e2e.browsing import DESKTOP
from e2e.conftest import Open
from e2e.logs import Ear
from e2e.portal import Portal

WRONG = "Mauvais-mot-Heather-9"


def test_no_log_of_a_story_holds_what_it_must_not(
    open_browser: Open, portal: Portal, ear: Ear
) -> None:
    """A40, R99: neither a name, nor an address, nor a password, right or wrong."""
    page = open_browser(DESKTOP).page
    page.goto(f"{portal.url}/connexion?suivant=/profils/Heather")
    page.locator("[name=courriel]").fill("milner.heather@example.com")
    page.locator("[name=mot_de_passe]").fill(WRONG)
    page.locator("[name=mot_de_passe]").press("Enter")
    page.get_by_role("alert").wait_for()
    page.request.get(f"{portal.url}/communications?q=Milner", headers={"user-agent": "Milner"})
    assert [line.split(" ")[2] for line in ear.lines if "POST" in line] == ["/connexion"]
    assert ear.told() == []


def test_the_ear_hears_what_must_not_be_said(ear: Ear) -> None:
    logging.getLogger("portal.access").info("for %s", "Heather")
    assert ear.told() == ["portal.access for Heather"]
    ear.lines.clear()
