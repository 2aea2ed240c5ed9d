"""Which chart is whose who signed up alone."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.accounts import access, sign_up
from domain.accounts.letters import compose
from domain.desk import access as desk_access
from domain.desk import matching
from domain.errors import (
    AddressOfProxy,
    ChartTaken,
    Invalid,
    NotFound,
    PossibleDuplicates,
    TooYoung,
)
from domain.links import Links
from domain.mail import delivery
from domain.people.policy import Grant
from domain.people.tables import Account, Patient
from domain.staff.member import Member
from tests.keys import KEYS
from tests.web.staff.newcomers import EMAIL, newcomer
from tests.web.state import journal, rows
from tests.world import World

BORN = date(1989, 4, 27)


async def chart(world: World, **facts: Any) -> UUID:
    """Zoé's, unless said otherwise."""
    patient = await world.patient(
        facts.pop("first_name", "Zoé"),
        facts.pop("last_name", "Tremblay"),
        facts.pop("birth_date", BORN),
    )
    given = {"health_number": "TREZ 8954 2714", "phone": "+15145550199", **facts}
    await Patient.update(given, force=True).where(Patient.id == patient)
    return patient


async def found(dana: Member, world: World, account: UUID, **more: Any) -> list[matching.Candidate]:
    who = await matching.newcomer(dana, account)
    return await matching.candidates(who, **more)


async def matched(dana: Member, world: World, account: UUID, patient: UUID, **more: bool) -> None:
    await matching.match(dana, account, patient, now=world.now, **more)


async def test_those_who_wait_come_oldest_first_without_those_who_are_not_usable(
    dana: Member,
    world: World,
) -> None:
    second = await newcomer(world)
    first = await newcomer(world, "a@example.com", asked_at=world.now - timedelta(days=3))
    disabled = await newcomer(world, "b@example.com")
    unproven = await newcomer(world, "c@example.com")
    await Account.update({Account.disabled_at: world.now}).where(Account.id == disabled)
    await Account.update({Account.activated_at: None}).where(Account.id == unproven)
    waiting, following = await matching.waiting(dana)
    assert ([who.account for who in waiting], following) == ([first, second], None)
    assert await matching.number_waiting() == 2
    rest, _ = await matching.waiting(dana, after=first)
    assert [who.account for who in rest] == [second]


async def test_candidates_are_marked_thing_by_thing_and_the_likeliest_is_first(
    dana: Member,
    world: World,
) -> None:
    right = await chart(world)
    namesake = await chart(
        world, birth_date=date(1960, 1, 1), health_number="TREZ 6051 0112", phone=""
    )
    await world.patient("Paul", "Roy", BORN)
    account = await newcomer(world)
    first, second = await found(dana, world, account)
    assert (first.patient, second.patient) == (right, namesake)
    assert (first.name, first.born, first.number, first.phones) == ("same",) * 4
    assert (second.name, second.born, second.number, second.phones) == (
        "same",
        "different",
        "different",
        "missing",
    )
    assert (first.contradicts, second.contradicts) == (False, True)


async def test_being_born_on_the_same_day_alone_shows_nobody(dana: Member, world: World) -> None:
    await world.patient("Paul", "Roy", BORN)
    assert await found(dana, world, await newcomer(world)) == []


async def test_a_family_name_and_the_day_are_enough_to_be_looked_at(
    dana: Member, world: World
) -> None:
    patient = await chart(world, first_name="Zoey", health_number="", phone="")
    account = await newcomer(world)
    assert [each.patient for each in await found(dana, world, account)] == [patient]


async def test_a_chart_somebody_searched_for_stands_first(dana: Member, world: World) -> None:
    await chart(world)
    account = await newcomer(world)
    charts = await found(dana, world, account, also=world.charlie)
    assert (charts[0].patient, charts[0].has_account) == (world.charlie, True)


async def test_the_chart_is_theirs_at_once_and_they_are_told(dana: Member, world: World) -> None:
    patient, account = await chart(world), await newcomer(world)
    await matched(dana, world, account, patient)
    viewer = await world.viewer(account)
    (own,) = viewer.profiles
    assert (own.id, own.is_own, own.grants) == (patient, True, frozenset(Grant))
    assert await matching.number_waiting() == 0
    (mail,) = await delivery.lease(10, now=world.now)
    letter = await compose(mail, links=Links(KEYS), now=world.now)
    assert letter is not None
    assert (letter.kind, letter.address, letter.path) == ("matched", EMAIL, "/")
    lines = [line["action"] for line in await journal() if line["patient"] == patient]
    assert lines == ["chart.attached", "registration.matched"]


