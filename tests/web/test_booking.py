import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID, uuid4

import httpx
import pytest

from domain.accounts import throttles
from domain.appointments.tables import Appointment, Hold
from domain.clinic.tables import Schedule, Slot
from domain.people.tables import Patient
from tests.web.browser import (
    Browser,
    Clock,
    Element,
    alert,
    elements,
    forms,
    heading,
    links,
    main,
)
from tests.web.clinic import Wide, slots
from tests.web.state import count, journal, rows
from tests.world import World
from web.gate import Gate

TAKEN = "Ce créneau vient d’être pris."
NOT_OFFERED = "Ce créneau n’est pas offert pour ce rendez-vous."


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """A wall-clock time in Toronto, in the winter of 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


def url(
    world: World, step: str, *, kind: str = "reservation", patient: UUID | None = None, **more: Any
) -> str:
    regular = {
        "specialite": world.specialty,
        "intervenant": world.practitioner,
        "lieu": world.site,
        "type": world.visit_type,
        "moment": "des-que-possible",
    }
    urgent = {"lieu": world.site, "type": world.urgent_type, "motif": "Fièvre"}
    query = (regular if kind == "reservation" else urgent) | more
    return f"/profils/{patient or world.alice}/{kind}/{step}?{urlencode(query)}"


def asked(answer: httpx.Response) -> dict[str, str]:
    """The choices that the address has."""
    return {name: values[0] for name, values in parse_qs(answer.url.query.decode()).items()}


def crumbs(page: httpx.Response) -> list[str]:
    return [
        item.text
        for item in elements(page, "li")
        if any("crumbs" in parent.attrs.get("class", "") for parent in item.parents)
    ]


def times(page: httpx.Response) -> list[str]:
    """The slots shown, by the words on them."""
    return [
        e.text
        for e in elements(page, "button")
        if any("half" in parent.attrs.get("class", "").split() for parent in e.parents)
    ]


def week_heading(page: httpx.Response) -> str:
    return next(e.text for e in elements(page, "h2") if "data-focus" in e.attrs)


async def hold(browser: Browser, world: World, slot: UUID, **more: Any) -> httpx.Response:
    return await browser.post(url(world, "retenue", **more), {"creneau": str(slot)})


async def book(
    browser: Browser, world: World, slot: UUID, *, key: str = "a key", **more: Any
) -> httpx.Response:
    return await browser.post(url(world, "confirmation", creneau=slot, **more), {"cle": key})


# The breadcrumb.


async def test_regular_visit_is_booked_by_following_the_breadcrumb(
    alice: Browser, world: World, wide: Wide
) -> None:
    await world.slot(local(24, 10))
    tab = await alice.get(f"/profils/{world.alice}/rendez-vous")
    page = await alice.click(tab, "Prendre un rendez-vous")
    seen = []
    for answer in ("Médecine de famille", "Dre Camille Roy", "Clinique des Érables", "Suivi"):
        seen.append(heading(page))
        page = await alice.click(page, answer)
    assert seen == [
        "Choisissez la spécialité",
        "Choisissez l’intervenant",
        "Choisissez le lieu",
        "Choisissez le type de rendez-vous",
    ]
    assert heading(page) == "Quand souhaitez-vous venir ?"
    page = await alice.follow(
        await alice.press(page, "Continuer", {"moment": "des-que-possible", "motif": "Toux"})
    )
    assert heading(page) == "Sélectionnez votre créneau horaire"
    assert crumbs(page) == [
        "Médecine de famille",
        "Dre Camille Roy",
        "Clinique des Érables",
        "Suivi",
        "Dès que possible",
        "Créneau",
    ]
    assert times(page) == ["10:00 Dre Roy"]
    card = await alice.follow(await alice.press(page, "10:00 Dre Roy"))
    assert heading(card) == "Confirmez le rendez-vous"
    for word in ("Alice Gagnon", "mardi 24 novembre à 10:00", "1224, rue Ontario Est", "Toux"):
        assert word in main(card)
    for word in ("(514) 555-0142", "Suivi", "15 minutes", "Apportez votre carte."):
        assert word in main(card)
    done = await alice.follow(await alice.press(card, "Confirmer le rendez-vous"))
    assert heading(done) == "Votre rendez-vous est pris"
    tab = await alice.click(done, "Terminé")
    assert heading(tab) == "Rendez-vous"
    assert "24 novembre 2026 10:00 Dre Camille Roy" in main(tab)
    booked = await Appointment.select(Appointment.reason, Appointment.starts_at)
    assert booked == [{"reason": "Toux", "starts_at": local(24, 10)}]
    assert (await count("hold"), await count("outbound_email")) == (0, 1)


async def test_urgent_visit_is_booked_with_a_reason_and_any_practitioner(
    alice: Browser, world: World, wide: Wide
) -> None:
    await world.slot(local(24, 10))
    await world.slot(local(24, 9), schedule=wide.tran_here)
    tab = await alice.get(f"/profils/{world.bob}/rendez-vous")
    page = await alice.click(tab, "Rendez-vous d’urgence")
    assert heading(page) == "Choisissez le lieu"
    page = await alice.click(page, "Clinique des Érables")
    assert heading(page) == "Choisissez le type de rendez-vous"
    page = await alice.click(page, "Accès adapté")
    assert heading(page) == "Motif de la consultation"
    notice, typed = main(page).index("appelez le 911"), main(page).index("En quelques mots")
    assert notice < typed
    assert crumbs(page)[2:] == ["Questionnaire", "Disponibilités"]
    page = await alice.follow(await alice.press(page, "Continuer", {"motif": "Fièvre"}))
    assert times(page) == ["09:00 Dr Tran", "10:00 Dre Roy"]
    card = await alice.follow(await alice.press(page, "09:00"))
    assert "Bob Gagnon" in main(card)
    done = await alice.follow(await alice.press(card, "Confirmer le rendez-vous"))
    assert heading(done) == "Votre rendez-vous est pris"
    booked = await Appointment.select(Appointment.reason, Appointment.patient)
    assert booked == [{"reason": "Fièvre", "patient": world.bob}]


async def test_steps_with_a_single_answer_are_skipped_and_shown_as_chosen(
    alice: Browser, world: World
) -> None:
    page = await alice.open(f"/profils/{world.alice}/reservation")
    assert heading(page) == "Quand souhaitez-vous venir ?"
    assert crumbs(page)[:4] == [
        "Médecine de famille",
        "Dre Camille Roy",
        "Clinique des Érables",
        "Suivi",
    ]
    urgent = await alice.open(f"/profils/{world.alice}/urgence")
    assert heading(urgent) == "Motif de la consultation"


async def test_earlier_step_is_reopened_with_the_rest_kept(
    alice: Browser, world: World, wide: Wide
) -> None:
    page = await alice.get(url(world, "creneau", motif="Toux", moment="2026-12-01"))
    assert "À partir du 1er déc. 2026" in crumbs(page)
    page = await alice.click(page, "Clinique des Érables")
    assert heading(page) == "Choisissez le lieu"
    page = await alice.click(page, "Clinique du Nord")
    assert heading(page) == "Sélectionnez votre créneau horaire"
    assert asked(page) == {
        "specialite": str(world.specialty),
        "intervenant": str(world.practitioner),
        "lieu": str(wide.north),
        "type": str(world.visit_type),
        "moment": "2026-12-01",
        "motif": "Toux",
    }


async def test_reopened_step_names_what_is_still_chosen_and_marks_its_own_answer(
    alice: Browser, world: World, wide: Wide
) -> None:
    page = await alice.get(url(world, "intervenant", lieu=wide.north))
    assert "Clinique du Nord" in crumbs(page)
    marked = [e.text for e in elements(page, "a") if e.attrs.get("aria-current") == "true"]
    assert [text for text in marked if "Votre choix" in text] == [
        "Votre choixDre Camille RoyMédecine de famille"
    ]


async def test_reason_is_asked_for_again_as_often_as_one_likes(
    alice: Browser, world: World, wide: Wide
) -> None:
    """A corrected form, and a reopened step: the address has each answer once."""
    wrong = await alice.get(url(world, "moment", motif="x" * 141, continuer=1))
    assert wrong.status_code == 422
    right = await alice.follow(
        await alice.press(wrong, "Continuer", {"moment": "des-que-possible", "motif": "Toux"})
    )
    assert (heading(right), asked(right)["motif"]) == ("Sélectionnez votre créneau horaire", "Toux")
    again = await alice.click(right, "Dès que possible")
    assert elements(again, "textarea")[0].text == "Toux"
    slots = await alice.follow(await alice.press(again, "Continuer", {"motif": "Toux"}))
    assert (heading(slots), asked(slots)["motif"]) == ("Sélectionnez votre créneau horaire", "Toux")


async def test_what_no_longer_fits_an_earlier_answer_is_dropped_and_what_was_typed_stays(
    alice: Browser, world: World, wide: Wide
) -> None:
    page = await alice.get(url(world, "creneau", type=wide.physical, motif="Toux"))
    page = await alice.click(page, "Médecine de famille")
    page = await alice.click(page, "Dermatologie")
    assert heading(page) == "Sélectionnez votre créneau horaire"
    assert asked(page) == {
        "specialite": str(wide.dermatology),
        "intervenant": str(wide.ali),
        "lieu": str(wide.north),
        "type": str(world.visit_type),
        "moment": "des-que-possible",
        "motif": "Toux",
    }


async def test_step_whose_earlier_answers_miss_leads_back_to_the_first_open_one(
    alice: Browser, world: World, wide: Wide
) -> None:
    for step in ("creneau", "moment", "type", "lieu", "intervenant"):
        page = await alice.open(f"/profils/{world.alice}/reservation/{step}")
        assert heading(page) == "Choisissez la spécialité"
    card = f"/profils/{world.alice}/reservation/confirmation?creneau={await world.slot()}"
    assert heading(await alice.open(card)) == "Choisissez la spécialité"
    urgent = await alice.open(url(world, "creneau", kind="urgence", motif=""))
    assert heading(urgent) == "Motif de la consultation"


@pytest.mark.parametrize("name", ["specialite", "intervenant", "lieu", "type"])
async def test_unknown_or_twice_given_choices_are_not_found_or_asked_again(
    alice: Browser, world: World, wide: Wide, name: str
) -> None:
    for value in ("x", "1", "'--", "00000000"):
        answer = await alice.get(url(world, "creneau", **{name: value}))
        assert (value, answer.status_code) == (value, 404)
    assert (await alice.get(f"{url(world, 'creneau')}&{name}={uuid4()}")).status_code == 404
    page = await alice.open(url(world, "creneau", **{name: str(uuid4())}))
    assert heading(page).startswith("Choisissez")


async def test_ones_own_practitioner_comes_first_then_anyone(
    alice: Browser, world: World, wide: Wide
) -> None:
    await Patient.update({Patient.primary_practitioner: wide.tran}).where(Patient.id == world.alice)
    page = await alice.get(
        f"/profils/{world.alice}/reservation/intervenant?specialite={world.specialty}"
    )
    shown = [e.text for e in elements(page, "li") if "choices" in str(e.parents[-1].attrs)]
    assert shown == [
        "Intervenant attitréDr Hugo TranMédecine de famille",
        "Peu importe l’intervenantToutes les disponibilités",
        "Dre Camille RoyMédecine de famille",
    ]


async def test_anyone_means_the_slots_of_all(alice: Browser, world: World, wide: Wide) -> None:
    await world.slot(local(24, 10))
    await world.slot(local(24, 9), schedule=wide.tran_here)
    await world.slot(local(24, 8), schedule=wide.tran_north)
    page = await alice.get(url(world, "creneau", intervenant="tous"))
    assert times(page) == ["09:00 Dr Tran", "10:00 Dre Roy"]
    assert "Peu importe l’intervenant" in crumbs(page)


async def test_two_tabs_on_two_profiles_do_not_mix(alice: Browser, world: World) -> None:
    """A4."""
    slot = await world.slot()
    card = await alice.get(url(world, "confirmation", creneau=slot, patient=world.bob))
    await alice.get(f"/profils/{world.alice}/rendez-vous")
    await alice.press(card, "Confirmer le rendez-vous")
    assert await Appointment.select(Appointment.patient) == [{"patient": world.bob}]


# The moment and the reason.


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Choisissez une date."),
        ("demain", "Cette date ne peut être lue."),
        ("2026-02-30", "Cette date ne peut être lue."),
        ("9999-12-31", "Cette date ne peut être lue."),
    ],
)
async def test_unreadable_date_is_said_beside_its_field_and_kept(
    alice: Browser, world: World, typed: str, sentence: str
) -> None:
    page = await alice.open(f"/profils/{world.alice}/reservation")
    answer = await alice.press(
        page, "Continuer", {"moment": "a-partir-du", "date": typed, "motif": "Toux"}
    )
    assert (answer.status_code, elements(answer, "title")[0].text[:9]) == (422, "Erreur : ")
    assert sentence in alert(answer)
    field = next(e for e in elements(answer, "input") if e.attrs.get("id") == "date")
    assert (field.attrs["value"], field.attrs["aria-invalid"]) == (typed, "true")
    assert elements(answer, "textarea")[0].text == "Toux"


@pytest.mark.parametrize("date", ["2026-11-22", "2027-02-16", "2199-01-01"])
async def test_day_without_any_slots_yet_is_said_beside_its_field_and_kept(
    alice: Browser, world: World, date: str
) -> None:
    page = await alice.get(
        url(world, "moment", moment="a-partir-du", date=date, motif="Toux", continuer=1)
    )
    assert page.status_code == 422
    assert "Choisissez une date entre le 23 novembre 2026 et le 15 février 2027." in main(page)
    (field,) = [e for e in elements(page, "input") if e.attrs.get("id") == "date"]
    assert field.attrs["value"] == date


@pytest.mark.parametrize("date", ["2026-11-23", "2027-02-15"])
async def test_first_and_last_day_may_be_asked_for(alice: Browser, world: World, date: str) -> None:
    page = await alice.get(url(world, "moment", moment="a-partir-du", date=date, continuer=1))
    assert page.status_code == 303


async def test_visit_too_soon_to_be_cancelled_online_says_so_before_it_is_booked(
    alice: Browser, world: World
) -> None:
    soon, later = await world.slot(local(24, 10)), await world.slot(local(27, 10))
    words = "il ne pourra pas être annulé en ligne"
    assert words in main(await alice.get(url(world, "confirmation", creneau=soon)))
    card = main(await alice.get(url(world, "confirmation", creneau=later)))
    assert words not in card
    assert "Ce rendez-vous ne peut être annulé après le 25 novembre 2026" in card


async def test_slots_from_a_day_on_begin_at_that_day(alice: Browser, world: World) -> None:
    for day in (24, 25, 26):
        await world.slot(local(day, 10))
    page = await alice.open(f"/profils/{world.alice}/reservation")
    page = await alice.follow(
        await alice.press(page, "Continuer", {"moment": "a-partir-du", "date": "2026-11-25"})
    )
    assert len(times(page)) == 2
    first = await alice.press(page, times(page)[0])
    assert "mercredi 25 novembre" in main(await alice.follow(first))


ACCEPTED = [
    "x" * 140,
    "🤒" * 140,
    "a\r\n" * 69 + "a",
    "a\r" * 69 + "a",
    "  Toux  ",
    "👩‍👩‍👧 " * 20,
    "100 % {{7*7}} %(name)s %s {0} \\n",
    "é" * 140,
    "a\0b",
]


@pytest.mark.parametrize("typed", ACCEPTED)
async def test_reason_up_to_140_characters_is_kept_as_it_was_typed(
    alice: Browser, world: World, typed: str
) -> None:
    await world.slot(local(24, 10))
    page = await alice.open(f"/profils/{world.alice}/urgence")
    page = await alice.follow(await alice.press(page, "Continuer", {"motif": typed}))
    card = await alice.follow(await alice.press(page, "10:00"))
    done = await alice.follow(await alice.press(card, "Confirmer le rendez-vous"))
    kept = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    assert await Appointment.select(Appointment.reason) == [{"reason": kept}]
    shown = next(e for e in elements(done, "dd") if e.attrs.get("class") == "typed")
    assert "".join(shown.pieces) == kept


@pytest.mark.parametrize("typed", ["x" * 141, "🤒" * 141, "a\r\n" * 70 + "a", "👩‍👩‍👧" * 29])
async def test_longer_reason_is_refused_with_all_of_it_kept(
    alice: Browser, world: World, typed: str
) -> None:
    page = await alice.open(f"/profils/{world.alice}/urgence")
    answer = await alice.press(page, "Continuer", {"motif": typed})
    assert answer.status_code == 422
    assert "Le motif est trop long : 140 caractères au maximum." in alert(answer)
    held = "".join(elements(answer, "textarea")[0].pieces).removeprefix("\n")
    assert held.replace("\r\n", "\n") == typed.replace("\r\n", "\n")


@pytest.mark.parametrize("typed", ["", "   ", "\r\n\t"])
async def test_urgent_visit_needs_a_reason(alice: Browser, world: World, typed: str) -> None:
    page = await alice.open(f"/profils/{world.alice}/urgence")
    answer = await alice.press(page, "Continuer", {"motif": typed})
    assert answer.status_code == 422
    assert "Indiquez le motif de la consultation." in alert(answer)
    slot = await world.slot()
    for altered in (typed, "x" * 141):
        await book(alice, world, slot, kind="urgence", motif=altered)
    assert await count("appointment") == 0


@pytest.mark.parametrize(
    "typed",
    [
        "<script>alert(1)</script>",
        "<b hx-get=/deconnexion hx-trigger=load>x</b>",
        '"><img src=x onerror=alert(1)>',
        "</textarea><form action=/deconnexion method=post>",
        "&lt;b&gt; &amp; ’ \u202e",
    ],
)
async def test_reason_is_shown_as_text_everywhere(alice: Browser, world: World, typed: str) -> None:
    slot = await world.slot(local(24, 10))
    pages = [
        await alice.get(url(world, step, kind="urgence", motif=typed, creneau=slot))
        for step in ("motif", "creneau", "confirmation")
    ]
    pages.append(await alice.follow(await alice.press(pages[-1], "Confirmer le rendez-vous")))
    pages.append(await alice.get(f"/profils/{world.alice}/rendez-vous"))
    pages.append(await alice.get("/"))
    for page in pages:
        assert page.status_code == 200
        for element in elements(page):
            assert element.tag != "img" or element.attrs["src"].startswith("/static/")
            assert element.tag != "script" or element.attrs.get("src", "").startswith("/static/")
            assert not {"hx-trigger", "data-hx-trigger"} & set(element.attrs)
            assert element.attrs.get("action") != "/deconnexion" or element.text in {
                "Déconnexion",
                "Se déconnecter",
                "",
            }
    for page in (pages[2], pages[3], pages[4]):
        shown = next(e for e in elements(page, "dd") if e.attrs.get("class") == "typed")
        assert "".join(shown.pieces) == typed


# The week.


async def test_half_day_shows_eight_and_then_all_of_them(alice: Browser, world: World) -> None:
    await slots(world, local(24, 8), 12)
    await slots(world, local(24, 12), 9)
    page = await alice.get(url(world, "creneau"))
    assert len(times(page)) == 16
    assert [name for name in links(page) if name.startswith("Afficher")] == [
        "Afficher les 4 autres",
        "Afficher l’autre",
    ]
    morning = await alice.click(page, "Afficher les 4 autres")
    assert len(times(morning)) == 12 + 8
    assert times(morning)[11] == "10:45 Dre Roy"
    afternoon = await alice.click(page, "Afficher l’autre")
    assert len(times(afternoon)) == 8 + 9


async def test_noon_belongs_to_the_afternoon(alice: Browser, world: World) -> None:
    await slots(world, local(24, 11, 45), 2)
    page = await alice.get(url(world, "creneau"))
    halves = [e for e in elements(page, "div") if e.attrs.get("class") == "half"]
    assert [e.text for e in halves] == ["Matin 11:45 Dre Roy", "Après-midi 12:00 Dre Roy"]


@pytest.mark.parametrize(
    ("asked_for", "title"),
    [
        ("2026-11-25", "23 – 29 novembre"),
        ("2026-12-02", "30 novembre – 6 décembre"),
        ("2026-12-31", "28 décembre 2026 – 3 janvier 2027"),
        ("2027-02-01", "1er – 7 février"),
        ("1901-01-01", "23 – 29 novembre"),
        ("2199-12-31", "15 – 21 février"),
        ("9999-12-31", "23 – 29 novembre"),
        ("0001-01-01", "23 – 29 novembre"),
        ("nonsense", "23 – 29 novembre"),
    ],
)
async def test_week_asked_for_is_shown_within_what_is_published(
    alice: Browser, world: World, asked_for: str, title: str
) -> None:
    page = await alice.get(url(world, "creneau", semaine=asked_for))
    assert (page.status_code, week_heading(page)) == (200, title)


async def test_arrows_lead_from_the_first_week_to_the_last_and_no_further(
    alice: Browser, world: World
) -> None:
    page = await alice.get(url(world, "creneau", semaine="2026-11-23"))
    seen = [week_heading(page)]
    while arrow := arrows(page).get("Semaine suivante"):
        page = await alice.get(arrow.attrs["href"])
        seen.append(week_heading(page))
        assert " ".join(arrow.attrs["aria-label"].split()) == f"Semaine suivante, {seen[-1]}"
    assert len(seen) == 13
    assert (seen[0], seen[-1]) == ("23 – 29 novembre", "15 – 21 février")
    for heading_before in reversed(seen[:-1]):
        page = await alice.get(arrows(page)["Semaine précédente"].attrs["href"])
        assert week_heading(page) == heading_before
    assert "Semaine précédente" not in arrows(page)


async def test_first_look_opens_the_first_week_that_has_a_slot(
    alice: Browser, world: World
) -> None:
    await world.slot(local(9, 10, month=12))
    page = await alice.get(url(world, "creneau"))
    assert (week_heading(page), times(page)) == ("7 – 13 décembre", ["10:00 Dre Roy"])


async def test_empty_week_offers_the_next_available_time(alice: Browser, world: World) -> None:
    await world.slot(local(9, 10, month=12))
    page = await alice.get(url(world, "creneau", semaine="2026-11-23"))
    assert times(page) == []
    assert "Aucune disponibilité cette semaine." in main(page)
    page = await alice.click(page, "Prochaine disponibilité : mercredi 9 décembre à 10:00")
    assert times(page) == ["10:00 Dre Roy"]


async def test_nothing_published_says_so_with_the_clinics_phone(
    alice: Browser, world: World
) -> None:
    page = await alice.get(url(world, "creneau"))
    assert "Aucun créneau n’est publié plus tard pour ce choix." in main(page)
    assert "(514) 555-0142" in main(page)


async def test_day_without_a_slot_says_so(alice: Browser, world: World) -> None:
    await world.slot(local(24, 10))
    page = await alice.get(url(world, "creneau"))
    days = [e.text for e in elements(page, "section") if "day" in e.attrs["class"].split()]
    assert len(days) == 7
    assert days[1] == "mardi 24 novembre Matin 10:00 Dre Roy Après-midi Aucune disponibilité"
    assert days[2] == "mercredi 25 novembreAucune disponibilité"


def arrows(page: httpx.Response) -> dict[str, Element]:
    labelled = [e for e in elements(page, "a") if "aria-label" in e.attrs]
    return {link.attrs["aria-label"].partition(",")[0]: link for link in labelled}


# Holding a slot.


async def test_chosen_slot_is_held_for_five_minutes_with_a_countdown(
    alice: Browser, world: World, clock: Clock
) -> None:
    slot = await world.slot()
    card = await alice.follow(await hold(alice, world, slot))
    assert "Ce créneau vous est réservé jusqu’à 10:05" in main(card)
    clock.now += timedelta(seconds=61)
    again = await alice.get(str(card.url))
    countdown = next(e for e in elements(again, "time") if "data-countdown" in e.attrs)
    assert countdown.attrs["data-countdown"] == "239"


async def test_held_slot_is_shown_to_its_holder_as_theirs_and_to_no_one_else(
    alice: Browser, charlie: Browser, world: World
) -> None:
    slot = await world.slot(local(24, 10))
    await hold(alice, world, slot)
    assert times(await alice.get(url(world, "creneau"))) == ["10:00 Dre Roy · réservé pour vous"]
    assert times(await charlie.get(url(world, "creneau", patient=world.charlie))) == []
    assert times(await alice.get(url(world, "creneau", patient=world.bob))) == []


async def test_another_choice_moves_the_hold(
    alice: Browser, charlie: Browser, world: World
) -> None:
    first, second = await slots(world, local(24, 10), 2)
    for slot in (first, second, first, second):
        assert (await hold(alice, world, slot)).status_code == 303
    assert await Hold.select(Hold.slot) == [{"slot": second}]
    page = await charlie.get(url(world, "creneau", patient=world.charlie))
    assert times(page) == ["10:00 Dre Roy"]


async def test_each_profile_has_a_hold_of_its_own(alice: Browser, world: World) -> None:
    first, second = await slots(world, local(24, 10), 2)
    await hold(alice, world, first)
    await hold(alice, world, second, patient=world.bob)
    assert await count("hold") == 2


async def test_going_back_from_the_card_keeps_the_hold_and_the_week(
    alice: Browser, world: World
) -> None:
    slot = await world.slot(local(9, 10, month=12))
    card = await alice.follow(await hold(alice, world, slot))
    page = await alice.click(card, "Retourner")
    assert week_heading(page) == "7 – 13 décembre"
    assert await count("hold") == 1


async def test_slot_held_by_another_is_refused_with_the_nearest_and_the_reason_kept(
    alice: Browser, charlie: Browser, world: World
) -> None:
    made = await slots(world, local(24, 10), 6)
    await hold(charlie, world, made[2], patient=world.charlie)
    answer = await hold(alice, world, made[2], motif="Toux sèche")
    assert (answer.status_code, heading(answer)) == (409, "Sélectionnez votre créneau horaire")
    assert TAKEN in alert(answer)
    near = next(form for form in forms(answer) if ", Dre Roy" in form.buttons[0].text)
    assert [button.text.partition(", ")[0] for button in near.buttons] == [
        "mardi 24 novembre à 10:00",
        "mardi 24 novembre à 10:15",
        "mardi 24 novembre à 10:45",
    ]
    card = await alice.follow(await alice.press(answer, near.buttons[0].text))
    assert heading(card) == "Confirmez le rendez-vous"
    assert "Toux sèche" in main(card)
    assert (await book(alice, world, made[2])).status_code == 409


async def test_refused_choice_keeps_the_hold_one_had(
    alice: Browser, charlie: Browser, world: World
) -> None:
    first, second = await slots(world, local(24, 10), 2)
    await hold(alice, world, first)
    await hold(charlie, world, second, patient=world.charlie)
    assert (await hold(alice, world, second)).status_code == 409
    assert await Hold.exists().where((Hold.slot == first) & (Hold.account == world.alice_account))


async def test_expired_hold_frees_the_slot_for_others(
    alice: Browser, charlie: Browser, world: World, clock: Clock
) -> None:
    slot = await world.slot()
    await hold(alice, world, slot)
    clock.now += timedelta(minutes=4, seconds=59)
    assert (await hold(charlie, world, slot, patient=world.charlie)).status_code == 409
    clock.now += timedelta(seconds=1)
    assert (await hold(charlie, world, slot, patient=world.charlie)).status_code == 303


async def test_expired_hold_still_books_when_the_slot_is_free(
    alice: Browser, world: World, clock: Clock
) -> None:
    slot = await world.slot()
    card = await alice.follow(await hold(alice, world, slot))
    clock.now += timedelta(minutes=6)
    done = await alice.follow(await alice.press(card, "Confirmer le rendez-vous"))
    assert heading(done) == "Votre rendez-vous est pris"


async def test_slot_taken_meanwhile_is_refused_with_the_nearest_and_nothing_lost(
    alice: Browser, charlie: Browser, world: World, clock: Clock
) -> None:
    made = await slots(world, local(24, 10), 3)
    card = await alice.follow(await hold(alice, world, made[1], motif="Toux"))
    clock.now += timedelta(minutes=6)
    assert (await book(charlie, world, made[1], patient=world.charlie)).status_code == 303
    answer = await alice.press(card, "Confirmer le rendez-vous")
    assert (answer.status_code, TAKEN in alert(answer)) == (409, True)
    assert "motif=Toux" in forms(answer)[-1].action
    assert times(answer) == ["10:00 Dre Roy", "10:30 Dre Roy"]
    reloaded = await alice.get(str(card.url))
    assert (reloaded.status_code, TAKEN in alert(reloaded)) == (409, True)


# The final form.


async def test_same_form_twice_books_once(alice: Browser, world: World) -> None:
    slot = await world.slot()
    card = await alice.follow(await hold(alice, world, slot))
    answers = [await alice.press(card, "Confirmer le rendez-vous") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await count("appointment"), await count("outbound_email")) == (1, 1)


async def test_double_click_at_the_same_instant_books_once(alice: Browser, world: World) -> None:
    slot = await world.slot()
    answers = await asyncio.gather(*(book(alice, world, slot) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await count("appointment") == 1


async def test_two_patients_at_the_same_instant_get_one_slot_between_them(
    alice: Browser, charlie: Browser, world: World
) -> None:
    slot = await world.slot()
    answers = await asyncio.gather(
        book(alice, world, slot), book(charlie, world, slot, patient=world.charlie)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert await count("appointment") == 1


async def test_form_key_with_another_choice_is_refused(alice: Browser, world: World) -> None:
    """A30."""
    first, second = await slots(world, local(24, 10), 2)
    await book(alice, world, first)
    for more in ({"slot": second}, {"slot": first, "patient": world.bob}):
        answer = await book(alice, world, **more)  # type: ignore[arg-type]
        assert answer.status_code == 409
        assert "Ce formulaire a déjà servi, avec un autre contenu." in alert(answer)
    assert (await book(alice, world, first, motif="autre")).status_code == 409
    assert await count("appointment") == 1


async def test_replaying_the_form_after_a_cancellation_books_nothing(
    alice: Browser, world: World
) -> None:
    """A30."""
    slot = await world.slot(local(30, 10))
    done = await book(alice, world, slot)
    visit = done.headers["location"].split("/")[-2]
    await alice.post(f"/profils/{world.alice}/rendez-vous/{visit}/annulation")
    again = await book(alice, world, slot)
    assert again.headers["location"] == done.headers["location"]
    assert heading(await alice.follow(again)) == "Ce rendez-vous est annulé."
    assert await Appointment.count().where(Appointment.cancelled_at.is_null()) == 0


async def test_second_tabs_form_for_the_slot_one_has_leads_to_the_booked_visit(
    alice: Browser, world: World
) -> None:
    slot = await world.slot()
    tabs = [await alice.get(url(world, "confirmation", creneau=slot)) for _ in range(2)]
    first, second = [await alice.press(tab, "Confirmer le rendez-vous") for tab in tabs]
    assert second.headers["location"] == first.headers["location"]
    for again in (await hold(alice, world, slot), await alice.get(str(tabs[0].url))):
        assert again.headers["location"] == first.headers["location"]
    assert (await count("appointment"), await count("outbound_email")) == (1, 1)


async def test_refused_booking_is_in_the_journal(
    alice: Browser, charlie: Browser, world: World
) -> None:
    slot = await world.slot()
    await book(charlie, world, slot, patient=world.charlie)
    await hold(alice, world, slot)
    await book(alice, world, slot)
    lines = [
        (line["subject"], line["outcome"])
        for line in await journal()
        if line["patient"] == world.alice and line["outcome"] != "done"
    ]
    assert lines == [(slot, "refused.slot_taken")] * 2


async def test_reason_too_long_in_an_altered_address_is_asked_again_and_said(
    alice: Browser, world: World
) -> None:
    slot = await world.slot()
    for kind in ("reservation", "urgence"):
        long = {"kind": kind, "motif": "x" * 141}
        for answer in (
            await alice.open(url(world, "creneau", **long)),
            await alice.follow(await book(alice, world, slot, **long)),
        ):
            assert answer.status_code == 422
            assert "Le motif est trop long : 140 caractères au maximum." in alert(answer)
            assert "x" * 141 in elements(answer, "textarea")[0].text
    assert await count("appointment") == 0


async def test_another_accounts_key_is_another_key(
    alice: Browser, charlie: Browser, world: World
) -> None:
    first, second = await slots(world, local(24, 10), 2)
    await book(alice, world, first)
    assert (await book(charlie, world, second, patient=world.charlie)).status_code == 303
    assert await count("appointment") == 2


async def test_long_keys_that_differ_at_their_end_are_two(alice: Browser, world: World) -> None:
    for end, slot in zip("ab", await slots(world, local(24, 10), 2), strict=True):
        assert (await book(alice, world, slot, key="k" * 300 + end)).status_code == 303
    assert await count("appointment") == 2


async def test_form_without_a_key_books_nothing(alice: Browser, world: World) -> None:
    slot = await world.slot()
    assert (await book(alice, world, slot, key="")).status_code == 404
    assert await count("appointment") == 0


async def test_card_reached_without_a_hold_books_all_the_same(alice: Browser, world: World) -> None:
    slot = await world.slot()
    card = await alice.get(url(world, "confirmation", creneau=slot))
    assert "réservé jusqu’à" not in main(card)
    done = await alice.follow(await alice.press(card, "Confirmer le rendez-vous"))
    assert heading(done) == "Votre rendez-vous est pris"


# What cannot be booked.


async def refused(browser: Browser, world: World, slot: UUID, **more: Any) -> set[tuple[int, str]]:
    """What choosing, looking at and booking it say."""
    before = await rows()
    answers = [
        await hold(browser, world, slot, **more),
        await browser.get(url(world, "confirmation", creneau=slot, **more)),
        await book(browser, world, slot, **more),
    ]
    assert await rows() == before
    return {(answer.status_code, alert(answer).partition(". ")[0]) for answer in answers}


@pytest.mark.parametrize(
    "slot", ["8d0c3a52-6f3e-4d0a-9a55-3a1f2f1f9c11", "1", "", "x" * 36, "../..", "%00"]
)
async def test_unknown_slot_is_not_found(alice: Browser, world: World, slot: str) -> None:
    for answer in (
        await alice.post(url(world, "retenue"), {"creneau": slot}),
        await alice.get(url(world, "confirmation", creneau=slot)),
        await alice.post(url(world, "confirmation", creneau=slot), {"cle": "k"}),
    ):
        assert (answer.status_code, heading(answer)) == (404, "Page introuvable")


@pytest.mark.parametrize(
    "starts_in",
    [
        timedelta(days=-3650),
        timedelta(minutes=-1),
        timedelta(0),
        timedelta(minutes=59, seconds=59),
        timedelta(weeks=12),
        timedelta(days=3650),
    ],
)
async def test_slot_past_too_soon_or_beyond_the_horizon_is_not_offered(
    alice: Browser, world: World, starts_in: timedelta
) -> None:
    """A28."""
    slot = await world.slot(world.now + starts_in)
    assert await refused(alice, world, slot) == {(409, NOT_OFFERED.rstrip("."))}


@pytest.mark.parametrize("starts_in", [timedelta(hours=1), timedelta(weeks=12, seconds=-1)])
async def test_slot_at_the_edges_is_booked(
    alice: Browser, world: World, starts_in: timedelta
) -> None:
    slot = await world.slot(world.now + starts_in)
    assert (await hold(alice, world, slot)).status_code == 303
    assert (await book(alice, world, slot)).status_code == 303


async def test_withdrawn_short_or_differently_offered_slot_is_not_offered(
    alice: Browser, world: World, wide: Wide
) -> None:
    """A28."""
    withdrawn = await world.slot(local(24, 10))
    await Slot.update({Slot.withdrawn_at: world.now}).where(Slot.id == withdrawn)
    short = await world.slot(local(24, 11), minutes=10)
    bare = Schedule(id=uuid4(), practitioner=world.practitioner, site=world.site)
    await Schedule.insert(bare)
    without_type = await world.slot(local(24, 12), schedule=bare.id)
    at_other_site = await world.slot(local(24, 13), schedule=wide.roy_north)
    of_other_practitioner = await world.slot(local(24, 14), schedule=wide.tran_here)
    for slot in (withdrawn, short, without_type, at_other_site, of_other_practitioner):
        assert await refused(alice, world, slot) == {(409, NOT_OFFERED.rstrip("."))}
    fifteen = await world.slot(local(24, 15))
    longer = await refused(alice, world, fifteen, type=wide.physical)
    assert longer == {(409, NOT_OFFERED.rstrip("."))}


@pytest.mark.parametrize("left_out", ["specialite", "intervenant", "lieu", "type"])
async def test_a_step_left_out_of_the_address_books_nothing(
    alice: Browser, world: World, left_out: str
) -> None:
    """A28."""
    slot = await world.slot(local(24, 10))
    before = await rows()
    for act in (hold, book):
        answer = await act(alice, world, slot, **{left_out: ""})
        assert answer.status_code == 303
        assert "/reservation?" in answer.headers["location"]
    assert await rows() == before


async def test_urgent_type_is_not_booked_as_a_regular_one_nor_the_other_way(
    alice: Browser, world: World, wide: Wide
) -> None:
    slot = await world.slot(local(24, 10))
    before = await rows()
    for crossed in (
        {"type": world.urgent_type},
        {"kind": "urgence", "type": world.visit_type},
        {"specialite": wide.dermatology},
    ):
        assert (await hold(alice, world, slot, **crossed)).status_code != 200
        assert (await book(alice, world, slot, **crossed)).status_code != 200
    assert await rows() == before


async def test_ones_own_other_visit_at_that_time_is_named(
    alice: Browser, world: World, wide: Wide
) -> None:
    await world.appointment(local(24, 10), patient=world.bob)
    slot = await world.slot(local(24, 10, 5), schedule=wide.tran_here)
    choices = {"intervenant": "tous", "patient": world.bob}
    sentence = (
        "Bob Gagnon a déjà un rendez-vous à ce moment : Dre Camille Roy,"
        " mardi 24 novembre à 10:00. Choisissez un autre créneau."
    )
    for answer in (
        await hold(alice, world, slot, **choices),
        await book(alice, world, slot, **choices),
    ):
        assert answer.status_code == 409
        assert sentence in alert(answer)
    own = await hold(alice, world, slot, intervenant="tous")
    assert own.status_code == 303


async def test_visits_that_touch_do_not_clash(alice: Browser, world: World, wide: Wide) -> None:
    await world.appointment(local(24, 10))
    before = await world.slot(local(24, 9, 45), schedule=wide.tran_here)
    after = await world.slot(local(24, 10, 15), schedule=wide.tran_here)
    for key, slot in enumerate((before, after)):
        answer = await book(alice, world, slot, key=str(key), intervenant="tous")
        assert answer.status_code == 303


async def test_at_most_five_coming_visits_of_a_type(alice: Browser, world: World) -> None:
    for day in range(1, 6):
        await world.appointment(world.now + timedelta(days=day, hours=2))
    await world.appointment(world.now - timedelta(days=1))
    slot = await world.slot(local(24, 10))
    answer = await book(alice, world, slot)
    assert answer.status_code == 409
    assert "Vous avez déjà 5 rendez-vous à venir de ce type" in alert(answer)
    assert (await book(alice, world, slot, kind="urgence")).status_code == 303


async def test_cancelled_visits_do_not_count_among_the_five(alice: Browser, world: World) -> None:
    for day in range(1, 6):
        await world.appointment(
            world.now + timedelta(days=day, hours=2),
            cancelled_at=world.now if day == 1 else None,
        )
    assert (await book(alice, world, await world.slot(local(24, 10)))).status_code == 303


async def test_ten_bookings_an_hour_and_then_a_pause(
    alice: Browser, world: World, clock: Clock
) -> None:
    slot = await world.slot()
    for _ in range(9):
        await throttles.take(throttles.BOOKINGS, str(world.alice_account), now=clock.now)
    assert (await book(alice, world, slot)).status_code == 303
    assert (await book(alice, world, slot)).status_code == 303  # the same form: no new booking
    other = await world.slot(local(25, 10))
    answer = await book(alice, world, other, key="other")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert heading(answer) == "Trop d’essais"
    clock.now += timedelta(hours=1)
    await alice.sign_in()
    assert (await book(alice, world, other, key="other")).status_code == 303


async def test_hoarding_holds_one_slot_at_most_for_each_profile(
    alice: Browser, world: World
) -> None:
    """A29."""
    for slot in await slots(world, local(24, 8), 20):
        await hold(alice, world, slot)
    assert await count("hold") == 1


# Sections that the clinic has switched off.


@pytest.mark.parametrize(
    ("setting", "off", "on"),
    [
        ("has_booking", "reservation", "urgence"),
        ("has_urgent_booking", "urgence", "reservation"),
    ],
)
async def test_section_switched_off_is_hidden_and_refused(
    alice: Browser, world: World, setting: str, off: str, on: str
) -> None:
    slot = await world.slot()
    await world.set_clinic(**{setting: False})
    for page in (await alice.get("/"), await alice.get(f"/profils/{world.alice}/rendez-vous")):
        assert f"/profils/{world.alice}/{off}" not in links(page).values()
        assert f"/profils/{world.alice}/{on}" in links(page).values()
    for answer in (
        await alice.get(f"/profils/{world.alice}/{off}"),
        await alice.get(url(world, "creneau", kind=off)),
        await alice.get(url(world, "lieu", kind=off)),
        await hold(alice, world, slot, kind=off),
        await alice.get(url(world, "confirmation", kind=off, creneau=slot)),
        await book(alice, world, slot, kind=off),
    ):
        assert (answer.status_code, heading(answer)) == (403, "Accès refusé")
    assert (await book(alice, world, slot, kind=on)).status_code == 303


async def test_nothing_offered_online_says_to_call(alice: Browser, world: World) -> None:
    await Schedule.delete(force=True)
    page = await alice.open(f"/profils/{world.alice}/reservation")
    assert "Aucun rendez-vous ne peut être pris en ligne pour le moment." in main(page)
    assert "(514) 555-0142" in main(page)


async def test_signed_out_while_choosing_leads_back_to_the_same_slots(
    alice: Browser, world: World, clock: Clock, app: Gate
) -> None:
    slot = await world.slot()
    week = url(world, "creneau", motif="Toux")
    page = await alice.get(week)
    clock.now += timedelta(minutes=30)
    answer = await alice.post(
        url(world, "retenue", motif="Toux"),
        {"creneau": str(slot)},
        headers={"referer": str(page.url)},
    )
    assert answer.status_code == 303
    form = await alice.follow(answer)
    typed = {"courriel": "alice@example.com", "mot_de_passe": "Tulipe-42-Nord"}
    back = await alice.press(form, "Connexion", typed)
    assert back.headers["location"] == week
