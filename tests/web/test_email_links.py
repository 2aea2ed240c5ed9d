import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain.appointments.tables import Appointment
from domain.links import Known, Links, Purpose, VisitLink
from domain.people.tables import Account, ProxyGrant
from tests.web.browser import (
    SETTINGS,
    Browser,
    Clock,
    alert,
    elements,
    forms,
    heading,
    main,
    without_keys,
)
from tests.web.state import journal, journal_after, last_line, rows
from tests.world import World
from web.gate import Gate

CONFIRM, CANCEL = "/courriel/confirmation", "/courriel/annulation"
PURPOSES = {CONFIRM: Purpose.CONFIRM, CANCEL: Purpose.CANCEL}
BOTH = pytest.mark.parametrize("act", [CONFIRM, CANCEL])
DEAD = "Ce lien ne fonctionne plus"


@pytest.fixture
async def visit(world: World) -> UUID:
    return await world.appointment(world.now + timedelta(hours=60), patient=world.bob)


@pytest.fixture
async def known(alice: Browser) -> Browser:
    """Signed out, in a browser that Alice has signed in with before."""
    await alice.press(await alice.get("/"), "Déconnexion")
    return alice


def link(
    world: World,
    act: str,
    visit: UUID,
    *,
    version: int = 1,
    account: UUID | None = None,
    purpose: Purpose | None = None,
    keys: tuple[str, ...] = SETTINGS.keys,
) -> str:
    content = VisitLink(visit, version, account or world.alice_account)
    return f"{act}/{Links(keys).sign_visit(purpose or PURPOSES[act], content)}"


async def outcome(visit: UUID) -> tuple[bool, bool]:
    row = await Appointment.objects().get(Appointment.id == visit)
    assert row is not None
    return row.confirmed_at is not None, row.cancelled_at is not None


def done(act: str) -> tuple[bool, bool]:
    return (True, False) if act == CONFIRM else (False, True)


async def is_dead(browser: Browser, url: str) -> bool:
    """Opening and posting both say so, and nothing else happens."""
    before = await rows()
    shown = await browser.get(url)
    sent = await browser.post(url, {"reponse": "oui"})
    assert await rows() == before
    assert {(a.status_code, heading(a)) for a in (shown, sent)} == {(410, DEAD)}
    assert "(514) 555-0142" in main(shown)
    return True


# Changing one's mind.


async def test_whoever_keeps_the_visit_is_told_that_nothing_changed(
    stranger: Browser, world: World, visit: UUID
) -> None:
    asked = await stranger.get(link(world, CANCEL, visit))
    kept = await stranger.click(asked, "Retour")
    assert kept.status_code == 200
    assert "Rien n’a changé : votre rendez-vous est maintenu." in main(kept)
    assert await outcome(visit) == (False, False)


# Scanners.


@BOTH
async def test_opening_a_link_any_number_of_times_changes_nothing(
    stranger: Browser, known: Browser, world: World, visit: UUID, act: str
) -> None:
    """A41."""
    url = link(world, act, visit)
    before = await rows()
    for browser in (stranger, known):
        for _ in range(5):
            assert (await browser.get(url)).status_code == 200
            head = await browser.http.head(url)
            assert (head.status_code, head.content) == (200, b"")
            assert (await browser.get(url, htmx=True)).status_code == 200
    assert await rows() == before


@BOTH
async def test_scanner_that_sends_the_form_as_it_stands_changes_nothing(
    stranger: Browser, world: World, visit: UUID, act: str
) -> None:
    """A41."""
    page = await stranger.get(link(world, act, visit))
    assert [e for e in elements(page, "input") if "checked" in e.attrs] == []
    assert [e for e in elements(page, "form") if "data-autopost" in e.attrs] == []
    before = await rows()
    form = next(form for form in forms(page) if form.action.startswith("/courriel/"))
    answer = await stranger.http.post(form.action, data=form.fields)
    assert answer.status_code == 422
    assert elements(answer, "title")[0].text.startswith("Erreur : ")
    assert "Cochez « Oui" in alert(answer)
    for other in ("", "non", "OUI", "on", "1"):
        answer = await stranger.http.post(form.action, data=form.fields | {"reponse": other})
        assert answer.status_code == 422
    assert await rows() == before


@BOTH
async def test_form_needs_the_browsers_own_token(
    stranger: Browser, known: Browser, world: World, visit: UUID, act: str
) -> None:
    url = link(world, act, visit)
    for browser in (stranger, known):
        await browser.get(url)
        answer = await browser.http.post(url, data={"reponse": "oui"})
        assert answer.status_code == 403
    assert await outcome(visit) == (False, False)