async def test_the_mail_is_dropped_when_it_was_taken_back_before_it_left(
    dana: Member, world: World
) -> None:
    patient, account = await chart(world), await newcomer(world)
    await matched(dana, world, account, patient)
    (grant,) = await db.fetch("SELECT id FROM proxy_grant WHERE patient = {}", patient)
    await access.withdraw(dana.actor, grant["id"], by="Dana", now=world.now)
    (mail,) = await delivery.lease(10, now=world.now)
    assert await compose(mail, links=Links(KEYS), now=world.now) is None


async def test_sent_twice_it_is_done_once(dana: Member, world: World) -> None:
    patient, account = await chart(world), await newcomer(world)
    await matched(dana, world, account, patient)
    before = await rows(without=frozenset())
    await matched(dana, world, account, patient)
    assert await rows(without=frozenset()) == before


async def test_an_account_that_got_another_chart_meanwhile_is_refused(
    dana: Member, world: World
) -> None:
    patient, account = await chart(world), await newcomer(world)
    await matched(dana, world, account, patient)
    before = await rows()
    other = await chart(world, health_number="")
    with pytest.raises(ChartTaken):
        await matched(dana, world, account, other)
    with pytest.raises(ChartTaken):
        await matching.create(dana, account, now=world.now)
    with pytest.raises(ChartTaken):
        await matching.decline(dana, account, now=world.now)
    assert (await rows())["proxy_grant"] == before["proxy_grant"]


async def test_a_chart_that_has_an_account_is_refused(dana: Member, world: World) -> None:
    account = await newcomer(world)
    with pytest.raises(ChartTaken):
        await matched(dana, world, account, world.alice, is_verified=True)


async def test_an_account_that_acts_for_the_patient_is_not_theirs(
    dana: Member, world: World
) -> None:
    patient, account = await chart(world), await newcomer(world)
    await world.grant(account, patient, relationship="caregiver")
    with pytest.raises(ChartTaken):
        await matched(dana, world, account, patient)


async def test_what_contradicts_asks_for_a_look_at_the_person(dana: Member, world: World) -> None:
    """P21: nobody is bound to a chart whose birth date is another without somebody saying so."""
    patient, account = await chart(world, birth_date=date(1960, 1, 1)), await newcomer(world)
    with pytest.raises(Invalid) as refusal:
        await matched(dana, world, account, patient)
    assert refusal.value.problems == {"identite": "missing"}
    await matched(dana, world, account, patient, is_verified=True)


@pytest.mark.parametrize(
    "facts",
    [{"health_number": ""}, {"phone": "+15145550111"}, {"health_number": "", "phone": ""}],
)
async def test_without_the_same_number_or_with_another_phone_somebody_looks_at_the_person(
    dana: Member, world: World, facts: dict[str, str]
) -> None:
    """P21: a name and a birth date alone bind nobody."""
    patient, account = await chart(world, **facts), await newcomer(world)
    before = await rows()
    with pytest.raises(Invalid) as refusal:
        await matched(dana, world, account, patient)
    assert refusal.value.problems == {"identite": "missing"}
    assert await rows() == before
    await matched(dana, world, account, patient, is_verified=True)


async def test_of_two_charts_neither_is_bound_without_a_look_at_the_person(
    dana: Member, world: World
) -> None:
    patient, account = await chart(world), await newcomer(world)
    assert [each.is_certain for each in await found(dana, world, account)] == [True]
    await chart(world, health_number="", phone="")
    assert [each.is_certain for each in await found(dana, world, account)] == [False, False]
    with pytest.raises(Invalid):
        await matched(dana, world, account, patient)


async def test_a_chart_that_was_pressed_moves_none(dana: Member, world: World) -> None:
    likely = await chart(world)
    other = await chart(world, health_number="", phone="")
    account = await newcomer(world)
    order = [likely, other]
    for pressed in (None, likely, other):
        charts = await found(dana, world, account, pressed=pressed)
        assert [each.patient for each in charts] == order
    charts = await found(dana, world, account, also=world.bob, pressed=other)
    assert [each.patient for each in charts] == [world.bob, *order]


