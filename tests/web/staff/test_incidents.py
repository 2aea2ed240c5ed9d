"""The register of incidents: what the law wants said of each, and nothing ever taken out."""

import csv
from io import StringIO
from uuid import uuid4

import httpx
import pytest

from domain.clinic.tables import Incident
from tests.web.browser import Browser, elements, links, main, title
from tests.web.routes import STAFF
from tests.web.staff.register import GOOD, incident
from tests.web.staff.test_settings import value
from tests.web.state import count, journal, rows
from tests.world import World

BASE = "/clinique/incidents"


async def recorded(browser: Browser, form: dict[str, str]) -> httpx.Response:
    page = await browser.get(f"{BASE}/nouveau")
    return await browser.post(f"{BASE}/nouveau", {"cle": value(page, "cle"), **form})


def typed(page: httpx.Response) -> dict[str, str]:
    fields = elements(page, "input", "textarea")
    return {
        e.attrs["name"]: e.text if e.tag == "textarea" else e.attrs["value"]
        for e in fields
        if e.attrs.get("type") not in ("hidden", "checkbox") and "name" in e.attrs
    }


async def test_an_incident_is_recorded_once_though_its_form_comes_twice(
    fay: Browser, world: World
) -> None:
    """R101."""
    page = await fay.get(f"{BASE}/nouveau")
    form = GOOD | {"cle": value(page, "cle"), "serieux": "oui"}
    answers = [await fay.post(f"{BASE}/nouveau", form) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    (row,) = await Incident.objects()
    assert (row.people, row.is_serious, row.recorded_by) == (1, True, f"Fay Blais ({world.fay})")
    listed = await fay.get(answers[0].headers["location"])
    assert "Une feuille remise à la mauvaise personne." in main(listed)
    assert "avis à faire" in main(listed)
    (line,) = await journal("incident.")
    assert (line["action"], line["subject"]) == ("incident.recorded", row.id)


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: ""} for name in GOOD if name in {"renseignements", "circonstances", "debut"}),
        *({name: " "} for name in GOOD if name in {"constate", "personnes", "gravite", "mesures"}),
        {"personnes": "0"},
        {"personnes": "beaucoup"},
        {"debut": "hier"},
        {"debut": "2026-11-24"},
        {"debut": "0001-01-01"},
        {"fin": "9999-12-31"},
        {"fin": "2026-11-19"},
        {"constate": "2026-11-19"},
        {"avis_personnes": "2026-11-20"},
        {"mesures": "x" * 4001},
    ],
)
async def test_what_the_law_wants_said_is_asked_for_with_all_that_was_typed(
    fay: Browser, wrong: dict[str, str]
) -> None:
    """R101."""
    before, form = await rows(), GOOD | wrong
    answer = await recorded(fay, form)
    assert answer.status_code == 422
    assert title(answer).startswith("Erreur : ")
    (name,) = wrong
    ((words, _),) = [each for each in links(answer).items() if each[1] == f"#{name}"]
    label = next(e.text for e in elements(answer, "label") if e.attrs.get("for") == name)
    assert words.startswith(f"{label.removesuffix(' *')[:20]}")
    kept = {name: text for name, text in form.items() if text.strip()}
    assert {name: text for name, text in typed(answer).items() if text.strip()} == kept
    assert await rows() == before


async def test_a_change_keeps_its_author_and_two_at_once_overwrite_nothing(
    fay: Browser, world: World
) -> None:
    id = await incident(world)
    old = value(await fay.get(f"{BASE}/{id}"), "version")
    form = GOOD | {"version": old}
    assert (await fay.post(f"{BASE}/{id}", form)).status_code == 303
    late = await fay.post(f"{BASE}/{id}", form | {"mesures": "Autre chose."})
    assert late.status_code == 409
    assert typed(late)["mesures"] == "Autre chose."
    assert "Enregistré entre-temps : La date de naissance est demandée." in main(late).replace(
        "\xa0", " "
    )
    assert "Par Fay Blais" in main(late)
    (row,) = await Incident.objects()
    assert (row.measures, row.version) == ("La date de naissance est demandée.", 2)
    again = GOOD | {"mesures": "Autre chose.", "version": value(late, "version")}
    assert (await fay.post(f"{BASE}/{id}", again)).status_code == 303
    assert len(await journal("incident.changed")) == 2
    assert "Modifié par Fay Blais" in main(await fay.get(f"{BASE}/{id}"))


def test_no_route_takes_an_incident_out() -> None:
    """R101."""
    acts = {str(route) for route in STAFF if BASE in route.path and route.method != "GET"}
    assert acts == {f"POST {BASE}/nouveau", f"POST {BASE}/{{incident}}"}


async def test_the_register_is_taken_away_as_a_file_with_no_formula(
    fay: Browser, world: World
) -> None:
    """A37, R71a."""
    await incident(world)
    await recorded(fay, GOOD | {"circonstances": '=HYPERLINK("http://x")\n"oui", non'})
    answer = await fay.get(f"{BASE}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    found = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [len(row) for row in found] == [13, 13, 13]
    assert found[1][1] == '\'=HYPERLINK("http://x")\n"oui", non'
    assert len(await journal("incident.exported")) == 1


async def test_unknown_incidents_are_not_found(fay: Browser) -> None:
    assert (await fay.get(f"{BASE}/{uuid4()}")).status_code == 404
    assert (await fay.post(f"{BASE}/{uuid4()}", GOOD)).status_code == 404


async def test_the_register_is_read_fifty_at_a_time(fay: Browser, world: World) -> None:
    for _ in range(52):
        await incident(world)
    page = await fay.get(BASE)
    first = {e.attrs["href"] for e in elements(page, "a") if "incidents/" in e.attrs["href"]}
    older = await fay.click(page, "Plus anciens")
    rest = {e.attrs["href"] for e in elements(older, "a") if "incidents/" in e.attrs["href"]}
    assert len(elements(older, "tbody")[0].text) > 0
    assert len((first | rest) - {f"{BASE}/nouveau", f"{BASE}/export"}) == 52
    assert await count("incident") == 52
