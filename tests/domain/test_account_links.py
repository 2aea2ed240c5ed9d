"""Links that open an account, once and for a while."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.accounts import account_links
from domain.accounts.tables import AccountLink
from domain.errors import LinkExpired, LinkUsed
from domain.links import Links, Purpose, hash_of
from tests.world import NOW, World

LINKS = Links(["k" * 32])
SECOND = timedelta(seconds=1)


async def issued(world: World, kind: account_links.Kind = "reset") -> tuple[UUID, str]:
    async with db.transaction():
        link = await account_links.issue(world.alice_account, kind, links=LINKS, now=NOW)
    return link, LINKS.secret_token(account_links.PURPOSES[kind], link)


@pytest.mark.parametrize(("kind", "hours"), [("activate", 24), ("reset", 1)])
async def test_a_link_opens_its_account_until_its_time_is_over(
    world: World, kind: account_links.Kind, hours: int
) -> None:
    _, token = await issued(world, kind)
    end = NOW + timedelta(hours=hours)
    assert await account_links.holder(token, kind, now=end - SECOND) == world.alice_account
    with pytest.raises(LinkExpired):
        await account_links.holder(token, kind, now=end)


async def test_no_table_holds_what_opens_the_account(world: World) -> None:
    link, token = await issued(world)
    (row,) = await db.fetch("SELECT * FROM account_link")
    assert row["token_hash"] == hash_of(token)
    assert token not in str(row)
    assert len(token) == 43  # 256 bits
    assert LINKS.mailed_token(Purpose.RESET, link, row["token_hash"]) == token


async def test_its_mail_is_the_same_after_the_key_was_renewed(world: World) -> None:
    link, token = await issued(world)
    renewed = Links(["n" * 32, "k" * 32])
    assert renewed.secret_token(Purpose.RESET, link) != token
    assert renewed.mailed_token(Purpose.RESET, link, hash_of(token)) == token
    assert Links(["n" * 32]).mailed_token(Purpose.RESET, link, hash_of(token)) is None


async def test_looking_uses_nothing_up_and_using_does(world: World) -> None:
    _, token = await issued(world)
    for _ in range(5):
        await account_links.holder(token, "reset", now=NOW)
    assert await account_links.use(token, "reset", now=NOW) == world.alice_account
    with pytest.raises(LinkUsed):
        await account_links.use(token, "reset", now=NOW)


async def test_of_two_at_once_one_gets_the_account(world: World) -> None:
    _, token = await issued(world)
    answers = await asyncio.gather(
        *(account_links.use(token, "reset", now=NOW) for _ in range(10)), return_exceptions=True
    )
    assert [a for a in answers if not isinstance(a, LinkUsed)] == [world.alice_account]


async def test_the_newest_link_is_the_only_one(world: World) -> None:
    _, first = await issued(world)
    _, second = await issued(world)
    with pytest.raises(LinkExpired):
        await account_links.holder(first, "reset", now=NOW)
    assert await account_links.holder(second, "reset", now=NOW) == world.alice_account


async def test_a_link_of_another_kind_opens_nothing(world: World) -> None:
    _, token = await issued(world, "activate")
    with pytest.raises(LinkExpired):
        await account_links.holder(token, "reset", now=NOW)
    with pytest.raises(LinkExpired):
        await account_links.holder("", "activate", now=NOW)


async def test_all_of_them_end_with_the_account_s_change(world: World) -> None:
    link, token = await issued(world)
    assert await account_links.is_alive(link, now=NOW)
    await account_links.end_all(world.alice_account, now=NOW)
    assert not await account_links.is_alive(link, now=NOW)
    with pytest.raises(LinkExpired):
        await account_links.use(token, "reset", now=NOW)


async def test_old_ones_are_purged(world: World) -> None:
    await issued(world)
    await account_links.purge(now=NOW + timedelta(hours=25))
    assert await AccountLink.count() == 1
    await account_links.purge(now=NOW + timedelta(hours=25, seconds=1))
    assert await AccountLink.count() == 0


def test_codes_have_six_digits_and_each_row_its_own() -> None:
    codes = [LINKS.secret_code(Purpose.CHANGE_EMAIL, uuid4()) for _ in range(200)]
    assert {len(code) for code in codes} == {6}
    assert all(code.isdecimal() and code.isascii() for code in codes)
    assert len(set(codes)) > 190