# People.


@pytest.mark.parametrize(
    ("act", "control", "button", "after"),
    [
        (CONFIRM, "Oui, je serai présent", "Confirmer le rendez-vous", "confirmé"),
        (CANCEL, "Oui, annuler ce rendez-vous", "Annuler le rendez-vous", "annulé"),
    ],
)
async def test_person_in_an_unknown_browser_ticks_and_presses(
    stranger: Browser, world: World, visit: UUID, act: str, control: str, button: str, after: str
) -> None:
    page = await stranger.get(link(world, act, visit))
    assert control in main(page)
    answer = await stranger.press(page, button, {"reponse": "oui"})
    assert answer.status_code == 303
    assert heading(await stranger.follow(answer)) == f"Votre rendez-vous est {after}"
    assert await outcome(visit) == done(act)


async def test_confirming_is_one_click_in_a_known_browser(
    known: Browser, world: World, visit: UUID
) -> None:
    page = await known.get(link(world, CONFIRM, visit))
    form = next(e for e in elements(page, "form") if "data-autopost" in e.attrs)
    assert form.attrs["action"] == link(world, CONFIRM, visit)
    assert "Oui, je serai présent" not in main(page)
    answer = await known.press(page, "Confirmer le rendez-vous")
    assert heading(await known.follow(answer)) == "Votre rendez-vous est confirmé"
    assert await outcome(visit) == (True, False)


async def test_cancelling_is_asked_even_in_a_known_browser_and_never_sent_by_itself(
    known: Browser, world: World, visit: UUID
) -> None:
    page = await known.get(link(world, CANCEL, visit))
    assert heading(page) == "Annuler ce rendez-vous ?"
    assert [e for e in elements(page, "form") if "data-autopost" in e.attrs] == []
    answer = await known.press(page, "Annuler le rendez-vous")
    page = await known.follow(answer)
    assert heading(page) == "Votre rendez-vous est annulé"
    assert "Prendre un rendez-vous" in main(page)
    assert "Appeler le (514) 555-0142" in main(page)


async def test_another_accounts_browser_is_an_unknown_one(
    charlie: Browser, world: World, visit: UUID
) -> None:
    page = await charlie.get(link(world, CONFIRM, visit))
    assert [e for e in elements(page, "form") if "data-autopost" in e.attrs] == []
    answer = await charlie.press(page, "Confirmer le rendez-vous")
    assert answer.status_code == 422
    assert await outcome(visit) == (False, False)


@pytest.mark.parametrize("value", ["x", "", "AAAA.BBBB", "%C3%A9"])
async def test_altered_known_browser_cookie_is_an_unknown_browser(
    known: Browser, world: World, visit: UUID, value: str
) -> None:
    own = known.http.cookies["__Host-known"]
    mark = Links(SETTINGS.keys).read_known(own, world.now)
    for altered in (
        value,
        own[:-3] + "abc",
        Links(("another key" * 4,)).sign_known(mark),
        Links(SETTINGS.keys).sign_known([]),
        Links(SETTINGS.keys).sign_known([replace(mark[0], password=mark[0].password - 1)]),
        Links(SETTINGS.keys).sign_known([replace(mark[0], account=world.charlie_account)]),
    ):
        headers = {"cookie": f"__Host-known={altered}"}
        page = await Browser(known.app).get(link(world, CONFIRM, visit), headers=headers)  # type: ignore[arg-type]
        assert "Oui, je serai présent" in main(page)


async def test_browser_is_known_for_a_year(known: Browser, world: World, clock: Clock) -> None:
    year_after = clock.now + timedelta(days=365)
    visit = await world.appointment(year_after + timedelta(hours=50), patient=world.bob)
    seen = []
    for clock.now in (year_after, year_after + timedelta(seconds=1)):
        page = await known.get(link(world, CONFIRM, visit))
        seen.append("Oui, je serai présent" in main(page))
    assert seen == [False, True]


@BOTH
async def test_acting_twice_is_acting_once(
    known: Browser, world: World, visit: UUID, act: str
) -> None:
    url = link(world, act, visit)
    await known.get(url)
    for _ in range(3):
        assert (await known.post(url)).status_code == 303
    verb = "confirmed" if act == CONFIRM else "cancelled"
    lines = await journal(f"appointment.{verb}")
    assert [(line["actor_kind"], line["actor"], line["patient"]) for line in lines] == [
        ("mail_link", world.alice_account, world.bob)
    ]


# Edges of time.


