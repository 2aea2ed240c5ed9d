import re
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.accounts.tables import Session, TermsAcceptance, TermsVersion
from tests.web.browser import Browser, Clock, elements, forms, heading, main
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, World
from web.gate import Gate

SIGN_IN = "/connexion?suivant=%2F"
SESSION_COOKIE = re.compile(
    r"__Host-session=[A-Za-z0-9_-]{43}; HttpOnly; Path=/; SameSite=lax; Secure"
)


async def is_signed_in(browser: Browser) -> bool:
    answer = await browser.get("/")
    assert answer.status_code == 200 or answer.headers["location"] == SIGN_IN
    return answer.status_code == 200


async def test_session_cookie_is_unreadable_host_bound_and_dies_with_the_browser(
    stranger: Browser,
) -> None:
    answer = await stranger.sign_in()
    cookies = {c.split("=")[0]: c for c in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"__Host-session", "__Host-known", "__Host-csrf"}
    assert SESSION_COOKIE.fullmatch(cookies["__Host-session"])
    assert "Max-Age=0" in cookies["__Host-csrf"]
    for cookie in cookies.values():
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
        assert "domain" not in cookie.lower()
        assert len(cookie) < 4096


async def test_database_holds_nothing_that_would_sign_in(alice: Browser, app: Gate) -> None:
    held = await Session.select(Session.token_hash).first()
    assert held is not None
    token = alice.http.cookies["__Host-session"]
    assert token not in str(await rows(without=frozenset()))
    thief = Browser(app)
    thief.http.cookies["__Host-session"] = held["token_hash"]
    assert not await is_signed_in(thief)


async def test_first_visit_gets_no_session_cookie(stranger: Browser) -> None:
    assert (await stranger.get("/")).headers.get_list("set-cookie") == []
    planted = (await stranger.get("/connexion")).headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in planted] == ["__Host-csrf"]
    assert await count("session") == 0


async def test_sign_in_never_adopts_a_session_chosen_by_someone_else(
    stranger: Browser, app: Gate
) -> None:
    """A10."""
    chosen = "A" * 43
    stranger.http.cookies.set("__Host-session", chosen, domain="portail.example")
    await stranger.sign_in()
    attacker = Browser(app)
    attacker.http.cookies["__Host-session"] = chosen
    assert not await is_signed_in(attacker)
    assert stranger.http.cookies.get("__Host-session", path="/") != chosen


async def test_signing_in_again_makes_another_session(alice: Browser) -> None:
    first = alice.http.cookies["__Host-session"]
    token = alice.token
    answer = await alice.post(
        "/connexion", {"courriel": "alice@example.com", "mot_de_passe": PASSWORD}
    )
    assert (answer.status_code, token) == (303, alice.token)
    assert alice.http.cookies["__Host-session"] != first


@pytest.mark.parametrize(
    ("idle", "open_"),
    [
        (timedelta(minutes=19, seconds=59), True),
        (timedelta(minutes=20), False),
        (timedelta(minutes=20, seconds=1), False),
    ],
)
async def test_twenty_minutes_without_use_end_a_session(
    alice: Browser, clock: Clock, idle: timedelta, open_: bool
) -> None:
    clock.now += idle
    assert await is_signed_in(alice) is open_


async def test_clinic_sets_how_long_one_may_be_idle(
    alice: Browser, clock: Clock, world: World
) -> None:
    await world.set_clinic(idle_minutes=5)
    clock.now += timedelta(minutes=5)
    assert not await is_signed_in(alice)


async def test_use_keeps_a_session_open_until_twelve_hours(alice: Browser, clock: Clock) -> None:
    began = clock.now
    while clock.now < began + timedelta(hours=11, minutes=30):
        clock.now += timedelta(minutes=19)
        assert await is_signed_in(alice)
    clock.now = began + timedelta(hours=11, minutes=59, seconds=59)
    assert await is_signed_in(alice)
    clock.now = began + timedelta(hours=12)
    assert not await is_signed_in(alice)
    clock.now = began + timedelta(hours=12, seconds=1)
    assert not await is_signed_in(alice)


