import re
from asyncio import gather
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import db
from domain.accounts import account_links, throttles
from domain.accounts.tables import AccountLink, EmailChange
from domain.links import Links, Purpose
from domain.people.tables import Account
from tests import databases
from tests.web.browser import (
    SETTINGS,
    Browser,
    Clock,
    alert,
    elements,
    heading,
    links,
    main,
    title,
    without_tokens,
)
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, PASSWORDS, World
from web.gate import Gate

NEW = "Gélinotte*58brume"
TYPED = {"mot_de_passe": NEW, "confirmation": NEW}
LINKS = Links(SETTINGS.keys)
DEAD = "Ce lien ne fonctionne plus"
CHOOSE = "Choisissez un nouveau mot de passe"

DASHBOARD = "/?fait=mot-de-passe"


async def ask(browser: Browser, email: str) -> httpx.Response:
    await browser.get("/mot-de-passe-oublie")
    return await browser.post("/mot-de-passe-oublie", {"courriel": email})


async def mailed(kind: str = "password_reset") -> list[dict[str, Any]]:
    return await db.fetch("SELECT * FROM outbound_email WHERE kind = {}", kind)


async def token_for(account: UUID, clock: Clock) -> str:
    link = await account_links.issue(account, "reset", links=LINKS, now=clock.now)
    return LINKS.secret_token(Purpose.RESET, link)


async def arrive(browser: Browser, token: str) -> httpx.Response:
    return await browser.open(f"/reinitialisation/{token}")


async def reset(browser: Browser, token: str, **typed: str) -> httpx.Response:
    return await browser.press(await arrive(browser, token), "Connexion", TYPED | typed)


@pytest.fixture
async def token(world: World, clock: Clock) -> str:
    return await token_for(world.alice_account, clock)


# Asking for the link.


@pytest.mark.parametrize("email", ["alice@example.com", "inactive@example.com", "no@example.com"])
async def test_of_two_requests_at_once_both_get_the_same_answer(
    app: Gate, world: World, email: str
) -> None:
    """A16: a double click tells nothing about the address either."""
    await world.account("inactive@example.com", activated_at=None)
    answers = await gather(*(ask(Browser(app), email) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    alive = await db.fetch("SELECT account FROM account_link WHERE ended_at IS NULL")
    assert len(alive) == (0 if email.startswith("no@") else 1)


async def test_sign_in_page_leads_to_the_form(stranger: Browser) -> None:
    page = await stranger.click(await stranger.get("/connexion"), "Mot de passe oublié")
    assert heading(page) == "Mot de passe oublié"
    assert "Veuillez saisir le courriel utilisé pour créer votre compte." in main(page)


async def test_holder_is_mailed_a_link_of_an_hour(stranger: Browser, world: World) -> None:
    answer = await ask(stranger, " Alice@Example.com ")
    assert answer.headers["location"] == "/mot-de-passe-oublie/envoi"
    page = await stranger.follow(answer)
    assert heading(page) == "Vérifiez votre boîte courriel"
    assert "courriels indésirables" in main(page)
    (mail,) = await mailed()
    (link,) = await AccountLink.objects()
    assert (mail["account"], str(link.id) in str(mail["facts"])) == (world.alice_account, True)
    assert (link.account, link.purpose) == (world.alice_account, "reset")
    assert link.expires_at == world.now + timedelta(hours=1)
    assert [(line["subject"], line["outcome"]) for line in await journal("password_reset")] == [
        (world.alice_account, "done")
    ]


async def test_database_holds_no_token_that_opens_the_account(
    stranger: Browser, world: World
) -> None:
    await ask(stranger, "alice@example.com")
    (link,) = await AccountLink.objects()
    token = LINKS.secret_token(Purpose.RESET, link.id)
    assert token not in str(await rows(without=frozenset()))
    assert heading(await arrive(stranger, link.token_hash)) == DEAD
    assert heading(await arrive(stranger, token)) == CHOOSE


async def test_asking_tells_nobody_which_addresses_have_an_account(app: Gate, world: World) -> None:
    """A16: the same text, status, headers, cookies and work for every address."""
    await world.account("disabled@example.com", disabled_at=world.now)
    await world.account("inactive@example.com", activated_at=None)
    seen = []
    for email in (
        "alice@example.com",
        "no@example.com",
        "disabled@example.com",
        "inactive@example.com",
    ):
        browser = Browser(app)
        await browser.get("/mot-de-passe-oublie")
        hashes = PASSWORDS.calls
        with databases.statements() as asked:
            answer = await browser.post("/mot-de-passe-oublie", {"courriel": email})
        page = without_tokens(await browser.follow(answer))
        seen.append(
            (answer.status_code, str(answer.headers), page, len(asked), PASSWORDS.calls - hashes)
        )
    assert seen[0][0] == 303
    assert seen == [seen[0]] * 4
    assert (len(await mailed()), len(await mailed("activate"))) == (1, 1)


async def test_account_not_activated_is_mailed_its_activation_again(
    stranger: Browser, world: World
) -> None:
    account = await world.account("new@example.com", activated_at=None)
    await ask(stranger, "new@example.com")
    (mail,) = await mailed("activate")
    (link,) = await AccountLink.objects()
    assert (mail["account"], link.account, link.purpose) == (account, account, "activate")


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("", "Saisissez votre adresse courriel."),
        ("alice", "Cette adresse courriel n’est pas complète. Exemple : nom@exemple.ca"),
        ("a b@", "Cette adresse courriel n’est pas complète. Exemple : nom@exemple.ca"),
        ("x" * 300 + "@example.com", "Cette adresse courriel n’est pas complète."),
    ],
)
async def test_what_is_no_address_is_said_beside_the_field_and_kept(
    stranger: Browser, email: str, words: str
) -> None:
    answer = await ask(stranger, email)
    assert (answer.status_code, title(answer)[:8]) == (422, "Erreur :")
    assert words in alert(answer)
    field = next(e for e in elements(answer, "input") if e.attrs["name"] == "courriel")
    assert (field.attrs["value"], field.attrs["aria-invalid"]) == (email, "true")
    assert await mailed() == []


