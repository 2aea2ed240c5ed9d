"""The doors of the clinic's side, where two come at once; and what is swept up behind them."""

import asyncio
from datetime import timedelta

import pyotp
import pytest

from domain import db
from domain.accounts.sign_in import Browser
from domain.errors import Invalid, LastAdministrator, LinkUsed
from domain.links import Links
from domain.staff import personnel, sessions, sign_in, staff_links
from domain.staff.personnel import Form
from domain.staff.roles import Role
from domain.staff.tables import StaffMember
from jobs.purge import purge
from tests.keys import KEYS
from tests.world import PASSWORD, STAFF_BOX, STAFF_SECRET, World, own_passwords

LINKS = Links(KEYS)
BROWSER = Browser("203.0.113.7", "", "test")


async def test_of_one_code_sent_by_two_at_once_one_is_taken(world: World) -> None:
    """R21: one use per step, in one conditional update."""
    entry = await sign_in.sign_in(
        "dana@clinique.example", PASSWORD, BROWSER, passwords=own_passwords(), now=world.now
    )
    step = sign_in.first_step(entry, links=LINKS, now=world.now)
    code = pyotp.TOTP(STAFF_SECRET).at(world.now)
    tries = [
        sign_in.enter_code(step, code, BROWSER, links=LINKS, box=STAFF_BOX, now=world.now)
        for _ in range(4)
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Entry", *["Invalid"] * 3]
    assert len(await db.fetch("SELECT id FROM staff_session")) == 1
    assert all(isinstance(each, sign_in.Entry | Invalid) for each in done)


async def test_of_one_link_used_by_two_at_once_one_succeeds(world: World) -> None:
    link = await staff_links.issue(world.dana, "enrol", links=LINKS, now=world.now)
    token = staff_links.path_of(link, "enrol", LINKS).rpartition("/")[2]

    async def use() -> object:
        async with db.transaction():
            await db.lock_row(StaffMember, world.dana)
            return await staff_links.use(token, "enrol", now=world.now)

    done = await asyncio.gather(*(use() for _ in range(4)), return_exceptions=True)
    assert [type(each) for each in done].count(LinkUsed) == 3


async def test_two_administrators_who_let_each_other_go_leave_one(world: World) -> None:
    gus = await world.member(role=Role.ADMINISTRATOR)
    fay, other = await world.at_work(world.fay), await world.at_work(gus)
    done = await asyncio.gather(
        personnel.deactivate(fay, gus, now=world.now),
        personnel.deactivate(other, world.fay, now=world.now),
        return_exceptions=True,
    )
    assert [type(each) for each in done].count(LastAdministrator) == 1


async def test_of_two_who_add_the_same_address_at_once_one_is_told(world: World) -> None:
    fay = await world.at_work(world.fay)
    form = Form("Zoé", "Roy", "zoe@clinique.example", "secretary")
    tries = [personnel.add(fay, form, key=f"key {n}", links=LINKS, now=world.now) for n in range(3)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in done if isinstance(each, Invalid)]
    assert [each.problems for each in refused] == [{"courriel": "taken"}] * 2


async def test_of_sessions_begun_in_the_same_instant_the_newest_stays(world: World) -> None:
    for _ in range(12):
        token = await sessions.begin(world.dana, device="", now=world.now)
        assert await sessions.member_of(token, request_id="test", now=world.now) is not None
    assert len(await db.fetch("SELECT id FROM staff_session")) == sessions.MOST_AT_ONCE


async def test_what_has_had_its_day_is_swept_up(world: World) -> None:
    await world.at_work()
    await staff_links.issue(world.dana, "enrol", links=LINKS, now=world.now)
    await purge(now=world.now + sessions.ABSOLUTE_LIFE - timedelta(seconds=1))
    assert len(await db.fetch("SELECT id FROM staff_session")) == 1
    await purge(now=world.now + sessions.ABSOLUTE_LIFE)
    assert len(await db.fetch("SELECT id FROM staff_session")) == 0
    kept = staff_links.LIVES["enrol"] + staff_links.KEPT
    await purge(now=world.now + kept)
    assert len(await db.fetch("SELECT id FROM staff_link")) == 1
    await purge(now=world.now + kept + timedelta(seconds=1))
    assert len(await db.fetch("SELECT id FROM staff_link")) == 0


@pytest.mark.parametrize("email", ["a@b", "Dana <dana@clinique.example>", '"x y"@clinique.example'])
def test_an_address_no_mail_reaches_is_none(email: str) -> None:
    form = Form("Zoé", "Roy", email, "secretary")
    assert personnel.problems(form) == {"courriel": "malformed"}
