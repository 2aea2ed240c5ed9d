"""« Réglages »: saved with their history, in force at once, and never over someone else's."""

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.clinic.tables import SettingChange, WeeklyHours
from domain.people.tables import ProxyGrant
from tests.web.browser import Browser, elements, links, main, title
from tests.web.state import count, journal, rows
from tests.world import World

BASE = "/clinique/reglages"
GOOD: dict[str, dict[str, str]] = {
    "coordonnees": {
        "nom": "Clinique du Parc",
        "telephone": "514 555-0199",
        "courriel": "info@parc.example",
        "adresse": "12, rue du Parc",
    },
    "rendez-vous": {
        "confirmation": "96",
        "annulation": "24",
        "preavis": "30",
        "horizon": "8",
        "maximum": "3",
        "reservation": "7",
    },
    "sections": {"prise": "oui", "urgence": "oui"},
    "courriels": {"expediteur": "Le Parc", "delai": "4", "details": "oui"},
    "comptes": {"exige_nom": "oui", "exige_numero": "oui", "invitation": "3", "conservation": "9"},
    "sessions": {"patients": "30", "personnel": "10"},
}
SAVED = {
    "coordonnees": {"name": "Clinique du Parc", "phone": "+15145550199"},
    "rendez-vous": {
        "confirm_window_hours": 96,
        "cancel_limit_hours": 24,
        "notice_minutes": 30,
        "horizon_weeks": 8,
        "most_upcoming": 3,
        "hold_minutes": 7,
    },
    "sections": {"has_booking": True, "has_urgent_booking": True, "has_documents": False},
    "courriels": {"mail_sender_name": "Le Parc", "answer_days": 4, "mail_shows_details": True},
    "comptes": {"required_fields": "name,health_number", "invitation_days": 3},
    "sessions": {"idle_minutes": 30, "staff_idle_minutes": 10},
}
EFFECTS = {
    "coordonnees": "12, rue du Parc",
    "rendez-vous": "Ils peuvent l’annuler jusqu’à 24 h avant",
    "sections": "Fermé Documents",
    "courriels": "Ils nomment l’intervenant, la spécialité et le type de rendez-vous.",
    "comptes": "nom, numéro d’assurance maladie",
    "sessions": "un patient est déconnecté après 30 min",
}
CHANGED_ELSEWHERE = {"name": "X", "cancel_limit_hours": 12}


async def clinic() -> dict[str, Any]:
    return (await db.fetch("SELECT * FROM clinic"))[0]


async def saved(browser: Browser, part: str, form: dict[str, str], version: str = "") -> Any:
    page = await browser.get(f"{BASE}/{part}")
    assert page.status_code == 200
    version = version or value(page, "version")
    return await browser.post(f"{BASE}/{part}", {"version": version, **form})


def value(page: httpx.Response, name: str) -> str:
    return next(
        e.attrs.get("value", "") for e in elements(page, "input") if e.attrs.get("name") == name
    )


def typed(page: httpx.Response) -> dict[str, str]:
    found = {}
    for e in elements(page, "input"):
        kind, name = e.attrs.get("type"), e.attrs.get("name", "")
        if (kind == "checkbox" and "checked" in e.attrs) or kind not in ("hidden", "checkbox"):
            found[name] = e.attrs["value"]
    return found


@pytest.mark.parametrize("part", GOOD)
async def test_a_part_is_saved_and_its_effect_is_said(fay: Browser, part: str) -> None:
    answer = await saved(fay, part, GOOD[part])
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}?fait={part}#{part}")
    row = await clinic()
    assert {name: row[name] for name in SAVED[part]} == SAVED[part]
    page = await fay.get(answer.headers["location"])
    assert EFFECTS[part].replace(" ", " ") in main(page).replace("\xa0", " ")
    again = await fay.get(f"{BASE}/{part}")
    kept = GOOD[part] | ({"telephone": "+15145550199"} if part == "coordonnees" else {})
    assert typed(again) == kept


