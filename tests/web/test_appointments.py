import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from icalendar import Calendar

from domain.accounts import throttles
from domain.appointments.tables import Appointment
from domain.clinic.tables import Practitioner, VisitType
from tests.web.browser import (
    Browser,
    Clock,
    Element,
    alert,
    buttons,
    elements,
    heading,
    links,
    main,
)
from tests.web.state import count, journal, rows
from tests.world import World

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


def tab(world: World, patient: UUID | None = None) -> str:
    return f"/profils/{patient or world.alice}/rendez-vous"


async def act(
    browser: Browser, world: World, visit: UUID, what: str, patient: UUID | None = None
) -> httpx.Response:
    return await browser.post(f"{tab(world, patient)}/{visit}/{what}")


async def state(visit: UUID) -> dict[str, Any]:
    found = await Appointment.select(
        Appointment.confirmed_at,
        Appointment.confirmed_by,
        Appointment.cancelled_at,
        Appointment.cancelled_by,
    ).where(Appointment.id == visit)
    return found[0]


def offered(page: httpx.Response) -> list[str]:
    return [words for words in buttons(page) if words in {CONFIRM, CANCEL}]


def rows_of(page: httpx.Response, section: str) -> list[Element]:
    return [
        e
        for e in elements(page, "li")
        if any(p.attrs.get("aria-labelledby") == section for p in e.parents)
    ]


# What is offered, and what is done.


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (72 * HOUR + SECOND, [CANCEL]),
        (72 * HOUR, [CONFIRM, CANCEL]),
        (48 * HOUR + SECOND, [CONFIRM, CANCEL]),
        (48 * HOUR, [CONFIRM, CANCEL]),
        (48 * HOUR - SECOND, [CONFIRM]),
        (SECOND, [CONFIRM]),
        (0 * HOUR, []),
        (-timedelta(minutes=14), []),
        (-timedelta(minutes=15), []),
    ],
)
async def test_buttons_and_acts_agree_at_every_edge(
    alice: Browser, world: World, ahead: timedelta, shown: list[str]
) -> None:
    visit = await world.appointment(world.now + ahead)
    page = await alice.get(tab(world))
    assert offered(page) == shown
    if ahead > timedelta(0):
        assert offered(await alice.get("/")) == shown
    confirmed = (await act(alice, world, visit, "confirmation")).status_code
    assert (confirmed == 303) == (CONFIRM in shown)
    cancelled = (await act(alice, world, visit, "annulation")).status_code
    assert (cancelled == 303) == (CANCEL in shown)
    assert {confirmed, cancelled} <= {303, 409}
    after = await state(visit)
    assert (after["confirmed_at"] is not None) == (CONFIRM in shown)
    assert (after["cancelled_at"] is not None) == (CANCEL in shown)


async def test_confirmed_visit_may_still_be_cancelled_and_a_cancelled_one_nothing(
    alice: Browser, world: World
) -> None:
    await world.appointment(world.now + 60 * HOUR, confirmed_at=world.now)
    assert offered(await alice.get(tab(world))) == [CANCEL]
    await Appointment.update({Appointment.cancelled_at: world.now}, force=True)
    page = await alice.get(tab(world))
    assert offered(page) == []
    assert "Ajouter à mon calendrier" not in main(page)


async def test_clinic_sets_both_figures(alice: Browser, world: World) -> None:
    await world.set_clinic(confirm_window_hours=24, cancel_limit_hours=12)
    await world.appointment(world.now + 25 * HOUR)
    assert offered(await alice.get(tab(world))) == [CANCEL]
    await world.set_clinic(confirm_window_hours=25, cancel_limit_hours=26)
    assert offered(await alice.get(tab(world))) == [CONFIRM]


