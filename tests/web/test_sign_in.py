import unicodedata
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher

from domain import db
from domain.accounts import throttles
from domain.accounts.passwords import Passwords
from domain.accounts.throttles import Limit
from domain.people.tables import Account
from tests import databases
from tests.web.browser import (
    SETTINGS,
    Browser,
    Clock,
    alert,
    heading,
    main,
    running,
    without_tokens,
)
from tests.web.state import count, journal
from tests.world import PASSWORD, PASSWORDS, World
from web.app import create_app
from web.gate import Gate

WRONG = "Autre-12-Mot"
SENTENCE = (
    "Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement de notre système."
)


async def try_(browser: Browser, email: str, password: str = WRONG, **more: str) -> tuple[int, str]:
    if not browser.token:
        await browser.get("/connexion")
    answer = await browser.post("/connexion", {"courriel": email, "mot_de_passe": password, **more})
    return answer.status_code, answer.headers.get("retry-after", "")


async def use_up(limit: Limit, who: str, clock: Clock) -> None:
    for _ in range(limit.most):
        await throttles.take(limit, who, now=clock.now)


async def test_sign_in_leads_to_the_dashboard(alice: Browser) -> None:
    assert heading(await alice.get("/")) == "Tableau de bord"


async def test_wrong_password_says_the_exact_sentence_and_keeps_the_address(
    stranger: Browser,
) -> None:
    answer = await stranger.sign_in(password=WRONG)
    assert answer.status_code == 422
    assert alert(answer) == f"Il y a une erreur à corriger {SENTENCE}"
    assert 'value="alice@example.com"' in answer.text
    assert WRONG not in answer.text


async def test_every_cause_of_refusal_looks_and_costs_the_same(
    stranger: Browser, world: World
) -> None:
    """A16."""
    await world.account("disabled@example.com", disabled_at=world.now)
    await world.account("inactive@example.com", activated_at=None)
    await stranger.get("/connexion")
    seen = []
    for email, password in [
        ("unknown@example.com", PASSWORD),
        ("alice@example.com", WRONG),
        ("disabled@example.com", PASSWORD),
        ("inactive@example.com", WRONG),
        ("alice@example.com", "x" * 129),
    ]:
        hashes = PASSWORDS.calls
        with databases.statements() as asked:
            answer = await stranger.post(
                "/connexion", {"courriel": email, "mot_de_passe": password}
            )
        page = without_tokens(answer).replace(email, "ADDRESS")
        headers = {n: v for n, v in answer.headers.items() if n not in {"content-length"}}
        seen.append((answer.status_code, page, headers, PASSWORDS.calls - hashes, len(asked)))
    assert seen[0][0] == 422
    assert seen[0][3] == 1
    assert seen == [seen[0]] * 5


async def test_right_password_of_an_account_not_activated_has_its_own_page(
    stranger: Browser, world: World
) -> None:
    await world.account("new@example.com", activated_at=None)
    answer = await stranger.sign_in("new@example.com")
    assert (answer.status_code, heading(answer)) == (403, "Compte à activer")
    assert "Ouvrez le courriel d’activation" in main(answer)
    assert await count("session") == 0


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
async def test_ten_failures_pause_an_address_whether_known_or_not(
    stranger: Browser, clock: Clock, email: str
) -> None:
    """A17."""
    for _ in range(10):
        assert await try_(stranger, email) == (422, "")
    assert await try_(stranger, email) == (429, "900")
    assert await try_(stranger, email, PASSWORD) == (429, "900")
    assert await try_(stranger, email.upper()) == (429, "900")
    assert await try_(stranger, "charlie@example.com") == (422, "")


async def test_paused_page_is_the_same_for_a_known_and_an_unknown_address(
    stranger: Browser, clock: Clock
) -> None:
    pages = []
    for email in ("alice@example.com", "nobody@example.com"):
        await use_up(throttles.SIGN_IN_PER_ADDRESS, email, clock)
        answer = await stranger.sign_in(email, WRONG)
        pages.append((answer.status_code, without_tokens(answer).replace(email, "ADDRESS")))
    assert pages[0][0] == 429
    assert pages[0] == pages[1]


