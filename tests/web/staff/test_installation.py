"""The first run: an empty installation becomes a clinic, once, by whoever reads its output."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain import db
from domain.clinic import readiness
from domain.clinic.clinic import current_settings
from domain.desk import installation
from domain.desk.installation import STEPS, Draft
from domain.staff.tables import StaffMember
from tests.web.browser import Browser, Clock, alert, elements, heading, links, main, running
from tests.web.staff.doors import LINKS, enrol, owed
from tests.web.state import count, journal, rows
from tests.world import NOW
from web import first_run
from web.cli import _parser
from web.first_run import CannotInstall
from web.portal import NO_CLINIC

INSTALLATION = "/clinique/installation"
TYPED = {
    "nom": "Clinique du Lac",
    "adresse": "1, rue du Lac, Laval (Québec) H7A 1A1",
    "telephone": "514 555-0100",
    "courriel": "info@lac.example",
    "fuseau": "America/Toronto",
    "province": "QC",
    "rue": "1, rue du Lac",
    "ville": "Laval",
    "code_postal": "h7a 1a1",
    "prenom": "Zoé",
    "nom_famille": "Roy",
    "specialite": "Médecine de famille",
    "specialite_en": "Family medicine",
    "type": "Suivi",
    "type_en": "Follow-up",
    "admin_prenom": "Paul",
    "admin_nom": "Roy",
    "admin_courriel": "paul@lac.example",
}
DRAFT = replace(Draft(), **TYPED).with_site().with_texts()


@pytest.fixture
def clock(kept_clock: Clock) -> Clock:
    """Also where there is no clinic yet, the one that the kept application looks at."""
    kept_clock.now = NOW
    return kept_clock


@pytest.fixture
async def installer(database: object, clock: Clock) -> Browser:
    """On an installation that has no clinic, with the link that its output shows."""
    gate = running(clock)
    gate.app.state.portal.last_clinic = NO_CLINIC
    browser = Browser(gate)
    path = first_run.browser_path(LINKS, clock.now)
    page = await browser.open(path)
    assert heading(page) == "La clinique"
    return browser


async def go_on(browser: Browser, page: httpx.Response, **typed: str) -> httpx.Response:
    """With what the page shows, and what is typed over it."""
    return await browser.press(page, "Continuer", shown(page) | typed)


def shown(page: httpx.Response) -> dict[str, str]:
    found = {}
    for element in elements(page, "input", "textarea"):
        attrs = element.attrs
        if attrs.get("type") == "checkbox" and "checked" not in attrs:
            continue
        if "name" in attrs and attrs["name"] not in {"_csrf_token", "langue", "suivant"}:
            value = attrs.get("value", "".join(element.pieces).lstrip("\n"))
            found[attrs["name"]] = value
    chosen = [e for e in elements(page, "option") if "selected" in e.attrs]
    for option in chosen:
        found[option.parents[-1].attrs["name"]] = option.attrs["value"]
    return found


async def to_the_last(browser: Browser) -> httpx.Response:
    page = await browser.get(INSTALLATION)
    for names in STEPS[:-1]:
        page = await go_on(browser, page, **{n: TYPED[n] for n in names if n in TYPED})
        assert page.status_code == 200
    return page


async def test_seven_steps_lead_to_a_clinic_that_can_be_booked(
    installer: Browser, clock: Clock
) -> None:
    page = await to_the_last(installer)
    assert heading(page) == "Le premier administrateur"
    assert await count("clinic") == 0
    names = {name: TYPED[name] for name in STEPS[-1] if name in TYPED}
    answer = await installer.press(page, "Créer la clinique", shown(page) | names)
    assert answer.headers["location"] == "/clinique/activation"
    clinic = await current_settings()
    assert (clinic.name, clinic.phone, clinic.consent_age) == (
        "Clinique du Lac",
        "+15145550100",
        14,
    )
    assert readiness.missing_in(clinic) == []
    [slots] = await db.fetch("SELECT count(*) AS n FROM slot")
    assert slots["n"] > 1000
    for table in ("site", "specialty", "practitioner", "visit_type", "team", "terms_version"):
        assert (table, await count(table)) == (table, 1)
    (row,) = await StaffMember.objects()
    assert (row.email, row.role, row.totp_secret) == ("paul@lac.example", "administrator", "")
    (mail,) = await owed(clock)
    assert (mail.kind, mail.address) == ("staff_invitation", "paul@lac.example")
    done, _ = await enrol(installer, clock, mail.path)
    assert done.headers["location"] == "/clinique/premiers-pas"
    assert (await installer.get(done.headers["location"])).status_code == 200
    assert [line["actor_kind"] for line in await journal("clinic.installed")] == ["console"]


async def test_what_is_wrong_is_said_at_its_step_and_nothing_is_kept(installer: Browser) -> None:
    before = await rows(without=frozenset())
    page = await installer.get(INSTALLATION)
    empty = await go_on(installer, page)
    assert (empty.status_code, heading(empty)) == (422, "La clinique")
    assert "Remplissez « Nom de la clinique »." in alert(empty).replace("\u00a0", " ")
    second = await go_on(installer, empty, **{n: TYPED[n] for n in STEPS[0]})
    ontario = await go_on(installer, second, province="ON")
    assert (ontario.status_code, heading(ontario)) == (422, "Province et âge de consentement")
    assert "La loi de cette province n’en fixe pas" in alert(ontario)
    third = await go_on(installer, ontario, age="16")
    assert heading(third) == "Le lieu"
    back = await installer.press(third, "Retour", shown(third) | {"vers": "retour", "rue": "Ici"})
    assert (back.status_code, shown(back)["age"], shown(back)["rue"]) == (200, "16", "Ici")
    assert await rows(without=frozenset()) == before


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"telephone": "555"}, "telephone"),
        ({"courriel": "info"}, "courriel"),
        ({"fuseau": "Europe/Paris"}, "fuseau"),
        ({"province": "XX"}, "province"),
        ({"province": "AB"}, "age"),
        ({"age": "11"}, "age"),
        ({"age": "1x"}, "age"),
        ({"conservation": "0"}, "conservation"),
        ({"code_postal": "x" * 11}, "code_postal"),
        ({"minutes": "7"}, "minutes"),
        ({f"jour{n}": "" for n in range(7)}, "jour0"),
        ({"matin_de": "12:00", "matin_a": "08:00"}, "matin_de"),
        ({"matin_de": "midi"}, "matin_de"),
        ({"apres_de": "11:00"}, "apres_de"),
        ({"apres_de": "22:00", "apres_a": "02:00"}, "apres_de"),
        ({"conditions_en": " "}, "conditions_en"),
        ({"clause_fr": "x" * 20_001}, "clause_fr"),
        ({"admin_courriel": ""}, "admin_courriel"),
    ],
)
def test_each_field_has_its_rule(typed: dict[str, str], wrong: str) -> None:
    assert list(installation.problems(replace(DRAFT, **typed))) == [wrong]


def test_a_half_day_may_be_left_out() -> None:
    morning = replace(DRAFT, apres_de="", apres_a="")
    assert (installation.problems(morning), len(installation.openings(morning))) == ({}, 1)
    neither = replace(morning, matin_de="", matin_a="")
    assert set(installation.problems(neither)) == {"matin_de", "apres_de"}


@pytest.mark.parametrize("text", ["8:30", "08:30", "8h30", "08 h 30"])
def test_a_time_is_read_as_people_type_it(text: str) -> None:
    assert str(installation.clock(text)) == "08:30:00"


async def test_nobody_on_the_network_takes_over_an_empty_installation(
    installer: Browser, clock: Clock
) -> None:
    stranger = Browser(running(clock))
    for path in (INSTALLATION, f"{INSTALLATION}/guessed"):
        assert (await stranger.open(path)).status_code == 410
    await stranger.get(INSTALLATION)
    form = asdict(DRAFT) | {"etape": "7", "vers": "suite", "lien": "guessed"}
    page = await installer.get(INSTALLATION)
    stranger.token = installer.token
    for lien in ("guessed", "", LINKS.sign_installation(clock.now - timedelta(hours=72))):
        answer = await installer.press(page, "Continuer", form | {"lien": lien})
        assert (lien, answer.status_code) == (lien, 410)
    assert await count("clinic") == 0


async def test_it_is_done_once(installer: Browser, clock: Clock) -> None:
    page = await to_the_last(installer)
    names = {name: TYPED[name] for name in STEPS[-1] if name in TYPED}
    sent = shown(page) | names
    await installer.press(page, "Créer la clinique", sent)
    again = await installer.press(page, "Créer la clinique", sent)
    assert (again.status_code, heading(again)) == (409, "Installation")
    assert await count("clinic") == 1
    with pytest.raises(CannotInstall):
        await first_run.init(_parser().parse_args(["init"]), LINKS, ask=None, now=clock.now)


async def test_pages_of_an_installation_without_clinic_let_nobody_in(installer: Browser) -> None:
    for path in ("/clinique", "/clinique/connexion", "/clinique/activation", "/connexion"):
        assert (path, (await installer.open(path)).status_code) == (path, 404)


# From the console


def options(*arguments: str) -> argparse.Namespace:
    return _parser().parse_args(list(arguments))


NAMES = {
    "nom": "--name",
    "adresse": "--address",
    "telephone": "--phone",
    "courriel": "--email",
    "province": "--province",
    "rue": "--street",
    "ville": "--city",
    "code_postal": "--postal-code",
    "prenom": "--practitioner-first-name",
    "nom_famille": "--practitioner-last-name",
    "specialite": "--specialty",
    "specialite_en": "--specialty-en",
    "type": "--visit-type",
    "type_en": "--visit-type-en",
    "admin_prenom": "--first-name",
    "admin_nom": "--last-name",
    "admin_courriel": "--admin-email",
}
GIVEN = [part for name, option in NAMES.items() for part in (option, TYPED[name])]


async def test_init_makes_the_clinic_from_options(database: object, clock: Clock) -> None:
    path = await first_run.init(options("init", *GIVEN), LINKS, ask=None, now=clock.now)
    assert path.startswith("/clinique/activation/")
    assert readiness.missing_in(await current_settings()) == []


async def test_init_says_each_option_that_is_missing(database: object, clock: Clock) -> None:
    with pytest.raises(CannotInstall) as told:
        await first_run.init(options("init", *GIVEN[2:]), LINKS, ask=None, now=clock.now)
    assert str(told.value) == "--name: is needed\n--site: is needed"
    with pytest.raises(CannotInstall, match="--days"):
        await first_run.init(options("init", "--days", "8"), LINKS, ask=None, now=clock.now)
    assert await count("clinic") == 0


async def test_init_asks_for_the_rest_and_again_for_what_is_wrong(
    database: object, clock: Clock
) -> None:
    answers: Iterator[str] = iter(["", "Clinique du Lac"])

    def ask(about: str) -> str:
        return next(answers) if "Name of the clinic" in about else ""

    path = await first_run.init(options("init", *GIVEN[2:]), LINKS, ask=ask, now=clock.now)
    assert path.startswith("/clinique/activation/")
    assert (await current_settings()).name == "Clinique du Lac"


async def test_init_gives_the_link_for_a_browser(database: object, clock: Clock) -> None:
    path = await first_run.init(options("init", "--browser"), LINKS, ask=None, now=clock.now)
    assert path.startswith(f"{INSTALLATION}/")


async def admin(clock: Clock, *more: str) -> str:
    arguments = ("admin", "--email", "gus@clinique.example", *more)
    return await first_run.add_administrator(options(*arguments), LINKS, now=clock.now)


ADMIN = ("--first-name", "Gus", "--last-name", "Côté")


async def test_admin_needs_a_clinic(database: object, clock: Clock) -> None:
    with pytest.raises(CannotInstall, match="portal init"):
        await admin(clock, *ADMIN)


async def test_admin_adds_the_first_administrator_and_no_second_by_mistake(
    world: Any, clock: Clock
) -> None:
    with pytest.raises(CannotInstall, match="--another"):
        await admin(clock, *ADMIN)
    with pytest.raises(CannotInstall, match="--first-name is needed"):
        await admin(clock, "--another")
    path = await admin(clock, *ADMIN, "--another")
    browser = Browser(running(clock))
    answer, _ = await enrol(browser, clock, path)
    assert answer.status_code == 303
    assert (await browser.get("/clinique/personnel")).status_code == 200


async def test_admin_sends_a_new_link_to_one_who_lost_their_device(
    world: Any, clock: Clock
) -> None:
    await admin(clock, *ADMIN, "--another")
    before = await count("staff_member")
    path = await admin(clock, *ADMIN)
    assert path.startswith("/clinique/activation/")
    assert await count("staff_member") == before
    [mail] = [mail for mail in await owed(clock) if mail.kind == "staff_invitation"]
    assert mail.path == path


async def test_admin_makes_no_secretary_an_administrator(world: Any, clock: Clock) -> None:
    arguments = ("admin", "--email", "dana@clinique.example", *ADMIN)
    with pytest.raises(CannotInstall, match="someone else"):
        await first_run.add_administrator(options(*arguments), LINKS, now=clock.now)


async def test_first_steps_show_whether_mails_leave(fay: Browser, world: Any, clock: Clock) -> None:
    assert links(await fay.get("/clinique/reglages"))["Premiers pas"] == "/clinique/premiers-pas"
    page = await fay.get("/clinique/premiers-pas")
    assert links(page)["Nouveau patient"] == "/clinique/patients/nouveau"
    await fay.press(page, "Envoyer un courriel d’essai")
    assert "Le courriel d’essai part." in main(await fay.get("/clinique/premiers-pas"))
    await db.fetch("UPDATE outbound_email SET last_error = '550 <b>no</b>'")
    assert "550 <b>no</b>" not in (told := await fay.get("/clinique/premiers-pas")).text
    assert "550 <b>no</b>" in main(told).replace("&lt;", "<") or "550" in main(told)
    (mail,) = await owed(clock)
    assert (mail.kind, mail.address) == ("staff_test", "fay@clinique.example")
    assert "Le serveur a accepté" in main(await fay.get("/clinique/premiers-pas"))