@pytest.mark.parametrize(
    ("starts_at", "deadline", "sentence"),
    [
        (
            datetime(2026, 11, 2, 15, tzinfo=UTC),  # Monday 10:00, after the clocks went back
            datetime(2026, 10, 31, 15, tzinfo=UTC),
            "31 octobre 2026 à 11:00",
        ),
        (
            datetime(2027, 3, 15, 14, tzinfo=UTC),  # Monday 10:00, after they went forward
            datetime(2027, 3, 13, 14, tzinfo=UTC),
            "13 mars 2027 à 09:00",
        ),
        (
            datetime(2026, 12, 3, 15, tzinfo=UTC),
            datetime(2026, 12, 1, 15, tzinfo=UTC),
            "1er décembre 2026 à 10:00",
        ),
    ],
)
async def test_deadline_printed_is_the_one_enforced_to_the_second(
    stranger: Browser,
    world: World,
    clock: Clock,
    starts_at: datetime,
    deadline: datetime,
    sentence: str,
) -> None:
    """A27."""
    visit = await world.appointment(starts_at)
    clock.now = deadline
    await stranger.sign_in()
    page = await stranger.get(tab(world))
    assert f"Ce rendez-vous ne peut être annulé après le {sentence}" in main(page)
    assert offered(page) == [CONFIRM, CANCEL]
    clock.now = deadline + SECOND
    late = await act(stranger, world, visit, "annulation")
    assert late.status_code == 409
    assert f"Ce rendez-vous ne peut être annulé après le {sentence}." in alert(late)
    assert "Pour l’annuler, appelez la clinique. (514) 555-0142" in alert(late)
    assert offered(late) == [CONFIRM]
    clock.now = deadline
    assert (await act(stranger, world, visit, "annulation")).status_code == 303


async def test_too_late_to_cancel_online_says_to_call(alice: Browser, world: World) -> None:
    await world.appointment(world.now + 20 * HOUR)
    page = await alice.get(tab(world))
    assert "Pour l’annuler, appelez la clinique" in main(page)
    assert links(page)["appelez la clinique"] == "tel:+15145550142"


async def test_confirming_a_second_early_says_from_when(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 72 * HOUR + SECOND)
    before = await rows()
    answer = await act(alice, world, visit, "confirmation")
    assert answer.status_code == 409
    assert "Ce rendez-vous pourra être confirmé à partir du 23 novembre 2026 à 10:00." in alert(
        answer
    )
    assert await rows() == before
    opened = [e.attrs["id"] for e in elements(answer, "details") if "open" in e.attrs]
    assert opened == [f"rdv-{visit}"]


