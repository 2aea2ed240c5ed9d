"""Signing in in two steps, for who asks for it."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import httpx
import pyotp
import pytest

from domain import db
from domain.accounts import account_links, authenticator, throttles
from domain.accounts.secret_box import SecretBox
from domain.audit import Actor
from domain.links import Known, Links, Purpose
from domain.people.tables import Account
from tests.web.browser import (
    HOST,
    SETTINGS,
    Browser,
    Clock,
    alert,
    elements,
    forms,
    heading,
    links,
    main,
)
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, World
from web.gate import Gate

ACCOUNT, SIGN_IN = "/compte/validation", "/connexion/code"
BOX = SecretBox(SETTINGS.keys)
WRONG = (
    "Ce code n’est pas le bon, ou il a déjà servi."
    " Attendez que votre application en affiche un nouveau."
)
STEP = timedelta(seconds=30)


def code_at(secret: str, clock: Clock, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(clock.now + steps * STEP)


async def switch_on(browser: Browser, clock: Clock) -> tuple[str, list[str]]:
    """The secret, and the recovery codes; a step later, so that the next code is a new one."""
    page = await browser.post(ACCOUNT, {"mot_de_passe": PASSWORD})
    secret = offered(page)
    done = await browser.press(page, "Activer", {"code": code_at(secret, clock)})
    assert heading(done) == "Vos codes de récupération"
    clock.now += STEP
    return secret, recovery_codes(done)


def offered(page: httpx.Response) -> str:
    assert heading(page) == "Activer la validation en deux étapes"
    (key,) = [e.text for e in elements(page, "b") if e.attrs.get("class") == "key"]
    return key.replace(" ", "")


def recovery_codes(page: httpx.Response) -> list[str]:
    return re.findall(r"\b\d{4}\u00a0\d{4}\u00a0\d{4}\b", page.text)


async def first_step(browser: Browser, onward: str = "/") -> httpx.Response:
    """The right password; the page that asks for the code."""
    await browser.get("/connexion")
    form = {"courriel": "alice@example.com", "mot_de_passe": PASSWORD, "suivant": onward}
    answer = await browser.post("/connexion", form)
    assert answer.status_code == 303
    assert "__Host-session" not in answer.headers.get("set-cookie", "")
    page = await browser.follow(answer)
    assert heading(page) == "Code de validation"
    return page


async def reset(browser: Browser, world: World, clock: Clock) -> httpx.Response:
    """What follows on another password, chosen with a mailed link."""
    made = Links(SETTINGS.keys)
    link = await account_links.issue(world.alice_account, "reset", links=made, now=clock.now)
    page = await browser.open(f"/reinitialisation/{made.secret_token(Purpose.RESET, link)}")
    new = {"mot_de_passe": "Tulipe-43-Sud!", "confirmation": "Tulipe-43-Sud!"}
    return await browser.follow(await browser.press(page, "Connexion", new))


async def enter(browser: Browser, page: httpx.Response, code: str) -> httpx.Response:
    return await browser.press(page, "Connexion", {"code": code})


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/")).status_code == 200


@pytest.fixture
async def secret(alice: Browser, clock: Clock) -> str:
    return (await switch_on(alice, clock))[0]


# Switching on


async def test_the_dashboard_leads_there_and_says_since_when(alice: Browser, clock: Clock) -> None:
    dashboard = await alice.get("/")
    assert "Non activée" in main(dashboard)
    assert ACCOUNT in links(dashboard).values()
    await switch_on(alice, clock)
    assert "Activée depuis le 23 novembre 2026" in main(await alice.get("/")).replace("\u00a0", " ")


async def test_the_secret_is_offered_after_the_password_and_kept_after_a_code(
    alice: Browser, clock: Clock, world: World
) -> None:
    for typed, sentence in [
        ("", "Saisissez votre mot de passe actuel."),
        ("Autre-12-Mot", "Ce n’est pas votre mot de passe actuel."),
    ]:
        refused = await alice.post(ACCOUNT, {"mot_de_passe": typed})
        assert (refused.status_code, alert(refused)) == (
            422,
            f"Il y a une erreur à corriger {sentence}",
        )
    before = await rows()
    page = await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD})
    uri = links(page)["Ouvrir l’application"]
    parsed = pyotp.parse_uri(uri)
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name) == (offered(page), "alice@example.com")
    assert parsed.issuer == "Clinique des Érables"
    assert len(parsed.secret) == 32  # 160 bits
    assert await rows() == before

    refused = await alice.press(page, "Activer", {"code": "000000"})
    assert (refused.status_code, offered(refused)) == (422, offered(page))
    missing = await alice.press(page, "Activer", {"code": " - "})
    assert "Saisissez le code." in alert(missing)
    assert await rows() == before

    done = await alice.press(page, "Activer", {"code": code_at(offered(page), clock)})
    assert len(set(recovery_codes(done))) == 10
    kept = str(await rows(without=frozenset()))
    assert offered(page) not in kept
    for code in recovery_codes(done):
        assert code.replace("\u00a0", "") not in kept
    row = await Account.objects().get(Account.id == world.alice_account)
    assert row is not None
    assert BOX.open(row.id, row.totp_secret) == offered(page)
    assert BOX.open(world.charlie_account, row.totp_secret) is None


async def test_the_picture_is_drawn_without_style_or_script(alice: Browser) -> None:
    page = await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD})
    picture = re.search(r'<div role="img" aria-label="[^"]+"><svg.*?</svg></div>', page.text)
    assert picture is not None
    assert not re.search(r"style|script|href|https?:", picture[0])


async def test_an_offer_ends_after_a_quarter_of_an_hour_and_is_nobody_elses(
    alice: Browser, charlie: Browser, clock: Clock
) -> None:
    page = await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD})
    (token,) = [form.fields["cle"] for form in forms(page) if "cle" in form.fields]
    code = code_at(offered(page), clock)
    for browser, cle in [(charlie, token), (alice, token[:-2] + "AA"), (alice, ""), (alice, "é")]:
        answer = await browser.post(f"{ACCOUNT}/confirmation", {"cle": cle, "code": code})
        assert answer.headers["location"] == f"{ACCOUNT}?fait=trop-tard"
    assert "Trop de temps a passé" in main(await alice.get(f"{ACCOUNT}?fait=trop-tard"))
    clock.now += timedelta(minutes=15, seconds=1)
    late = await alice.press(page, "Activer", {"code": code_at(offered(page), clock)})
    assert late.headers["location"] == f"{ACCOUNT}?fait=trop-tard"
    assert await count("recovery_code") == 0


async def test_switching_on_ends_the_other_sessions_and_is_told_by_mail_and_in_the_journal(
    alice: Browser, app: Gate, clock: Clock
) -> None:
    other = Browser(app)
    await other.sign_in()
    await switch_on(alice, clock)
    assert await is_signed_in(alice)
    assert not await is_signed_in(other)
    mails = await db.fetch("SELECT kind, facts FROM outbound_email")
    assert [mail["kind"] for mail in mails].count("second_factor_on") == 1
    assert [line["outcome"] for line in await journal("second_factor_on")] == ["done"]


async def test_of_two_offers_one_becomes_the_second_factor(alice: Browser, clock: Clock) -> None:
    pages = [await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD}) for _ in range(2)]
    first, second = ({"code": code_at(offered(page), clock)} for page in pages)
    assert (await alice.press(pages[0], "Activer", first)).status_code == 200
    # Its form is of the session before.
    assert (await alice.press(pages[1], "Activer", second)).status_code == 403
    (form,) = [form for form in forms(pages[1]) if "cle" in form.fields]
    await alice.get("/")
    answer = await alice.post(form.action, second | {"cle": form.fields["cle"]})
    assert (answer.status_code, answer.headers["location"]) == (303, ACCOUNT)
    assert await count("recovery_code") == 10
    again = await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD})
    assert (again.status_code, again.headers["location"]) == (303, ACCOUNT)


@pytest.mark.parametrize("way", ["on", "off"])
async def test_switching_renews_this_browsers_token_and_its_page_goes_on(
    alice: Browser, app: Gate, clock: Clock, way: str
) -> None:
    """R32: whoever had learned the token before has nothing of what is now allowed."""
    if way == "off":
        secret, _ = await switch_on(alice, clock)
    before = alice.http.cookies["__Host-session"]
    began = await db.fetch("SELECT id, created_at FROM session")
    if way == "off":
        page = await alice.click(await alice.get(ACCOUNT), "Désactiver")
        data = {"mot_de_passe": PASSWORD, "code": code_at(secret, clock)}
        answered = await alice.follow(await alice.press(page, "Désactiver", data))
    else:
        page = await alice.post(ACCOUNT, {"mot_de_passe": PASSWORD})
        answered = await alice.press(page, "Activer", {"code": code_at(offered(page), clock)})
    after = alice.http.cookies["__Host-session"]
    assert after != before
    assert await db.fetch("SELECT id, created_at FROM session") == began
    old = {"cookie": f"__Host-session={before}"}
    assert (await Browser(app).get("/", headers=old)).status_code == 303
    assert await is_signed_in(alice)
    out = await alice.press(answered, "Déconnexion")
    assert out.headers["location"] == "/connexion"


# Signing in


async def test_the_right_password_alone_opens_nothing(app: Gate, secret: str, clock: Clock) -> None:
    browser = Browser(app)
    page = await first_step(browser, "/compte/validation")
    assert not await is_signed_in(browser)
    assert "__Host-known" not in browser.http.cookies
    answer = await enter(browser, page, code_at(secret, clock))
    assert answer.headers["location"] == "/compte/validation"
    assert await is_signed_in(browser)
    assert "__Host-known" in browser.http.cookies
    assert "__Host-step" not in browser.http.cookies


async def test_a_known_browser_is_asked_too(alice: Browser, secret: str, clock: Clock) -> None:
    await alice.get("/")
    await alice.post("/deconnexion")
    assert not await is_signed_in(alice)
    assert heading(await first_step(alice)) == "Code de validation"


async def test_the_page_can_be_opened_again_from_the_application(
    app: Gate, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    await first_step(browser)
    page = await browser.get(f"{SIGN_IN}?suivant=%2F")
    assert (await enter(browser, page, code_at(secret, clock))).headers["location"] == "/"


async def test_without_a_password_there_is_no_such_page(stranger: Browser) -> None:
    assert (await stranger.get(SIGN_IN)).headers["location"] == "/connexion"
    await stranger.get("/connexion")
    answer = await stranger.post(SIGN_IN, {"code": "123456", "etape": "", "suivant": "/"})
    assert answer.status_code == 410


@pytest.mark.parametrize("onward", ["https://evil.example", "//evil.example", "/nulle-part"])
async def test_the_way_onward_stays_in_the_portal(
    app: Gate, secret: str, clock: Clock, onward: str
) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    data = {"code": code_at(secret, clock), "suivant": onward}
    assert (await browser.press(page, "Connexion", data)).headers["location"] == "/"


async def test_a_code_is_taken_once(app: Gate, secret: str, clock: Clock) -> None:
    """A code that was read over someone's shoulder opens nothing a second time."""
    code = code_at(secret, clock)
    first, second = Browser(app), Browser(app)
    assert (await enter(first, await first_step(first), code)).status_code == 303
    refused = await enter(second, await first_step(second), code)
    assert (refused.status_code, alert(refused)) == (422, f"Il y a une erreur à corriger {WRONG}")
    assert not await is_signed_in(second)