async def test_each_changed_setting_leaves_a_line_of_history_and_of_the_journal(
    fay: Browser, world: World
) -> None:
    await saved(fay, "sessions", {"patients": "30", "personnel": "15"})
    (change,) = await SettingChange.objects()
    assert (change.name, change.before, change.after) == ("idle_minutes", "20", "30")
    assert change.changed_by == f"Fay Blais ({world.fay})"
    (line,) = await journal("setting.")
    assert (line["action"], line["actor"], line["subject"]) == (
        "setting.idle_minutes",
        world.fay,
        change.id,
    )
    page = await fay.get(f"{BASE}/historique")
    assert [e.text for e in elements(page, "td")][1:] == ["20", "→ 30", "Fay Blais"]


async def test_the_same_form_twice_is_one_change(fay: Browser) -> None:
    version = value(await fay.get(f"{BASE}/sessions"), "version")
    form = {"version": version, **GOOD["sessions"]}
    answers = [await fay.post(f"{BASE}/sessions", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert await count("setting_change") == 2


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("coordonnees", {"nom": ""}),
        ("coordonnees", {"telephone": "12"}),
        ("coordonnees", {"courriel": "personne"}),
        ("coordonnees", {"adresse": "x" * 201}),
        ("rendez-vous", {"confirmation": "0"}),
        ("rendez-vous", {"annulation": "-1"}),
        ("rendez-vous", {"horizon": "53"}),
        ("rendez-vous", {"maximum": "x"}),
        ("rendez-vous", {"reservation": "٥"}),
        ("courriels", {"expediteur": " "}),
        ("comptes", {"invitation": "31"}),
        ("comptes", {"conservation": "0"}),
        ("sessions", {"patients": "61"}),
        ("sessions", {"personnel": "4"}),
    ],
)
async def test_what_cannot_be_is_refused_with_all_that_was_typed(
    fay: Browser, part: str, wrong: dict[str, str]
) -> None:
    before = await rows()
    form = GOOD[part] | wrong
    answer = await saved(fay, part, form)
    assert answer.status_code == 422
    assert title(answer).startswith("Erreur : ")
    assert typed(answer) == form
    (name,) = wrong
    assert f"#{name}" in links(answer).values()
    assert await rows() == before


async def test_two_at_once_the_second_is_told_and_overwrites_nothing(
    fay: Browser, world: World
) -> None:
    old = value(await fay.get(f"{BASE}/sessions"), "version")
    await saved(fay, "sessions", {"patients": "40", "personnel": "20"})
    late = await saved(fay, "sessions", {"patients": "30", "personnel": "20"}, version=old)
    assert late.status_code == 409
    assert (await clinic())["idle_minutes"] == 40
    assert typed(late) == {"patients": "30", "personnel": "20"}
    assert "Enregistré entre-temps : 40" in main(late).replace("\xa0", " ")
    assert "Par Fay Blais" in main(late)
    form = {"version": value(late, "version"), "patients": "30", "personnel": "20"}
    assert (await fay.post(f"{BASE}/sessions", form)).status_code == 303
    assert (await clinic())["idle_minutes"] == 30


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
async def test_an_altered_version_saves_nothing(fay: Browser, version: str) -> None:
    await fay.get(f"{BASE}/sessions")
    form = GOOD["sessions"] | {"version": version}
    assert (await fay.post(f"{BASE}/sessions", form)).status_code == 409
    assert await count("setting_change") == 0


async def test_fields_that_are_no_settings_change_nothing(fay: Browser) -> None:
    """A49."""
    await saved(fay, "sessions", GOOD["sessions"] | {"time_zone": "UTC", "name": "X", "id": "1"})
    row = await clinic()
    assert (row["time_zone"], row["name"]) == ("America/Toronto", "Clinique des Érables")


CLOSED = {
    "prise": ["reservation", "reservation/specialite"],
    "urgence": ["urgence", "urgence/lieu"],
    "documents": ["documents"],
    "factures": ["factures"],
    "nouveaux": ["communications/nouveau"],
}
EVERY = ["prise", "urgence", "documents", "factures", "reponses", "nouveaux"]


@pytest.mark.parametrize("section", CLOSED)
async def test_a_section_switched_off_is_gone_and_refused_with_the_page_open(
    fay: Browser, alice: Browser, world: World, section: str
) -> None:
    base = f"/profils/{world.alice}"
    for path in CLOSED[section]:
        assert (await alice.open(f"{base}/{path}")).status_code == 200
    await saved(fay, "sections", {each: "oui" for each in EVERY if each != section})
    page = await alice.open(f"{base}/rendez-vous")
    for path in CLOSED[section]:
        assert f"{base}/{path}" not in links(page).values()
        refused = 404 if section in ("documents", "factures") else 403
        assert (await alice.open(f"{base}/{path}")).status_code == refused