async def test_confirming_twice_is_confirming_once(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    for _ in range(3):
        assert (await act(alice, world, visit, "confirmation")).status_code == 303
    assert await state(visit) == {
        "confirmed_at": world.now,
        "confirmed_by": world.alice_account,
        "cancelled_at": None,
        "cancelled_by": None,
    }
    assert (len(await journal("appointment.confirmed")), await count("activity")) == (1, 1)


async def test_cancelling_twice_is_cancelling_once_with_one_mail(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    for _ in range(3):
        assert (await act(alice, world, visit, "annulation")).status_code == 303
    after = await state(visit)
    assert (after["cancelled_at"], after["cancelled_by"]) == (world.now, world.alice_account)
    assert (len(await journal("appointment.cancelled")), await count("outbound_email")) == (1, 1)


async def test_double_click_on_either_button_acts_once(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    for what in ("confirmation", "annulation"):
        answers = await asyncio.gather(*(act(alice, world, visit, what) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {303}
    assert (await count("activity"), await count("outbound_email")) == (2, 1)


async def test_confirming_and_cancelling_at_once_leave_one_state(
    alice: Browser, world: World
) -> None:
    """A26."""
    visit = await world.appointment(world.now + 60 * HOUR)
    confirmed, cancelled = await asyncio.gather(
        act(alice, world, visit, "confirmation"), act(alice, world, visit, "annulation")
    )
    assert cancelled.status_code == 303
    assert confirmed.status_code in {303, 409}
    after = await state(visit)
    assert after["cancelled_at"] is not None
    assert (after["confirmed_at"] is not None) == (confirmed.status_code == 303)


async def test_cancelled_visit_cannot_be_confirmed(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, cancelled_at=world.now)
    answer = await act(alice, world, visit, "confirmation")
    assert (answer.status_code, alert(answer)) == (
        409,
        "Ce rendez-vous est annulé. (514) 555-0142",
    )


async def test_refused_attempt_is_in_the_journal(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 20 * HOUR)
    await act(alice, world, visit, "annulation")
    assert [(line["subject"], line["outcome"]) for line in await journal("appointment")] == [
        (visit, "refused.too_late_to_cancel")
    ]


async def test_five_cancellations_a_day_and_then_a_pause(
    alice: Browser, world: World, clock: Clock
) -> None:
    visits = [await world.appointment(world.now + n * 24 * HOUR) for n in (10, 11)]
    for _ in range(4):
        await throttles.take(throttles.CANCELLATIONS, str(world.alice_account), now=clock.now)
    assert (await act(alice, world, visits[0], "annulation")).status_code == 303
    answer = await act(alice, world, visits[1], "annulation")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "86400")
    assert (await state(visits[1]))["cancelled_at"] is None


# Asking before cancelling.


async def test_cancelling_asks_once_more_by_the_visit_and_whose_it_is(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    page = await alice.click(await alice.get(tab(world, world.bob)), CANCEL)
    assert heading(page) == "Annuler ce rendez-vous ?"
    for words in ("Bob Gagnon", "mercredi 25 novembre à 22:00", "Dre Camille Roy"):
        assert words in main(page)
    assert links(page)["Retour"].startswith(tab(world, world.bob))
    assert (await state(visit))["cancelled_at"] is None
    done = await alice.follow(await alice.press(page, CANCEL))
    assert heading(done) == "Rendez-vous"
    assert (await state(visit))["cancelled_by"] == world.alice_account


async def test_question_whose_time_is_past_leads_back_to_the_tab(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + 20 * HOUR)
    answer = await alice.get(f"{tab(world)}/{visit}/annulation")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, tab(world))


async def test_cancelled_slot_is_offered_again_at_once(
    alice: Browser, charlie: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    week = (
        f"/profils/{world.charlie}/reservation/creneau?specialite={world.specialty}"
        f"&intervenant={world.practitioner}&lieu={world.site}&type={world.visit_type}"
        "&moment=des-que-possible&semaine=2026-11-23"
    )
    assert "22:00 Dre Roy" not in main(await charlie.get(week))
    await act(alice, world, visit, "annulation")
    page = await charlie.get(week)
    card = await charlie.follow(await charlie.press(page, "22:00 Dre Roy"))
    done = await charlie.follow(await charlie.press(card, CONFIRM))
    assert heading(done) == "Votre rendez-vous est pris"


# What the tab shows.


async def test_state_is_a_word_beside_the_colour(alice: Browser, world: World) -> None:
    await world.appointment(world.now + 60 * HOUR)
    await world.appointment(world.now + 61 * HOUR, confirmed_at=world.now)
    await world.appointment(world.now + 62 * HOUR, cancelled_at=world.now)
    page = await alice.get(tab(world))
    badges = [e for e in elements(page, "span") if "badge" in e.attrs.get("class", "").split()]
    assert [(badge.attrs["class"].split()[1], badge.text) for badge in badges] == [
        ("badge-pending", "À confirmer"),
        ("badge-confirmed", "Confirmé"),
        ("badge-cancelled", "Annulé"),
    ]


async def test_cancelled_visit_stays_among_the_coming_until_its_end(
    stranger: Browser, world: World, clock: Clock
) -> None:
    starts_at = world.now + HOUR
    await world.appointment(starts_at, cancelled_at=world.now)
    clock.now = starts_at + timedelta(minutes=14, seconds=59)
    await stranger.sign_in()
    page = await stranger.get(tab(world))
    assert (len(rows_of(page, "a-venir")), len(rows_of(page, "historique"))) == (1, 0)
    clock.now += SECOND
    page = await stranger.get(tab(world))
    assert (len(rows_of(page, "a-venir")), len(rows_of(page, "historique"))) == (0, 1)


async def test_details_have_everything_about_the_visit(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, reason="Toux")
    page = await alice.get(f"{tab(world)}?ouvert={visit}")
    details = next(e for e in elements(page, "details") if e.attrs.get("id") == f"rdv-{visit}")
    assert "open" in details.attrs
    for words in (
        "Dre Camille Roy",
        "Médecine de famille",
        "Clinique des Érables",
        "1224, rue Ontario Est",
        "Montréal (QC) H2L 1S6",
        "(514) 555-0142",
        "25 novembre 2026",
        "22:00",
        "15 minutes",
        "Suivi",
        "Toux",
        "Apportez votre carte.",
    ):
        assert words in details.text


async def test_virtual_visit_is_joined_by_its_link_until_its_end(
    alice: Browser, world: World
) -> None:
    await VisitType.update({VisitType.is_virtual: True}).where(VisitType.id == world.visit_type)
    await world.appointment(world.now - timedelta(minutes=10))
    await world.appointment(world.now - timedelta(minutes=30))
    page = await alice.get(tab(world))
    assert "Rendez-vous virtuel" in main(page)
    rooms = [e for e in elements(page, "a") if e.attrs["href"].startswith("https://visio")]
    assert [room.attrs["rel"] for room in rooms] == ["noopener noreferrer"]


async def test_visit_in_person_shows_no_room(alice: Browser, world: World) -> None:
    await world.appointment(world.now + HOUR)
    assert await Practitioner.exists().where(Practitioner.room_url != "")
    assert "visio.example" not in (await alice.get(tab(world))).text


async def test_history_is_read_twenty_at_a_time_and_each_once(alice: Browser, world: World) -> None:
    for n in range(45):
        await world.appointment(world.now - (n + 1) * 24 * HOUR)
    page = await alice.get(tab(world))
    shown = [[row.text for row in rows_of(page, "historique")]]
    assert "Les plus récents" not in links(page)
    while "Plus anciens" in links(page):
        page = await alice.click(page, "Plus anciens")
        shown.append([row.text for row in rows_of(page, "historique")])
    assert [len(part) for part in shown] == [20, 20, 5]
    assert len({text for part in shown for text in part}) == 45
    assert len(rows_of(await alice.click(page, "Les plus récents"), "historique")) == 20


async def test_of_visits_that_start_at_the_same_time_none_is_lost_between_two_pages(
    alice: Browser, world: World
) -> None:
    cancelled = {"cancelled_at": world.now - 600 * HOUR}
    for n in range(19):
        await world.appointment(world.now - (n + 1) * HOUR)
    at_once = {str(await world.appointment(world.now - 30 * HOUR))}
    for _ in range(3):
        schedule = await world.another_practitioner()
        slot = await world.slot(world.now - 30 * HOUR, schedule=schedule)
        at_once.add(str(await world.appointment(world.now - 30 * HOUR, slot=slot, **cancelled)))
    first = await alice.get(tab(world))
    second = await alice.click(first, "Plus anciens")
    assert [len(rows_of(page, "historique")) for page in (first, second)] == [20, 3]
    shown = {
        e.attrs["id"]
        for page in (first, second)
        for e in elements(page, "details", "li")
        if "id" in e.attrs
    }
    assert {f"rdv-{id}" for id in at_once} <= shown


@pytest.mark.parametrize("before", ["x", "", "2026", "' OR 1", str(UUID(int=1)), "coming", "other"])
async def test_altered_page_of_the_history_is_the_first(
    alice: Browser, world: World, before: str
) -> None:
    visits = {
        "coming": await world.appointment(world.now + HOUR),
        "other": await world.appointment(world.now - 2 * HOUR, patient=world.charlie),
    }
    await world.appointment(world.now - HOUR)
    page = await alice.get(tab(world), params={"avant": str(visits.get(before, before))})
    assert (page.status_code, len(rows_of(page, "historique"))) == (200, 1)
    assert "Les plus récents" not in links(page)


async def test_dashboard_shows_the_visits_of_all_profiles_with_their_names(
    alice: Browser, world: World
) -> None:
    await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    await world.appointment(world.now + 61 * HOUR)
    await world.appointment(world.now + 62 * HOUR, patient=world.charlie)
    page = await alice.get("/")
    names = [e.text for e in elements(page, "span") if e.attrs.get("class") == "visit-name"]
    assert names == ["Bob Gagnon", "Alice Gagnon"]
    assert "Au nom de" in main(page)
    assert "Dubois" not in page.text


async def test_dashboard_shows_five_visits_and_the_others_when_asked(
    alice: Browser, world: World
) -> None:
    visits = [await world.appointment(world.now + (60 + n) * HOUR) for n in range(6)]
    page = await alice.get("/")
    assert len(rows_of(page, "a-venir")) == 5
    assert len(rows_of(await alice.click(page, "Afficher tous"), "a-venir")) == 6
    # One that a link opens is never among those left out.
    assert len(rows_of(await alice.get(f"/?ouvert={visits[5]}"), "a-venir")) == 6
    assert len(rows_of(await alice.get(f"/?ouvert={visits[4]}"), "a-venir")) == 5
    await Appointment.delete().where(Appointment.id == visits[5])
    page = await alice.get("/")
    assert len(rows_of(page, "a-venir")) == 5
    assert "Afficher tous" not in main(page)


async def test_dashboard_of_a_single_profile_has_no_column_of_names(
    charlie: Browser, world: World
) -> None:
    await world.appointment(world.now + 62 * HOUR, patient=world.charlie)
    page = await charlie.get("/")
    assert "Dre Camille Roy" in main(page)
    assert "Au nom de" not in main(page)


async def test_activity_tells_what_happened_newest_first(
    alice: Browser, world: World, clock: Clock
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    for what in ("confirmation", "annulation"):
        clock.now += timedelta(minutes=1)
        await act(alice, world, visit, what)
    page = await alice.get(tab(world))
    entries = [e for e in elements(page, "a") if any(p.tag == "aside" for p in e.parents)]
    assert [entry.text.partition(" :")[0] for entry in entries] == [
        "Rendez-vous annulé",
        "Rendez-vous confirmé",
    ]
    assert {entry.attrs["href"] for entry in entries} == {
        f"{tab(world)}?ouvert={visit}#rdv-{visit}"
    }


# The calendar file.


async def invitation(browser: Browser, world: World, visit: UUID) -> tuple[Any, Any]:
    answer = await browser.get(f"{tab(world)}/{visit}/calendrier.ics")
    calendar = Calendar.from_ical(answer.content)
    return calendar, calendar.walk("VEVENT")[0]


async def test_calendar_file_is_in_the_clinics_zone_with_a_neutral_title(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(datetime(2026, 11, 25, 15, tzinfo=UTC), reason="Toux")
    calendar, event = await invitation(alice, world, visit)
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert event["DTSTART"].to_ical() == b"20261125T100000"
    assert event["DTSTART"].params["TZID"] == "America/Toronto"
    assert event["DTEND"].to_ical() == b"20261125T101500"
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["America/Toronto"]
    assert str(event["SUMMARY"]) == "Rendez-vous – Clinique des Érables"
    assert (str(event["CLASS"]), str(event["STATUS"])) == ("PRIVATE", "CONFIRMED")
    text = calendar.to_ical().decode()
    for word in ("Roy", "famille", "Suivi", "Toux", "Gagnon", "carte"):
        assert word not in text


async def test_calendar_file_of_a_changed_visit_replaces_the_earlier_one(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    _, first = await invitation(alice, world, visit)
    await Appointment.update({Appointment.version: 2}, force=True)
    _, moved = await invitation(alice, world, visit)
    await act(alice, world, visit, "annulation")
    calendar, cancelled = await invitation(alice, world, visit)
    assert first["UID"] == moved["UID"] == cancelled["UID"] == f"{visit}@portail.example"
    assert [event["SEQUENCE"] for event in (first, moved, cancelled)] == [2, 4, 5]
    assert (str(calendar["METHOD"]), str(cancelled["STATUS"])) == ("CANCEL", "CANCELLED")


async def test_calendar_title_follows_the_language(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR)
    await alice.press(await alice.get("/"), "English")
    _, event = await invitation(alice, world, visit)
    assert str(event["SUMMARY"]) == "Appointment – Clinique des Érables"


async def test_what_was_cancelled_takes_no_place_among_the_first_on_the_dashboard(
    alice: Browser, world: World
) -> None:
    for n in range(6):
        await world.appointment(world.now + timedelta(days=n + 1), cancelled_at=world.now)
    await world.appointment(world.now + timedelta(days=20))
    page = await alice.get("/")
    (shown,) = [
        e.text for e in elements(page, "section") if e.attrs.get("aria-labelledby") == "a-venir"
    ]
    assert "À confirmer" in shown