async def test_an_ended_session_does_not_come_back_with_the_clock(
    alice: Browser, clock: Clock
) -> None:
    clock.now += timedelta(minutes=21)
    for _ in range(3):
        assert not await is_signed_in(alice)


@pytest.mark.parametrize(
    "address", ["/?skip_timeout_reset=1", "/?is_poll=0", "/?now=2020-01-01", "/?session=keep"]
)
async def test_no_parameter_or_header_opens_an_idle_session(
    alice: Browser, clock: Clock, address: str
) -> None:
    clock.now += timedelta(minutes=20)
    answer = await alice.get(
        address, headers={"x-skip-timeout": "1", "date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    )
    assert (answer.status_code, answer.headers["location"][:11]) == (303, "/connexion?")
    assert not await is_signed_in(alice)


async def test_public_pages_and_refused_methods_do_not_keep_a_session_open(
    alice: Browser, clock: Clock
) -> None:
    clock.now += timedelta(minutes=19)
    await alice.get("/sante")
    await alice.get("/static/app.css")
    await alice.http.head("/")
    await alice.http.put("/")
    clock.now += timedelta(minutes=1)
    assert not await is_signed_in(alice)


async def test_signing_out_ends_the_session_on_the_server_and_empties_the_browser(
    alice: Browser, app: Gate
) -> None:
    kept = alice.http.cookies["__Host-session"]
    answer = await alice.press(await alice.get("/"), "Déconnexion")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "__Host-session" not in alice.http.cookies
    thief = Browser(app)
    thief.http.cookies["__Host-session"] = kept
    assert not await is_signed_in(thief)
    assert await count("session") == 0


async def test_signing_out_of_a_session_that_had_ended_empties_the_browser_too(
    alice: Browser, clock: Clock
) -> None:
    page = await alice.get("/")
    clock.now += timedelta(minutes=20)
    answer = await alice.press(page, "Déconnexion")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "__Host-session" not in alice.http.cookies


async def test_signing_out_leaves_ones_other_devices_signed_in(alice: Browser, app: Gate) -> None:
    phone = Browser(app)
    await phone.sign_in()
    await alice.press(await alice.get("/"), "Déconnexion")
    assert await is_signed_in(phone)


async def test_signing_out_once_too_often_leads_to_sign_in(alice: Browser) -> None:
    page = await alice.get("/")
    await alice.press(page, "Déconnexion")
    answer = await alice.press(page, "Déconnexion")
    assert (answer.status_code, answer.headers["location"][:10]) == (303, "/connexion")


async def test_sign_out_is_on_every_page(alice: Browser, world: World) -> None:
    for url in ("/", "/conditions", f"/profils/{world.alice}/rendez-vous"):
        page = await alice.get(url)
        assert "/deconnexion" in {form.action for form in forms(page)}


async def test_sixth_device_signs_out_the_one_that_signed_in_first(app: Gate, clock: Clock) -> None:
    devices = []
    for _ in range(6):
        devices.append(Browser(app))
        await devices[-1].sign_in()
        clock.now += timedelta(seconds=1)
    assert [await is_signed_in(device) for device in devices] == [False, *[True] * 5]


async def test_one_accounts_devices_do_not_sign_out_anothers(
    charlie: Browser, app: Gate, clock: Clock
) -> None:
    for _ in range(6):
        clock.now += timedelta(seconds=1)
        await Browser(app).sign_in()
    assert await is_signed_in(charlie)


async def test_hundred_uses_in_a_minute_write_the_last_use_once(
    alice: Browser, clock: Clock
) -> None:
    before = (await Session.select(Session.last_used_at).first() or {})["last_used_at"]
    clock.now += timedelta(seconds=59)
    await alice.get("/")
    assert await Session.exists().where(Session.last_used_at == before)
    clock.now += timedelta(seconds=1)
    await alice.get("/")
    assert await Session.exists().where(Session.last_used_at == clock.now)


# The terms.


async def test_nothing_else_opens_before_the_terms_are_accepted(
    stranger: Browser, world: World
) -> None:
    await world.account("new@example.com", accepts_terms=False)
    await stranger.sign_in("new@example.com")
    tab = f"/profils/{world.alice}/rendez-vous"
    for answer in [
        await stranger.get("/"),
        await stranger.get(tab),
        await stranger.post(f"/profils/{world.alice}/reservation/retenue", {"creneau": "x"}),
        await stranger.post(f"{tab}/{world.alice}/annulation"),
    ]:
        way = answer.headers["location"].partition("?")[0]
        assert (answer.status_code, way) == (303, "/conditions")
    assert heading(await stranger.get("/conditions")) == "Termes et conditions"


async def test_accepting_the_terms_opens_the_portal_and_records_the_version(
    stranger: Browser, world: World
) -> None:
    account = await world.account("new@example.com", accepts_terms=False)
    await stranger.sign_in("new@example.com")
    page = await stranger.open("/?ouvert=1")
    answer = await stranger.press(page, "J’ai lu, compris et accepté les Termes et conditions")
    assert answer.headers["location"] == "/?ouvert=1"
    assert heading(await stranger.get("/")) == "Tableau de bord"
    accepted = await TermsAcceptance.select().where(TermsAcceptance.account == account)
    assert [(a["terms"], a["language"], a["accepted_at"]) for a in accepted] == [
        (world.terms, "fr", world.now)
    ]
    assert [(line["actor"], line["subject"]) for line in await journal("terms_accepted")] == [
        (account, world.terms)
    ]


async def test_accepting_twice_is_accepting_once(stranger: Browser, world: World) -> None:
    account = await world.account("new@example.com", accepts_terms=False)
    await stranger.sign_in("new@example.com")
    page = await stranger.open("/")
    for _ in range(2):
        assert (await stranger.press(page, "J’ai lu")).headers["location"] == "/"
    assert await TermsAcceptance.count().where(TermsAcceptance.account == account) == 1


async def test_a_new_version_is_asked_for_again_and_the_old_one_does_not_do(
    alice: Browser, world: World
) -> None:
    await new_terms(world, 2)
    page = await alice.open("/")
    assert heading(page) == "Termes et conditions"
    assert "Lisez encore." in page.text
    old = {"version": str(world.terms), "suivant": "/"}
    assert heading(await alice.follow(await alice.post("/conditions", old))) == (
        "Termes et conditions"
    )
    assert heading(await alice.follow(await alice.press(page, "J’ai lu"))) == "Tableau de bord"


async def test_terms_that_do_not_exist_cannot_be_accepted(alice: Browser) -> None:
    for version in (str(uuid4()), "1", ""):
        answer = await alice.post("/conditions", {"version": version})
        assert answer.status_code == 404


async def test_one_may_sign_out_instead_of_accepting(stranger: Browser, world: World) -> None:
    await world.account("new@example.com", accepts_terms=False)
    await stranger.sign_in("new@example.com")
    answer = await stranger.press(await stranger.open("/"), "Déconnexion")
    assert answer.headers["location"] == "/connexion"
    assert await count("session") == 0


async def test_terms_are_text_and_never_html(alice: Browser, world: World) -> None:
    await new_terms(world, 3, "<script>alert(1)</script>")
    page = await alice.open("/")
    assert all("src" in script.attrs for script in elements(page, "script"))
    assert "<script>alert(1)</script>" in main(page)


async def new_terms(world: World, number: int, text: str = "Lisez encore.") -> None:
    await TermsVersion.insert(
        TermsVersion(
            id=uuid4(), number=number, text_fr=text, text_en="Read again.", published_at=world.now
        )
    )


# What keeps a session open, and what the page knows of its end.


async def test_staying_signed_in_keeps_a_session_open_until_twelve_hours(
    alice: Browser, clock: Clock
) -> None:
    """More than ten times over, and never beyond the absolute limit."""
    began = clock.now
    while clock.now < began + timedelta(hours=11, minutes=45):
        clock.now += timedelta(minutes=15)
        assert (await alice.post("/session")).status_code == 204
    clock.now = began + timedelta(hours=12)
    answer = await alice.post("/session")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connexion?suivant=%2F")
    assert not await is_signed_in(alice)


async def test_staying_signed_in_shows_and_changes_nothing_else(
    alice: Browser, clock: Clock
) -> None:
    before = await rows(without=frozenset({"session"}))
    clock.now += timedelta(minutes=18)
    answer = await alice.post("/session")
    assert (answer.status_code, answer.text, answer.headers.get_list("set-cookie")) == (204, "", [])
    assert await rows(without=frozenset({"session"})) == before
    clock.now += timedelta(minutes=19, seconds=59)
    assert await is_signed_in(alice)


async def test_nothing_extends_a_session_but_using_it(alice: Browser, clock: Clock) -> None:
    """A12: neither another method, nor a parameter, nor a public page, a hundred times over."""
    clock.now += timedelta(minutes=19)
    for _ in range(100):
        assert (await alice.http.get("/session?skip_timeout_reset=1")).status_code == 405
    for method in ("HEAD", "PUT", "OPTIONS", "DELETE"):
        await alice.http.request(method, "/session?skip_timeout_reset=1")
    foreign = {"sec-fetch-site": "cross-site"}
    assert (await alice.http.post("/session", headers=foreign)).status_code == 403
    await alice.http.head("/")
    for public in ("/sante", "/mot-de-passe-oublie", "/reinitialisation", "/static/app.css"):
        await alice.http.get(public, params={"session": "keep"})
    clock.now += timedelta(minutes=1)
    assert not await is_signed_in(alice)


@pytest.mark.parametrize("after", [timedelta(minutes=20), timedelta(hours=12)])
async def test_an_ended_session_cannot_be_extended(
    alice: Browser, clock: Clock, after: timedelta
) -> None:
    clock.now += after
    assert (await alice.post("/session")).status_code == 303
    assert not await is_signed_in(alice)


async def test_page_knows_when_its_session_ends(alice: Browser, clock: Clock, world: World) -> None:
    async def told() -> tuple[str, ...]:
        body = next(e for e in elements(await alice.get("/"), "body"))
        names = ("data-idle-minutes", "data-idle-left", "data-session-left")
        return tuple(body.attrs[name] for name in names)

    assert await told() == ("20", "1200", "43200")
    clock.now += timedelta(seconds=59)  # the last use is written once a minute
    assert await told() == ("20", "1141", "43141")
    clock.now += timedelta(seconds=1)
    assert await told() == ("20", "1200", "43140")
    await world.set_clinic(idle_minutes=5)
    assert await told() == ("5", "300", "43140")


async def test_page_of_a_stranger_knows_of_no_session(stranger: Browser) -> None:
    page = await stranger.get("/connexion")
    assert not [e for e in elements(page) if "data-idle-left" in e.attrs or e.tag == "dialog"]
    assert "vous serez déconnecté après 20 minutes sans activité" in page.text


async def test_reason_typed_before_the_session_ended_is_there_after_signing_in(
    alice: Browser, clock: Clock, world: World
) -> None:
    """What a form puts in its address comes back with the page."""
    await world.slot()
    clock.now += timedelta(minutes=21)
    typed = {"type": str(world.urgent_type), "lieu": str(world.site), "motif": "Fièvre & toux ?"}
    sent = await alice.get(f"/profils/{world.alice}/urgence/motif", params=typed)
    form = await alice.follow(sent)
    assert heading(form) == "Connexion"
    signed_in = await alice.press(
        form, "Connexion", {"courriel": "alice@example.com", "mot_de_passe": PASSWORD}
    )
    page = await alice.follow(signed_in)
    assert heading(page) == "Motif de la consultation"
    assert "Fièvre &amp; toux ?" in page.text
