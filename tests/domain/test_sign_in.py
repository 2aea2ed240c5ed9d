"""A11: a password that is verified while it is being replaced opens nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from domain import db
from domain.accounts import password_change, sign_in, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser, Entry
from domain.accounts.tables import Session
from domain.errors import SignInOver, TooMany, WrongCredentials
from domain.people.tables import Account
from tests.letterbox import LINKS
from tests.web.browser import SETTINGS
from tests.world import PASSWORD, PASSWORDS, World

BROWSER = Browser(ip="203.0.113.7", device="", request_id="test")


class Meanwhile(Passwords):
    """Verifies, and lets something happen before it answers."""

    def __init__(self, happens: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(PASSWORDS._hasher)
        self._happens = happens

    async def verify(self, password_hash: str | None, password: str) -> bool:
        matches = await super().verify(password_hash, password)
        await self._happens()
        return matches


async def nothing() -> None:
    pass


async def enter(world: World, happens: Callable[[], Awaitable[Any]] = nothing) -> Entry:
    return await sign_in.sign_in(
        "alice@example.com", PASSWORD, BROWSER, passwords=Meanwhile(happens), now=world.now
    )


async def replace(world: World) -> None:
    viewer, other = await world.viewer(), await PASSWORDS.hash("Gentiane-58-Sud")
    async with db.transaction():
        await password_change.put(viewer, other, now=world.now + timedelta(seconds=1))


async def ask_for_a_code(world: World) -> None:
    await Account.update({Account.totp_secret: "sealed"}).where(Account.id == world.alice_account)


@pytest.mark.parametrize("in_two_steps", [False, True])
async def test_password_replaced_while_it_was_verified_opens_nothing(
    world: World, *, in_two_steps: bool
) -> None:
    if in_two_steps:
        await ask_for_a_code(world)
    with pytest.raises(WrongCredentials):
        await enter(world, lambda: replace(world))
    assert await Session.count() == 0


async def test_the_first_step_is_of_the_password_that_was_verified(world: World) -> None:
    await ask_for_a_code(world)
    entry = await enter(world)
    await replace(world)
    step = sign_in.first_step(entry, links=LINKS, now=world.now)
    with pytest.raises(SignInOver):
        await sign_in.enter_code(
            step, "000000", BROWSER, links=LINKS, box=SecretBox(SETTINGS.keys), now=world.now
        )


async def test_browser_is_known_by_the_password_that_was_verified(world: World) -> None:
    entry = await enter(world)
    await replace(world)
    token = sign_in.remembered(entry, BROWSER, links=LINKS, now=world.now)
    browser = Browser("", "", "", LINKS.read_known(token, world.now))
    changed = (await world.viewer()).account.password_changed_at
    assert browser.knows(entry.account, entry.password_changed_at)
    assert not browser.knows(entry.account, changed)


class Renewing(Passwords):
    """With other figures than the hash has that is there; all renew it at the same time."""

    def __init__(self, parties: int) -> None:
        super().__init__(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
        self._all = asyncio.Barrier(parties)

    async def hash(self, password: str) -> str:
        made = await super().hash(password)
        await self._all.wait()
        return made


async def test_of_two_who_renew_the_hash_at_once_both_are_let_in(world: World) -> None:
    passwords = Renewing(2)

    async def come_in() -> Entry:
        return await sign_in.sign_in(
            "alice@example.com", PASSWORD, BROWSER, passwords=passwords, now=world.now
        )

    entries = await asyncio.gather(come_in(), come_in())
    assert all(entry.token for entry in entries)
    assert await Session.count() == 2


async def test_password_replaced_while_its_hash_was_renewed_opens_no_session(world: World) -> None:
    class Replaced(Renewing):
        async def hash(self, password: str) -> str:
            made = await super().hash(password)
            await replace(world)
            return made

    with pytest.raises(WrongCredentials):
        await sign_in.sign_in(
            "alice@example.com", PASSWORD, BROWSER, passwords=Replaced(1), now=world.now
        )
    assert await Session.count() == 0


@pytest.mark.parametrize("column", ["disabled_at", "totp_secret"])
async def test_account_closed_or_put_in_two_steps_meanwhile_opens_no_session(
    world: World, column: str
) -> None:
    values: dict[str, Any] = {"disabled_at": world.now, "totp_secret": "sealed"}

    async def change() -> None:
        await Account.update({column: values[column]}).where(Account.id == world.alice_account)

    if column == "totp_secret":  # asked for its code instead
        await enter(world, change)
    else:
        with pytest.raises(WrongCredentials):
            await enter(world, change)
    assert await Session.count() == 0


async def test_nothing_meanwhile_opens_one(world: World) -> None:
    await enter(world)
    assert await Session.count() == 1


async def fail(email: str, now: datetime, *, ip: str = BROWSER.ip, password: str = "x") -> None:
    browser = Browser(ip=ip, device="", request_id="test")
    try:
        await sign_in.sign_in(email, password, browser, passwords=PASSWORDS, now=now)
    except WrongCredentials:
        return


async def test_more_than_twenty_addresses_from_one_place_are_told_once_an_hour(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """R16."""
    said = "203.0.113.7 fails to sign in with more than 20 addresses"
    with caplog.at_level(logging.ERROR, "portal.sign_in"):
        for n in range(20):
            await fail(f"nobody{n}@example.com", world.now)
            await fail(f"Nobody{n}@example.com", world.now)
        await fail("nobody20@example.com", world.now, ip="198.51.100.9")
        await fail("alice@example.com", world.now, password=PASSWORD)
        assert caplog.messages == []
        for n in range(20, 25):
            await fail(f"nobody{n}@example.com", world.now)
        assert caplog.messages == [said]
        later = world.now + throttles.ADDRESSES_PER_IP.window
        for n in range(20):
            await fail(f"nobody{n}@example.com", later)
        assert caplog.messages == [said]
        await fail("nobody20@example.com", later)
        assert caplog.messages == [said, said]


async def test_a_try_given_back_while_another_is_refused_is_waited_for_no_longer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, fetch = throttles.ALERTS_PER_IP, db.fetch
    first = await throttles.take(limit, "somebody", now=world.now)

    async def meanwhile(sql: str, *args: object) -> list[dict[str, Any]]:
        rows = await fetch(sql, *args)
        if "INSERT INTO attempt" in sql:
            await throttles.give_back(first)
        return rows

    monkeypatch.setattr(db, "fetch", meanwhile)
    with pytest.raises(TooMany) as refused:
        await throttles.take(limit, "somebody", now=world.now)
    assert refused.value.again_at == world.now
