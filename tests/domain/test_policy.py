from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from domain.accounts import sessions
from domain.errors import NotAllowed, NotFound, ProfileLost
from domain.people import policy
from domain.people.policy import Grant
from domain.people.tables import Account, ProxyConsent, ProxyGrant
from tests.domain.values import Person, clinic, local
from tests.world import EVERY_GRANT, World

BIRTHDAY = local("2032-03-09T00:00")  # Bob's fourteenth
SECOND = timedelta(seconds=1)
COMBINATIONS = [
    tuple(name for name, given in zip(EVERY_GRANT, flags, strict=True) if given)
    for flags in product((False, True), repeat=5)
]


async def grant_of(account: UUID, patient: UUID) -> UUID:
    row = await ProxyGrant.objects().get(
        (ProxyGrant.account == account) & (ProxyGrant.patient == patient)
    )
    assert row is not None
    return UUID(str(row.id))


# The rule


@pytest.mark.parametrize("grant", list(Grant))
def test_a_grant_allows_its_own_act_and_no_other(grant: Grant) -> None:
    person = Person(grants=frozenset({grant}))
    allowed = {act for act in Grant if policy.may(act, person, clinic(), local("2026-01-01T00:00"))}
    assert allowed == {grant}


@pytest.mark.parametrize("grant", list(Grant))
def test_no_grant_outlives_the_loss_of_the_profile(grant: Grant) -> None:
    person = Person()
    assert policy.may(grant, person, clinic(), BIRTHDAY - SECOND)
    assert not policy.may(grant, person, clinic(), BIRTHDAY)


# The viewer that carries it


@pytest.mark.parametrize("given", COMBINATIONS, ids=lambda given: "+".join(given) or "none")
async def test_what_is_granted_is_allowed_and_sending_implies_reading(
    world: World, given: tuple[str, ...]
) -> None:
    await ProxyGrant.update({f"may_{name}": name in given for name in EVERY_GRANT}).where(
        ProxyGrant.patient == world.bob
    )
    viewer = await world.viewer()
    expected = {Grant(name) for name in given}
    if Grant.SEND_MESSAGES in expected:
        expected.add(Grant.READ_MESSAGES)
    allowed = {grant for grant in Grant if viewer.may(grant, world.bob, world.now)}
    assert allowed == expected
    for grant in Grant:
        if grant in expected:
            assert viewer.acting_for(world.bob, grant, world.now).id == world.bob
        else:
            with pytest.raises(NotAllowed) as refusal:
                viewer.acting_for(world.bob, grant, world.now)
            assert not isinstance(refusal.value, ProfileLost)


async def test_a_profile_of_others_does_not_exist_for_the_viewer(world: World) -> None:
    viewer = await world.viewer()
    for patient in (world.charlie, uuid4()):
        with pytest.raises(NotFound):
            viewer.held(patient)
        for grant in Grant:
            assert not viewer.may(grant, patient, world.now)
            with pytest.raises(NotFound):
                viewer.acting_for(patient, grant, world.now)


async def test_the_profile_is_lost_at_the_birthday_and_stays_held(world: World) -> None:
    viewer = await world.viewer()
    assert viewer.acting_for(world.bob, Grant.BOOK, BIRTHDAY - SECOND).first_name == "Bob"
    with pytest.raises(ProfileLost):
        viewer.acting_for(world.bob, Grant.BOOK, BIRTHDAY)
    assert viewer.is_lost(viewer.held(world.bob), BIRTHDAY)
    assert [profile.id for profile in viewer.with_grant(Grant.BOOK, BIRTHDAY)] == [world.alice]


async def test_consent_keeps_it_until_its_end_or_its_withdrawal(world: World) -> None:
    grant = await grant_of(world.alice_account, world.bob)
    ends = BIRTHDAY + timedelta(days=30)
    await world.consent(grant, until=ends)
    viewer = await world.viewer()
    assert viewer.may(Grant.BOOK, world.bob, ends - SECOND)
    assert not viewer.may(Grant.BOOK, world.bob, ends)
    await ProxyConsent.update({ProxyConsent.withdrawn_at: world.now}, force=True)
    assert not (await world.viewer()).may(Grant.BOOK, world.bob, BIRTHDAY)


async def test_another_accounts_consent_gives_nothing(world: World) -> None:
    other = await world.account("denis@example.com")
    await world.consent(await world.grant(other, world.bob))
    assert (await world.viewer(other)).may(Grant.BOOK, world.bob, BIRTHDAY)
    assert not (await world.viewer()).may(Grant.BOOK, world.bob, BIRTHDAY)


async def test_an_own_profile_needs_neither_setting_nor_consent(world: World) -> None:
    await world.set_clinic(province="ON", consent_age=None)
    viewer = await world.viewer()
    assert viewer.may(Grant.BOOK, world.alice, world.now)
    with pytest.raises(ProfileLost):
        viewer.acting_for(world.bob, Grant.BOOK, world.now)


async def test_a_withdrawn_grant_is_as_if_never_given(world: World) -> None:
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    with pytest.raises(NotFound):
        (await world.viewer()).held(world.bob)
    await world.grant(world.alice_account, world.bob, "book")
    assert (await world.viewer()).may(Grant.BOOK, world.bob, world.now)


async def test_a_session_sees_a_withdrawal_at_its_next_request(world: World) -> None:
    token = await sessions.begin(world.alice_account, device="", now=world.now)
    before = await sessions.viewer_of(token, request_id="1", now=world.now)
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    after = await sessions.viewer_of(token, request_id="2", now=world.now)
    assert before is not None
    assert after is not None
    assert before.may(Grant.BOOK, world.bob, world.now)
    assert not after.may(Grant.BOOK, world.bob, world.now)


async def test_a_disabled_account_is_nobody(world: World) -> None:
    await Account.update({Account.disabled_at: world.now}).where(Account.id == world.alice_account)
    with pytest.raises(NotFound):
        await world.viewer()


async def test_ones_own_profile_comes_first_and_else_the_first_still_open(world: World) -> None:
    viewer = await world.viewer()
    assert [profile.id for profile in viewer.profiles] == [world.alice, world.bob]
    parent = await world.account("denis@example.com")
    await world.grant(parent, world.bob)
    only_bob = await world.viewer(parent)
    first = only_bob.first_profile(BIRTHDAY - SECOND)
    assert first is not None
    assert first.id == world.bob
    assert only_bob.first_profile(BIRTHDAY) is None