async def test_pause_ends_after_fifteen_minutes_however_often_one_tries_meanwhile(
    stranger: Browser, clock: Clock
) -> None:
    await use_up(throttles.SIGN_IN_PER_ADDRESS, "alice@example.com", clock)
    began = clock.now
    for minutes in range(15):
        clock.now = began + timedelta(minutes=minutes, seconds=59)
        seconds = str((15 - minutes) * 60 - 59)
        assert await try_(stranger, "alice@example.com", PASSWORD) == (429, seconds)
    clock.now = began + timedelta(minutes=15)
    assert await try_(stranger, "alice@example.com", PASSWORD) == (303, "")


async def test_pause_leaves_the_owners_open_session_alone(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    await use_up(throttles.SIGN_IN_PER_ADDRESS, "alice@example.com", clock)
    assert (await try_(stranger, "alice@example.com", PASSWORD))[0] == 429
    assert heading(await alice.get("/")) == "Tableau de bord"


async def test_strangers_tries_do_not_keep_the_owner_out_of_a_known_browser(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    """A18."""
    await alice.press(await alice.get("/"), "Déconnexion")
    await alice.get("/connexion")
    await use_up(throttles.SIGN_IN_PER_ADDRESS, "alice@example.com", clock)
    assert (await try_(stranger, "alice@example.com", PASSWORD))[0] == 429
    for _ in range(9):
        assert await try_(alice, "alice@example.com") == (422, "")
    assert await try_(alice, "alice@example.com", PASSWORD) == (303, "")


async def test_known_browser_has_a_pause_of_its_own_and_none_for_other_accounts(
    alice: Browser, clock: Clock
) -> None:
    await alice.press(await alice.get("/"), "Déconnexion")
    await alice.get("/connexion")
    for _ in range(10):
        assert await try_(alice, "alice@example.com") == (422, "")
    assert await try_(alice, "alice@example.com", PASSWORD) == (429, "900")
    await use_up(throttles.SIGN_IN_PER_ADDRESS, "charlie@example.com", clock)
    assert await try_(alice, "charlie@example.com", PASSWORD) == (429, "900")


async def test_success_is_not_counted_as_a_try(stranger: Browser) -> None:
    for _ in range(12):
        stranger.token = ""
        stranger.http.cookies.clear()
        assert await try_(stranger, "alice@example.com", PASSWORD) == (303, "")


async def test_a_hundred_failures_pause_an_internet_address_for_an_hour(
    app: Gate, clock: Clock
) -> None:
    """A17."""
    here, elsewhere = Browser(app, ip="198.51.100.4"), Browser(app, ip="198.51.100.5")
    for n in range(100):
        assert await try_(here, f"nobody{n}@example.com") == (422, "")
    assert await try_(here, "alice@example.com", PASSWORD) == (429, "3600")
    assert await try_(elsewhere, "alice@example.com", PASSWORD) == (303, "")
    clock.now += timedelta(hours=1)
    assert await try_(here, "alice@example.com", PASSWORD) == (303, "")


async def test_an_internet_address_that_is_used_up_keeps_no_owner_out_of_a_known_browser(
    alice: Browser, stranger: Browser, clock: Clock
) -> None:
    await alice.press(await alice.get("/"), "Déconnexion")
    await alice.get("/connexion")
    await use_up(throttles.SIGN_IN_PER_IP, "203.0.113.7", clock)
    assert (await try_(stranger, "alice@example.com", PASSWORD))[0] == 429
    assert (await try_(alice, "charlie@example.com", PASSWORD))[0] == 429
    for _ in range(9):
        assert await try_(alice, "alice@example.com") == (422, "")
    assert await try_(alice, "alice@example.com", PASSWORD) == (303, "")


async def test_forwarded_address_of_an_unknown_proxy_is_ignored(app: Gate, clock: Clock) -> None:
    """A17."""
    await use_up(throttles.SIGN_IN_PER_IP, "198.51.100.4", clock)
    guilty, innocent = Browser(app, ip="198.51.100.4"), Browser(app, ip="198.51.100.5")
    guilty.http.headers["x-forwarded-for"] = "192.0.2.1"
    innocent.http.headers["x-forwarded-for"] = "198.51.100.4"
    assert (await try_(guilty, "alice@example.com"))[0] == 429
    assert (await try_(innocent, "alice@example.com"))[0] == 422


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("198.51.100.4", 429),
        ("192.0.2.1, 198.51.100.4", 429),
        ("192.0.2.1, 198.51.100.4, 10.0.0.9", 429),
        ("198.51.100.4, 192.0.2.1", 422),
        ("198.51.100.4, 192.0.2.1, 10.0.0.9", 422),
        ("", 422),
        ("nonsense", 422),
    ],
)
async def test_behind_a_trusted_proxy_the_nearest_hop_that_is_not_one_counts(
    world: World, clock: Clock, forwarded: str, status: int
) -> None:
    await use_up(throttles.SIGN_IN_PER_IP, "198.51.100.4", clock)
    proxied = replace(SETTINGS, trusted_proxies=(ip_network("10.0.0.0/8"),))
    browser = Browser(running(clock, proxied), ip="10.0.0.5")
    browser.http.headers["x-forwarded-for"] = forwarded
    assert (await try_(browser, "alice@example.com"))[0] == status


