"""Booking for a patient on the phone, as the staff's browser does it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain import db
from tests.domain import records
from tests.web.browser import Browser, elements, links, title
from tests.web.state import journal, rows
from tests.world import World

HOUR = timedelta(hours=1)


def url_of(patient: UUID, more: str = "") -> str:
    return f"/clinique/patients/{patient}/rendez-vous{more}"


def times(page: object) -> list[str]:
    return [e.text for e in elements(page, "button") if "formaction" in e.attrs]  # type: ignore[arg-type]


async def test_the_list_has_what_comes_and_what_is_past(dana: Browser, world: World) -> None:
    await world.appointment(world.now + 30 * HOUR)
    for n in range(21):
        await world.appointment(world.now - (24 + n) * HOUR)
    page = await dana.get(url_of(world.alice))
    assert len(elements(page, "tr")) == 1 + 1 + 1 + 20
    older = await dana.get(url_of(world.alice) + links(page)["Plus anciens"])
    assert len(elements(older, "tbody")[-1:]) == 1
    assert "Les plus récents" in links(older)
    assert {line["patient"] for line in await journal("read.staff.visits")} == {world.alice}


async def test_a_visit_is_booked_in_three_presses(dana: Browser, world: World) -> None:
    """The first time that is open, its summary, « Réserver »."""
    slot = await world.slot()
    page = await dana.click(await dana.get(url_of(world.alice)), "Nouveau rendez-vous")
    assert times(page) == ["10:00 Dre Roy"]
    (form,) = [e for e in elements(page, "button") if "formaction" in e.attrs]
    (kind,) = [
        e.attrs["value"]
        for e in elements(page, "input")
        if e.attrs.get("name") == "type" and e.attrs["type"] == "hidden"
    ]
    page = await dana.get(f"{form.attrs['formaction']}?type={kind}")
    assert "alice@example.com" in page.text
    answer = await dana.press(page, "Réserver", {"motif": "Toux", "type": kind})
    (row,) = await records.rows("SELECT id, slot, reason, booked_by_staff FROM appointment")
    assert answer.headers["location"] == f"/clinique/rendez-vous/{row['id']}?fait=reservation"
    assert (row["slot"], row["reason"], row["booked_by_staff"]) == (slot, "Toux", world.dana)
    page = await dana.get(answer.headers["location"])
    assert "C’est réservé." in page.text


async def test_the_form_sent_twice_leads_to_the_same_visit(dana: Browser, world: World) -> None:
    slot = await world.slot()
    form = {"type": str(world.visit_type), "cle": "k", "motif": ""}
    answers = [await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form) for _ in range(2)]
    first, second = (answer.headers["location"] for answer in answers)
    assert first == second
    assert await records.count("appointment") == 1
    assert await records.mails() == {"booked": 1}


async def test_another_secretary_who_books_the_same_is_led_to_the_visit(
    dana: Browser, fay: Browser, world: World
) -> None:
    slot = await world.slot()
    form = {"type": str(world.visit_type), "cle": "k", "motif": ""}
    first = await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form)
    second = await fay.post(url_of(world.alice, f"/nouveau/{slot}"), form)
    assert second.headers["location"] == first.headers["location"].partition("?")[0]


async def test_a_time_that_is_gone_offers_the_nearest_and_keeps_the_reason(
    dana: Browser, world: World
) -> None:
    slot, near = await world.slot(), await world.slot(world.now + 25 * HOUR)
    await world.appointment(world.now + 24 * HOUR, slot=slot, patient=world.charlie)
    before = await rows()
    form = {"type": str(world.visit_type), "cle": "k", "motif": "Toux"}
    answer = await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form)
    assert answer.status_code == 409
    assert title(answer).startswith("Erreur")
    assert url_of(world.alice, f"/nouveau/{near}?type={world.visit_type}") in links(answer).values()
    (reason,) = [
        e.attrs["value"] for e in elements(answer, "input") if e.attrs.get("id") == "motif"
    ]
    assert reason == "Toux"
    assert await rows() == before
    (line,) = await journal("slot.refused")
    assert (line["patient"], line["outcome"]) == (world.alice, "refused.slot_taken")
    # Whoever opens it learns it before pressing anything.
    page = await dana.get(url_of(world.alice, f"/nouveau/{slot}"))
    assert page.status_code == 200
    assert "Ce créneau vient d’être pris." in page.text


async def test_a_time_that_a_patient_holds_says_until_when(dana: Browser, world: World) -> None:
    slot = await world.slot()
    await db.fetch(
        "INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)"
        " VALUES ({}, {}, {}, {}, {}, {})",
        uuid4(),
        slot,
        world.charlie_account,
        world.charlie,
        world.now,
        world.now + HOUR / 12,
    )
    form = {"type": str(world.visit_type), "cle": "k", "motif": ""}
    answer = await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form)
    assert answer.status_code == 409
    assert "jusqu’à 10:05" in answer.text


@pytest.mark.parametrize("reason", ["é" * 141])
async def test_a_reason_too_long_is_kept(dana: Browser, world: World, reason: str) -> None:
    slot = await world.slot()
    form = {"type": str(world.visit_type), "cle": "k", "motif": reason}
    answer = await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form)
    assert answer.status_code == 422
    (field,) = [e for e in elements(answer, "input") if e.attrs.get("id") == "motif"]
    assert (field.attrs["value"], field.attrs["aria-invalid"]) == (reason, "true")
    assert await records.count("appointment") == 0


@pytest.mark.parametrize("missing", ["type", "cle"])
async def test_an_altered_form_books_nothing(dana: Browser, world: World, missing: str) -> None:
    form = {"type": str(world.visit_type), "cle": "k"} | {missing: ""}
    answer = await dana.post(url_of(world.alice, f"/nouveau/{await world.slot()}"), form)
    assert answer.status_code == 404
    assert await records.count("appointment") == 0


async def test_a_free_time_of_the_day_is_booked_by_searching_for_whom(
    dana: Browser, world: World
) -> None:
    slot = await world.slot(world.now + HOUR)
    day = await dana.get("/clinique")
    (way,) = [
        e.attrs["href"] for e in elements(day, "a") if e.attrs["href"].endswith("/reservation")
    ]
    assert way == f"/clinique/plages/{slot}/reservation"
    page = await dana.get(f"{way}?q=gagnon")
    found = [e for e in elements(page, "a") if "Gagnon" in e.text]
    assert [e.text for e in found] == ["Alice Gagnon", "Bob Gagnon"]
    read = {line["patient"] for line in await journal("read.staff.search")}
    assert read == {world.alice, world.bob}
    page = await dana.get(found[1].attrs["href"])
    await dana.press(page, "Réserver", {"type": str(world.visit_type)})
    (row,) = await records.rows("SELECT patient, slot FROM appointment")
    assert (row["patient"], row["slot"]) == (world.bob, slot)


@pytest.mark.parametrize("query", ["?q=", "?q=z", "?q=zzzz", "?q=" + "x" * 3000, ""])
async def test_a_search_that_finds_nobody_says_so(dana: Browser, world: World, query: str) -> None:
    slot = await world.slot()
    page = await dana.get(f"/clinique/plages/{slot}/reservation{query}")
    assert page.status_code == 200
    assert [e for e in elements(page, "a") if "/nouveau/" in e.attrs["href"]] == []


@pytest.mark.parametrize(
    "query",
    ["type=x", "intervenant=x", "intervenant=tous", "lieu=y", "semaine=hier", "semaine=9999-01-01"],
)
async def test_an_altered_address_still_offers_times(
    dana: Browser, world: World, query: str
) -> None:
    await world.slot()
    answer = await dana.get(url_of(world.alice, f"/nouveau?{query}"))
    assert answer.status_code == 200


async def test_unknown_patients_and_slots_do_not_exist(dana: Browser, world: World) -> None:
    nobody, slot = uuid4(), await world.slot()
    for url in (
        url_of(nobody),
        url_of(nobody, "/nouveau"),
        url_of(nobody, f"/nouveau/{slot}"),
        url_of(world.alice, f"/nouveau/{nobody}"),
        f"/clinique/plages/{nobody}/reservation",
    ):
        assert (await dana.get(url)).status_code == 404
    form = {"type": str(world.visit_type), "cle": "k"}
    for url in (url_of(nobody, f"/nouveau/{slot}"), url_of(world.alice, f"/nouveau/{nobody}")):
        assert (await dana.post(url, form)).status_code == 404


async def test_soon_it_is_offered_as_confirmed_and_the_tick_is_kept(
    dana: Browser, world: World
) -> None:
    slot, later = await world.slot(), await world.slot(world.now + 24 * 30 * HOUR)

    def ticked(page: object) -> list[bool]:
        boxes = [e for e in elements(page, "input") if e.attrs.get("name") == "confirme"]  # type: ignore[arg-type]
        return ["checked" in e.attrs for e in boxes]

    page = await dana.get(url_of(world.alice, f"/nouveau/{slot}"))
    assert ticked(page) == [True]
    assert ticked(await dana.get(url_of(world.alice, f"/nouveau/{later}"))) == []
    form = {"type": str(world.visit_type), "cle": "k", "motif": "é" * 141}
    for tick in ({}, {"confirme": "oui"}):
        answer = await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form | tick)
        assert ticked(answer) == [bool(tick)]
    form |= {"motif": "", "confirme": "oui"}
    await dana.follow(await dana.post(url_of(world.alice, f"/nouveau/{slot}"), form))
    (row,) = await records.rows("SELECT confirmed_by_staff FROM appointment")
    assert row["confirmed_by_staff"] == world.dana


async def test_a_virtual_visit_has_no_place(dana: Browser, world: World) -> None:
    slot = await world.slot()
    await db.fetch("UPDATE visit_type SET is_virtual = {}", True)
    page = await dana.get(url_of(world.alice, f"/nouveau/{slot}"))
    (place,) = [e.text for e in elements(page, "dd") if e.attrs.get("id") == "lieu-du-type"]
    assert place == "Rendez-vous virtuel"


async def test_a_free_slot_of_the_calendar_is_booked_from_there(
    dana: Browser, erin: Browser, world: World
) -> None:
    slot = await world.slot()
    address = f"/clinique/agenda/{world.practitioner}/plages/{slot}"
    assert list(links(await dana.get(address))).index("Réserver pour un patient") < list(
        links(await dana.get(address))
    ).index("Retirer cette plage")
    assert "Réserver pour un patient" not in links(await erin.get(address))


async def test_a_slot_too_short_for_any_type_says_so(dana: Browser, world: World) -> None:
    slot = await world.slot(minutes=5)
    page = await dana.get(url_of(world.alice, f"/nouveau/{slot}"))
    assert "Aucun type de rendez-vous ne tient dans cette plage." in page.text
