"""A loss is told once, and warned of 60 and 14 days before and on the day."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from domain import activity, db
from domain.accounts import access
from domain.accounts.access import Consent
from domain.audit import Actor
from jobs.come_of_age import come_of_age
from tests.domain.values import local
from tests.world import World

BIRTHDAY = local("2027-01-22T00:00")  # sixty days after the world's Monday
BORN = date(2013, 1, 22)
SECOND = timedelta(seconds=1)
STAFF = Actor("staff", None, "test")


@pytest.fixture
async def teen(world: World) -> UUID:
    made = await world.patient("Zoé", "Gagnon", BORN)
    await world.grant(world.alice_account, made)
    return made


async def told() -> list[tuple[str, str]]:
    rows = await db.fetch("SELECT kind, facts, once_key FROM outbound_email ORDER BY created_at")
    return [(row["kind"], (row["once_key"] or "").rpartition(":")[2]) for row in rows]


async def lost_at(patient: UUID) -> datetime | None:
    (row,) = await db.fetch("SELECT lost_at FROM proxy_grant WHERE patient = {}", patient)
    found: datetime | None = row["lost_at"]
    return found


def before(days: int) -> datetime:
    """At 09:00 clinic time, so many days before."""
    return local("2027-01-22T09:00") - timedelta(days=days)


async def test_it_warns_sixty_and_fourteen_days_before_and_tells_the_loss(
    world: World, teen: UUID
) -> None:
    for days in range(65, -5, -1):
        for _ in range(2):
            await come_of_age(now=before(days))
    assert await told() == [
        ("coming_of_age", "60"),
        ("coming_of_age", "14"),
        ("coming_of_age", "0"),
    ]
    assert await lost_at(teen) == before(0)
    (entry,) = await activity.latest(teen)
    assert entry.kind == "access_lost"
    (line,) = await db.fetch("SELECT * FROM audit_line WHERE action = 'access.lost'")
    assert (line["actor_kind"], line["patient"]) == ("job", teen)


async def test_the_loss_is_recorded_at_midnight_and_not_before(world: World, teen: UUID) -> None:
    await come_of_age(now=BIRTHDAY - SECOND)
    assert await lost_at(teen) is None
    await come_of_age(now=BIRTHDAY)
    assert await lost_at(teen) == BIRTHDAY


async def test_it_is_told_once_by_many_at_the_same_time(world: World, teen: UUID) -> None:
    for moment in (before(60), before(14), BIRTHDAY):
        ran = await asyncio.gather(*[come_of_age(now=moment) for _ in range(4)])
        assert sum(ran) == 1
    assert len(await told()) == 3


async def test_a_job_that_comes_late_still_says_what_is_true(world: World, teen: UUID) -> None:
    await come_of_age(now=before(56))
    await come_of_age(now=before(40))
    await come_of_age(now=before(9))
    assert [days for _, days in await told()] == ["60", "14"]


async def test_a_profile_attached_meanwhile_is_not_warned_of_days_that_are_past(
    world: World, teen: UUID
) -> None:
    await come_of_age(now=before(30))
    assert await told() == []


async def test_both_parents_are_told_and_the_person_is_not(world: World, teen: UUID) -> None:
    other, own = await world.account("other@example.com"), await world.account("zoe@example.com")
    await world.grant(other, teen)
    await world.grant(own, teen, relationship="self")
    await come_of_age(now=BIRTHDAY)
    rows = await db.fetch("SELECT account FROM outbound_email")
    assert {row["account"] for row in rows} == {world.alice_account, other}


async def grant_of(teen: UUID) -> UUID:
    (row,) = await db.fetch("SELECT id FROM proxy_grant WHERE patient = {}", teen)
    return UUID(str(row["id"]))


async def test_a_consent_on_record_makes_it_needless(world: World, teen: UUID) -> None:
    await access.record_consent(
        STAFF, await grant_of(teen), Consent("accueil", "spoken"), now=world.now
    )
    for days in (60, 14, 0):
        assert await come_of_age(now=before(days)) == 0
    assert await told() == []
    assert await lost_at(teen) is None


async def test_a_consent_that_ends_later_is_a_loss_then(world: World, teen: UUID) -> None:
    ends = BIRTHDAY + timedelta(days=90)
    consent = Consent("accueil", "spoken", until=ends)
    await access.record_consent(STAFF, await grant_of(teen), consent, now=world.now)
    await come_of_age(now=ends - SECOND)
    assert await told() == []
    assert [await come_of_age(now=ends) for _ in range(2)] == [1, 0]
    assert [kind for kind, _ in await told()] == ["access_withdrawn"]
    assert await lost_at(teen) == ends


async def test_one_that_ends_before_the_day_does_not_help(world: World, teen: UUID) -> None:
    consent = Consent("accueil", "spoken", until=BIRTHDAY - timedelta(days=3))
    await access.record_consent(STAFF, await grant_of(teen), consent, now=world.now)
    await come_of_age(now=before(14))
    assert [days for _, days in await told()] == ["14"]


async def test_who_has_no_access_any_more_is_not_told(world: World, teen: UUID) -> None:
    await access.withdraw(STAFF, await grant_of(teen), by="accueil", now=world.now)
    await db.fetch("DELETE FROM outbound_email")
    assert await come_of_age(now=BIRTHDAY) == 0
    assert await told() == []


async def test_a_loss_of_long_ago_is_recorded_and_no_news(world: World) -> None:
    hugo = await world.patient("Hugo", "Gagnon", date(2005, 10, 20))
    await world.grant(world.alice_account, hugo)
    assert await come_of_age(now=world.now) == 1
    assert await lost_at(hugo) == world.now
    assert await told() == []


async def test_a_changed_setting_counts_at_the_next_run(world: World, teen: UUID) -> None:
    await world.set_clinic(consent_age=18)
    assert await come_of_age(now=BIRTHDAY) == 0
    await world.set_clinic(consent_age=14)
    assert await come_of_age(now=BIRTHDAY) == 1


async def test_without_the_setting_nobody_is_told_to_have_come_of_age(
    world: World, teen: UUID
) -> None:
    await world.set_clinic(province="ON", consent_age=None)
    assert await come_of_age(now=BIRTHDAY) == 0
    assert await lost_at(teen) is None


async def test_born_on_29_february_comes_of_age_on_1_march(world: World) -> None:
    leap = await world.patient("Léo", "Gagnon", date(2012, 2, 29))
    await world.grant(world.alice_account, leap)
    await db.fetch("UPDATE proxy_grant SET lost_at = NULL")
    await come_of_age(now=local("2026-02-28T23:59"))
    assert await lost_at(leap) is None
    await come_of_age(now=local("2026-03-01T00:00"))
    assert await lost_at(leap) is not None


async def test_an_installation_without_a_clinic_has_nothing_to_do(database: object) -> None:
    assert await come_of_age(now=BIRTHDAY) == 0