@pytest.mark.parametrize(
    "email", ["ａlice@example.com", "al\u0131ce@example.com", "ali\u212ae@example.com"]
)
async def test_look_alike_address_resets_nothing(
    stranger: Browser, world: World, email: str
) -> None:
    """A23."""
    await world.account("alike@example.com")
    await ask(stranger, email)
    assert await mailed() == []


async def test_fourth_mail_within_an_hour_is_silently_left_out(
    stranger: Browser, clock: Clock
) -> None:
    """A18: nobody's mailbox is flooded, and nothing tells that there was an account."""
    pages = {
        without_tokens(await stranger.follow(await ask(stranger, "alice@example.com")))
        for _ in range(5)
    }
    assert (len(pages), len(await mailed())) == (1, 3)
    clock.now += timedelta(hours=1)
    await ask(stranger, "alice@example.com")
    assert len(await mailed()) == 4


async def test_ten_mails_a_day_at_most(app: Gate, clock: Clock) -> None:
    for hour in range(6):
        for _ in range(3):
            await ask(Browser(app, ip=f"198.51.100.{hour}"), "alice@example.com")
        clock.now += timedelta(hours=1)
    assert len(await mailed()) == 10


async def test_twenty_first_request_of_an_internet_address_waits(app: Gate, clock: Clock) -> None:
    here = Browser(app, ip="198.51.100.4")
    for n in range(20):
        assert (await ask(here, f"nobody{n}@example.com")).status_code == 303
    answer = await ask(here, "alice@example.com")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert "Trop d’essais ont été faits." in alert(answer)
    assert 'value="alice@example.com"' in answer.text
    assert await mailed() == []
    assert (await ask(Browser(app), "alice@example.com")).status_code == 303


async def test_paused_sign_in_does_not_keep_the_owner_from_a_new_password(
    stranger: Browser, world: World, clock: Clock, token: str
) -> None:
    for _ in range(throttles.SIGN_IN_PER_ADDRESS.most):
        await throttles.take(throttles.SIGN_IN_PER_ADDRESS, "alice@example.com", now=clock.now)
    await ask(stranger, "alice@example.com")
    assert len(await mailed()) == 1
    token = await token_for(world.alice_account, clock)
    assert (await reset(stranger, token)).headers["location"] == DASHBOARD
    assert heading(await stranger.get("/")) == "Tableau de bord"


# The link.


async def test_token_leaves_the_address_at_once(stranger: Browser, token: str) -> None:
    """A13."""
    answer = await stranger.get(f"/reinitialisation/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reinitialisation")
    page = await stranger.follow(answer)
    assert heading(page) == CHOOSE
    assert token not in str(page.url)
    assert [href for href in links(page).values() if token in href] == []
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"