async def test_replies_switched_off_are_refused_with_the_form_open(
    fay: Browser, alice: Browser, world: World
) -> None:
    thread = await world.thread("Est-ce fait ?", may_answer=True)
    url = f"/profils/{world.alice}/communications/{thread}"
    form = await alice.get(f"{url}?repondre=1")
    await saved(fay, "sections", {each: "oui" for each in EVERY if each != "reponses"})
    sent = await alice.press(form, "Envoyer", {"texte": "Oui.", "lu": "oui"})
    assert sent.status_code == 409
    assert (await count("message")) == 1


async def test_new_messages_switched_off_are_refused_with_the_form_open(
    fay: Browser, alice: Browser, world: World
) -> None:
    form = await alice.get(f"/profils/{world.alice}/communications/nouveau")
    await saved(fay, "sections", {each: "oui" for each in EVERY if each != "nouveaux"})
    told = {"equipe": str(world.team), "objet": "Oui", "texte": "Oui.", "lu": "oui"}
    assert (await alice.press(form, "Envoyer", told)).status_code == 403
    assert await count("message") == 0


async def test_a_longer_horizon_publishes_at_once(fay: Browser, world: World) -> None:
    await WeeklyHours.insert(
        WeeklyHours(
            id=uuid4(),
            schedule=world.schedule,
            weekday=2,
            opens=time(9),
            closes=time(10),
            slot_minutes=30,
        )
    )
    await saved(fay, "rendez-vous", GOOD["rendez-vous"] | {"horizon": "2"})
    assert await count("slot") == 4
    await saved(fay, "rendez-vous", GOOD["rendez-vous"] | {"horizon": "3"})
    assert await count("slot") == 6


async def test_mails_are_shown_as_they_would_leave(fay: Browser) -> None:
    page = await fay.get(f"{BASE}/courriels")
    without, with_details = [e.text for e in elements(page, "figure")]
    assert "Votre rendez-vous est réservé" in without
    assert [("Dre Louise Tremblay" in words) for words in (without, with_details)] == [False, True]


async def test_unknown_parts_are_not_found(fay: Browser) -> None:
    assert (await fay.get(f"{BASE}/autre")).status_code == 404


# The age of consent


async def asks(browser: Browser, **form: str) -> httpx.Response:
    page = await browser.get(f"{BASE}/consentement")
    given = {"province": "QC", "age": "14", "source": "Code civil, art. 14"} | form
    return await browser.post(f"{BASE}/consentement", {"version": value(page, "version"), **given})


async def mails(kind: str) -> list[dict[str, Any]]:
    return await db.fetch("SELECT * FROM outbound_email WHERE kind = {}", kind)


async def activities(kind: str) -> list[UUID]:
    rows = await db.fetch("SELECT patient FROM activity WHERE kind = {}", kind)
    return [row["patient"] for row in rows]


async def test_asking_to_confirm_when_one_can_no_longer_cancel_is_warned_of(
    fay: Browser, world: World
) -> None:
    """Finding C15."""
    warning = "la confirmation est demandée quand l’annulation en ligne n’est plus possible"
    assert warning not in main(await fay.get(BASE))
    await world.set_clinic(confirm_window_hours=48, cancel_limit_hours=96)
    for path in (BASE, f"{BASE}/rendez-vous"):
        assert warning in main(await fay.get(path))


async def teenager(world: World) -> UUID:
    """15 years old: Alice lost the profile a year ago."""
    patient = await world.patient("Zoé", "Gagnon", date(2011, 5, 2))
    grant = await world.grant(world.alice_account, patient)
    lost = {ProxyGrant.lost_at: world.now - timedelta(days=500)}
    await ProxyGrant.update(lost).where(ProxyGrant.id == grant)
    return patient