async def test_too_many_hashes_at_once_ask_to_come_back_and_count_no_try(
    world: World, clock: Clock
) -> None:
    """A24."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    full = Passwords(hasher, at_once=0, queue=0)
    browser = Browser(create_app(SETTINGS, clock, passwords=full))
    answer = await browser.sign_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert heading(answer) == "Un instant…"
    assert await count("attempt") == 0


async def test_signed_out_goes_to_sign_in_and_back_to_the_very_page(
    stranger: Browser, world: World
) -> None:
    deep = f"/profils/{world.bob}/rendez-vous?ouvert={world.bob}&avant=x%26y"
    refused = await stranger.get(deep)
    assert refused.headers["location"] == f"/connexion?suivant={quote(deep, safe='')}"
    form = await stranger.follow(refused)
    answer = await stranger.press(
        form, "Connexion", {"courriel": "alice@example.com", "mot_de_passe": PASSWORD}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, deep)


async def test_way_back_survives_a_wrong_password(stranger: Browser) -> None:
    form = await stranger.get("/connexion?suivant=%2Fconditions")
    typed = {"courriel": "alice@example.com"}
    again = await stranger.press(form, "Connexion", typed | {"mot_de_passe": WRONG})
    answer = await stranger.press(again, "Connexion", typed | {"mot_de_passe": PASSWORD})
    assert answer.headers["location"] == "/conditions"


async def test_signed_out_htmx_request_leaves_for_the_whole_sign_in_page(
    stranger: Browser,
) -> None:
    answer = await stranger.get("/conditions", htmx=True)
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["hx-redirect"] == "/connexion?suivant=%2Fconditions"


OPEN_REDIRECTS = [
    "https://evil.example",
    "HTTPS://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nset-cookie:a=b",
    " //evil.example",
    "\x00//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:/evil.example",
    "https:evil.example",
    "/@evil.example",
    "evil.example",
    "//user@evil.example/",
    "/／evil.example",
    "/connexion/../..//evil.example",
    "/no/such/page",
    "/deconnexion",
    "/static/app.js",
    "?suivant=//evil.example",
    "#//evil.example",
    "",
    "/" + "a" * 3000,
]


async def test_no_way_onward_leads_out_of_the_portal(alice: Browser, clock: Clock) -> None:
    """A46."""
    stranger = Browser(alice.app)
    for payload in OPEN_REDIRECTS:
        stranger.token = ""
        stranger.http.cookies.clear()
        await stranger.get("/connexion")
        answer = await stranger.post(
            "/connexion",
            {"courriel": "alice@example.com", "mot_de_passe": PASSWORD, "suivant": payload},
        )
        assert (payload, answer.headers.get("location")) == (payload, "/")
        clock.now += timedelta(seconds=1)
    await stranger.get("/")
    for payload in OPEN_REDIRECTS:
        answer = await stranger.get("/connexion", params={"suivant": payload})
        assert (payload, answer.headers.get("location")) == (payload, "/")
        answer = await stranger.post("/langue", {"langue": "fr", "suivant": payload})
        assert (payload, answer.headers.get("location")) == (payload, "/")


@pytest.mark.parametrize("email", [" alice@example.com ", "ALICE@Example.COM"])
async def test_spellings_of_one_address_are_one_account(stranger: Browser, email: str) -> None:
    assert await try_(stranger, email, PASSWORD) == (303, "")


@pytest.mark.parametrize(
    "email",
    [
        "ａlice@example.com",  # full-width a
        "al\u0131ce@example.com",  # dotless i
        "al\u0130ce@example.com",  # dotted capital I
        "\u0430lice@example.com",  # Cyrillic a
        "alice\u200b@example.com",  # zero-width space
        "alice\x00@example.com",
        "al\u00adice@example.com",  # soft hyphen
        "alice@example.com@example.com",
        "alice@ex\u0430mple.com",
        "ali\u212ae@example.com",
        "a" * 300 + "@example.com",
        "alice",
        "@example.com",
        "",
    ],
)
async def test_look_alike_address_opens_nothing(
    stranger: Browser, world: World, email: str
) -> None:
    """A23."""
    await world.account("alike@example.com")
    assert await try_(stranger, email, PASSWORD) == (422, "")


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD + "\0",
        PASSWORD + " ",
        PASSWORD.lower(),
        PASSWORD + "x" * 90_000,
        "   ",
        "\0",
        "",
        "\ud83d",
    ],
)
async def test_password_is_compared_whole_and_as_typed(stranger: Browser, password: str) -> None:
    await stranger.get("/connexion")
    raw = password.encode("utf-8", "surrogatepass")
    answer = await stranger.http.post(
        "/connexion",
        content=f"_csrf_token={stranger.token}&courriel=alice%40example.com&mot_de_passe=".encode()
        + quote(raw).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, SENTENCE in answer.text) == (422, True)


async def test_megabyte_of_password_is_too_large(stranger: Browser) -> None:
    """A24."""
    hashes = PASSWORDS.calls
    answer = await stranger.sign_in(password="x" * 1_000_000)
    assert (answer.status_code, heading(answer)) == (413, "Envoi trop volumineux")
    assert PASSWORDS.calls == hashes


async def test_accented_password_is_the_same_on_every_keyboard(
    stranger: Browser, world: World
) -> None:
    await world.account("elise@example.com", password_hash=await PASSWORDS.hash("Été-2026-Nord"))
    decomposed = unicodedata.normalize("NFD", "Été-2026-Nord")
    assert await try_(stranger, "elise@example.com", decomposed) == (303, "")


async def test_disabling_an_account_ends_its_open_session(alice: Browser, world: World) -> None:
    await Account.update({Account.disabled_at: world.now}).where(Account.id == world.alice_account)
    answer = await alice.get("/")
    assert answer.headers["location"] == "/connexion?suivant=%2F"


async def test_every_sign_in_and_refusal_is_in_the_journal_without_its_address(
    stranger: Browser, world: World
) -> None:
    await try_(stranger, "nobody@example.com")
    await try_(stranger, "alice@example.com")
    await try_(stranger, "alice@example.com", PASSWORD)
    assert [
        (line["actor_kind"], line["subject"], line["outcome"]) for line in await journal("sign_in")
    ] == [
        ("stranger", None, "refused"),
        ("stranger", world.alice_account, "refused"),
        ("account", world.alice_account, "done"),
    ]


async def test_tries_during_a_pause_of_the_address_do_not_count_for_the_place(
    stranger: Browser, clock: Clock
) -> None:
    await use_up(throttles.SIGN_IN_PER_ADDRESS, "alice@example.com", clock)
    for _ in range(3):
        assert await try_(stranger, "alice@example.com") == (429, "900")
    assert await throttles.number(throttles.SIGN_IN_PER_IP, "203.0.113.7", now=clock.now) == 0


async def test_signing_out_is_in_the_journal_once(alice: Browser, world: World) -> None:
    sessions = await db.fetch("SELECT id FROM session")
    await alice.post("/deconnexion")
    (line,) = await journal("session.ended")
    assert (line["actor"], line["subject"]) == (world.alice_account, sessions[0]["id"])
    await alice.post("/deconnexion")
    assert len(await journal("session.ended")) == 1