@pytest.mark.parametrize(
    ("act", "hours", "status", "words"),
    [
        (CONFIRM, 73, 409, "Ce rendez-vous pourra être confirmé à partir du"),
        (CONFIRM, 72, 303, ""),
        (CONFIRM, 0, 409, "Ce rendez-vous a déjà commencé : il ne peut plus être confirmé."),
        (CANCEL, 48, 303, ""),
        (CANCEL, 47, 409, "Ce rendez-vous ne peut être annulé après le"),
    ],
)
async def test_link_obeys_the_same_rule_as_the_tab(
    known: Browser, world: World, act: str, hours: int, status: int, words: str
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=hours))
    url = link(world, act, visit)
    page = await known.get(url)
    has_button = any(form.action == url for form in forms(page))
    assert (page.status_code, has_button) == (200, status == 303)
    answer = await known.post(url)
    assert (answer.status_code, words in main(answer)) == (status, True)
    assert await outcome(visit) == (done(act) if status == 303 else (False, False))


async def test_link_of_a_cancelled_visit_says_so_and_confirms_nothing(
    known: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=60), cancelled_at=world.now)
    url = link(world, CONFIRM, visit)
    page = await known.get(url)
    assert heading(page) == "Ce rendez-vous est annulé"
    assert [form for form in forms(page) if form.action == url] == []
    assert (await known.post(url)).status_code == 409
    assert await outcome(visit) == (False, True)


# Dead links.


@BOTH
async def test_altered_or_foreign_token_is_dead(
    stranger: Browser, world: World, visit: UUID, act: str
) -> None:
    """A42."""
    good = link(world, act, visit)
    token = good.rpartition("/")[2]
    payload, signature = token.rsplit(".", 1)
    for altered in (
        "x",
        payload,
        f".{signature}",
        f"{payload}.{signature[::-1]}",
        f"x{token}",
        token.swapcase(),
        "%00",
        "a" * 5000,
        Links(("some other key, of 32 characters",)).sign_visit(
            PURPOSES[act], VisitLink(visit, 1, world.alice_account)
        ),
        Links(SETTINGS.keys).sign_known([Known(world.alice_account, 0, 0)]),
    ):
        assert await is_dead(stranger, f"{act}/{altered}")
    assert (await stranger.get(good)).status_code == 200


async def test_link_of_one_purpose_does_not_serve_the_other(
    known: Browser, world: World, visit: UUID
) -> None:
    """A42."""
    await known.get("/connexion")
    assert await is_dead(known, link(world, CANCEL, visit, purpose=Purpose.CONFIRM))
    assert await is_dead(known, link(world, CONFIRM, visit, purpose=Purpose.CANCEL))
    assert await is_dead(known, link(world, CONFIRM, visit, purpose=Purpose.KNOWN_BROWSER))


async def test_malleable_last_character_still_means_the_same_visit(
    known: Browser, world: World, visit: UUID
) -> None:
    """Four spellings of a signature's last character are one: none may act on anything else."""
    other = await world.appointment(world.now + timedelta(hours=65), patient=world.bob)
    token = link(world, CANCEL, visit)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    alive = [last for last in alphabet if (await known.get(token[:-1] + last)).status_code == 200]
    assert len(alive) == 4
    for last in alive:
        assert (await known.post(token[:-1] + last)).status_code == 303
    assert (await outcome(visit), await outcome(other)) == ((False, True), (False, False))
    assert len(await journal("appointment.cancelled")) == 1


@BOTH
async def test_link_dies_when_its_visit_is_moved(
    known: Browser, world: World, visit: UUID, act: str
) -> None:
    """A42."""
    await known.get(link(world, act, visit))
    await Appointment.update({Appointment.version: 2}, force=True)
    assert await is_dead(known, link(world, act, visit))
    assert (await known.get(link(world, act, visit, version=2))).status_code == 200


@BOTH
async def test_link_dies_with_the_access_it_was_mailed_to(
    known: Browser, world: World, visit: UUID, act: str
) -> None:
    url = link(world, act, visit)
    await known.get(url)
    await world.set_clinic(consent_age=8)
    assert await is_dead(known, url)
    await world.set_clinic(consent_age=14)
    assert (await known.get(url)).status_code == 200
    await ProxyGrant.update({ProxyGrant.may_book: False}, force=True)
    assert await is_dead(known, url)
    await ProxyGrant.update({ProxyGrant.may_book: True}, force=True)
    await Account.update({Account.disabled_at: world.now}, force=True)
    assert await is_dead(known, url)


@BOTH
async def test_link_dies_when_the_visit_is_over(known: Browser, world: World, act: str) -> None:
    await known.get("/connexion")
    visit = await world.appointment(world.now - timedelta(minutes=14, seconds=59))
    over = await world.appointment(world.now - timedelta(minutes=30, seconds=1))
    assert (await known.get(link(world, act, visit))).status_code == 200
    assert await is_dead(known, link(world, act, over))


