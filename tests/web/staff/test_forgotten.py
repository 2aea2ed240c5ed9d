"""A member's forgotten password: by mail, and the code is still asked for."""

from datetime import timedelta

import httpx
import pytest

from domain.staff import limits
from domain.staff.tables import StaffLink
from tests import databases
from tests.web.browser import Browser, Clock, alert, heading
from tests.web.staff.doors import DANA, NEW, first_step, fresh_code, is_at_work, owed
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, World

ASKED = "/clinique/mot-de-passe-oublie"
TYPED = {"mot_de_passe": NEW, "confirmation": NEW}


async def ask(browser: Browser, email: str = DANA) -> httpx.Response:
    await browser.get(ASKED)
    return await browser.post(ASKED, {"courriel": email})


async def link(browser: Browser, clock: Clock) -> str:
    await ask(browser)
    (mail,) = await owed(clock)
    assert (mail.kind, mail.address) == ("staff_reset", DANA)
    return mail.path


async def test_a_mailed_link_changes_the_password_and_the_code_is_still_asked_for(
    stranger: Browser, dana: Browser, clock: Clock, world: World
) -> None:
    page = await stranger.open(await link(stranger, clock))
    assert heading(page) == "Choisissez un nouveau mot de passe"
    asked = await stranger.follow(await stranger.press(page, "Continuer", TYPED))
    assert heading(asked) == "Code de validation"
    assert not await is_at_work(stranger)
    assert not await is_at_work(dana)
    answer = await stranger.press(asked, "Connexion", {"code": fresh_code(clock)})
    assert answer.headers["location"] == "/clinique"
    assert await is_at_work(stranger)
    assert [mail.what for mail in await owed(clock)] == ["password_changed"]
    assert [line["subject"] for line in await journal("staff.password_changed")] == [world.dana]


async def test_unknown_deactivated_and_known_addresses_are_answered_alike(
    stranger: Browser, world: World
) -> None:
    """A16."""
    await world.member(email="gone@clinique.example", deactivated_at=world.now)
    seen = []
    for email in (DANA, "unknown@clinique.example", "gone@clinique.example"):
        await stranger.get(ASKED)
        with databases.statements() as asked:
            answer = await stranger.post(ASKED, {"courriel": email})
        seen.append((answer.status_code, answer.headers["location"], len(asked)))
    assert {(status, way) for status, way, _ in seen} == {(303, f"{ASKED}/envoi")}
    assert await count("staff_link") == 1
    assert abs(seen[0][2] - seen[1][2]) <= 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "Saisissez votre adresse courriel."), ("dana", "n’est pas complète")],
)
async def test_what_is_no_address_is_said(stranger: Browser, typed: str, said: str) -> None:
    answer = await ask(stranger, typed)
    assert answer.status_code == 422
    assert said in alert(answer)


async def test_too_many_links_are_not_mailed_and_it_is_not_told(
    stranger: Browser, clock: Clock
) -> None:
    answers = [(await ask(stranger)).status_code for _ in range(5)]
    assert answers == [303] * 5
    assert len(await owed(clock)) == 1  # the newest alone works
    assert await count("staff_link") == limits.RESETS_PER_ADDRESS[0].most


async def test_a_link_is_for_one_use_and_one_hour(
    stranger: Browser, clock: Clock, world: World
) -> None:
    path = await link(stranger, clock)
    page = await stranger.open(path)
    await stranger.press(page, "Continuer", TYPED)
    assert (await stranger.open(path)).status_code == 410
    other = await link_again(stranger, clock)
    clock.now += timedelta(hours=1)
    late = await stranger.open(other)
    assert (late.status_code, heading(late)) == (410, "Ce lien ne fonctionne plus")


async def link_again(browser: Browser, clock: Clock) -> str:
    await ask(browser)
    return next(mail.path for mail in await owed(clock) if mail.kind == "staff_reset")


async def test_a_poor_password_changes_nothing(stranger: Browser, clock: Clock) -> None:
    page = await stranger.open(await link(stranger, clock))
    before = await rows()
    answer = await stranger.press(page, "Continuer", TYPED | {"confirmation": "x"})
    assert answer.status_code == 422
    assert NEW not in answer.text
    assert await rows() == before


async def test_whoever_has_not_been_here_yet_is_mailed_no_reset(
    stranger: Browser, clock: Clock, world: World
) -> None:
    await world.member(email="sam@clinique.example", password_hash="", totp_secret="")
    await ask(stranger, "sam@clinique.example")
    assert await StaffLink.count() == 0
    assert (await first_step(stranger, "sam@clinique.example", PASSWORD)).status_code == 422
