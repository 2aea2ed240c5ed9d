"""« Aujourd’hui » and one visit, as the staff's browser meets them."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import db
from domain.desk import day
from tests.domain import records
from tests.web.browser import Browser, Clock, buttons, elements, links, main, title
from tests.web.staff.helpers import request
from tests.web.state import journal, journal_after, last_line, rows
from tests.world import World

HOUR = timedelta(hours=1)
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def visit(world: World) -> UUID:
    return await world.appointment(world.now + 30 * HOUR)


def url_of(visit: UUID, more: str = "") -> str:
    return f"/clinique/rendez-vous/{visit}{more}"


async def test_the_day_shows_the_visits_of_its_date_and_journals_whom(
    dana: Browser, world: World, visit: UUID
) -> None:
    await world.appointment(world.now + HOUR, patient=world.bob)
    before = await last_line()
    page = await dana.get("/clinique")
    rows_shown = [row.text for row in elements(page, "tr")]
    assert [text for text in rows_shown if "Gagnon" in text] == [
        "11:00 Bob Gagnon Aucun téléphone Suivi À confirmer"
    ]
    unconfirmed = [item.text for item in elements(page, "li") if "Gagnon" in item.text]
    assert [text.partition(" Aucun")[0] for text in unconfirmed] == ["Bob Gagnon", "Alice Gagnon"]
    lines = [line for line in await journal_after(before) if line["action"] == "read.staff.day"]
    assert {line["patient"] for line in lines} == {world.alice, world.bob}
    assert {line["actor"] for line in lines} == {world.dana}


async def test_the_day_of_another_date_is_reached_by_arrows_and_by_its_address(
    dana: Browser, visit: UUID
) -> None:
    page = await dana.get("/clinique")
    tomorrow = next(e.attrs["href"] for e in elements(page, "a") if e.attrs.get("rel") == "next")
    page = await dana.get(tomorrow)
    assert title(page).startswith("Mardi 24 novembre")
    assert [e.text for e in elements(page, "th") if "Alice" in e.text] == [
        "Alice Gagnon Aucun téléphone"
    ]
    assert "Aujourd’hui" in links(page)


@pytest.mark.parametrize(
    "query", ["jour=demain", "jour=9999-12-31", "intervenant=x", "lieu=" + "z" * 3000, "jour="]
)
async def test_an_altered_address_of_the_day_is_a_day(dana: Browser, query: str) -> None:
    assert (await dana.get(f"/clinique?{query}")).status_code == 200


async def test_the_open_page_is_answered_only_when_something_changed(
    dana: Browser, clock: Clock, world: World, visit: UUID
) -> None:
    page = await dana.get("/clinique")
    (address,) = [
        e.attrs["data-refresh"] for e in elements(page, "div") if "data-refresh" in e.attrs
    ]
    (session,) = await db.fetch("SELECT last_used_at FROM staff_session")
    clock.now += 5 * HOUR / 60
    before = await last_line()
    answer = await dana.get(address)
    assert (answer.status_code, answer.text) == (204, "")
    assert await journal_after(before) == []
    await dana.post(url_of(visit, "/confirmation"), {"version": "1"})
    (used,) = await db.fetch("SELECT last_used_at FROM staff_session")
    assert used != session  # by the confirmation
    clock.now += 5 * HOUR / 60
    answer = await dana.get(address)
    assert answer.status_code == 200
    assert "À confirmer" not in answer.text
    assert await db.fetch("SELECT last_used_at FROM staff_session") == [used]


async def test_an_hour_of_open_page_does_not_keep_a_session_alive(
    dana: Browser, clock: Clock
) -> None:
    statuses = []
    for _ in range(20):
        clock.now += HOUR / 60
        statuses.append((await dana.get("/clinique/jour")).status_code)
    assert statuses == [200] * 14 + [303] * 6


async def test_confirming_from_the_day_leads_back_to_it(dana: Browser, visit: UUID) -> None:
    page = await dana.get("/clinique")
    answer = await dana.press(page, "Confirmé par téléphone")
    assert answer.headers["location"] == f"/clinique?jour=2026-11-23&fait={visit}&ici={visit}"
    page = await dana.get(answer.headers["location"])
    assert said(page) == ["Alice Gagnon, 16:00 : confirmé"]
    assert (await records.visit(visit))["confirmed_at"] is not None


def said(page: object) -> list[str]:
    found = elements(page, "div")  # type: ignore[arg-type]
    told = [e.text for e in found if e.attrs.get("role") == "status" and e.text]
    return [text.replace("\u00a0", " ") for text in told]


def focused(page: object) -> list[str]:
    return [e.text for e in elements(page) if "autofocus" in e.attrs]  # type: ignore[arg-type]


async def test_after_a_call_the_list_goes_on_with_the_next_person(
    dana: Browser, fay: Browser, world: World
) -> None:
    for n in range(6):
        await world.appointment(world.now + (n + 1) * HOUR, patient=world.bob if n else None)
    page = await dana.get("/clinique")
    assert page.text.index("non-confirmes") < page.text.index("day-columns")
    assert "Afficher les 2 autres" in page.text
    answer = await dana.press(page, "Pas de réponse")
    page = await dana.get(answer.headers["location"])
    assert said(page) == ["Alice Gagnon, 11:00 : pas de réponse"]
    assert focused(page) == ["Bob Gagnon"]
    theirs = [
        e.text for e in elements(await fay.get("/clinique"), "p") if e.attrs.get("class") == "late"
    ]
    assert theirs == ["Pas de réponse, Dana Fortin, 10:00"]


async def test_who_confirms_second_is_told_who_was_first(
    dana: Browser, fay: Browser, visit: UUID
) -> None:
    page = await dana.get("/clinique")
    await fay.press(await fay.get("/clinique"), "Confirmé par téléphone")
    page = await dana.follow(await dana.press(page, "Confirmé par téléphone"))
    assert said(page) == ["Alice Gagnon, 16:00 : confirmé par Fay Blais, à 10:00"]
    assert focused(page) == ["Non confirmés (0)"]


async def test_who_no_mail_told_of_a_cancelling_is_on_the_list_until_called(
    dana: Browser, world: World
) -> None:
    eve = await world.patient("Eve", XSS, world.now.date())
    visit = await world.appointment(world.now + 3 * HOUR, patient=eve)
    await dana.post(url_of(visit, "/annulation"), {"version": "1", "mot": ""})
    page = await dana.get("/clinique")
    (row,) = [e.text for e in elements(page, "tr") if "Eve" in e.text]
    assert row.endswith("Annulé À appeler")
    assert "À prévenir par téléphone (1)" in [e.text for e in elements(page, "h2")]
    assert "Appelé" in buttons(await dana.get(url_of(visit)))
    for _ in range(2):  # replayed
        answer = await dana.press(page, "Appelé")
        assert answer.status_code == 303
    assert len(await journal("appointment.called")) == 1
    page = await dana.get(answer.headers["location"])
    assert said(page) == [f"Eve {XSS}, 13:00 : appelé"]
    assert "À appeler" not in page.text


async def test_after_a_day_is_taken_back_it_says_how_many_are_to_be_called(
    dana: Browser, world: World
) -> None:
    eve = await world.patient("Eve", "Roy", world.now.date())
    await world.appointment(world.now + 24 * HOUR, patient=eve)
    await world.appointment(world.now + 25 * HOUR)
    page = await dana.get(f"/clinique/agenda/{world.practitioner}/retrait?du=2026-11-24")
    visits = {
        e.attrs["name"]: "annuler" for e in elements(page, "input") if "choix_" in e.attrs["name"]
    }
    page = await dana.follow(await dana.press(page, "Retirer ce temps", visits))
    (told,) = said(page)
    assert told == (
        "C’est fait : les plages sont retirées. 1 patient prévenu par courriel. 1 patient à appeler"
    )
    page = await dana.get(links(page)["1 patient à appeler"])
    assert "À prévenir par téléphone (1)" in [e.text for e in elements(page, "h2")]


@pytest.mark.parametrize("suite", ["", "x", "done", "é" * 3000])
async def test_a_call_that_ended_in_no_known_way_is_not_noted(
    dana: Browser, visit: UUID, suite: str
) -> None:
    assert (await dana.post(url_of(visit, "/appel"), {"suite": suite})).status_code == 404
    assert await journal("appointment.called") == []


@pytest.mark.parametrize("query", ["fait=x", "fait=00000000-0000-0000-0000-000000000000&ici=x"])
async def test_an_altered_address_of_what_was_done_says_nothing(dana: Browser, query: str) -> None:
    page = await dana.get(f"/clinique?{query}")
    assert (page.status_code, said(page)) == (200, [])


async def test_who_will_not_come_is_not_shown_as_confirmed(
    dana: Browser, world: World, visit: UUID
) -> None:
    await db.fetch("UPDATE appointment SET confirmed_at = {}", world.now)
    await request(world, "cannot_come", subject=visit)
    await db.fetch("UPDATE clinic_request SET asked_at = {}", world.now + 29 * HOUR)
    page = await dana.get("/clinique?jour=2026-11-24")
    (row,) = [e.text for e in elements(page, "tr") if "Alice" in e.text]
    assert row.endswith("Ne viendra pas")


async def test_a_practitioner_is_not_told_to_press_what_they_have_not(
    erin: Browser, dana: Browser, visit: UUID
) -> None:
    assert "Appelez, puis notez" not in (await erin.get("/clinique")).text
    assert "Appelez, puis notez" in (await dana.get("/clinique")).text


@pytest.mark.parametrize(
    "onward", ["https://evil.example", "//evil.example", "/nulle-part", "javascript:alert(1)", ""]
)
async def test_a_way_back_that_is_no_page_leads_to_the_visit(
    dana: Browser, visit: UUID, onward: str
) -> None:
    answer = await dana.post(url_of(visit, "/confirmation"), {"version": "1", "suivant": onward})
    assert answer.headers["location"] == url_of(visit, "?fait=confirmation")


async def test_a_day_costs_the_same_statements_with_one_visit_and_with_fifty(
    dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    fetch = db.fetch

    async def counted(sql: str, *args: object) -> list[dict[str, object]]:
        counts[-1] += 1
        return await fetch(sql, *args)

    monkeypatch.setattr(db, "fetch", counted)
    for first, end in ((0, 1), (1, 50)):
        for n in range(first, end):
            await world.appointment(world.now + n * HOUR / 4)
        counts.append(0)
        assert (await dana.get("/clinique")).status_code == 200
    assert counts[0] == counts[1]


# One visit


async def test_a_visit_shows_all_of_it_and_who_did_what(
    dana: Browser, world: World, visit: UUID
) -> None:
    await dana.post(url_of(visit, "/confirmation"), {"version": "1"})
    page = await dana.get(url_of(visit))
    assert buttons(page) == ["Déplacer", "Annuler le rendez-vous"]
    (happened,) = [e for e in elements(page, "ol") if "happened" in e.attrs["class"].split()]
    assert happened.text.partition(", de")[0] == "Confirmé par Dana Fortin"
    read = [line["patient"] for line in await journal("read.staff.appointment")]
    assert read == [world.alice]


async def test_a_practitioner_reads_their_own_visits_and_can_press_nothing(
    erin: Browser, world: World, visit: UUID
) -> None:
    assert buttons(await erin.get(url_of(visit))) == []
    schedule = await world.another_practitioner()
    (row,) = await records.rows("SELECT practitioner FROM schedule WHERE id = {}", schedule)
    slot = await world.slot(world.now + 31 * HOUR, schedule=schedule)
    theirs = await world.appointment(
        world.now + 31 * HOUR, slot=slot, practitioner=row["practitioner"]
    )
    assert (await erin.get(url_of(theirs))).status_code == 404
    assert "Non confirmés (1)" in [e.text for e in elements(await erin.get("/clinique"), "h2")]


async def test_cancelling_asks_for_a_note_and_says_who_is_told(
    dana: Browser, world: World, visit: UUID
) -> None:
    page = await dana.get(url_of(visit, "/annulation"))
    assert "alice@example.com" in page.text
    answer = await dana.press(page, "Annuler le rendez-vous", {"mot": f"Désolés. {XSS}"})
    assert answer.headers["location"] == url_of(visit, "?fait=annulation")
    page = await dana.get(answer.headers["location"])
    assert elements(page, "img")[1:] == []
    assert "Un courriel est parti à : alice@example.com" in " ".join(page.text.split()).replace(
        "<b>", ""
    ).replace("\u00a0", " ")
    assert await records.mails(visit) == {"cancelled": 1}


async def test_a_patient_without_an_account_is_to_be_called(dana: Browser, world: World) -> None:
    nobody = await world.patient("Eve", XSS, world.now.date())
    visit = await world.appointment(world.now + 30 * HOUR, patient=nobody)
    page = await dana.get(url_of(visit, "/annulation"))
    notices = [e.text.replace("\u00a0", " ") for e in elements(page, "div")]
    assert any(text.startswith("Aucun courriel : appelez.") for text in notices)
    assert "onerror" not in [name for e in elements(page) for name in e.attrs]


async def test_a_note_too_long_keeps_all_that_was_typed(dana: Browser, visit: UUID) -> None:
    before = await rows()
    answer = await dana.post(url_of(visit, "/annulation"), {"version": "1", "mot": "é" * 301})
    assert answer.status_code == 422
    assert title(answer).startswith("Erreur")
    assert [e.text for e in elements(answer, "textarea")] == ["é" * 301]
    errors = [e for e in elements(answer, "p") if e.attrs.get("id") == "mot-error"]
    assert len(errors) == 1
    assert await rows() == before


async def test_who_cancels_second_is_told_and_nothing_is_overwritten(
    dana: Browser, fay: Browser, visit: UUID
) -> None:
    form = {"version": "1", "mot": "Absente."}
    assert (await fay.post(url_of(visit, "/annulation"), form)).status_code == 303
    before = await rows()
    answer = await dana.post(url_of(visit, "/annulation"), {"version": "1", "mot": "Autre."})
    assert answer.status_code == 409
    (alert,) = [e.text for e in elements(answer, "div") if e.attrs.get("role") == "alert"]
    assert "Fay Blais" in alert
    assert await rows() == before


async def test_who_looked_at_an_earlier_time_sees_the_new_one_and_keeps_the_note(
    dana: Browser, fay: Browser, world: World, visit: UUID
) -> None:
    target = await world.slot(world.now + 35 * HOUR)
    moved = await fay.post(
        url_of(visit, f"/deplacement/{target}"), {"version": "1", "cle": "k", "mot": ""}
    )
    assert moved.status_code == 303
    answer = await dana.post(url_of(visit, "/annulation"), {"version": "1", "mot": "Absente."})
    assert answer.status_code == 409
    assert [e.text for e in elements(answer, "textarea")] == ["Absente."]
    (version,) = [
        e.attrs["value"] for e in elements(answer, "input") if e.attrs.get("name") == "version"
    ]
    assert version == "2"
    assert "21:00" in answer.text


async def test_a_visit_moves_to_a_time_that_is_chosen_and_seen(
    dana: Browser, world: World, visit: UUID
) -> None:
    target = await world.slot(world.now + 35 * HOUR)
    week = await dana.get(url_of(visit, "/deplacement"))
    (way,) = [e.attrs["formaction"] for e in elements(week, "button") if "formaction" in e.attrs]
    assert way == url_of(visit, f"/deplacement/{target}")
    page = await dana.get(way)
    answer = await dana.press(page, "Déplacer le rendez-vous", {"mot": "Comme convenu."})
    assert answer.headers["location"] == url_of(visit, "?fait=deplacement")
    row = await records.visit(visit)
    assert (row["slot"], row["version"], row["clinic_note"]) == (target, 2, "Comme convenu.")


async def test_the_move_form_sent_twice_moves_once(
    dana: Browser, world: World, visit: UUID
) -> None:
    target = await world.slot(world.now + 35 * HOUR)
    page = await dana.get(url_of(visit, f"/deplacement/{target}"))
    for _ in range(2):
        answer = await dana.press(page, "Déplacer le rendez-vous")
        assert answer.status_code == 303
    assert await records.audited(visit) == await records.mails(visit) == {"moved": 1}


async def test_an_absence_is_noted_and_withdrawn(dana: Browser, clock: Clock, world: World) -> None:
    visit = await world.appointment(world.now + HOUR / 6)
    early = await dana.post(url_of(visit, "/absence"), {"version": "1"})
    assert early.status_code == 409
    clock.now += HOUR / 6
    page = await dana.get(url_of(visit))
    assert buttons(page) == ["Noter l’absence"]
    page = await dana.follow(await dana.press(page, "Noter l’absence"))
    assert buttons(page) == ["Retirer l’absence"]
    assert "Absent" in [e.text for e in elements(page, "span")]
    page = await dana.follow(await dana.press(page, "Retirer l’absence"))
    assert buttons(page) == ["Noter l’absence"]


async def test_the_patient_reads_an_absence_in_neutral_words(
    alice: Browser, dana: Browser, clock: Clock, world: World
) -> None:
    visit = await world.appointment(world.now + HOUR / 60)
    clock.now += HOUR / 60
    await dana.post(url_of(visit, "/absence"), {"version": "1"})
    page = await alice.get(f"/profils/{world.alice}/rendez-vous")
    assert "Absence notée" in [e.text for e in elements(page, "span")]


async def test_the_patient_reads_who_cancelled_and_the_note(
    alice: Browser, dana: Browser, world: World, visit: UUID
) -> None:
    await dana.post(url_of(visit, "/annulation"), {"version": "1", "mot": f"Désolés. {XSS}"})
    page = await alice.get(f"/profils/{world.alice}/rendez-vous")
    told = [e.text.replace("\u00a0", " ") for e in elements(page, "p")]
    assert [text for text in told if text.startswith("Annulé par la clinique")] != []
    assert f"Mot de la clinique : Désolés. {XSS}" in told


async def test_unknown_visits_and_slots_do_not_exist(
    dana: Browser, world: World, visit: UUID
) -> None:
    for url in (
        url_of(world.alice),
        url_of(world.alice, "/annulation"),
        url_of(world.alice, "/deplacement"),
        url_of(visit, f"/deplacement/{world.alice}"),
    ):
        assert (await dana.get(url)).status_code == 404
    for url in (
        url_of(world.alice, "/annulation"),
        url_of(world.alice, "/confirmation"),
        url_of(world.alice, "/absence"),
        url_of(visit, f"/deplacement/{world.alice}"),
    ):
        assert (await dana.post(url, {"version": "1", "cle": "k"})).status_code == 404


async def test_a_version_that_is_no_number_changes_nothing(dana: Browser, visit: UUID) -> None:
    for version in ("", "x", "-1", "9" * 30, "²"):
        answer = await dana.post(url_of(visit, "/annulation"), {"version": version})
        assert answer.status_code == 409
    assert await records.audited(visit) == {}


async def test_another_day_begins_with_its_first_page(
    dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day, "COLUMNS", 1)
    await world.appointment(world.now + HOUR)
    await world.slot(world.now + HOUR, schedule=await world.another_practitioner("Abel"))
    await world.appointment(world.now + 25 * HOUR, patient=world.bob)
    first = await dana.get("/clinique")
    assert "d’autres intervenants suivent" in main(first)
    assert "Alice Gagnon" not in " ".join(e.text for e in elements(first, "table"))
    second = await dana.click(first, "Intervenants suivants")
    assert "Alice Gagnon" in " ".join(e.text for e in elements(second, "table"))
    assert "suivent" not in main(second)
    tomorrow = next(
        e.attrs["href"] for e in elements(second, "a") if "Jour suivant" in e.attrs.values()
    )
    assert "Bob Gagnon" in main(await dana.get(tomorrow))
    for page in ("9", "0", "-1", "x", "99999999999"):
        assert "Rien ce jour-là" not in main(await dana.get(f"/clinique?page={page}"))


async def test_whoever_is_on_the_second_page_is_in_the_journal(
    dana: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day, "COLUMNS", 1)
    await world.slot(world.now + HOUR, schedule=await world.another_practitioner("Abel"))
    await world.appointment(world.now + HOUR, confirmed_at=world.now)
    before = await last_line()
    await dana.get("/clinique")
    assert [line["action"] for line in await journal_after(before)] == []
    await dana.get("/clinique?page=2")
    assert [line["patient"] for line in await journal_after(before)] == [world.alice]