async def test_of_several_at_once_with_one_code_one_gets_in(
    app: Gate, secret: str, clock: Clock
) -> None:
    limit = throttles.SECOND_FACTOR.most
    browsers = [Browser(app) for _ in range(limit)]
    pages = [await first_step(browser) for browser in browsers]
    before, code = await count("session"), code_at(secret, clock)
    answers = await asyncio.gather(
        *(enter(browser, page, code) for browser, page in zip(browsers, pages, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303, *[422] * (limit - 1)]
    assert await count("session") == before + 1


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
async def test_a_clock_may_be_half_a_minute_off(
    app: Gate, secret: str, clock: Clock, steps: int, status: int
) -> None:
    clock.now += 3 * STEP
    browser = Browser(app)
    page = await first_step(browser)
    answer = await enter(browser, page, code_at(secret, clock, steps=steps))
    assert answer.status_code == status


async def test_after_a_code_of_the_next_step_earlier_ones_are_over(
    app: Gate, secret: str, clock: Clock
) -> None:
    browser, other = Browser(app), Browser(app)
    early = await enter(browser, await first_step(browser), code_at(secret, clock, steps=1))
    assert early.status_code == 303
    for steps in (0, 1):
        page = await first_step(other)
        assert (await enter(other, page, code_at(secret, clock, steps=steps))).status_code == 422


@pytest.mark.parametrize("form", ["{0}{1}", " {0} {1} ", "{0}-{1}", "{0}\u00a0{1}"])
async def test_a_code_is_read_as_applications_write_it(
    app: Gate, secret: str, clock: Clock, form: str
) -> None:
    browser, code = Browser(app), code_at(secret, clock)
    page = await first_step(browser)
    assert (await enter(browser, page, form.format(code[:3], code[3:]))).status_code == 303


async def test_five_wrong_codes_pause_the_account_and_the_right_one_waits(
    app: Gate, secret: str, clock: Clock
) -> None:
    browser, other = Browser(app), Browser(app)
    page = await first_step(browser)
    for typed in ("000000", "1", "1234 5678 9012", "abcdef", "9" * 500):
        assert (await enter(browser, page, typed)).status_code == 422
    paused = await enter(browser, page, code_at(secret, clock))
    assert (paused.status_code, paused.headers["retry-after"]) == (429, "900")
    assert "Trop d’essais" in alert(paused)
    elsewhere = await enter(other, await first_step(other), code_at(secret, clock))
    assert elsewhere.status_code == 429
    lines = [line for line in await journal("second_factor") if line["outcome"] == "refused"]
    assert len(lines) == 5
    assert {line["actor_kind"] for line in lines} == {"stranger"}
    assert "000000" not in str(await journal())
    clock.now += timedelta(minutes=15)
    page = await first_step(browser)
    assert (await enter(browser, page, code_at(secret, clock))).status_code == 303


async def fail(browser: Browser, times: int) -> list[int]:
    page = await first_step(browser)
    return [(await enter(browser, page, f"{n:012}")).status_code for n in range(times)]


async def warnings() -> list[UUID]:
    mails = await db.fetch("SELECT account FROM outbound_email WHERE kind = 'second_factor_failed'")
    return [mail["account"] for mail in mails]


async def test_owner_is_told_of_the_fifth_wrong_code_once_a_day(
    app: Gate, world: World, secret: str, clock: Clock
) -> None:
    """Whoever guesses codes has the password already."""
    browser = Browser(app)
    assert await fail(browser, 4) == [422] * 4
    assert await warnings() == []
    assert await fail(browser, 3) == [422, 429, 429]
    assert await warnings() == [world.alice_account]
    clock.now += timedelta(minutes=15)
    assert await fail(browser, 5) == [422] * 5
    assert await warnings() == [world.alice_account]
    clock.now += timedelta(days=1)
    assert await fail(browser, 5) == [422] * 5
    assert await warnings() == [world.alice_account] * 2


async def test_right_codes_are_no_warning(
    app: Gate, alice: Browser, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    for _ in range(6):
        page = await first_step(browser)
        assert (await enter(browser, page, code_at(secret, clock))).status_code == 303
        await browser.get("/")
        await browser.post("/deconnexion")
        clock.now += STEP
    assert await warnings() == []


async def test_twenty_wrong_codes_a_day_and_the_right_one_waits(
    app: Gate, secret: str, clock: Clock
) -> None:
    """Those of the application and for recovery are counted together."""
    browser, began = Browser(app), clock.now
    for _ in range(4):
        page = await first_step(browser)
        for typed in ("000000", "0000 0000 0000", "111111", "1111 1111 1111", "1"):
            assert (await enter(browser, page, typed)).status_code == 422
        clock.now += timedelta(minutes=15)
    page = await first_step(browser)
    for _ in range(7):
        paused = await enter(browser, page, code_at(secret, clock))
        assert (paused.status_code, paused.headers["retry-after"]) == (429, str(23 * 3600))
    clock.now = began + timedelta(days=1)
    page = await first_step(browser)
    assert (await enter(browser, page, code_at(secret, clock))).status_code == 303


async def test_strangers_codes_do_not_keep_the_owner_out_of_a_known_browser(
    alice: Browser, app: Gate, secret: str, clock: Clock
) -> None:
    """A18: whoever learned the password uses up the tries of strangers, not the owner's."""
    page = await first_step(stranger := Browser(app))
    for _ in range(throttles.SECOND_FACTOR.most):
        assert (await enter(stranger, page, "000000")).status_code == 422
    assert (await enter(stranger, page, code_at(secret, clock))).status_code == 429
    await alice.press(await alice.get("/"), "Déconnexion")
    page = await first_step(alice)
    for _ in range(throttles.SECOND_FACTOR.most - 1):
        assert (await enter(alice, page, "000000")).status_code == 422
    assert (await enter(alice, page, code_at(secret, clock))).status_code == 303
    assert await is_signed_in(alice)


async def test_a_known_browser_stays_known_when_it_resets_the_password(
    alice: Browser, app: Gate, world: World, secret: str, clock: Clock
) -> None:
    """So that whoever reads « someone has your password » can act on it at once."""
    page = await first_step(stranger := Browser(app))
    for _ in range(throttles.SECOND_FACTOR.most):
        await enter(stranger, page, "000000")
    await alice.press(await alice.get("/"), "Déconnexion")
    for browser, status in [(alice, 303), (Browser(app), 429)]:
        clock.now += timedelta(minutes=1)
        page = await reset(browser, world, clock)
        assert heading(page) == "Code de validation"
        answer = await enter(browser, page, code_at(secret, clock))
        assert answer.status_code == status


async def test_fifty_tries_at_once_count_as_five(app: Gate, secret: str, clock: Clock) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    answers = await asyncio.gather(*(enter(browser, page, f"{n:06}") for n in range(50)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(422), statuses.count(429)) == (5, 45)


async def test_an_empty_code_is_no_try(app: Gate, secret: str, clock: Clock) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    for _ in range(6):
        answer = await enter(browser, page, " ")
        assert "Saisissez le code." in alert(answer)
        assert "<title>Erreur" in answer.text
    assert (await enter(browser, page, code_at(secret, clock))).status_code == 303


async def test_a_recovery_code_opens_the_account_once(
    alice: Browser, app: Gate, clock: Clock
) -> None:
    _, codes = await switch_on(alice, clock)
    browser, other = Browser(app), Browser(app)
    assert (await enter(browser, await first_step(browser), codes[3])).status_code == 303
    assert (await enter(other, await first_step(other), codes[3])).status_code == 422
    typed = codes[4].replace("\u00a0", "-")
    assert (await enter(other, await first_step(other), typed)).status_code == 303
    assert "8 codes qui peuvent encore servir" in main(await alice.get(ACCOUNT))
    assert [line["outcome"] for line in await journal("recovery_code")] == ["done", "done"]


async def test_a_recovery_code_used_by_many_at_once_opens_the_account_once(
    alice: Browser, app: Gate, clock: Clock
) -> None:
    _, codes = await switch_on(alice, clock)
    browsers = [Browser(app) for _ in range(5)]
    pages = [await first_step(browser) for browser in browsers]
    answers = await asyncio.gather(
        *(enter(b, page, codes[0]) for b, page in zip(browsers, pages, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303, *[422] * 4]


async def test_one_accounts_recovery_codes_open_no_other(
    alice: Browser, charlie: Browser, app: Gate, clock: Clock
) -> None:
    await switch_on(alice, clock)
    _, of_charlie = await switch_on(charlie, clock)
    browser = Browser(app)
    assert (await enter(browser, await first_step(browser), of_charlie[0])).status_code == 422


# What the page carries


def carried(page: httpx.Response) -> str:
    (token,) = [form.fields["etape"] for form in forms(page) if "etape" in form.fields]
    return token


async def test_the_first_step_is_worth_nothing_after_five_minutes(
    app: Gate, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    clock.now += timedelta(minutes=4, seconds=59)
    assert (await enter(browser, page, "000000")).status_code == 422
    clock.now += timedelta(seconds=1)
    over = await enter(browser, page, code_at(secret, clock))
    assert (over.status_code, heading(over)) == (410, "Code de validation")
    assert "Connectez-vous de nouveau." in main(over)
    assert links(over)["Revenir à la connexion"] == "/connexion?suivant=/"
    assert not await is_signed_in(browser)


async def test_an_altered_first_step_is_refused(app: Gate, secret: str, clock: Clock) -> None:
    browser = Browser(app)
    token, code = carried(await first_step(browser)), code_at(secret, clock)
    made = Links(SETTINGS.keys)
    payload, _, _ = token.rpartition(".")
    others = [
        "",
        "é",
        token[:-4],
        f"{payload}.{'A' * 43}",
        token.swapcase(),
        made.sign_known([Known(UUID(int=0), 0, int(clock.now.timestamp()))]),
        Links(["another key, of the same length."]).sign_first_step(UUID(int=0), "hash", clock.now),
    ]
    for other in others:
        answer = await browser.post(SIGN_IN, {"etape": other, "code": code, "suivant": "/"})
        assert (other, answer.status_code) == (other, 410)
    assert not await is_signed_in(browser)


async def test_the_first_step_is_worth_nothing_after_a_change_of_password(
    alice: Browser, app: Gate, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    await alice.get("/compte/mot-de-passe")
    new = {"ancien": PASSWORD, "mot_de_passe": "Tulipe-43-Sud!", "confirmation": "Tulipe-43-Sud!"}
    changed = await alice.post("/compte/mot-de-passe", new)
    assert changed.headers["location"] == "/compte/mot-de-passe/termine"
    assert (await enter(browser, page, code_at(secret, clock))).status_code == 410


@pytest.mark.parametrize("change", ["disabled_at", "totp_secret"])
async def test_nor_once_the_account_is_closed_or_asks_for_no_code(
    app: Gate, world: World, secret: str, clock: Clock, change: str
) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    values = {"disabled_at": clock.now, "totp_secret": ""}
    await Account.update({change: values[change]}).where(Account.id == world.alice_account)
    assert (await enter(browser, page, code_at(secret, clock))).status_code == 410


async def test_a_new_password_by_mail_does_not_do_without_the_code(
    app: Gate, world: World, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    asked = await reset(browser, world, clock)
    assert heading(asked) == "Code de validation"
    assert not await is_signed_in(browser)
    assert (await enter(browser, asked, code_at(secret, clock))).status_code == 303
    assert await is_signed_in(browser)


async def test_the_secret_is_read_with_an_older_key_and_sealed_again_with_the_newest(
    world: World, alice: Browser, secret: str, clock: Clock
) -> None:
    renewed = SecretBox(("n" * 40, *SETTINGS.keys))
    row = await Account.objects().get(Account.id == world.alice_account)
    assert row is not None
    assert renewed.is_outdated(row.totp_secret)
    assert renewed.open(row.id, row.totp_secret) == secret
    stranger = Actor.stranger("")
    async with authenticator.proved(
        row.id, code_at(secret, clock), stranger, is_known=False, box=renewed, now=clock.now
    ):
        pass
    row = await Account.objects().get(Account.id == world.alice_account)
    assert row is not None
    assert not renewed.is_outdated(row.totp_secret)
    assert SecretBox(["n" * 40]).open(row.id, row.totp_secret) == secret
    assert BOX.open(row.id, row.totp_secret) is None


# Switching off, and new codes


@pytest.mark.parametrize("path", ["desactivation", "codes"])
async def test_password_and_code_are_both_asked_again(
    alice: Browser, secret: str, clock: Clock, path: str
) -> None:
    url, code = f"{ACCOUNT}/{path}", code_at(secret, clock)
    await alice.get(url)
    before = await rows()
    for password, typed, sentences in [
        ("", "", ["Saisissez votre mot de passe actuel.", "Saisissez le code."]),
        ("Autre-12-Mot", code, ["Ce n’est pas votre mot de passe actuel."]),
        (PASSWORD, "000000", [WRONG]),
    ]:
        answer = await alice.post(url, {"mot_de_passe": password, "code": typed})
        assert answer.status_code == 422
        assert all(sentence in alert(answer) for sentence in sentences)
        assert "Autre-12-Mot" not in answer.text
    assert await rows() == before


async def test_switched_off_the_password_is_enough_again(
    alice: Browser, app: Gate, secret: str, clock: Clock
) -> None:
    page = await alice.click(await alice.get(ACCOUNT), "Désactiver")
    data = {"mot_de_passe": PASSWORD, "code": code_at(secret, clock)}
    answer = await alice.press(page, "Désactiver", data)
    assert answer.headers["location"] == f"{ACCOUNT}?fait=desactivation"
    assert "est désactivée" in main(await alice.follow(answer))
    assert await count("recovery_code") == 0
    mails = await db.fetch("SELECT kind FROM outbound_email WHERE kind = 'second_factor_off'")
    assert len(mails) == 1
    assert len(await journal("second_factor_off")) == 1
    browser = Browser(app)
    await browser.sign_in()
    assert await is_signed_in(browser)


async def test_new_recovery_codes_end_the_old_ones(alice: Browser, app: Gate, clock: Clock) -> None:
    secret, old = await switch_on(alice, clock)
    page = await alice.click(await alice.get(ACCOUNT), "Nouveaux codes")
    data = {"mot_de_passe": PASSWORD, "code": code_at(secret, clock)}
    new = recovery_codes(await alice.press(page, "Obtenir les codes", data))
    assert len(set(new) - set(old)) == 10
    browser = Browser(app)
    assert (await enter(browser, await first_step(browser), old[0])).status_code == 422
    assert (await enter(browser, await first_step(browser), new[0])).status_code == 303
    assert len(await journal("recovery_codes_renewed")) == 1


@pytest.mark.parametrize("path", ["desactivation", "codes"])
async def test_what_is_off_has_neither(alice: Browser, path: str) -> None:
    url = f"{ACCOUNT}/{path}"
    assert (await alice.get(url)).headers["location"] == ACCOUNT
    await alice.get(ACCOUNT)
    answer = await alice.post(url, {"mot_de_passe": PASSWORD, "code": "123456"})
    assert answer.headers["location"] == ACCOUNT


async def test_few_codes_left_are_told(alice: Browser, secret: str, clock: Clock) -> None:
    assert "peu de codes" not in main(await alice.get(ACCOUNT))
    await db.fetch(
        "UPDATE recovery_code SET used_at = {} WHERE id NOT IN"
        " (SELECT id FROM recovery_code ORDER BY id LIMIT 2)",
        clock.now,
    )
    assert "Il vous reste peu de codes" in main(await alice.get(ACCOUNT))


async def test_no_address_holds_a_code_or_a_secret(
    app: Gate, alice: Browser, secret: str, clock: Clock
) -> None:
    browser = Browser(app)
    page = await first_step(browser)
    assert str(page.url) == f"{HOST}{SIGN_IN}?suivant=%2F"
    answer = await enter(browser, page, code_at(secret, clock))
    assert str(answer.url) == f"{HOST}{SIGN_IN}"