async def test_access_log_has_no_token(
    stranger: Browser, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A13."""
    caplog.set_level("INFO", "portal.access")
    await reset(stranger, token)
    assert len(caplog.records) >= 3
    assert token not in caplog.text


async def test_looking_uses_nothing_up_however_often(stranger: Browser, token: str) -> None:
    before = await rows()
    for _ in range(5):
        assert (await stranger.http.head(f"/reinitialisation/{token}")).status_code == 303
        assert heading(await arrive(stranger, token)) == CHOOSE
        assert (await stranger.http.head("/reinitialisation")).status_code == 200
    assert await rows() == before
    assert (await reset(stranger, token)).status_code == 303


async def test_new_password_signs_in_and_the_old_one_no_longer_does(
    stranger: Browser, app: Gate, world: World, token: str
) -> None:
    page = await arrive(stranger, token)
    shown = {e.attrs["name"]: e.attrs for e in elements(page, "input") if "name" in e.attrs}
    assert shown["courriel"]["value"] == "alice@example.com"
    assert "readonly" in shown["courriel"]
    answer = await stranger.press(page, "Connexion", TYPED | {"courriel": "charlie@example.com"})
    assert (answer.status_code, answer.headers["location"]) == (303, DASHBOARD)
    page = await stranger.open(DASHBOARD)
    assert heading(page) == "Tableau de bord"
    assert "Votre mot de passe est changé." in main(page)
    assert (await Browser(app).sign_in(password=PASSWORD)).status_code == 422
    assert (await Browser(app).sign_in(password=NEW)).status_code == 303
    assert (await Browser(app).sign_in("charlie@example.com")).status_code == 303


async def test_reset_ends_every_session_and_every_other_pending_thing(
    alice: Browser, stranger: Browser, app: Gate, world: World, clock: Clock
) -> None:
    """A11: a stolen cookie is worth nothing once the password is reset."""
    phone = Browser(app)
    await phone.sign_in()
    await ask(stranger, "alice@example.com")
    older = LINKS.secret_token(Purpose.RESET, (await AccountLink.objects())[0].id)
    await EmailChange.insert(
        EmailChange(
            id=UUID(int=1),
            account=world.alice_account,
            new_email="alice@elsewhere.example",
            new_canonical="alice@elsewhere.example",
            token_hash="h",
            code_hash="h",
            asked_at=world.now,
            expires_at=world.now + timedelta(minutes=30),
        )
    )
    token = await token_for(world.alice_account, clock)
    await reset(stranger, token)
    for browser in (alice, phone):
        assert (await browser.get("/")).headers["location"] == "/connexion?suivant=%2F"
    assert heading(await arrive(alice, older)) == DEAD
    assert (
        await AccountLink.count().where(
            AccountLink.used_at.is_null() & AccountLink.ended_at.is_null()
        )
        == 0
    )
    assert await EmailChange.count().where(EmailChange.ended_at.is_null()) == 0
    assert [mail["account"] for mail in await mailed("password_changed")] == [world.alice_account]
    assert len(await mailed("new_device")) == 1  # of the phone's sign-in, not of this one
    assert [
        (line["actor_kind"], line["subject"]) for line in await journal("password_changed")
    ] == [("mail_link", world.alice_account)]


async def test_terms_still_come_first(stranger: Browser, world: World, clock: Clock) -> None:
    account = await world.account("new@example.com", accepts_terms=False)
    await reset(stranger, await token_for(account, clock))
    assert heading(await stranger.open("/")) == "Termes et conditions"


@pytest.mark.parametrize("live", [timedelta(minutes=59, seconds=59), timedelta(hours=1)])
async def test_link_lives_an_hour(
    stranger: Browser, clock: Clock, token: str, live: timedelta
) -> None:
    clock.now += live
    assert (heading(await arrive(stranger, token)) == CHOOSE) == (live < timedelta(hours=1))


async def test_used_link_says_what_to_do_next(
    stranger: Browser, app: Gate, token: str, world: World
) -> None:
    """A13: second use."""
    await reset(stranger, token)
    page = await arrive(Browser(app), token)
    assert (page.status_code, heading(page)) == (410, DEAD)
    assert "Ce lien a déjà servi." in main(page)
    assert links(page)["Recevoir un nouveau lien"] == "/mot-de-passe-oublie"
    assert "(514) 555-0142" in main(page)


async def test_newer_link_takes_the_older_ones_place(
    stranger: Browser, world: World, clock: Clock, token: str
) -> None:
    newer = await token_for(world.alice_account, clock)
    assert heading(await arrive(stranger, token)) == DEAD
    assert heading(await arrive(stranger, newer)) == CHOOSE


async def test_link_of_a_disabled_account_opens_nothing(
    stranger: Browser, world: World, token: str
) -> None:
    """A14."""
    page = await arrive(stranger, token)
    await Account.update({Account.disabled_at: world.now}).where(Account.id == world.alice_account)
    before = await rows()
    assert (await stranger.press(page, "Connexion", TYPED)).status_code == 410
    assert heading(await arrive(stranger, token)) == DEAD
    assert await rows() == before


async def test_of_two_resets_at_once_one_succeeds(app: Gate, world: World, token: str) -> None:
    """A14."""
    browsers = [Browser(app), Browser(app)]
    pages = [await arrive(browser, token) for browser in browsers]
    answers = await gather(
        *(b.press(p, "Connexion", TYPED) for b, p in zip(browsers, pages, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert (await count("session"), len(await mailed("password_changed"))) == (1, 1)


@pytest.mark.parametrize("wrong", ["", "x", "a" * 43, "é" * 43, "../connexion", "a" * 3000])
async def test_altered_link_is_a_page_and_no_crash(stranger: Browser, wrong: str) -> None:
    await stranger.get("/connexion")
    answer = await stranger.post("/reinitialisation", {"lien": wrong, **TYPED})
    assert (answer.status_code, heading(answer)) == (410, DEAD)


async def test_page_without_its_link_says_so(stranger: Browser) -> None:
    answer = await stranger.get("/reinitialisation")
    assert (answer.status_code, heading(answer)) == (410, DEAD)


async def test_activation_link_resets_nothing(
    stranger: Browser, world: World, clock: Clock
) -> None:
    link = await account_links.issue(world.alice_account, "activate", links=LINKS, now=clock.now)
    token = LINKS.secret_token(Purpose.ACTIVATE, link)
    assert heading(await arrive(stranger, token)) == DEAD


async def test_refused_password_leaves_the_link_alive_and_shows_no_password(
    stranger: Browser, token: str
) -> None:
    before = await rows()
    answer = await reset(stranger, token, mot_de_passe="Password1!", confirmation="Password2!")
    assert (answer.status_code, title(answer)[:8]) == (422, "Erreur :")
    assert "Il y a 2 erreurs à corriger" in alert(answer)
    assert re.search("Password[12]", answer.text) is None
    assert await rows() == before
    assert (await stranger.press(answer, "Connexion", TYPED)).status_code == 303


async def test_form_of_another_browser_signs_nobody_in(
    stranger: Browser, app: Gate, token: str
) -> None:
    """A22: a victim cannot be signed in to an attacker's account by a page elsewhere."""
    page = await arrive(stranger, token)
    victim = Browser(app)
    await victim.get("/connexion")
    answer = await victim.post(
        "/reinitialisation", {"_csrf_token": stranger.token, "lien": token, **TYPED}
    )
    assert (answer.status_code, await count("session")) == (403, 0)
    answer = await victim.post(
        "/reinitialisation", {"lien": token, **TYPED}, headers={"sec-fetch-site": "cross-site"}
    )
    assert (answer.status_code, await count("session")) == (403, 0)
    assert (await stranger.press(page, "Connexion", TYPED)).status_code == 303


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/reinitialisation", "/mot-de-passe-oublie", "/compte/mot-de-passe"]
)
async def test_forms_are_only_taken_as_forms(
    alice: Browser, token: str, method: str, path: str
) -> None:
    """A47: another method, JSON, a field twice, or `_method`."""
    before = await rows()
    data = {"_csrf_token": alice.token, "lien": token, "courriel": "alice@example.com", **TYPED}
    assert (await alice.http.request(method, path, data=data)).status_code == 405
    assert (await alice.http.get(path, params=data | {"_method": "POST"})).status_code in {200, 410}
    assert (await alice.http.post(path, json=data)).status_code == 403
    twice = "&".join(f"{name}=x" for name in [*data, "mot_de_passe"])
    typed = {"content-type": "application/x-www-form-urlencoded"}
    assert (await alice.http.post(path, content=twice, headers=typed)).status_code == 403
    assert await rows() == before


async def test_address_of_the_mailed_link_is_never_taken_from_the_request(
    stranger: Browser, world: World
) -> None:
    """A15: the link's host is the configured one; a request for another host is refused."""
    await stranger.get("/mot-de-passe-oublie")
    for name in ("host", "x-forwarded-host", "forwarded"):
        value = "host=evil.example" if name == "forwarded" else "evil.example"
        answer = await stranger.post(
            "/mot-de-passe-oublie", {"courriel": "alice@example.com"}, headers={name: value}
        )
        assert answer.status_code == (400 if name == "host" else 303)
    assert "evil" not in str(await rows(without=frozenset()))
