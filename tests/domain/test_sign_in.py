"""A11: a password that is verified while it is being replaced opens nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain import db
from domain.accounts import password_change, sign_in
from domain.accounts.passwords import Passwords
from domain.accounts.sign_in import Browser
from domain.accounts.tables import Session
from domain.errors import WrongCredentials
from domain.people.tables import Account
from tests.world import PASSWORD, PASSWORDS, World

BROWSER = Browser(ip="203.0.113.7", device="", known_account=None, request_id="test")


class Meanwhile(Passwords):
    """Verifies, and lets something happen before it answers."""

    def __init__(self, happens: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(PASSWORDS._hasher)
        self._happens = happens

    async def verify(self, password_hash: str | None, password: str) -> bool:
        matches = await super().verify(password_hash, password)
        await self._happens()
        return matches


async def enter(world: World, happens: Callable[[], Awaitable[Any]]) -> None:
    await sign_in.sign_in(
        "alice@example.com", PASSWORD, BROWSER, passwords=Meanwhile(happens), now=world.now
    )


async def test_password_replaced_while_it_was_verified_opens_no_session(world: World) -> None:
    viewer = await world.viewer()

    async def replace() -> None:
        other = await PASSWORDS.hash("Gentiane-58-Sud")
        async with db.transaction():
            await password_change.put(viewer, other, now=world.now + timedelta(seconds=1))

    with pytest.raises(WrongCredentials):
        await enter(world, replace)
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
    async def nothing() -> None:
        return None

    await enter(world, nothing)
    assert await Session.count() == 1
