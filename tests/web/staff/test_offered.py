"""The lists of what the clinic offers: added, changed, ordered, offered no more."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.appointments.tables import Appointment
from domain.clinic.tables import Schedule, Slot, Specialty, VisitType, WeeklyHours
from domain.messages.tables import Thread
from tests.databases import statements
from tests.web.browser import Browser, elements, links, main
from tests.web.staff.test_settings import typed, value
from tests.web.state import count, journal, rows
from tests.world import World

BASE = "/clinique/reglages"
XSS = '<img src=x onerror="alert(1)">'
TABLES = {
    "lieux": "site",
    "specialites": "specialty",
    "intervenants": "practitioner",
    "types": "visit_type",
    "equipes": "team",
}
ORDERED = ["lieux", "specialites", "types", "equipes"]


def good(word: str, world: World) -> dict[str, str]:
    return {
        "lieux": {
            "nom": "Point de service",
            "rue": "1, rue du Lac",
            "ville": "Laval",
            "province": "QC",
            "code_postal": "H7A 0A1",
            "telephone": "450 555-0110",
        },
        "specialites": {"nom": "Pédiatrie", "nom_anglais": "Pediatrics"},
        "intervenants": {
            "titre": "Dr",
            "prenom": "Émile",
            "nom": "Côté",
            "specialite": str(world.specialty),
            "salle": "https://visio.example/cote",
        },
        "types": {
            "nom": "Vaccin",
            "nom_anglais": "Vaccine",
            "duree": "20",
            "virtuel": "oui",
            "message": "Apportez le carnet.",
            "message_anglais": "",
        },
        "equipes": {"nom": "Soins", "nom_anglais": "", "recoit": "oui"},
    }[word]


async def id_of(word: str, world: World) -> UUID:
    found = {
        "lieux": world.site,
        "specialites": world.specialty,
        "intervenants": world.practitioner,
        "types": world.visit_type,
        "equipes": world.team,
    }
    return found[word]


async def table(word: str) -> list[dict[str, Any]]:
    return await db.fetch(f"SELECT * FROM {TABLES[word]}")


async def add(browser: Browser, word: str, form: dict[str, str]) -> httpx.Response:
    page = await browser.get(f"{BASE}/{word}/nouveau")
    return await browser.post(f"{BASE}/{word}/nouveau", {"cle": value(page, "cle"), **form})


async def save(
    browser: Browser, word: str, id: UUID, form: dict[str, str], version: str = ""
) -> httpx.Response:
    page = await browser.get(f"{BASE}/{word}/{id}")
    version = version or value(page, "version")
    return await browser.post(f"{BASE}/{word}/{id}", {"version": version, **form})


async def end(browser: Browser, word: str, id: UUID) -> httpx.Response:
    version = (await db.fetch(f"SELECT version FROM {TABLES[word]} WHERE id = {{}}", id))[0]
    await browser.get(BASE)
    return await browser.post(f"{BASE}/{word}/{id}/fin", {"version": str(version["version"])})


@pytest.mark.parametrize("word", TABLES)
async def test_one_is_added_once_though_its_form_comes_twice(
    fay: Browser, world: World, word: str
) -> None:
    form = good(word, world)
    page = await fay.get(f"{BASE}/{word}/nouveau")
    before = await count(TABLES[word])
    sent = form | {"cle": value(page, "cle")}
    answers = [await fay.post(f"{BASE}/{word}/nouveau", sent) for _ in range(2)]
    assert [a.status_code for a in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert await count(TABLES[word]) == before + 1
    listed = await fay.get(answers[0].headers["location"])
    assert "c’est enregistré" in main(listed)
    assert [line["action"] for line in await journal(f"{TABLES[word]}.")] == [
        f"{TABLES[word]}.added"
    ]


@pytest.mark.parametrize("word", TABLES)
async def test_one_is_changed_and_shown_as_typed(fay: Browser, world: World, word: str) -> None:
    id, form = await id_of(word, world), good(word, world)
    assert (await save(fay, word, id, form)).status_code == 303
    kept = form | ({"telephone": "+14505550110"} if word == "lieux" else {})
    page = await fay.get(f"{BASE}/{word}/{id}")
    shown = typed(page) | {e.attrs["name"]: e.text for e in elements(page, "textarea")}
    assert shown == {name: text for name, text in kept.items() if name in shown}
    assert [line["subject"] for line in await journal(f"{TABLES[word]}.changed")] == [id]


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("lieux", {"nom": ""}),
        ("lieux", {"telephone": "12"}),
        ("lieux", {"province": "XX"}),
        ("lieux", {"code_postal": "x" * 11}),
        ("specialites", {"nom": "x" * 81}),
        ("intervenants", {"nom": " "}),
        ("intervenants", {"salle": "http://visio.example"}),
        ("intervenants", {"salle": "javascript:alert(1)"}),
        ("intervenants", {"specialite": str(UUID(int=1))}),
        ("intervenants", {"specialite": "x"}),
        ("types", {"duree": "4"}),
        ("types", {"duree": "241"}),
        ("types", {"duree": "vingt"}),
        ("types", {"message": "x" * 2001}),
        ("equipes", {"nom": ""}),
    ],
)
async def test_what_cannot_be_is_refused_with_all_that_was_typed(
    fay: Browser, world: World, word: str, wrong: dict[str, str]
) -> None:
    form = good(word, world) | wrong
    before = await rows()
    for answer in (
        await add(fay, word, form),
        await save(fay, word, await id_of(word, world), form),
    ):
        assert answer.status_code == 422
        (name,) = wrong
        assert f"#{name}" in links(answer).values()
        shown = typed(answer) | {e.attrs["name"]: e.text for e in elements(answer, "textarea")}
        assert shown == {name: form[name] for name in shown}
    assert await rows() == before


@pytest.mark.parametrize("word", TABLES)
async def test_two_at_once_the_second_is_told_and_overwrites_nothing(
    fay: Browser, world: World, word: str
) -> None:
    id, form = await id_of(word, world), good(word, world)
    old = value(await fay.get(f"{BASE}/{word}/{id}"), "version")
    await save(fay, word, id, form)
    before = await rows()
    late = await save(fay, word, id, form | {"nom": "Autrement"}, version=old)
    assert late.status_code == 409
    assert "Par Fay Blais" in main(late)
    assert f"Enregistré entre-temps : {form['nom']}" in main(late).replace("\xa0", " ")
    assert await rows() == before
    again = form | {"nom": "Autrement", "version": value(late, "version")}
    assert (await fay.post(f"{BASE}/{word}/{id}", again)).status_code == 303


@pytest.mark.parametrize("word", ORDERED)
async def test_their_order_is_changed_one_place_at_a_time(
    fay: Browser, world: World, word: str
) -> None:
    first = [e.attrs["id"] for e in elements(await fay.get(f"{BASE}/{word}"), "tr") if e.attrs]
    await add(fay, word, good(word, world))
    page = await fay.get(f"{BASE}/{word}")
    ids = [e.attrs["id"] for e in elements(page, "tr") if e.attrs]
    assert ids[:-1] == first
    moved = await fay.post(f"{BASE}/{word}/{ids[-1]}/ordre", {"sens": "monter"})
    assert moved.headers["location"] == f"{BASE}/{word}#{ids[-1]}"
    page = await fay.get(f"{BASE}/{word}")
    now = [e.attrs["id"] for e in elements(page, "tr") if e.attrs]
    assert now == [*ids[:-2], ids[-1], ids[-2]]
    await fay.post(f"{BASE}/{word}/{now[0]}/ordre", {"sens": "monter"})  # already the first
    page = await fay.get(f"{BASE}/{word}")
    assert [e.attrs["id"] for e in elements(page, "tr") if e.attrs] == now


async def test_english_follows_the_french_where_it_has_no_words_of_its_own(
    fay: Browser, world: World
) -> None:
    await save(fay, "specialites", world.specialty, {"nom": "Gériatrie", "nom_anglais": ""})
    await save(fay, "specialites", world.specialty, {"nom": "Gériatrie II", "nom_anglais": ""})
    row = await Specialty.objects().get(Specialty.id == world.specialty)
    assert row is not None
    assert (row.name_fr, row.name_en) == ("Gériatrie II", "Gériatrie II")


async def test_names_are_text_wherever_they_stand(fay: Browser, world: World) -> None:
    """A35."""
    await save(fay, "types", world.visit_type, good("types", world) | {"nom": XSS})
    for path in ("types", f"types/{world.visit_type}", f"types/{world.visit_type}/fin"):
        page = await fay.get(f"{BASE}/{path}")
        assert elements(page, "img[src=x]") == []
        assert XSS not in page.text


async def test_a_longer_type_moves_no_visit_and_says_which_hours_it_no_longer_fits(
    fay: Browser, world: World
) -> None:
    """P2."""
    await WeeklyHours.insert(
        WeeklyHours(
            id=uuid4(),
            schedule=world.schedule,
            weekday=1,
            opens=time(9),
            closes=time(12),
            slot_minutes=15,
        )
    )
    await world.appointment(world.now + timedelta(days=3))
    before = await db.fetch("SELECT starts_at, ends_at FROM appointment")
    await save(fay, "types", world.visit_type, good("types", world) | {"duree": "30"})
    assert await db.fetch("SELECT starts_at, ends_at FROM appointment") == before
    page = await fay.get(f"{BASE}/types")
    assert "Trop long pour 1 ligne d’horaire" in main(page)
    assert "1 ligne d’horaire a des plages plus courtes" in main(
        await fay.get(f"{BASE}/types/{world.visit_type}")
    )


# Offered no more


async def test_a_practitioner_with_visits_to_come_stays_and_the_visits_are_listed(
    fay: Browser, world: World
) -> None:
    await world.appointment(world.now + timedelta(days=3))
    free = await world.slot(world.now + timedelta(days=4))
    before = await rows()
    answer = await end(fay, "intervenants", world.practitioner)
    assert answer.status_code == 409
    assert "Il reste 1 élément qui en dépend." in main(answer)
    assert f"/clinique/patients/{world.alice}/rendez-vous" in links(answer).values()
    assert await rows() == before
    await Appointment.update({Appointment.cancelled_at: world.now}, force=True)
    assert (await end(fay, "intervenants", world.practitioner)).status_code == 303
    assert await Schedule.count().where(Schedule.ended_at.is_null()) == 0
    slot = await Slot.objects().get(Slot.id == free)
    assert slot is not None
    assert slot.withdrawn_at == world.now


async def test_who_left_is_booked_no_more_and_keeps_the_name(
    fay: Browser, alice: Browser, world: World
) -> None:
    past = await world.appointment(world.now - timedelta(days=3))
    await world.another_practitioner()
    await end(fay, "intervenants", world.practitioner)
    page = await alice.open(f"/profils/{world.alice}/reservation")
    assert "Roy" not in main(page)
    page = await alice.get(f"/profils/{world.alice}/rendez-vous?ouvert={past}")
    assert "Dre Camille Roy" in main(page)


@pytest.mark.parametrize("word", ["lieux", "specialites"])
async def test_what_others_stand_on_stays(fay: Browser, world: World, word: str) -> None:
    answer = await end(fay, word, await id_of(word, world))
    assert answer.status_code == 409
    assert "Dre Camille Roy" in main(answer)


async def test_the_only_type_of_a_schedule_stays(fay: Browser, world: World) -> None:
    assert (await end(fay, "types", world.urgent_type)).status_code == 303
    answer = await end(fay, "types", world.visit_type)
    assert answer.status_code == 409
    assert "N’offre que ce type" in main(answer)
    row = await VisitType.objects().get(VisitType.id == world.visit_type)
    assert row is not None
    assert row.ended_at is None


async def test_a_team_that_someone_waits_for_stays(fay: Browser, world: World) -> None:
    thread = await world.thread(subject="Question")
    await Thread.update({Thread.team: world.team}).where(Thread.id == thread)
    answer = await end(fay, "equipes", world.team)
    assert answer.status_code == 409
    assert f"/clinique/patients/{world.alice}/communications" in links(answer).values()
    await Thread.update({Thread.closed_at: world.now}, force=True)
    assert (await end(fay, "equipes", world.team)).status_code == 303


async def test_what_ended_is_kept_apart_and_can_be_offered_again(
    fay: Browser, world: World
) -> None:
    await end(fay, "equipes", world.team)
    page = await fay.get(f"{BASE}/equipes")
    assert "Plus proposé (1)" in main(page)
    await fay.press(page, "Proposer de nouveau")
    assert [row["ended_at"] for row in await table("equipes")] == [None]
    assert [line["action"] for line in await journal("team.")] == ["team.ended", "team.resumed"]


async def test_a_practitioner_of_an_ended_specialty_is_not_offered_again(
    fay: Browser, world: World
) -> None:
    await end(fay, "intervenants", world.practitioner)
    assert (await end(fay, "specialites", world.specialty)).status_code == 303
    answer = await fay.press(await fay.get(f"{BASE}/intervenants"), "Proposer de nouveau")
    assert answer.status_code == 409
    assert "La spécialité de cet intervenant n’est plus proposée" in main(answer)


async def test_ended_by_a_page_that_is_old_is_told(fay: Browser, world: World) -> None:
    page = await fay.get(f"{BASE}/equipes/{world.team}/fin")
    await save(fay, "equipes", world.team, good("equipes", world))
    answer = await fay.press(page, "Ne plus proposer")
    assert answer.status_code == 409
    assert [row["ended_at"] for row in await table("equipes")] == [None]


@pytest.mark.parametrize("word", TABLES)
async def test_unknown_ones_are_not_found(fay: Browser, world: World, word: str) -> None:
    for folder in ("", "/fin"):
        assert (await fay.get(f"{BASE}/{word}/{uuid4()}{folder}")).status_code == 404
    for folder in ("", "/fin", "/reprise", *(["/ordre"] if word in ORDERED else [])):
        answer = await fay.post(f"{BASE}/{word}/{uuid4()}{folder}", good(word, world))
        assert answer.status_code == 404


async def test_a_long_list_costs_as_many_statements_as_a_short_one(
    fay: Browser, world: World
) -> None:
    with statements() as short:
        await fay.get(f"{BASE}/types")
    await VisitType.insert(
        *(VisitType(id=uuid4(), name_fr=f"T{n}", name_en=f"T{n}", minutes=15) for n in range(50))
    )
    with statements() as long:
        await fay.get(f"{BASE}/types")
    assert len(long) == len(short)
