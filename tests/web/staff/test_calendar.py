"""« Agenda » in a browser: every form good, bad, replayed, overtaken, and by whom it may not be."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.appointments.tables import Appointment
from domain.clinic import publishing
from domain.clinic.tables import OpenDay, Practitioner, Schedule, WeeklyHours
from domain.desk import absences
from domain.people.tables import Patient
from tests.databases import statements
from tests.domain import records
from tests.web.browser import Browser, alert, elements, heading, links, main, title
from tests.world import ZONE, World

TUESDAY = "2026-11-24"
LINE = {"jour_1": "1", "debut_1": "09:00", "fin_1": "12:00", "duree_1": "30"}
SINGLE = {"jour": "2026-11-28", "debut": "09:00", "fin": "10:00", "duree": "30", "cle": "k"}


@pytest.fixture
def agenda(world: World) -> str:
    return f"/clinique/agenda/{world.practitioner}"


@pytest.fixture
async def week(world: World) -> None:
    """Tuesdays from 9 to noon, published."""
    await WeeklyHours.insert(
        WeeklyHours(
            id=uuid4(),
            schedule=world.schedule,
            weekday=1,
            opens=time(9),
            closes=time(12),
            slot_minutes=30,
        )
    )
    await publishing.publish(now=world.now)


def hours_form(world: World, **changes: str) -> dict[str, str]:
    given = {f"type_{world.visit_type}": "oui", "version": "1", "cle": "k", "acte": "enregistrer"}
    return LINE | given | changes


async def booked(world: World, clock: str) -> UUID:
    at = datetime.combine(date(2026, 11, 24), time.fromisoformat(clock), ZONE)
    (slot,) = await db.fetch("SELECT id, starts_at FROM slot WHERE starts_at = {}", at)
    return await world.appointment(at.astimezone(UTC), slot=slot["id"])


async def live() -> int:
    (row,) = await db.fetch("SELECT count(*) AS n FROM slot WHERE withdrawn_at IS NULL")
    return int(row["n"])


# The week


async def test_the_calendar_leads_to_ones_own_or_the_first(
    dana: Browser, erin: Browser, agenda: str
) -> None:
    for browser in (dana, erin):
        assert (await browser.get("/clinique/agenda")).headers["location"] == agenda
    chosen = await dana.get(f"/clinique/agenda?intervenant={uuid4()}&semaine=2026-12-01")
    assert (await dana.follow(chosen)).status_code == 404


@pytest.mark.usefixtures("week")
async def test_the_week_names_what_stands_in_each_slot(
    dana: Browser, world: World, agenda: str
) -> None:
    await booked(world, "09:30")
    page = await dana.get(f"{agenda}?semaine={TUESDAY}")
    cells = [e.text for e in elements(page, "a") if "slot" in e.attrs.get("class", "").split()]
    assert cells == [
        "09:00 Libre, mardi 24 novembre",
        "09:30 Alice Gagnon, Suivi, À confirmer, mardi 24 novembre",
        *(f"{clock} Libre, mardi 24 novembre" for clock in ("10:00", "10:30", "11:00", "11:30")),
    ]


@pytest.mark.usefixtures("week")
async def test_each_patient_in_the_week_has_a_line_in_the_journal(
    dana: Browser, world: World, agenda: str
) -> None:
    """A53: who looked at a calendar looked at whoever stands in it."""
    await booked(world, "09:30")
    await dana.get(agenda)
    rows = await db.fetch("SELECT patient FROM audit_line WHERE action = 'read.staff.calendar'")
    assert [row["patient"] for row in rows] == [world.alice]


@pytest.mark.parametrize("asked", ["2026-13-45", "hier", "0001-01-01", "9999-12-31", "' OR 1=1"])
async def test_a_week_that_cannot_be_is_another_week(
    dana: Browser, agenda: str, asked: str
) -> None:
    """R83: whatever is asked for, a week is shown and no more."""
    page = await dana.get(agenda, params={"semaine": asked, "jour": asked})
    assert page.status_code == 200
    assert len([e for e in elements(page, "th") if e.attrs.get("scope") == "col"]) == 8


async def test_a_name_that_is_markup_is_shown_as_it_was_typed(
    dana: Browser, world: World, agenda: str, week: None
) -> None:
    """A35: stored XSS in a name, in the calendar and where time is taken back."""
    name = "<img src=x onerror=alert(1)>"
    await Patient.update({Patient.last_name: name}).where(Patient.id == world.alice)
    await booked(world, "09:30")
    for path in (f"?semaine={TUESDAY}", f"/retrait?du={TUESDAY}"):
        page = await dana.get(agenda + path)
        assert f"Alice {escape(name)}" in page.text
        assert len(elements(page, "img")) == 1  # the clinic's own


@pytest.mark.usefixtures("week")
async def test_pages_ask_as_much_for_one_visit_as_for_many(
    dana: Browser, world: World, agenda: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    fetch = db.fetch

    async def counting(sql: str, *args: object) -> list[dict[str, object]]:
        counts[-1] += 1
        return await fetch(sql, *args)

    monkeypatch.setattr(db, "fetch", counting)
    for clocks in (["09:00"], ["09:30", "10:00", "10:30", "11:00"]):
        for clock in clocks:
            counts.append(0)
            await booked(world, clock)
        counts.append(0)
        await dana.get(f"{agenda}?semaine={TUESDAY}")
    assert counts[1] == counts[-1]


@pytest.mark.usefixtures("week")
async def test_time_is_taken_back_from_many_with_as_many_statements_as_from_one(
    dana: Browser, world: World, agenda: str
) -> None:
    """Each visit has patients, and each patient others who act for them."""
    asked = []
    for clocks in (["09:00"], ["09:30", "10:00", "10:30", "11:00", "11:30"]):
        for clock in clocks:
            patient = await world.patient("Denise", clock, date(1980, 1, 1))
            for n in range(2):
                account = await world.account(f"proche{n}.{clock[:2]}{clock[3:]}@example.com")
                await world.consent(await world.grant(account, patient))
            await Appointment.update({Appointment.patient: patient}).where(
                Appointment.id == await booked(world, clock)
            )
        with statements() as made:
            page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
        asked.append(len(made))
        assert "proche0.0900@example.com, proche1.0900@example.com" in main(page)
    assert asked[0] == asked[1]


# A slot


@pytest.mark.usefixtures("week")
async def test_a_slot_is_withdrawn_and_offered_again(
    dana: Browser, world: World, agenda: str
) -> None:
    before = await live()
    page = await dana.get(f"{agenda}?semaine={TUESDAY}")
    page = await dana.open(next(url for words, url in links(page).items() if "09:00" in words))
    page = await dana.click(page, "Retirer cette plage")
    answer = await dana.press(page, "Retirer cette plage")
    week = f"{agenda}?semaine={TUESDAY}&jour={TUESDAY}"
    assert answer.headers["location"] == f"{week}&fait=retrait-0-0"
    assert await live() == before - 1
    page = await dana.follow(answer)
    page = await dana.open(next(url for words, url in links(page).items() if "Retirée" in words))
    assert "par Dana" in main(page)
    for _ in range(2):
        await dana.press(page, "Offrir de nouveau cette plage")
    assert await live() == before


async def test_a_slot_of_another_calendar_is_not_found(
    dana: Browser, world: World, agenda: str
) -> None:
    other = await world.slot(schedule=await world.another_practitioner())
    for path in (f"/plages/{other}", f"/plages/{uuid4()}", f"/retrait?plage={other}"):
        assert (await dana.get(agenda + path)).status_code == 404


# Hours


async def test_hours_are_looked_at_then_saved(fay: Browser, world: World, agenda: str) -> None:
    url = f"{agenda}/horaires/{world.schedule}"
    await fay.get(url)
    page = await fay.post(url, hours_form(world, acte="apercu"))
    assert page.status_code == 200
    assert "72 plages seront publiées" in main(page)
    assert await live() == 0
    page = await fay.follow(await fay.post(url, hours_form(world)))
    assert "L’horaire est enregistré" in main(page)
    assert await live() == 72


async def test_the_preview_names_the_single_day_that_the_hours_meet(
    fay: Browser, world: World, agenda: str
) -> None:
    await fay.get(f"{agenda}/journees")
    await fay.post(f"{agenda}/journees", SINGLE | {"gabarit": str(world.schedule)})
    form = hours_form(world, acte="apercu", jour_1="5")
    page = await fay.post(f"{agenda}/horaires/{world.schedule}", form)
    assert "1 journée ajoutée chevauche ces heures" in main(page)
    assert "samedi 28 novembre" in main(page)


async def test_a_new_schedule_sent_twice_is_one(fay: Browser, world: World, agenda: str) -> None:
    url = f"{agenda}/horaires/nouveau"
    await fay.get(url)
    form = hours_form(world, lieu=str(world.site))
    for _ in range(2):
        assert (await fay.post(url, form)).status_code == 303
    assert await Schedule.count() == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"jour_1": ""}, "Choisissez le jour."),
        ({"debut_1": "25:00"}, "Indiquez l’heure du début, comme 08:30."),
        ({"fin_1": "08:00"}, "La fin doit venir après le début, le même jour."),
        ({"duree_1": "0"}, "Indiquez la durée d’une plage, de 5 à 480 minutes."),
        ({"duree_1": "10"}, "Un type de rendez-vous choisi dure plus longtemps que les plages."),
        (
            {"jour_2": "1", "debut_2": "11:00", "fin_2": "13:00", "duree_2": "30"},
            "Ces heures chevauchent une autre ligne de ce formulaire.",
        ),
    ],
)
async def test_hours_that_cannot_be_keep_what_was_typed(
    fay: Browser, world: World, agenda: str, changes: dict[str, str], error: str
) -> None:
    url = f"{agenda}/horaires/{world.schedule}"
    await fay.get(url)
    form = hours_form(world, **changes)
    page = await fay.post(url, form)
    assert page.status_code == 422
    assert title(page).startswith("Erreur : ")
    assert error in alert(page)
    fields = {
        e.attrs["name"]: e.attrs["value"] for e in elements(page, "input") if "name" in e.attrs
    }
    typed = {name: value for name, value in form.items() if name.startswith(("debut", "fin", "d"))}
    assert {name: fields[name] for name in typed} == typed
    assert await live() == 0


async def test_who_saves_older_hours_is_shown_the_newer_and_overwrites_nothing(
    fay: Browser, world: World, agenda: str
) -> None:
    url = f"{agenda}/horaires/{world.schedule}"
    await fay.get(url)
    await fay.post(url, hours_form(world))
    page = await fay.post(url, hours_form(world, fin_1="11:00"))
    assert page.status_code == 409
    assert "Ce qui est enregistré maintenant" in main(page)
    fields = {
        e.attrs["name"]: e.attrs["value"] for e in elements(page, "input") if "name" in e.attrs
    }
    assert (fields["fin_1"], fields["version"]) == ("11:00", "2")
    assert await live() == 72
    assert (
        await fay.press(
            page, "Enregistrer et publier", hours_form(world, version="2", fin_1="11:00")
        )
    ).status_code == 303
    assert await live() == 48


async def test_more_lines_come_without_saving(fay: Browser, world: World, agenda: str) -> None:
    url = f"{agenda}/horaires/nouveau"
    page = await fay.get(url)
    fewer = len([e for e in elements(page, "select") if e.attrs["name"].startswith("jour_")])
    page = await fay.post(url, hours_form(world, acte="lignes"))
    more = len([e for e in elements(page, "select") if e.attrs["name"].startswith("jour_")])
    assert (page.status_code, more > fewer) == (200, True)
    assert await Schedule.count() == 1


async def test_ended_hours_are_gone_and_cannot_be_ended_again(
    fay: Browser, world: World, agenda: str, week: None
) -> None:
    page = await fay.get(f"{agenda}/horaires/{world.schedule}/fin")
    assert "72 plages libres seront retirées" in main(page)
    answer = await fay.press(page, "Terminer cet horaire")
    assert answer.status_code == 303
    assert await live() == 0
    assert (await fay.press(page, "Terminer cet horaire")).status_code == 404


async def test_secretaries_do_not_touch_hours_and_practitioners_only_their_own(
    dana: Browser, erin: Browser, world: World, agenda: str
) -> None:
    assert (await dana.get(f"{agenda}/horaires")).status_code == 403
    assert (await erin.get(f"{agenda}/horaires")).status_code == 200
    await world.another_practitioner()
    (other,) = await db.fetch("SELECT id FROM practitioner WHERE last_name = 'Tran'")
    for part in ("", "/horaires", "/journees", "/absences", f"/retrait?du={TUESDAY}"):
        url = f"/clinique/agenda/{other['id']}{part}"
        assert (await erin.get(url)).status_code == 404


# Single days


async def test_a_single_day_is_added_once_and_removed_once(
    dana: Browser, world: World, agenda: str
) -> None:
    await dana.get(f"{agenda}/journees")
    form = SINGLE | {"gabarit": str(world.schedule)}
    for _ in range(2):
        assert (await dana.post(f"{agenda}/journees", form)).status_code == 303
    assert (await live(), await OpenDay.count()) == (2, 1)
    page = await dana.open(f"{agenda}/journees?fait=ajout")
    page = await dana.click(page, "Retirer")
    for _ in range(2):
        assert (await dana.press(page, "Retirer cette journée")).status_code == 303
    assert (await live(), await OpenDay.count()) == (0, 0)
    assert (await dana.get(f"{agenda}/journees/{uuid4()}")).status_code == 404


async def test_a_single_day_that_cannot_be_keeps_what_was_typed(
    dana: Browser, world: World, agenda: str
) -> None:
    await dana.get(f"{agenda}/journees")
    form = SINGLE | {"gabarit": str(world.schedule), "fin": "08:00"}
    page = await dana.post(f"{agenda}/journees", form)
    assert (page.status_code, title(page)[:8]) == (422, "Erreur :")
    fields = {e.attrs.get("name"): e.attrs.get("value") for e in elements(page, "input")}
    assert {name: fields[name] for name in SINGLE} == SINGLE | {"fin": "08:00"}
    (chosen,) = [e for e in elements(page, "option") if e.attrs["value"] == str(world.schedule)]
    assert "selected" in chosen.attrs


# Taking time back


@pytest.mark.usefixtures("week")
async def test_a_day_is_taken_back_with_its_visits_told(
    dana: Browser, world: World, agenda: str
) -> None:
    cancelled, kept = await booked(world, "09:30"), await booked(world, "10:30")
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    assert "2 rendez-vous sont touchés" in main(page)
    assert "alice@example.com" in main(page)
    choice = {f"choix_{cancelled}": "annuler", f"choix_{kept}": "garder"}
    for _ in range(2):
        answer = await dana.press(page, "Retirer ce temps", choice)
        assert answer.status_code == 303
    assert (await records.visit(cancelled))["cancelled_at"] is not None
    assert (await records.visit(kept))["cancelled_at"] is None
    assert await records.mails() == Counter(cancelled=1)
    shown = await dana.follow(answer)
    assert "Absence" in [e.text for e in elements(shown, "span")]


@pytest.mark.usefixtures("week")
async def test_a_visit_booked_meanwhile_is_shown_and_nothing_is_done(
    dana: Browser, world: World, agenda: str
) -> None:
    seen = await booked(world, "09:30")
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    meanwhile = await booked(world, "10:30")
    choice = {f"choix_{seen}": "garder", "mot": "Désolés."}
    page = await dana.press(page, "Retirer ce temps", choice)
    assert page.status_code == 409
    assert "Rien n’a été fait" in main(page)
    checked = {
        e.attrs["name"]: e.attrs["value"] for e in elements(page, "input") if "checked" in e.attrs
    }
    assert checked == {f"choix_{seen}": "garder", f"choix_{meanwhile}": "annuler"}
    assert [e.text for e in elements(page, "textarea")] == ["Désolés."]
    assert await live() == 72
    answer = await dana.press(page, "Retirer ce temps", checked)
    assert answer.status_code == 303
    assert (await records.visit(meanwhile))["cancelled_at"] is not None


@pytest.mark.usefixtures("week")
async def test_a_note_that_is_too_long_is_kept_and_nothing_is_done(
    dana: Browser, world: World, agenda: str
) -> None:
    visit = await booked(world, "09:30")
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    note = {"mot": "é" * 301, f"choix_{visit}": "annuler"}
    page = await dana.press(page, "Retirer ce temps", note)
    assert (page.status_code, title(page)[:8]) == (422, "Erreur :")
    assert [e.text for e in elements(page, "textarea")] == ["é" * 301]
    assert (await records.visit(visit))["cancelled_at"] is None


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "Choisissez le premier jour."),
        ("?du=2026-11-22", "Ce jour est passé."),
        ("?du=2026-11-25&au=2026-11-24", "Le dernier jour ne peut pas venir avant le premier."),
        ("?du=2026-11-25&motif=" + "x" * 121, "Le motif a au plus 120 caractères."),
        ("?du=2027-03-02&partie=matin", "ne sont pas encore publiées"),
        ("?du=2026-11-28&partie=apres-midi", "Il n’y a aucune plage à retirer"),
    ],
)
async def test_a_period_that_cannot_be_is_asked_for_again(
    dana: Browser, agenda: str, query: str, error: str
) -> None:
    page = await dana.get(f"{agenda}/retrait{query}")
    assert (page.status_code, error in alert(page)) == (422, True)
    assert heading(page).startswith("Absences")


@pytest.mark.usefixtures("week")
async def test_more_visits_than_a_page_can_list_by_now_are_said_so(
    dana: Browser, world: World, agenda: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absences, "MOST_TOUCHED", 1)
    await booked(world, "09:30")
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    await booked(world, "10:30")
    page = await dana.press(page, "Retirer ce temps")
    assert (page.status_code, heading(page)[:8]) == (422, "Absences")
    assert "Choisissez une période plus courte" in alert(page)
    assert await live() == 72


@pytest.mark.usefixtures("week")
async def test_a_half_day_that_was_taken_back_stays_free_of_new_hours(
    dana: Browser, fay: Browser, world: World, agenda: str
) -> None:
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}&partie=matin")
    assert "Rien d’autre ne sera publié pendant cette demi-journée." in main(page)
    await dana.press(page, "Retirer ce temps")
    assert await live() == 66
    await fay.get(agenda)
    form = hours_form(world, debut_1="08:00")
    assert (await fay.post(f"{agenda}/horaires/{world.schedule}", form)).status_code == 303
    assert await live() == 66 + 11 * 2


@pytest.mark.usefixtures("week")
async def test_a_removed_absence_publishes_again_once(
    dana: Browser, world: World, agenda: str
) -> None:
    page = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    await dana.press(page, "Retirer ce temps")
    assert await live() == 66
    again = await dana.get(f"{agenda}/retrait?du={TUESDAY}")
    assert "Une absence couvre déjà ces jours." in alert(again)
    page = await dana.click(await dana.get(f"{agenda}/absences"), "Retirer mardi 24 novembre")
    assert heading(page) == "Rouvrir le mardi 24 novembre ?"
    assert "6 plages seront offertes aux patients." in main(page)
    assert await live() == 66
    for _ in range(2):
        answer = await dana.press(page, "Rouvrir")
        assert answer.headers["location"] == f"{agenda}/absences?fait=fin"
    assert "L’absence est retirée" in main(await dana.follow(answer))
    assert await live() == 72


@pytest.mark.usefixtures("week")
async def test_an_absence_that_is_gone_already_leads_back_with_a_word(
    dana: Browser, fay: Browser, agenda: str
) -> None:
    for folder, browser, gone in (
        (f"{agenda}/absences", dana, "Cette absence n’est plus dans la liste"),
        ("/clinique/agenda/fermetures", fay, "Cette fermeture n’est plus dans la liste"),
    ):
        await browser.get(folder)
        url = f"{folder}/{uuid4()}/fin"
        for answer in (await browser.get(url), await browser.post(url, {"cle": "k"})):
            assert answer.status_code == 303
            assert gone in main(await browser.follow(answer))
    assert await live() == 72


@pytest.mark.usefixtures("week")
async def test_the_clinic_closes_for_everyone_by_the_administrator(
    dana: Browser, fay: Browser, world: World
) -> None:
    url = f"/clinique/agenda/fermetures/nouvelle?du={TUESDAY}"
    assert (await dana.get(url)).status_code == 403
    visit = await booked(world, "09:30")
    page = await fay.get(url)
    assert "Dre Camille Roy" in main(page)
    answer = await fay.press(page, "Fermer la clinique", {f"choix_{visit}": "annuler"})
    assert answer.status_code == 303
    assert (await records.visit(visit))["cancelled_at"] is not None
    page = await fay.follow(answer)
    assert await live() == 66
    page = await fay.click(page, "Retirer mardi 24 novembre")
    assert heading(page) == "Rouvrir le mardi 24 novembre ?"
    assert "6 plages seront offertes aux patients." in main(page)
    await fay.press(page, "Rouvrir")
    assert await live() == 72


async def test_a_practitioner_takes_their_own_day_back(
    erin: Browser, world: World, agenda: str, week: None
) -> None:
    visit = await booked(world, "09:30")
    page = await erin.get(f"{agenda}/retrait?du={TUESDAY}")
    assert (
        await erin.press(page, "Retirer ce temps", {f"choix_{visit}": "annuler"})
    ).status_code == 303
    assert (await records.visit(visit))["cancelled_at"] == world.now


async def test_an_ended_practitioner_gets_no_new_hours(
    fay: Browser, world: World, agenda: str
) -> None:
    await Practitioner.update({Practitioner.ended_at: world.now - timedelta(days=1)}, force=True)
    await fay.get(f"{agenda}/horaires")
    form = hours_form(world, lieu=str(world.site))
    assert (await fay.post(f"{agenda}/horaires/nouveau", form)).status_code == 404
