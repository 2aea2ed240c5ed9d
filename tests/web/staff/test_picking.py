"""In a clinic of many practitioners, every form that names one takes a name that is typed."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.clinic.tables import Site
from domain.desk import practitioners
from tests.domain.records import rows
from tests.web.browser import Browser, alert, elements, heading, main, title
from tests.web.staff.newcomers import CHART
from tests.web.staff.scene import COLLEAGUE
from tests.world import World
from web.staff.sending import packed

HOUR = timedelta(hours=1)
UNKNOWN = "Aucun intervenant ne correspond à « Personne »."
ALIKE = "Est-ce bien Dr Hugo Tran ? Si oui, appuyez de nouveau sur le bouton."
SEVERAL = "Plusieurs intervenants correspondent à « Hugo » : choisissez dans la liste."


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practitioners, "MOST_LISTED", 2)


@pytest.fixture
async def tran(world: World) -> UUID:
    """One of three; two of them are called Hugo."""
    schedule = await world.another_practitioner("Tran")
    await world.another_practitioner("Zola")
    (row,) = await rows("SELECT practitioner FROM schedule WHERE id = {}", schedule)
    found: UUID = row["practitioner"]
    return found


def chosen(page: httpx.Response, field: str = "intervenant") -> str:
    """What the list of that field stands at."""
    (options,) = re.findall(rf'<select[^>]* name="{field}"[^>]*>(.*?)</select>', page.text, re.S)
    return "".join(re.findall(r'value="([^"]*)" selected', options))


def typed(page: httpx.Response, field: str = "intervenant") -> str:
    (box,) = [e for e in elements(page, "input") if e.attrs.get("name") == f"{field}_nom"]
    return box.attrs["value"]


Where = Callable[[World], str]
FILTERS: dict[str, Where] = {
    "the day": lambda _: "/clinique?",
    "a week": lambda _: "/clinique/agenda?",
    "whom to write to": lambda _: "/clinique/communications/envoi?",
    "booking": lambda w: f"/clinique/patients/{w.alice}/rendez-vous/nouveau?",
}


@pytest.mark.parametrize("where", FILTERS.values(), ids=FILTERS.keys())
async def test_a_filter_takes_a_name_and_says_what_is_wrong_with_it(
    dana: Browser, world: World, tran: UUID, where: Where
) -> None:
    at = where(world)
    page = await dana.open(f"{at}intervenant={world.practitioner}&intervenant_nom=tran")
    assert page.status_code == 200
    assert chosen(page) == str(tran)
    assert typed(page) == ""
    unknown = await dana.open(f"{at}intervenant_nom=Personne")
    assert UNKNOWN in main(unknown)
    assert typed(unknown) == "Personne"
    several = await dana.open(f"{at}intervenant_nom=Hugo")
    assert SEVERAL in main(several)
    assert typed(several) == ""
    assert "Hugo Tran" in main(several)
    assert "Hugo Zola" in main(several)


async def test_the_day_of_a_name_is_that_practitioners(
    dana: Browser, world: World, tran: UUID
) -> None:
    await world.appointment(world.now + HOUR)
    await world.appointment(world.now + 2 * HOUR, practitioner=tran, patient=world.charlie)
    page = await dana.get("/clinique?intervenant_nom=tran")
    assert [e.text for e in elements(page, "h2") if "Hugo" in e.text or "Roy" in e.text] == [
        "Dr Hugo Tran Clinique des Érables · 1 rendez-vous"
    ]


async def test_a_week_that_a_name_did_not_choose_asks_again(dana: Browser, tran: UUID) -> None:
    page = await dana.get("/clinique/agenda?intervenant_nom=Personne&semaine=2026-11-30")
    assert title(page).startswith("Erreur : ")
    (week,) = [e for e in elements(page, "input") if e.attrs.get("name") == "semaine"]
    assert week.attrs["value"] == "2026-11-30"
    found = await dana.get(f"/clinique/agenda?intervenant_nom=tran&semaine={week.attrs['value']}")
    assert found.headers["location"] == (
        f"/clinique/agenda/{tran}?semaine=2026-11-30&jour=2026-11-30"
    )


async def test_moving_takes_a_name(dana: Browser, world: World, tran: UUID) -> None:
    visit = await world.appointment(world.now + 30 * HOUR)
    at = f"/clinique/rendez-vous/{visit}/deplacement"
    assert chosen(await dana.get(at)) == str(world.practitioner)
    assert chosen(await dana.get(f"{at}?intervenant_nom=tran")) == str(tran)
    assert chosen(await dana.get(f"{at}?intervenant=tous")) == ""


async def test_the_inbox_is_narrowed_by_a_name(dana: Browser, world: World, tran: UUID) -> None:
    thread = await world.thread(subject="À Dr Tran", may_answer=True)
    await world.message(thread, "Bonjour", account=world.alice_account)
    await world.thread(subject="À personne")
    await db.fetch(
        "UPDATE message SET practitioner = {} WHERE thread = {} AND account IS NULL", tran, thread
    )
    page = await dana.get("/clinique/communications?etat=tous&pour=moi&pour_nom=tran")
    assert chosen(page, "pour") == f"intervenant:{tran}"
    assert "À Dr Tran" in main(page)
    assert "À personne" not in main(page)
    assert UNKNOWN in main(await dana.get("/clinique/communications?pour_nom=Personne"))


async def test_a_thread_is_given_and_answered_in_the_name_that_is_typed(
    dana: Browser, world: World, tran: UUID
) -> None:
    thread = await world.thread(subject="Ma question", may_answer=True)
    await world.message(thread, "Et ensuite ?", account=world.alice_account)
    at = f"/clinique/communications/{thread}"
    team = f"equipe:{world.team}"
    for name, said in (("Hugo", SEVERAL), ("tran", ALIKE)):
        refused = await dana.post(f"{at}/responsable", {"a": team, "a_nom": name})
        assert refused.status_code == 422
        assert said in alert(refused)
        assert await rows("SELECT practitioner FROM assignment") == []
    assert chosen(refused, "a") == f"intervenant:{tran}"
    await dana.post(f"{at}/responsable", {"a": team, "a_nom": "Hugo Tran"})
    assert [row["practitioner"] for row in await rows("SELECT practitioner FROM assignment")] == [
        tran
    ]
    letter = {"cle": "k", "genre": "message", "texte": "Voici.", "de": team}
    refused = await dana.post(f"{at}/reponse", letter | {"de_nom": "Personne"})
    assert refused.status_code == 422
    assert UNKNOWN in alert(refused)
    assert "Voici." in main(refused)
    assert (typed(refused, "de"), chosen(refused, "de")) == ("Personne", team)
    refused = await dana.post(f"{at}/reponse", letter | {"de_nom": "tran"})
    assert ALIKE in alert(refused)
    assert (typed(refused, "de"), chosen(refused, "de")) == ("", f"intervenant:{tran}")
    await dana.post(f"{at}/reponse", letter | {"de_nom": "Dr. Hugo Tran"})
    (row,) = await rows("SELECT practitioner, team FROM message WHERE body = 'Voici.'")
    assert (row["practitioner"], row["team"]) == (tran, None)


async def test_whoever_left_is_not_offered_to_sign_or_to_answer(
    dana: Browser, world: World, tran: UUID
) -> None:
    thread = await world.thread(subject="Ma question", may_answer=True)
    await db.fetch("UPDATE message SET practitioner = {}", tran)
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE id = {}", world.now, tran)
    await world.another_practitioner("Abel")
    page = await dana.get(f"/clinique/communications/{thread}")
    assert str(tran) not in page.text
    assert (chosen(page, "de"), chosen(page, "a")) == ("", "")


async def test_a_letter_to_many_is_signed_by_the_name_that_is_typed(
    dana: Browser, world: World, tran: UUID
) -> None:
    at = f"/clinique/communications/envoi/message?a={packed([world.alice, world.bob])}"
    letter = {"cle": "k", "genre": "message", "sujet": "Horaire", "texte": "Voici.", "de": ""}
    sure = {"certain": "oui"}
    refused = await dana.post(at, letter | sure | {"de_nom": "tra"})
    assert refused.status_code == 422
    assert chosen(refused, "de") == f"intervenant:{tran}"
    assert await rows("SELECT 1 FROM message") == []
    await dana.post(at, letter | sure | {"de": f"intervenant:{tran}"})
    sent = await rows("SELECT practitioner FROM message WHERE body = 'Voici.'")
    assert [row["practitioner"] for row in sent] == [tran, tran]


async def test_a_chart_takes_the_name_of_ones_own_practitioner(
    dana: Browser, world: World, tran: UUID
) -> None:
    at = "/clinique/patients/nouveau"
    for name, said in (("Personne", UNKNOWN), ("hugo", "choisissez dans la liste"), ("tr", ALIKE)):
        refused = await dana.post(at, CHART | {"intervenant_nom": name})
        assert refused.status_code == 422
        assert said in alert(refused)
    created = await dana.post(at, CHART | {"intervenant_nom": "hugo tran"})
    page = await dana.get(created.headers["location"].partition("?")[0] + "/modification")
    assert chosen(page) == str(tran)


async def test_a_name_that_chose_nobody_leaves_a_chart_whom_it_has(
    dana: Browser, world: World, tran: UUID
) -> None:
    await db.fetch("UPDATE patient SET primary_practitioner = {}", world.practitioner)
    at = f"/clinique/patients/{world.alice}/modification"
    sent = CHART | {"version": "1", "intervenant": str(world.practitioner)}
    refused = await dana.post(at, sent | {"intervenant_nom": "Personne"})
    assert (refused.status_code, typed(refused)) == (422, "Personne")
    assert chosen(refused) == str(world.practitioner)
    several = await dana.post(at, sent | {"intervenant_nom": "Hugo"})
    assert (several.status_code, chosen(several)) == (422, "several")
    again = await dana.post(at, sent | {"intervenant": chosen(several)})
    assert again.status_code == 422
    assert (await dana.post(at, sent | {"intervenant": str(tran)})).status_code == 303


async def test_a_colleague_gets_the_calendar_of_the_name_that_is_typed(
    fay: Browser, world: World, tran: UUID
) -> None:
    at = "/clinique/personnel/nouveau"
    zoe = COLLEAGUE | {"cle": "k", "role": "practitioner"}
    for name, said in (("Personne", UNKNOWN), ("tran", ALIKE)):
        refused = await fay.post(at, zoe | {"intervenant_nom": name})
        assert refused.status_code == 422
        assert said in alert(refused)
    assert (await fay.post(at, zoe | {"intervenant_nom": "Hugo Tran"})).status_code == 303
    (row,) = await rows("SELECT id, practitioner FROM staff_member WHERE email LIKE 'zoe@%'")
    assert row["practitioner"] == tran
    await db.fetch("UPDATE practitioner SET ended_at = {} WHERE id = {}", world.now, tran)
    await world.another_practitioner("Abel")
    at = f"/clinique/personnel/{row['id']}"
    assert chosen(await fay.get(at)) == str(tran)
    kept = zoe | {"version": "1", "intervenant": str(tran)}
    assert chosen(await fay.post(at, kept | {"prenom": ""})) == str(tran)
    assert (await fay.post(at, kept)).status_code == 303


async def test_parts_of_a_calendar_offer_another_by_name(
    dana: Browser, world: World, tran: UUID
) -> None:
    for part in ("", "/journees", "/absences"):
        page = await dana.get(f"/clinique/agenda/{tran}{part}")
        assert chosen(page) == str(tran)
        assert typed(page) == ""


async def test_a_name_of_any_letters_is_a_name(dana: Browser, tran: UUID) -> None:
    for name in ("%", "\0", "'; DROP TABLE practitioner; --", "é" * 500, "🦷", " "):
        page = await dana.get(f"/clinique?intervenant_nom={quote(name)}")
        assert page.status_code == 200
        assert heading(page) == "Aujourd’hui"


async def test_no_time_is_offered_as_long_as_a_name_chose_nobody(
    dana: Browser, world: World, tran: UUID
) -> None:
    await world.slot(world.now + 30 * HOUR)
    visit = await world.appointment(world.now + 60 * HOUR)
    new = f"/clinique/patients/{world.alice}/rendez-vous/nouveau"
    for at in (new, f"/clinique/rendez-vous/{visit}/deplacement"):
        assert week_of(await dana.get(f"{at}?intervenant=tous"))
        page = await dana.get(f"{at}?intervenant={world.practitioner}&intervenant_nom=hugo")
        assert not week_of(page)
        assert chosen(page) == ""
    await Site.insert(Site(id=uuid4(), name="Site Sud", street="2, rue du Lac"))
    for at in (new, f"/clinique/rendez-vous/{visit}/deplacement"):
        assert "Nommez un intervenant ou choisissez un lieu" in main(
            await dana.get(f"{at}?intervenant=tous")
        )
        assert week_of(await dana.get(f"{at}?intervenant=tous&lieu={world.site}"))


def week_of(page: httpx.Response) -> bool:
    return any("Semaine suivante" in e.attrs.get("aria-label", "") for e in elements(page, "a"))


async def test_who_shares_a_name_is_told_apart_in_every_list(
    dana: Browser, world: World, tran: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.another_practitioner("Tran")
    page = await dana.get(f"/clinique?intervenant={tran}")
    (own,) = [e.text for e in elements(page, "option") if e.attrs.get("value") == str(tran)]
    assert own == "Dr Hugo Tran (Médecine de famille)"
    monkeypatch.setattr(practitioners, "MOST_LISTED", 50)
    options = [e.text for e in elements(await dana.get("/clinique"), "option")]
    assert options.count(own) == 2
    assert "Dr Hugo Zola" in options
