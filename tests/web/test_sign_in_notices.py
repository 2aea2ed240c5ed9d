"""Which sign-ins are told by mail to the account's holder."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import db
from domain.accounts import throttles
from domain.accounts.sign_in import Browser as Browsing
from domain.accounts.sign_in_notices import notices
from tests.web.browser import Browser, Clock
from tests.world import NOW, PASSWORD, World
from web.gate import Gate

WRONG = "Autre-12-Mot"


async def mails(world: World) -> list[str]:
    found = await db.fetch(
        "SELECT kind FROM outbound_email WHERE account = {} ORDER BY created_at, kind",
        world.alice_account,
    )
    return [mail["kind"] for mail in found]


async def fail(browser: Browser, times: int) -> None:
    for _ in range(times):
        assert (await browser.sign_in(password=WRONG)).status_code == 422


async def signs_in_again(browser: Browser, clock: Clock) -> None:
    """In the same browser, a little later."""
    clock.now += timedelta(minutes=1)
    await browser.press(await browser.get("/"), "Déconnexion")
    await browser.sign_in()


@pytest.mark.parametrize(
    ("is_first", "is_known", "failures", "told"),
    [
        (True, False, 0, []),
        (False, True, 0, []),
        (False, False, 0, ["new_device"]),
        (True, True, 4, []),
        (False, True, 5, ["failed_sign_ins"]),
        (True, False, 5, ["failed_sign_ins"]),
        (False, False, 9, ["new_device", "failed_sign_ins"]),
    ],
)
def test_what_is_told(is_first: bool, is_known: bool, failures: int, told: list[str]) -> None:
    assert notices(is_first=is_first, is_known=is_known, failures=failures) == told


async def test_first_sign_in_of_an_account_is_no_news(alice: Browser, world: World) -> None:
    assert await mails(world) == []


async def test_sign_in_from_a_known_browser_is_no_news(
    alice: Browser, world: World, clock: Clock
) -> None:
    await signs_in_again(alice, clock)
    assert await mails(world) == []


async def test_sign_in_from_another_browser_is_told_once(
    alice: Browser, app: Gate, world: World, clock: Clock
) -> None:
    phone = Browser(app)
    await phone.sign_in()
    await signs_in_again(phone, clock)
    await signs_in_again(alice, clock)
    assert await mails(world) == ["new_device"]


async def test_first_sign_in_is_remembered_for_good(
    alice: Browser, app: Gate, world: World, clock: Clock
) -> None:
    clock.now += timedelta(days=90)
    await throttles.purge(now=clock.now)
    await Browser(app).sign_in()
    assert await mails(world) == ["new_device"]


async def test_browser_that_another_account_used_is_not_known_to_this_one(
    alice: Browser, charlie: Browser, world: World, clock: Clock
) -> None:
    await charlie.press(await charlie.get("/"), "Déconnexion")
    await charlie.sign_in()
    assert await mails(world) == ["new_device"]


async def test_two_accounts_in_turn_at_one_computer_are_both_known(
    alice: Browser, world: World, clock: Clock
) -> None:
    for email in ("charlie@example.com", "alice@example.com", "charlie@example.com"):
        clock.now += timedelta(minutes=1)
        await alice.press(await alice.get("/"), "Déconnexion")
        assert (await alice.sign_in(email)).status_code == 303
    assert await mails(world) == []


async def test_browser_is_known_no_more_once_the_password_is_changed_elsewhere(
    alice: Browser, app: Gate, world: World, clock: Clock
) -> None:
    """Whoever signed in here with the old one may be why it was changed."""
    phone = Browser(app)
    await phone.sign_in()
    await phone.get("/compte/mot-de-passe")
    new = "Gentiane-58-Sud"
    typed = {"ancien": PASSWORD, "mot_de_passe": new, "confirmation": new}
    assert (await phone.post("/compte/mot-de-passe", typed)).status_code == 303
    before = await mails(world)
    for browser, told in [(phone, []), (alice, ["new_device"])]:
        clock.now += timedelta(minutes=1)
        if browser is phone:
            await browser.press(await browser.get("/"), "Déconnexion")
        assert (await browser.sign_in(password=new)).status_code == 303
        assert (await mails(world))[len(before) :] == told


def test_a_browser_remembers_the_last_five_accounts() -> None:
    browser = Browsing(ip="", device="", request_id="")
    accounts = [UUID(int=number) for number in range(6)]
    for account in (*accounts, accounts[3]):
        browser = browser.knowing(account, NOW, NOW)
    assert [each.account.int for each in browser.known] == [3, 5, 4, 2, 1]
    assert browser.knows(accounts[3], NOW)
    assert not browser.knows(accounts[0], NOW)
    assert not browser.knows(accounts[3], NOW + timedelta(seconds=1))


async def test_failed_sign_in_tells_nothing_by_mail(
    alice: Browser, app: Gate, world: World
) -> None:
    await fail(Browser(app), 9)
    assert await mails(world) == []


@pytest.mark.parametrize(("failures", "told"), [(4, []), (5, ["failed_sign_ins"])])
async def test_success_after_five_failures_is_told(
    alice: Browser, world: World, app: Gate, clock: Clock, failures: int, told: list[str]
) -> None:
    clock.now += timedelta(minutes=1)
    await fail(Browser(app), failures)
    await signs_in_again(alice, clock)
    assert await mails(world) == told


async def test_failures_before_the_last_success_are_not_counted_again(
    alice: Browser, world: World, app: Gate, clock: Clock
) -> None:
    clock.now += timedelta(minutes=1)
    await fail(Browser(app), 5)
    await signs_in_again(alice, clock)
    clock.now += timedelta(minutes=16)
    await fail(Browser(app), 4)
    await signs_in_again(alice, clock)
    assert await mails(world) == ["failed_sign_ins"]


async def test_failures_of_ones_own_browser_and_of_strangers_add_up(
    alice: Browser, world: World, app: Gate, clock: Clock
) -> None:
    clock.now += timedelta(minutes=1)
    await fail(Browser(app), 3)
    await alice.press(await alice.get("/"), "Déconnexion")
    await fail(alice, 2)
    clock.now += timedelta(minutes=1)
    await alice.sign_in(password=PASSWORD)
    assert await mails(world) == ["failed_sign_ins"]
