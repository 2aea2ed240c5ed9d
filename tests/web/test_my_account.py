"""What an account does with itself: devices and export."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from domain import db
from domain.accounts import throttles
from domain.accounts.devices import BROWSERS, SYSTEMS, named
from domain.messages import attachments
from domain.messages.attachments import Stored
from domain.people.tables import Patient
from tests.web.browser import Browser, Clock, alert, elements, heading, main
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, World
from web.gate import Gate

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
async def phone(app: Gate) -> Browser:
    """Alice again, elsewhere."""
    browser = Browser(app)
    browser.http.headers["user-agent"] = PHONE
    await browser.sign_in()
    return browser


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (PHONE, "Safari", "iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/141.0 Safari/537.36 Edg/141.0",
            "Edge",
            "Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/141.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox",
            "Linux",
        ),
        ("<script>", "", ""),
        ("", "", ""),
    ],
)
def test_a_device_is_named_by_its_browser_and_system_only(
    agent: str, browser: str, system: str
) -> None:
    assert (named(agent, BROWSERS), named(agent, SYSTEMS)) == (browser, system)


async def test_devices_are_listed_with_this_one_first(
    alice: Browser, phone: Browser, charlie: Browser
) -> None:
    page = await phone.get("/compte/appareils")
    listed = [e.text for e in elements(page, "li") if any(p.tag == "main" for p in e.parents)]
    assert len(listed) == 2
    assert listed[0].startswith("Safari sur iPhone Cet appareil")
    assert "Mozilla" not in page.text


async def test_another_device_is_ended_after_the_password(alice: Browser, phone: Browser) -> None:
    """R36."""
    page = await phone.get("/compte/appareils")
    (other,) = [
        e.attrs["value"]
        for e in elements(page, "input")
        if e.attrs.get("type") == "radio" and e.attrs["value"] != "autres"
    ]
    wrong = await phone.press(
        page, "Déconnecter", {"appareil": other, "mot_de_passe": "Autre-chose-1"}
    )
    assert (wrong.status_code, "Ce n’est pas votre mot de passe." in alert(wrong)) == (422, True)
    assert "Autre-chose-1" not in wrong.text
    assert (await alice.get("/")).status_code == 200
    sent = await phone.press(page, "Déconnecter", {"appareil": other, "mot_de_passe": PASSWORD})
    assert "C’est fait" in main(await phone.follow(sent))
    assert (await alice.get("/")).status_code == 303
    assert (await phone.get("/")).status_code == 200
    assert len(await journal("session.ended")) == 1


async def test_all_the_others_are_ended_at_once(
    alice: Browser, phone: Browser, charlie: Browser
) -> None:
    page = await phone.get("/compte/appareils")
    await phone.press(page, "Déconnecter", {"appareil": "autres", "mot_de_passe": PASSWORD})
    statuses = [(await browser.get("/")).status_code for browser in (alice, phone, charlie)]
    assert statuses == [303, 200, 200]


async def test_another_accounts_session_is_not_found(
    alice: Browser, charlie: Browser, world: World
) -> None:
    (row,) = await db.fetch("SELECT id FROM session WHERE account = {}", world.charlie_account)
    for which in (str(row["id"]), "x", "' OR 1=1"):
        answer = await alice.post(
            "/compte/appareils", {"appareil": which, "mot_de_passe": PASSWORD}
        )
        assert answer.status_code == 404
    assert (await charlie.get("/")).status_code == 200


async def test_nothing_chosen_is_said(alice: Browser, phone: Browser) -> None:
    page = await alice.press(
        await alice.get("/compte/appareils"), "Déconnecter", {"mot_de_passe": PASSWORD}
    )
    assert (page.status_code, "Choisissez" in alert(page)) == (422, True)
    assert await count("session") == 2


async def exported(browser: Browser) -> dict[str, Any]:
    page = await browser.get("/compte/export")
    assert heading(page) == "Exporter mes données"
    answer = await browser.press(page, "Télécharger mes données", {"mot_de_passe": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="mes-donnees.json"'
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = json.loads(answer.text)
    return found


async def test_an_export_holds_what_the_account_may_see(alice: Browser, world: World) -> None:
    """R104."""
    for days in range(1, 26):
        await world.appointment(world.now - timedelta(days=days))
    await world.appointment(world.now + timedelta(days=3), patient=world.bob)
    await world.appointment(world.now + timedelta(days=4), patient=world.charlie)
    made = await exported(alice)
    assert made["account"]["email"] == "alice@example.com"
    own, child = made["profiles"]
    assert [len(each["visits"]) for each in (own, child)] == [25, 1]
    assert own["mails"] == {"appointment": True, "notification": True}
    assert {"phones", "accesses", "journal"} <= set(own)
    assert not {"phones", "accesses", "health_number"} & set(child)
    assert "Dubois" not in json.dumps(made)
    assert {line["patient"] for line in await journal("export")} == {world.alice, world.bob}


async def test_an_export_holds_of_a_lost_profile_its_card_alone(
    alice: Browser, world: World
) -> None:
    """R47."""
    hugo = await world.patient("Hugo", "Gagnon", date(2005, 5, 2))
    await world.grant(world.alice_account, hugo)
    await world.appointment(world.now + timedelta(days=3), patient=hugo)
    profiles = {each["first_name"]: each for each in (await exported(alice))["profiles"]}
    assert profiles["Hugo"] == {
        "first_name": "Hugo",
        "last_name": "Gagnon",
        "birth_date": "2005-05-02",
        "is_lost": True,
    }


async def test_an_export_keeps_to_the_grants(app: Gate, world: World) -> None:
    """R104: a proxy's holds only their tabs."""
    account = await world.account("nanny@example.com")
    await world.grant(account, world.bob, "read_documents", relationship="caregiver")
    await world.appointment(world.now + timedelta(days=3), patient=world.bob)
    await Patient.update({Patient.phone: "+15145550177"}).where(Patient.id == world.bob)
    nanny = Browser(app)
    await nanny.sign_in("nanny@example.com")
    (bob,) = (await exported(nanny))["profiles"]
    assert set(bob) == {
        "first_name",
        "last_name",
        "birth_date",
        "relationship",
        "granted_at",
        "grants",
        "mails",
        "communications",
    }
    assert bob["grants"] == ["read_documents"]