@BOTH
async def test_link_to_someone_elses_or_no_visit_is_dead(
    known: Browser, world: World, visit: UUID, act: str
) -> None:
    await known.get("/connexion")
    assert await is_dead(known, link(world, act, visit, account=world.charlie_account))
    assert await is_dead(known, link(world, act, uuid4()))
    assert await is_dead(known, link(world, act, visit, account=uuid4()))


async def test_link_signed_with_the_key_before_still_works(
    app: Gate, stranger: Browser, world: World, visit: UUID
) -> None:
    keys = ("x" * 8 + "abcdefghijklmnopqrstuvwxyz", SETTINGS.keys[0])
    assert (await stranger.get(link(world, CONFIRM, visit))).status_code == 200
    assert Links(keys).read_visit(
        Purpose.CONFIRM, link(world, CONFIRM, visit).rpartition("/")[2]
    ) == VisitLink(visit, 1, world.alice_account)


# What a link gives away.


async def shown_by(browser: Browser, url: str) -> list[httpx.Response]:
    pages = [await browser.get(url), await browser.post(url)]
    answer = await browser.post(url, {"reponse": "oui"})
    return [*pages, answer, await browser.follow(answer)]


@BOTH
async def test_link_opens_no_session_and_shows_no_more_than_its_mail(
    stranger: Browser, world: World, act: str
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=60), reason="Toux")
    await world.appointment(world.now + timedelta(hours=80), patient=world.bob)
    for answer in await shown_by(stranger, link(world, act, visit)):
        assert "__Host-session" not in str(answer.headers.get_list("set-cookie"))
        assert "__Host-known" not in str(answer.headers.get_list("set-cookie"))
        for word in ("Camille", "Roy", "famille", "Suivi", "Toux", "Gagnon", "Bob", "alice@"):
            assert word not in without_keys(answer)
        assert "Apportez votre carte." not in answer.text
        assert "27 novembre" not in answer.text
    assert (await stranger.get("/")).headers["location"] == "/connexion?suivant=%2F"


async def test_details_are_shown_where_the_clinic_lets_mails_have_them(
    stranger: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=60), reason="Toux")
    await world.set_clinic(mail_shows_details=True)
    page = await stranger.get(link(world, CONFIRM, visit))
    for words in ("Dre Camille Roy", "Médecine de famille", "Suivi", "Apportez votre carte."):
        assert words in main(page)
    assert "Toux" not in without_keys(page)


@BOTH
async def test_page_prints_the_deadline_of_the_mail(
    stranger: Browser, world: World, visit: UUID, act: str
) -> None:
    page = await stranger.get(link(world, act, visit))
    sentence = "Ce rendez-vous ne peut être annulé après le 23 novembre 2026 à 22:00"
    assert sentence in main(page)


async def test_page_speaks_the_language_of_the_account_it_was_mailed_to(
    stranger: Browser, world: World, visit: UUID
) -> None:
    await Account.update({Account.language: "en"}).where(Account.id == world.alice_account)
    page = await stranger.get(link(world, CANCEL, visit))
    assert elements(page, "html")[0].attrs["lang"] == "en-CA"
    back = await stranger.press(page, "Français")
    page = await stranger.follow(back)
    assert heading(page) == "Annuler ce rendez-vous ?"


@BOTH
async def test_every_look_and_act_by_a_link_is_in_the_journal(
    stranger: Browser, world: World, visit: UUID, act: str
) -> None:
    name = "confirm" if act == CONFIRM else "cancel"
    after = await last_line()
    url = link(world, act, visit)
    await stranger.get(url)
    await stranger.post(url)
    await stranger.post(url, {"reponse": "oui"})
    lines = await journal_after(after)
    assert [line["action"] for line in lines] == [
        f"read.link.{name}",
        f"read.link.{name}",
        f"appointment.{name}ed" if act == CONFIRM else "appointment.cancelled",
    ]
    assert {(line["actor_kind"], line["patient"], line["subject"]) for line in lines} == {
        ("mail_link", world.bob, visit)
    }


async def test_link_page_forms_post_to_the_link_and_nowhere_else(
    stranger: Browser, world: World, visit: UUID
) -> None:
    page = await stranger.get(link(world, CONFIRM, visit))
    actions = {re.sub(r"[^/]{40,}", "TOKEN", form.action) for form in forms(page)}
    assert actions == {"/langue", f"{CONFIRM}/TOKEN"}
