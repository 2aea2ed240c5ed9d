"""What the clinic does about an account, and an invitation, at the patient's asking."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain import audit, db
from domain.accounts import (
    access,
    access_journal,
    account_links,
    blocking,
    email_change,
    invitations,
    sessions,
    throttles,
)
from domain.accounts.sign_in import Browser, sign_in
from domain.desk import inviting, patient_account, record
from domain.desk.inviting import Given, Typed
from domain.errors import (
    AddressOfProxy,
    ChartTaken,
    Conflict,
    FormReused,
    Invalid,
    InvitationExpired,
    NotFound,
    TooMany,
    TooYoung,
    WrongCredentials,
)
from domain.links import Links, Purpose
from domain.mail import delivery
from domain.people.tables import Account, Patient
from domain.staff.member import Member
from tests.keys import KEYS
from tests.web.state import journal, rows
from tests.world import PASSWORD, PASSWORDS, World

LINKS = Links(KEYS)
HERE = Browser("203.0.113.7", "", "test")


async def enters(world: World, password: str = PASSWORD) -> None:
    await sign_in("alice@example.com", password, HERE, passwords=PASSWORDS, now=world.now)


async def actions() -> list[str]:
    return [line["action"] for line in await journal("account.")]


async def test_unlocking_forgets_the_tries_and_is_noted(dana: Member, world: World) -> None:
    for _ in range(throttles.SIGN_IN_PER_ADDRESS.most):
        with pytest.raises(WrongCredentials):
            await enters(world, "wrong")
    with pytest.raises(TooMany):
        await enters(world)
    assert (await record.account_of(world.alice, now=world.now)).is_locked
    await patient_account.unlock(dana, world.alice, now=world.now)
    assert not (await record.account_of(world.alice, now=world.now)).is_locked
    await enters(world)
    assert await actions() == ["account.unlocked"]


async def test_unlocking_one_leaves_the_others(dana: Member, world: World) -> None:
    await throttles.count(throttles.SIGN_IN_PER_ADDRESS, "charlie@example.com", now=world.now)
    await patient_account.unlock(dana, world.alice, now=world.now)
    assert (
        await throttles.number(throttles.SIGN_IN_PER_ADDRESS, "charlie@example.com", now=world.now)
        == 1
    )


async def test_a_link_to_another_password_goes_to_the_accounts_own_address(
    dana: Member, world: World
) -> None:
    await patient_account.mail_reset_link(dana, world.alice, links=LINKS, now=world.now)
    (mail,) = await delivery.lease(10, now=world.now)
    assert (mail.kind, mail.account, mail.address) == ("password_reset", world.alice_account, "")
    token = LINKS.secret_token(Purpose.RESET, UUID(mail.facts["link"]))
    assert await account_links.holder(token, "reset", now=world.now) == world.alice_account


async def test_all_devices_are_out_at_once(dana: Member, world: World) -> None:
    token = await sessions.begin(world.alice_account, device="", now=world.now)
    assert (await record.account_of(world.alice, now=world.now)).sessions == 1
    await patient_account.end_sessions(dana, world.alice, now=world.now)
    assert await sessions.viewer_of(token, request_id="test", now=world.now) is None
    assert await actions() == ["account.sessions_ended"]


async def test_a_disabled_account_is_out_and_its_links_are_dead_until_it_is_enabled(
    dana: Member,
    world: World,
) -> None:
    """R36, R25."""
    token = await sessions.begin(world.alice_account, device="", now=world.now)
    link = await account_links.issue(world.alice_account, "reset", links=LINKS, now=world.now)
    await patient_account.disable(dana, world.alice, now=world.now)
    assert await sessions.viewer_of(token, request_id="test", now=world.now) is None
    assert not await account_links.is_alive(link, now=world.now)
    with pytest.raises(WrongCredentials):
        await enters(world)
    assert (await record.account_of(world.alice, now=world.now)).state == "disabled"
    with pytest.raises(Conflict):
        await patient_account.disable(dana, world.alice, now=world.now)
    with pytest.raises(Conflict):
        await patient_account.mail_reset_link(dana, world.alice, links=LINKS, now=world.now)
    await patient_account.enable(dana, world.alice, now=world.now)
    await enters(world)
    with pytest.raises(Conflict):
        await patient_account.enable(dana, world.alice, now=world.now)
    assert await actions() == ["account.disabled", "account.enabled"]


async def test_who_has_no_account_has_nothing_to_be_done_about(dana: Member, world: World) -> None:
    for patient in (world.bob, uuid4()):
        with pytest.raises(NotFound):
            await patient_account.unlock(dana, patient, now=world.now)


async def new_address(dana: Member, world: World, email: str, *, is_verified: bool = True) -> str:
    return await patient_account.change_email(
        dana,
        world.alice,
        email,
        is_verified=is_verified,
        links=LINKS,
        passwords=PASSWORDS,
        now=world.now,
    )


async def test_a_new_address_needs_the_link_it_gets_and_the_code_the_clinic_says(
    dana: Member,
    world: World,
) -> None:
    await Account.update({Account.undeliverable_at: world.now}).where(
        Account.id == world.alice_account
    )
    code = await new_address(dana, world, "neuve@example.com")
    mails = {mail.kind: mail for mail in await delivery.lease(10, now=world.now)}
    assert mails.keys() == {"email_change_link", "email_change_asked"}
    state = await record.account_of(world.alice, now=world.now)
    assert (state.email, state.new_email) == ("alice@example.com", "neuve@example.com")
    change = UUID(mails["email_change_link"].facts["change"])
    token = LINKS.secret_token(Purpose.CHANGE_EMAIL, change)
    with pytest.raises(Invalid):
        await email_change.confirm(
            token,
            f"{(int(code) + 1) % 10**6:06}",
            session="",
            request_id="test",
            passwords=PASSWORDS,
            now=world.now,
        )
    await email_change.confirm(
        token, code, session="", request_id="test", passwords=PASSWORDS, now=world.now
    )
    state = await record.account_of(world.alice, now=world.now)
    assert (state.email, state.undeliverable_at) == ("neuve@example.com", None)


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("", "missing"),
        ("neuve", "invalid"),
        ("ALICE@example.com", "same"),
        ("charlie@example.com", "taken"),
    ],
)
async def test_an_address_that_cannot_be_theirs_is_refused_and_changes_nothing(
    dana: Member, world: World, email: str, problem: str
) -> None:
    before = await rows()
    with pytest.raises(Invalid) as refusal:
        await new_address(dana, world, email)
    assert refusal.value.problems == {"courriel": problem}
    assert await rows() == before


async def test_without_a_check_of_who_it_is_no_address_is_changed(
    dana: Member, world: World
) -> None:
    with pytest.raises(Invalid) as refusal:
        await new_address(dana, world, "neuve@example.com", is_verified=False)
    assert refusal.value.problems == {"identite": "missing"}


async def invited(
    dana: Member,
    world: World,
    patient: UUID,
    *,
    email: str = "neuf@example.com",
    language: str = "en",
    key: str = "k",
    again: bool = False,
    after: timedelta = timedelta(0),
) -> Given:
    return await inviting.send(
        dana,
        patient,
        Typed(email, language),
        key=key,
        in_spite_of_proxy=again,
        links=LINKS,
        passwords=PASSWORDS,
        now=world.now + after,
    )


async def test_an_invitation_gives_its_code_once_and_its_state_to_the_record(
    dana: Member,
    world: World,
) -> None:
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    assert (await record.account_of(patient, now=world.now)).state == "none"
    given = await invited(dana, world, patient)
    assert (len(given.code), given.email, given.language) == (6, "neuf@example.com", "en")
    state = await record.account_of(patient, now=world.now)
    assert state.state == "invited"
    assert state.invited is not None
    assert state.invited.until == given.until == world.now + timedelta(days=7)
    assert (await record.account_of(patient, now=given.until)).state == "expired"
    assert given.code not in str(await rows(without=frozenset()))


async def test_a_double_click_shows_the_code_of_the_one_invitation(
    dana: Member, world: World
) -> None:
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    first, second = await asyncio.gather(*(invited(dana, world, patient) for _ in range(2)))
    assert first == second
    before = await rows(without=frozenset())
    assert await invited(dana, world, patient, after=timedelta(minutes=1)) == first
    for changes in ({"after": timedelta(minutes=2)}, {"email": "autre@example.com"}):
        with pytest.raises(FormReused):
            await invited(dana, world, patient, **changes)  # type: ignore[arg-type]
    assert await rows(without=frozenset()) == before
    await invited(dana, world, patient, key="b")
    with pytest.raises(FormReused):  # its invitation was replaced
        await invited(dana, world, patient)


async def test_a_refused_form_may_be_sent_again(dana: Member, world: World) -> None:
    """What it claimed is given back with the rest."""
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    for _ in range(2):
        with pytest.raises(Invalid):
            await invited(dana, world, patient, email="alice@example.com")
    assert await db.fetch("SELECT id FROM staff_form_key") == []


async def test_an_address_whose_account_cannot_take_the_chart_is_refused_before_any_mail(
    dana: Member, world: World
) -> None:
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    helper = await world.account("helper@example.com")
    await world.grant(helper, patient, relationship="caregiver")
    gone = await world.account("gone@example.com")
    await Account.update({Account.disabled_at: world.now}).where(Account.id == gone)
    kept_out = await world.account("blocked@example.com")
    await blocking.block(dana.actor, patient, kept_out, reason="x", by="Dana", now=world.now)
    before = await rows()
    for email in ("Alice@example.com", "helper@example.com", "gone@example.com"):
        with pytest.raises(Invalid) as refusal:
            await invited(dana, world, patient, email=email, again=True)
        assert refusal.value.problems == {"courriel": "not_free"}
    with pytest.raises(Invalid):
        await invited(dana, world, patient, email="blocked@example.com")
    assert await rows() == before


async def test_an_account_without_a_chart_is_invited_to_take_it(dana: Member, world: World) -> None:
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    await world.account("libre@example.com")
    given = await invited(dana, world, patient, email="libre@example.com")
    assert given.email == "libre@example.com"


async def test_a_cancelled_invitation_opens_nothing(dana: Member, world: World) -> None:
    patient = await world.patient("Zoé", "Tremblay", world.now.date() - timedelta(days=9999))
    await invited(dana, world, patient)
    (row,) = await db.fetch("SELECT id FROM invitation")
    await inviting.cancel(dana, patient, now=world.now)
    with pytest.raises(InvitationExpired):
        await invitations.offer(LINKS.secret_token(Purpose.INVITE, row["id"]), now=world.now)
    assert (await record.account_of(patient, now=world.now)).state == "none"
    with pytest.raises(NotFound):
        await inviting.cancel(dana, patient, now=world.now)


async def test_a_mothers_address_for_her_daughter_warns_first(dana: Member, world: World) -> None:
    """R8: an invitation to the mother's address would give her the daughter's own account."""
    daughter = await world.patient("Eve", "Gagnon", world.now.date() - timedelta(days=15 * 366))
    mother = await world.account("mere@example.com")
    grant = await world.grant(mother, daughter)
    with pytest.raises(Invalid):
        await invited(dana, world, daughter, email="mere@example.com", again=True)
    await access.withdraw(dana.actor, grant, by="Dana", now=world.now)
    with pytest.raises(AddressOfProxy):
        await invited(dana, world, daughter, email="Mere@example.com")
    await invited(dana, world, daughter, email="mere@example.com", key="b", again=True)
    outcomes = [line["outcome"] for line in await journal("invitation.sent")]
    assert outcomes == ["refused.address_of_proxy", "done.in_spite_of_proxy"]


async def test_a_child_or_who_has_an_account_is_not_invited(dana: Member, world: World) -> None:
    with pytest.raises(TooYoung):
        await invited(dana, world, world.bob)
    with pytest.raises(ChartTaken):
        await invited(dana, world, world.alice, key="b")


async def test_a_language_that_is_none_is_refused(dana: Member, world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        await invited(dana, world, world.alice, language="de")
    assert refusal.value.problems == {"langue": "missing"}


async def test_the_record_counts_what_goes_on(dana: Member, world: World) -> None:
    await world.appointment(world.now + timedelta(hours=60))
    await world.appointment(world.now + timedelta(days=9), cancelled_at=world.now)
    await world.thread(subject="Résultats")
    await Patient.update({Patient.primary_practitioner: world.practitioner}).where(
        Patient.id == world.alice
    )
    found = await record.record(dana, world.alice, now=world.now)
    assert (found.visits, found.threads, found.holders, found.requests) == (1, 1, 0, 0)
    assert [thread.subject for thread in found.latest] == ["Résultats"]
    assert (found.practitioner, found.account.state) == ("Dre Camille Roy", "active")
    bobs = await record.record(dana, world.bob, now=world.now)
    assert (bobs.holders, bobs.is_of_age, bobs.account.state) == (1, False, "none")


async def test_who_acts_for_a_child_is_not_told_of_the_childs_own_account(
    dana: Member, world: World
) -> None:
    """R49."""
    told = ("patient.changed", "read.staff.record")
    kept = ("account.unlocked", "account.email_asked", "registration.matched")
    for action in (*told, *kept, "read.staff.account", "invitation.sent"):
        await audit.record(dana.actor, action, patient=world.bob, at=world.now)
    lines = await access_journal.journal(await world.viewer(), world.bob, now=world.now)
    assert sorted(line.action for line in lines.lines) == sorted(told)
