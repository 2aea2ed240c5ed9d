"""Who may act for whom: given, taken back, agreed to."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import activity, db, receipts
from domain.accounts import access
from domain.accounts.access import Consent
from domain.audit import Actor
from domain.errors import Conflict, Invalid, NotAllowed, NotFound
from domain.people.policy import Grant
from domain.people.tables import ProxyGrant
from tests.world import World

STAFF = Actor("staff", uuid4(), "test")


@pytest.fixture
async def helper(world: World) -> UUID:
    return await world.account("denis@example.com")


async def given(world: World, account: UUID, patient: UUID | None = None, **changes: Any) -> UUID:
    facts: dict[str, Any] = {
        "relationship": "caregiver",
        "grants": {Grant.BOOK},
        "by": "Dana Roy",
        "consent": Consent("Dana Roy", "spoken"),
        "now": world.now,
    }
    return await access.grant(STAFF, account, patient or world.alice, **facts | changes)


async def mails() -> set[tuple[str, UUID]]:
    rows = await db.fetch("SELECT kind, account FROM outbound_email")
    return {(row["kind"], row["account"]) for row in rows}


async def may_book(world: World, account: UUID, at: datetime | None = None) -> bool:
    return (await world.viewer(account)).may(Grant.BOOK, world.alice, at or world.now)


async def lines(action: str) -> list[tuple[UUID, UUID]]:
    rows = await db.fetch("SELECT patient, subject FROM audit_line WHERE action = {}", action)
    return [(row["patient"], row["subject"]) for row in rows]


async def test_what_is_granted_holds_with_its_author_line_entry_and_mails(
    world: World, helper: UUID
) -> None:
    made = await given(world, helper)
    viewer = await world.viewer(helper)
    allowed = {grant for grant in Grant if viewer.may(grant, world.alice, world.now)}
    assert allowed == {Grant.BOOK}
    row = await ProxyGrant.objects().get(ProxyGrant.id == made)
    assert row is not None
    assert (row.granted_by, row.granted_at, row.relationship) == (
        "Dana Roy",
        world.now,
        "caregiver",
    )
    assert await lines("access.granted") == [(world.alice, made)]
    assert [entry.kind for entry in await activity.latest(world.alice)] == ["access_given"]
    assert await mails() == {("access_granted", helper), ("access_granted", world.alice_account)}


async def test_a_person_of_age_must_have_agreed(world: World, helper: UUID) -> None:
    """R48."""
    with pytest.raises(Invalid) as refusal:
        await given(world, helper, consent=None)
    assert refusal.value.problems == {"consentement": "missing"}
    assert await mails() == set()
    await given(world, helper, world.bob, consent=None)  # a child's clinic decides


async def test_without_the_setting_a_consent_is_asked_for_everyone(
    world: World, helper: UUID
) -> None:
    await world.set_clinic(province="ON", consent_age=None)
    with pytest.raises(Invalid):
        await given(world, helper, world.bob, consent=None)


async def test_a_profile_is_attached_once(world: World, helper: UUID) -> None:
    first = await given(world, helper)
    with pytest.raises(Conflict):
        await given(world, helper)
    await access.withdraw(STAFF, first, by="Dana Roy", now=world.now)
    assert await given(world, helper) != first


@pytest.mark.parametrize("wrong", ["relationship", "account", "patient"])
async def test_what_does_not_exist_is_not_granted(world: World, helper: UUID, wrong: str) -> None:
    if wrong == "relationship":
        with pytest.raises(Invalid):
            await given(world, helper, relationship="owner")
    elif wrong == "account":
        with pytest.raises(NotFound):
            await given(world, uuid4())
    else:
        with pytest.raises(NotFound):
            await given(world, helper, uuid4())
    assert await lines("access.granted") == []


async def test_an_address_that_nobody_proved_is_given_no_profile(world: World) -> None:
    """R3."""
    typo = await world.account("typo@example.com", activated_at=None)
    with pytest.raises(Invalid):
        await given(world, typo)
    assert await mails() == set()


async def test_a_consent_that_is_over_attaches_nothing(world: World, helper: UUID) -> None:
    with pytest.raises(Invalid):
        await given(world, helper, consent=Consent("Dana Roy", "spoken", until=world.now))
    assert not await ProxyGrant.exists().where(ProxyGrant.account == helper)


async def test_withdrawing_ones_own_access_twice_is_done_once(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    alice = await world.viewer()
    for _ in range(2):
        await access.withdraw_own(alice, world.alice, made, now=world.now)
    assert len(await lines("access.withdrawn")) == 1
    with pytest.raises(NotFound):
        await access.withdraw_own(alice, world.alice, uuid4(), now=world.now)


async def test_a_withdrawn_access_takes_its_consent_along(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    await access.withdraw(STAFF, made, by="Dana Roy", now=world.now)
    with pytest.raises(NotFound):
        (await world.viewer(helper)).held(world.alice)
    row = await ProxyGrant.objects().get(ProxyGrant.id == made)
    assert row is not None
    assert (row.withdrawn_by, row.withdrawn_at) == ("Dana Roy", world.now)
    assert await db.fetch("SELECT id FROM proxy_consent WHERE withdrawn_at IS NULL") == []
    assert ("access_withdrawn", helper) in await mails()
    with pytest.raises(NotFound):
        await access.withdraw(STAFF, made, by="Dana Roy", now=world.now)
    assert len(await lines("access.withdrawn")) == 1


async def test_a_consent_withdrawn_closes_and_a_new_one_opens(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    await access.withdraw_consent(STAFF, made, now=world.now)
    assert not await may_book(world, helper)
    assert ("access_withdrawn", helper) in await mails()
    with pytest.raises(NotFound):
        await access.withdraw_consent(STAFF, made, now=world.now)
    later = world.now + timedelta(days=30)
    await access.record_consent(
        STAFF, made, Consent("Dana Roy", "spoken", until=later), now=world.now
    )
    assert await may_book(world, helper, later - timedelta(seconds=1))
    assert not await may_book(world, helper, later)
    kinds = [entry.kind for entry in await activity.latest(world.alice)]
    assert sorted(kinds) == ["access_given", "access_given", "access_withdrawn"]
    row = await ProxyGrant.objects().get(ProxyGrant.id == made)
    assert row is not None
    assert row.lost_at is None


async def test_the_newest_consent_counts(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    soon = world.now + timedelta(days=1)
    await access.record_consent(
        STAFF, made, Consent("Dana Roy", "spoken", until=soon), now=world.now
    )
    assert await may_book(world, helper)
    assert not await may_book(world, helper, soon)
    assert len(await db.fetch("SELECT id FROM proxy_consent WHERE withdrawn_at IS NULL")) == 1


async def test_a_consent_that_is_over_is_none(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    with pytest.raises(Invalid):
        await access.record_consent(
            STAFF, made, Consent("D", "spoken", until=world.now), now=world.now
        )
    assert await may_book(world, helper)


async def test_a_childs_consent_recorded_ahead_tells_nobody_of_a_change(world: World) -> None:
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE patient = {} AND relationship = 'parent'", world.bob
    )
    await access.record_consent(STAFF, row["id"], Consent("Dana Roy", "spoken"), now=world.now)
    await access.withdraw_consent(STAFF, row["id"], now=world.now)
    assert await mails() == set()
    assert await lines("consent.recorded") == await lines("consent.withdrawn") != []


@pytest.mark.parametrize("how", ["spoken", "written"])
async def test_a_consent_says_how_it_was_given_in_its_row_and_line(
    world: World, helper: UUID, how: str
) -> None:
    """R48: who, how, by whom recorded, when."""
    made = await given(world, helper, consent=Consent("Dana Roy", how))
    await access.record_consent(STAFF, made, Consent("Léa Côté", how), now=world.now)
    rows = await db.fetch("SELECT recorded_by, how_given FROM proxy_consent ORDER BY recorded_by")
    assert [(row["recorded_by"], row["how_given"]) for row in rows] == [
        ("Dana Roy", how),
        ("Léa Côté", how),
    ]
    told = await db.fetch(
        "SELECT subject, patient, outcome FROM audit_line WHERE action = 'consent.recorded'"
    )
    line = {"subject": made, "patient": world.alice, "outcome": f"done.{how}"}
    assert [dict(each) for each in told] == [line, line]


@pytest.mark.parametrize("how", ["", "told", "SPOKEN"])
async def test_without_how_it_was_given_there_is_no_consent(
    world: World, helper: UUID, how: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await given(world, helper, consent=Consent("Dana Roy", how))
    assert refused.value.problems == {"comment": "missing"}
    assert await db.fetch("SELECT id FROM proxy_consent") == []
    assert await db.fetch("SELECT id FROM proxy_grant WHERE account = {}", helper) == []


async def test_an_own_profile_needs_no_consent_and_takes_none(world: World) -> None:
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE patient = {} AND relationship = 'self'", world.alice
    )
    with pytest.raises(NotFound):
        await access.record_consent(STAFF, row["id"], Consent("Dana Roy", "spoken"), now=world.now)


async def test_only_the_person_sees_who_holds_their_profile(world: World, helper: UUID) -> None:
    made = await given(world, helper)
    (holder,) = await access.holders(await world.viewer(), world.alice, now=world.now)
    assert (holder.grant, holder.account, holder.is_lost) == (made, helper, False)
    with pytest.raises(NotAllowed):
        await access.holders(await world.viewer(helper), world.alice, now=world.now)
    with pytest.raises(NotFound):
        await access.holders(await world.viewer(world.charlie_account), world.alice, now=world.now)


async def test_a_parent_whose_access_was_lost_is_shown_as_such(world: World) -> None:
    teen = await world.patient("Zoé", "Gagnon", date(2010, 1, 1))
    await world.grant(world.alice_account, teen)
    own = await world.account("zoe@example.com")
    await world.grant(own, teen, relationship="self")
    (holder,) = await access.holders(await world.viewer(own), teen, now=world.now)
    assert (holder.name, holder.is_lost) == ("Alice Gagnon", True)


async def test_that_a_child_has_an_account_is_told_to_nobody_else(world: World) -> None:
    """R49."""
    own = await world.account("bob@example.com")
    made = await given(world, own, world.bob, relationship="self", consent=None)
    await access.withdraw(STAFF, made, by="Dana Roy", now=world.now)
    assert await activity.latest(world.bob) == []
    assert await mails() == set()
    assert await lines("chart.attached") == await lines("chart.detached") == [(world.bob, made)]


async def test_what_nobody_has_read_waits_for_whoever_is_given_the_profile_now(
    world: World, helper: UUID
) -> None:
    old, waiting = await world.thread(subject="Lu"), await world.thread(subject="Non lu")
    await receipts.mark_read(world.alice_account, old, {"message"}, now=world.now)
    await given(world, helper)
    rows = await db.fetch("SELECT thread, read_at FROM receipt WHERE account = {}", helper)
    assert [(row["thread"], row["read_at"]) for row in rows] == [(waiting, None)]