async def test_an_age_that_concerns_nobody_is_saved_with_its_source(
    fay: Browser, world: World
) -> None:
    """R45."""
    answer = await asks(fay, age="15")
    assert answer.status_code == 303
    assert (await clinic())["consent_age"] == 15
    (change,) = await SettingChange.objects()
    assert (change.name, change.before, change.after) == ("consent_age", "14", "15")
    assert (change.note, change.changed_at) == ("Code civil, art. 14", world.now)


async def test_a_higher_age_that_opens_access_is_shown_before_it_is_saved(
    fay: Browser, alice: Browser, world: World
) -> None:
    """R45: 14 → 16."""
    zoe = await teenager(world)
    url = f"/profils/{zoe}/rendez-vous"
    assert (await alice.get(url)).status_code == 403
    told = await asks(fay, age="16")
    assert told.status_code == 409
    assert "1 accès à un profil s’ouvre de nouveau" in main(told).replace("\xa0", " ")
    assert (await clinic())["consent_age"] == 14
    agreed = await fay.press(
        told, "Enregistrer quand même", {"province": "QC", "age": "16", "source": "Politique"}
    )
    assert agreed.status_code == 303
    assert (await alice.get(url)).status_code == 200
    assert await ProxyGrant.count().where(ProxyGrant.lost_at.is_not_null()) == 0
    (line,) = await journal("access.reopened")
    assert (line["patient"], line["actor"]) == (zoe, world.fay)
    assert [row["account"] for row in await mails("access_granted")] == [world.alice_account]
    assert await activities("access_given") == [zoe]


async def test_a_second_loss_is_told_again(fay: Browser, world: World) -> None:
    """Finding 18: 16 → 14 → 16 → 14, though it be the same day's."""
    zoe = await world.patient("Zoé", "Gagnon", date(2012, 11, 20))
    await world.grant(world.alice_account, zoe)
    for age in ("16", "14", "16", "14"):
        told = await asks(fay, age=age)
        if told.status_code == 409:
            form = {"province": "QC", "age": age, "source": "Politique"}
            await fay.press(told, "Enregistrer quand même", form)
    assert len(await mails("coming_of_age")) == 2
    assert len(await mails("access_granted")) == 2


async def test_a_lower_age_that_closes_access_does_so_and_tells_it_at_once(
    fay: Browser, alice: Browser, world: World
) -> None:
    await world.set_clinic(consent_age=16)
    zoe = await world.patient("Zoé", "Gagnon", date(2011, 5, 2))
    await world.grant(world.alice_account, zoe)
    url = f"/profils/{zoe}/rendez-vous"
    assert (await alice.get(url)).status_code == 200
    told = await asks(fay, age="14")
    assert "1 accès à un profil se ferme" in main(told).replace("\xa0", " ")
    form = {"province": "QC", "age": "14", "source": "Loi"}
    await fay.press(told, "Enregistrer quand même", form)
    assert (await alice.get(url)).status_code == 403
    assert [line["patient"] for line in await journal("access.lost")] == [zoe]
    assert [row["account"] for row in await mails("coming_of_age")] == [world.alice_account]


async def test_who_agreed_to_other_figures_is_asked_again(fay: Browser, world: World) -> None:
    await teenager(world)
    answer = await asks(fay, age="16", touches="0-7")
    assert answer.status_code == 409
    assert (await clinic())["consent_age"] == 14


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"age": "11"}, "age"),
        ({"age": "20"}, "age"),
        ({"age": "x"}, "age"),
        ({"province": "ON", "age": ""}, "age"),
        ({"province": "XX"}, "province"),
        ({"source": " "}, "source"),
        ({"source": "x" * 301}, "source"),
    ],
)
async def test_an_age_without_what_it_needs_is_refused(
    fay: Browser, wrong: dict[str, str], field: str
) -> None:
    before = await rows()
    answer = await asks(fay, **wrong)
    assert answer.status_code == 422
    assert f"#{field}" in links(answer).values()
    assert await rows() == before


async def test_the_laws_age_stands_where_the_clinic_sets_none(fay: Browser) -> None:
    """R45: New Brunswick, 16."""
    await asks(fay, province="NB", age="")
    row = await clinic()
    assert (row["province"], row["consent_age"]) == ("NB", None)
    page = await fay.get(BASE)
    assert "Un compte peut être créé à partir de 16 ans. C’est l’âge que la loi fixe." in main(page)