async def test_an_export_holds_the_communications_of_the_kinds_granted(
    app: Gate, world: World
) -> None:
    """R104: of a thread with a message and a document, a proxy takes along what it may read."""
    account = await world.account("nanny@example.com")
    await world.grant(account, world.bob, "read_documents", relationship="caregiver")
    thread = await world.thread("SECRET", patient=world.bob, subject="Courbe")
    document = await world.message(thread, "Voici la courbe.", kind="document", at=world.now)
    file = Stored("Courbe.pdf", 5, "0" * 64, "ab" * 32)
    await attachments.add(document, [file], now=world.now)
    nanny = Browser(app)
    await nanny.sign_in("nanny@example.com")
    made = await exported(nanny)
    (bob,) = made["profiles"]
    assert bob["communications"] == [
        {
            "subject": "Courbe",
            "messages": [
                {
                    "kind": "document",
                    "sender": "Dre Camille Roy",
                    "is_sent_by_clinic": True,
                    "sent_at": world.now.isoformat(),
                    "read_at": None,
                    "text": "Voici la courbe.",
                    "files": ["Courbe.pdf"],
                }
            ],
        }
    ]
    assert "SECRET" not in json.dumps(made)


async def test_an_export_asks_for_the_password_and_is_counted(alice: Browser, clock: Clock) -> None:
    before = await rows()
    page = await alice.get("/compte/export")
    wrong = await alice.press(page, "Télécharger mes données", {"mot_de_passe": "x"})
    assert (wrong.status_code, elements(wrong, "title")[0].text[:8]) == (422, "Erreur :")
    assert await rows() == before
    for _ in range(5):
        await exported(alice)
    answer = await alice.post("/compte/export", {"mot_de_passe": PASSWORD})
    assert answer.status_code == 429
    clock.now += timedelta(minutes=1)


@pytest.mark.parametrize("url", ["/compte/export", "/compte/appareils"])
async def test_empty_password_is_said_and_no_failed_try(
    alice: Browser, phone: Browser, clock: Clock, url: str
) -> None:
    await alice.get(url)
    answer = await alice.post(url, {"appareil": "autres", "mot_de_passe": ""})
    assert answer.status_code == 422
    assert "Saisissez votre mot de passe actuel." in alert(answer)
    assert await throttles.number(throttles.SIGN_IN_PER_IP, "203.0.113.7", now=clock.now) == 0
    assert await journal("password_asked") == []


async def test_wrong_password_is_in_the_journal_as_what_it_is(alice: Browser, world: World) -> None:
    signed_in = len(await journal("sign_in"))
    for url, field in {
        "/compte/export": "mot_de_passe",
        "/compte/appareils": "mot_de_passe",
        "/compte/mot-de-passe": "ancien",
        "/compte/courriel": "mot_de_passe",
        "/compte/validation": "mot_de_passe",
    }.items():
        await alice.get(url)
        email = {"courriel": "new@example.com", "confirmation": "new@example.com"}
        typed = email if url == "/compte/courriel" else {}
        answer = await alice.post(url, {"appareil": "autres", field: "Autre-12-Mot", **typed})
        assert (url, answer.status_code) == (url, 422)
    lines = await journal("password_asked")
    assert {(line["actor"], line["outcome"]) for line in lines} == {
        (world.alice_account, "refused")
    }
    assert (len(lines), len(await journal("sign_in"))) == (5, signed_in)