async def test_whose_chart_is_detached_waits_again(dana: Member, world: World) -> None:
    """Bound by mistake, they are no longer told that they were declined."""
    patient, account = await chart(world), await newcomer(world)
    await matched(dana, world, account, patient)
    (grant,) = await db.fetch("SELECT id FROM proxy_grant WHERE patient = {}", patient)
    await desk_access.detach(dana, patient, grant["id"], "mistake", now=world.now)
    assert [who.account for who in (await matching.waiting(dana))[0]] == [account]
    said = await sign_up.waiting(await world.viewer(account))
    assert said is not None
    assert said.is_declined is False
    (row,) = await db.fetch("SELECT matched_by FROM registration WHERE account = {}", account)
    assert row["matched_by"] == ""


async def test_declined_twice_they_are_told_once(dana: Member, world: World) -> None:
    account = await newcomer(world)
    await matching.decline(dana, account, now=world.now)
    before = await rows(without=frozenset())
    await matching.decline(dana, account, now=world.now + timedelta(minutes=1))
    assert await rows(without=frozenset()) == before


async def test_the_address_or_phone_of_who_acts_for_them_warns_first(
    dana: Member, world: World
) -> None:
    """R8: a mother who signs up is not made her daughter."""
    patient = await chart(world, phone="+15145550118")
    await Patient.update({Patient.phone: "+15145550118"}).where(Patient.id == world.alice)
    await world.grant(world.alice_account, patient, relationship="caregiver")
    account = await newcomer(world)
    with pytest.raises(AddressOfProxy):
        await matched(dana, world, account, patient, is_verified=True)
    await matched(dana, world, account, patient, is_verified=True, in_spite_of_proxy=True)
    (line,) = await journal("registration.matched")
    assert line["outcome"] == "done.in_spite_of_proxy"


async def test_below_the_age_of_consent_no_chart_is_theirs(dana: Member, world: World) -> None:
    patient = await chart(world, birth_date=date(2018, 1, 1))
    account = await newcomer(world, birth_date=date(2018, 1, 1))
    with pytest.raises(TooYoung):
        await matched(dana, world, account, patient)
    before = await rows()
    with pytest.raises(TooYoung):
        await matching.create(dana, account, in_spite_of_similar=True, now=world.now)
    assert (await rows())["patient"] == before["patient"]


async def test_without_a_chart_one_is_made_of_what_they_typed(dana: Member, world: World) -> None:
    account = await newcomer(world)
    patient = await matching.create(dana, account, now=world.now)
    (row,) = await db.fetch("SELECT * FROM patient WHERE id = {}", patient)
    assert (row["first_name"], row["birth_date"], row["health_number"], row["folded_name"]) == (
        "Zoé",
        BORN,
        "TREZ 8954 2714",
        "tremblay zoe",
    )
    assert [p.id for p in (await world.viewer(account)).profiles] == [patient]


async def test_a_second_chart_of_the_same_person_is_made_at_the_second_asking(
    dana: Member,
    world: World,
) -> None:
    await chart(world)
    account = await newcomer(world)
    with pytest.raises(PossibleDuplicates):
        await matching.create(dana, account, now=world.now)
    await matching.create(dana, account, in_spite_of_similar=True, now=world.now)


async def test_who_gave_no_name_has_no_chart_made(dana: Member, world: World) -> None:
    account = await newcomer(world, first_name="")
    with pytest.raises(Invalid) as refusal:
        await matching.create(dana, account, now=world.now)
    assert refusal.value.problems == {"nom": "missing"}


async def test_who_is_no_patient_is_told_to_call_and_may_still_be_matched(
    dana: Member, world: World
) -> None:
    patient, account = await chart(world), await newcomer(world)
    await matching.decline(dana, account, now=world.now)
    assert await matching.waiting(dana) == ([], None)
    assert [who.account for who in await matching.declined(dana, now=world.now)] == [account]
    (mail,) = await delivery.lease(10, now=world.now)
    assert (mail.kind, mail.account) == ("not_matched", account)
    said = await sign_up.waiting(await world.viewer(account))
    assert said is not None
    assert said.is_declined
    await matched(dana, world, account, patient)
    assert [p.id for p in (await world.viewer(account)).profiles] == [patient]


async def test_an_account_without_a_registration_is_not_found(dana: Member, world: World) -> None:
    for account in (uuid4(), await world.account("plain@example.com")):
        with pytest.raises(NotFound):
            await matching.match(dana, account, world.bob, now=world.now)
