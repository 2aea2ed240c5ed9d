"""Who acts for a patient, as the staff give it, change it, take it back and block it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain import activity, db
from domain.accounts import access as accesses
from domain.accounts import access_journal, blocking
from domain.audit import Actor
from domain.desk import access, coming_of_age
from domain.desk.record import record
from domain.errors import (
    AccessBlocked,
    AlreadyHeld,
    ChangedMeanwhile,
    Conflict,
    FormReused,
    Invalid,
    NotAllowed,
    NotFound,
)
from domain.export import export
from domain.people import access_blocks
from domain.people.policy import Grant
from domain.people.tables import AccessBlock, ProxyGrant
from domain.staff.member import Member
from tests.domain.records import rows
from tests.world import World

STAFF = Actor("staff", uuid4(), "test")
NOTHING = dict.fromkeys([*access.FIELDS, "comment", "jusqu_au", "lien", "demande"], "")


@pytest.fixture
async def helper(world: World) -> UUID:
    """Denis, who has an account and a chart."""
    account = await world.account("denis@example.com")
    denis = await world.patient("Denis", "Ouellet", date(1960, 1, 1))
    await world.grant(account, denis, relationship="self")
    return account


async def dana(world: World) -> Member:
    return await world.still_at_work()


async def give(world: World, patient: UUID, account: UUID, key: str = "k", **typed: str) -> None:
    form = NOTHING | {"compte": str(account), "lien": "caregiver", "rendez_vous": "oui"} | typed
    await access.give(await dana(world), patient, form, key=key, now=world.now)


async def block(world: World, patient: UUID, who: str, **typed: str) -> None:
    form = {"qui": who, "courriel": "", "motif": "Ordonnance", "sans_courriel": ""} | typed
    await access.block(await dana(world), patient, form, key=uuid4().hex, now=world.now)


async def grant_of(patient: UUID, account: UUID) -> UUID:
    (row,) = await db.fetch(
        "SELECT id FROM proxy_grant WHERE patient = {} AND account = {} AND withdrawn_at IS NULL",
        patient,
        account,
    )
    found: UUID = row["id"]
    return found


async def mails() -> set[tuple[str, UUID]]:
    found = await db.fetch("SELECT kind, account FROM outbound_email")
    return {(row["kind"], row["account"]) for row in found}


async def lines(action: str) -> list[str]:
    found = await db.fetch("SELECT outcome FROM audit_line WHERE action = {} ORDER BY id", action)
    return [row["outcome"] for row in found]


async def test_what_is_given_is_shown_with_who_gave_it_and_holds_at_once(
    world: World, helper: UUID
) -> None:
    await give(world, world.bob, helper, documents="oui")
    overview = await access.overview(await dana(world), world.bob, now=world.now)
    (mother, denis) = overview.holders
    assert (mother.holder, denis.holder, denis.email) == (
        "Alice Gagnon",
        "Denis Ouellet",
        "denis@example.com",
    )
    assert (denis.relationship, denis.grants, denis.granted_by) == (
        "caregiver",
        {Grant.BOOK, Grant.READ_DOCUMENTS},
        "Dana Fortin",
    )
    viewer = await world.viewer(helper)
    assert viewer.may(Grant.BOOK, world.bob, world.now)
    assert not viewer.may(Grant.READ_INVOICES, world.bob, world.now)


async def test_writing_is_kept_with_the_reading_that_it_brings(world: World, helper: UUID) -> None:
    await give(world, world.bob, helper, rendez_vous="", ecrire="oui")
    found = await access.one(
        await dana(world), world.bob, await grant_of(world.bob, helper), now=world.now
    )
    assert found.grants == {Grant.READ_MESSAGES, Grant.SEND_MESSAGES}


async def test_for_a_person_of_age_their_agreement_is_asked_for(world: World, helper: UUID) -> None:
    """R48."""
    with pytest.raises(Invalid) as refused:
        await give(world, world.alice, helper)
    assert refused.value.problems == {"comment": "missing"}
    await give(world, world.alice, helper, comment="written", jusqu_au="2027-03-31")
    (denis,) = (await access.overview(await dana(world), world.alice, now=world.now)).holders
    assert denis.agreement is not None
    assert (denis.agreement.recorded_by, denis.agreement.how, denis.agreement.until) == (
        "Dana Fortin",
        "written",
        datetime(2027, 4, 1, 3, 59, 59, tzinfo=UTC),
    )
    assert await lines("consent.recorded") == ["done.written"]


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        ({"lien": ""}, {"lien": "missing"}),
        ({"lien": "self"}, {"lien": "invalid"}),
        ({"rendez_vous": ""}, {"rendez_vous": "missing"}),
        ({"comment": "", "jusqu_au": "2027-03-31"}, {"comment": "missing"}),
        ({"jusqu_au": "31 mars"}, {"jusqu_au": "invalid"}),
        ({"jusqu_au": "2026-11-22"}, {"jusqu_au": "past"}),
        (
            {"lien": "", "rendez_vous": "", "comment": ""},
            {"lien": "missing", "rendez_vous": "missing", "comment": "missing"},
        ),
    ],
)
async def test_each_thing_that_is_wrong_is_named_and_nothing_is_given(
    world: World, helper: UUID, typed: dict[str, str], problems: dict[str, str]
) -> None:
    before = await rows("SELECT * FROM proxy_grant")
    with pytest.raises(Invalid) as refused:
        await give(world, world.alice, helper, **{"comment": "spoken"} | typed)
    assert refused.value.problems == problems
    assert await rows("SELECT * FROM proxy_grant") == before


async def test_an_account_that_nobody_activated_or_that_is_not_there_is_given_nothing(
    world: World,
) -> None:
    asleep = await world.account("asleep@example.com", activated_at=None)
    with pytest.raises(Invalid) as refused:
        await give(world, world.bob, asleep)
    assert refused.value.problems == {"compte": "not_activated"}
    for patient, account in ((world.bob, uuid4()), (uuid4(), world.alice_account)):
        with pytest.raises(NotFound):
            await give(world, patient, account)


async def test_a_profile_that_an_account_has_is_not_given_again(world: World, helper: UUID) -> None:
    with pytest.raises(AlreadyHeld):
        await give(world, world.alice, world.alice_account, comment="spoken")
    await give(world, world.bob, helper)
    with pytest.raises(AlreadyHeld):
        await give(world, world.bob, helper, key="another")


async def test_the_same_form_sent_twice_gives_once_and_another_with_its_key_nothing(
    world: World, helper: UUID
) -> None:
    for _ in range(2):
        await give(world, world.bob, helper)
    assert await lines("access.granted") == ["done"]
    with pytest.raises(FormReused):
        await give(world, world.bob, helper, documents="oui")


async def changed(world: World, patient: UUID, grant: UUID, **typed: str) -> None:
    form = NOTHING | {"vu": "book", "accord_vu": "", "rendez_vous": "oui"} | typed
    await access.change(await dana(world), patient, grant, form, now=world.now)


async def test_grants_change_at_once_with_a_line_and_what_is_added_is_told(
    world: World, helper: UUID
) -> None:
    await give(world, world.bob, helper)
    await db.fetch("DELETE FROM outbound_email")
    grant = await grant_of(world.bob, helper)
    await changed(world, world.bob, grant, rendez_vous="oui", factures="oui")
    viewer = await world.viewer(helper)
    assert viewer.may(Grant.READ_INVOICES, world.bob, world.now)
    assert await mails() == {("access_granted", helper)}
    await changed(world, world.bob, grant, factures="oui", rendez_vous="", vu="book,read_invoices")
    assert not (await world.viewer(helper)).may(Grant.BOOK, world.bob, world.now)
    assert len(await db.fetch("SELECT id FROM outbound_email")) == 1
    assert await lines("access.changed") == ["done", "done"]


async def test_what_a_person_of_age_allows_is_not_widened_without_them(
    world: World, helper: UUID
) -> None:
    """R48."""
    await give(world, world.alice, helper, comment="spoken", documents="oui")
    grant = await grant_of(world.alice, helper)
    seen = {"vu": "book,read_documents", "documents": "oui"}
    with pytest.raises(Invalid) as refused:
        await changed(world, world.alice, grant, factures="oui", **seen)
    assert refused.value.problems == {"comment": "missing"}
    found = await access.one(await dana(world), world.alice, grant, now=world.now)
    assert found.agreement is not None
    had = {"accord_vu": str(found.agreement.id)}
    await changed(world, world.alice, grant, factures="oui", comment="written", **seen, **had)
    found = await access.one(await dana(world), world.alice, grant, now=world.now)
    assert found.agreement is not None
    assert (found.agreement.how, Grant.READ_INVOICES in found.grants) == ("written", True)
    await changed(world, world.alice, grant, vu="book,read_documents,read_invoices")
    found = await access.one(await dana(world), world.alice, grant, now=world.now)
    assert found.grants == {Grant.BOOK}


async def test_the_domain_itself_widens_nothing_without_an_agreement(
    world: World, helper: UUID
) -> None:
    await give(world, world.alice, helper, comment="spoken")
    grant = await grant_of(world.alice, helper)
    with pytest.raises(Invalid):
        await accesses.change_grants(STAFF, grant, {Grant.READ_INVOICES}, now=world.now)


async def test_who_changes_what_another_changed_meanwhile_is_told_by_whom(
    world: World, helper: UUID
) -> None:
    await give(world, world.bob, helper)
    grant = await grant_of(world.bob, helper)
    await changed(world, world.bob, grant, documents="oui")
    await changed(world, world.bob, grant, documents="oui")  # the same, sent twice
    with pytest.raises(ChangedMeanwhile) as refused:
        await changed(world, world.bob, grant, factures="oui")
    assert (refused.value.by, refused.value.at) == ("Dana Fortin", world.now)
    assert await lines("access.changed") == ["done"]


async def test_an_access_lost_at_the_age_of_consent_opens_again_by_an_agreement_alone(
    world: World,
) -> None:
    hugo = await world.patient("Hugo", "Gagnon", date(2005, 5, 2))
    grant = await world.grant(world.alice_account, hugo)
    all_of_it = dict.fromkeys(access.FIELDS, "oui") | {"vu": ",".join(sorted(Grant))}
    assert not (await world.viewer()).may(Grant.BOOK, hugo, world.now)
    assert (await record(await dana(world), hugo, now=world.now)).holders == 0
    for _ in range(2):
        await changed(world, hugo, grant, **all_of_it, comment="spoken")
    assert (await world.viewer()).may(Grant.BOOK, hugo, world.now)
    assert (await record(await dana(world), hugo, now=world.now)).holders == 1
    assert await lines("consent.recorded") == ["done.spoken"]
    with pytest.raises(ChangedMeanwhile):  # the form was opened before there was one
        await changed(world, hugo, grant, **all_of_it, comment="written")
    member = await dana(world)
    for _ in range(2):
        await access.end_agreement(member, hugo, grant, now=world.now)
    assert not (await world.viewer()).may(Grant.BOOK, hugo, world.now)
    assert await lines("consent.withdrawn") == ["done"]


async def test_what_is_taken_back_is_gone_and_why_stays_in_the_journal(
    world: World, helper: UUID
) -> None:
    await give(world, world.bob, helper)
    grant, member = await grant_of(world.bob, helper), await dana(world)
    for _ in range(2):
        await access.detach(member, world.bob, grant, "mistake", now=world.now)
    assert [p.id for p in (await world.viewer(helper)).profiles if p.id == world.bob] == []
    assert await lines("access.withdrawn") == ["done.mistake"]
    assert ("access_withdrawn", helper) in await mails()
    with pytest.raises(Invalid):
        await access.detach(member, world.bob, grant, "parce que", now=world.now)
    with pytest.raises(NotFound):
        await access.detach(member, world.alice, grant, "", now=world.now)


async def test_an_account_bound_to_the_wrong_chart_is_unbound_and_nobody_is_told(
    world: World,
) -> None:
    own = await grant_of(world.charlie, world.charlie_account)
    await access.detach(await dana(world), world.charlie, own, "mistake", now=world.now)
    assert (await world.viewer(world.charlie_account)).profiles == ()
    assert (await mails(), await lines("chart.detached")) == (set(), ["done.mistake"])


# Blocks


async def test_a_block_ends_an_access_and_refuses_it_from_then_on(
    world: World, helper: UUID
) -> None:
    await give(world, world.bob, helper)
    await block(world, world.bob, str(helper))
    assert [p.id for p in (await world.viewer(helper)).profiles if p.id == world.bob] == []
    assert (await world.viewer()).may(Grant.BOOK, world.bob, world.now)
    with pytest.raises(AccessBlocked):
        await give(world, world.bob, helper, key="another")
    for relationship in ("self", "parent"):
        with pytest.raises(AccessBlocked):
            await accesses.grant(
                STAFF,
                helper,
                world.bob,
                relationship=relationship,
                grants=set(Grant),
                by="D",
                now=world.now,
            )
    await give(world, world.bob, world.charlie_account, key="third")


async def test_a_block_of_all_spares_nobody_but_the_patient(world: World, helper: UUID) -> None:
    await give(world, world.alice, helper, comment="spoken")
    await block(world, world.alice, "tous")
    assert (await world.viewer()).may(Grant.BOOK, world.alice, world.now)
    assert [p.id for p in (await world.viewer(helper)).profiles if p.id == world.alice] == []
    with pytest.raises(AccessBlocked):
        await give(world, world.alice, world.charlie_account, key="x", comment="spoken")


async def test_a_block_holds_at_each_request_whatever_grant_stands(world: World) -> None:
    """The policy asks for it itself: a row that escaped opens nothing."""
    row = AccessBlock(
        id=uuid4(),
        patient=world.bob,
        account=world.alice_account,
        reason="Ordonnance",
        blocked_at=world.now,
        blocked_by="Dana",
    )
    await AccessBlock.insert(row)
    assert await ProxyGrant.exists().where(
        (ProxyGrant.patient == world.bob) & ProxyGrant.withdrawn_at.is_null()
    )
    assert [profile.id for profile in (await world.viewer()).profiles] == [world.alice]
    await AccessBlock.update({AccessBlock.account: None}).where(AccessBlock.id == row.id)
    assert [profile.id for profile in (await world.viewer()).profiles] == [world.alice]


async def test_lifting_gives_nothing_back_and_allows_it_again(world: World) -> None:
    await block(world, world.bob, str(world.alice_account))
    (found,) = await access_blocks.of(world.bob)
    member = await dana(world)
    await access.lift(member, world.bob, found.id, now=world.now)
    assert [profile.id for profile in (await world.viewer()).profiles] == [world.alice]
    with pytest.raises(NotFound):
        await access.lift(member, world.bob, found.id, now=world.now)
    await give(world, world.bob, world.alice_account)
    assert await lines("block.set") == await lines("block.lifted") == ["done"]


async def test_told_or_not_nobody_learns_of_a_block_or_its_reason(world: World) -> None:
    """Abuse: a parent looks for why they lost the child in pages, mails, journal and export."""
    for_both = await world.account("other@example.com")
    await world.grant(for_both, world.bob)
    await block(world, world.bob, str(world.alice_account), motif="MREASON")
    assert await mails() == {("access_withdrawn", world.alice_account)}
    other = await world.viewer(for_both)
    kept = str(await access_journal.journal(other, world.bob, now=world.now))
    kept += str(await export(other, now=world.now)) + str(await activity.latest(world.bob))
    kept += str(await export(await world.viewer(), now=world.now))
    kept += str(await rows("SELECT * FROM outbound_email"))
    kept += str(await rows("SELECT * FROM audit_line WHERE action NOT LIKE 'block.%'"))
    assert "block" not in kept.lower()
    assert "MREASON" not in kept + str(await rows("SELECT * FROM audit_line"))
    assert "access.withdrawn" in kept


async def test_quietly_no_mail_leaves_and_no_entry_is_made(world: World) -> None:
    await block(world, world.bob, "tous", sans_courriel="oui")
    assert (await mails(), await activity.latest(world.bob)) == (set(), [])
    assert await lines("access.withdrawn") == ["done"]


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        ({"qui": ""}, {"qui": "missing"}),
        ({"qui": "autre"}, {"courriel": "missing"}),
        ({"qui": "autre", "courriel": "personne@example.com"}, {"courriel": "unknown"}),
        ({"qui": "autre", "courriel": "charlie@example.com"}, {"courriel": "own"}),
        ({"motif": "  "}, {"motif": "missing"}),
        ({"motif": "x" * 501}, {"motif": "too_long"}),
        ({"qui": "", "motif": ""}, {"qui": "missing", "motif": "missing"}),
    ],
)
async def test_a_block_says_who_and_why(
    world: World, typed: dict[str, str], problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        await block(world, world.charlie, **{"who": typed.pop("qui", "tous")} | typed)
    assert refused.value.problems == problems
    assert await rows("SELECT * FROM access_block") == []


async def test_the_same_is_blocked_once_at_a_time(world: World) -> None:
    await block(world, world.bob, "autre", courriel="  ALICE@example.com ")
    with pytest.raises(Conflict):
        await block(world, world.bob, str(world.alice_account))
    await block(world, world.bob, "tous")
    with pytest.raises(NotFound):
        await blocking.block(STAFF, uuid4(), None, reason="x", by="D", now=world.now)
    with pytest.raises(NotFound):
        await block(world, world.bob, str(uuid4()))


# Who may, and who is found


async def test_a_practitioner_sees_and_does_none_of_it(world: World, helper: UUID) -> None:
    erin = await world.at_work(world.erin)
    with pytest.raises(NotAllowed):
        await access.overview(erin, world.bob, now=world.now)
    with pytest.raises(NotAllowed):
        await access.block(erin, world.bob, {"qui": "tous", "motif": "x"}, key="k", now=world.now)
    with pytest.raises(NotAllowed):
        await coming_of_age.soon(erin, now=world.now)


async def test_accounts_are_found_by_exact_address_or_by_their_holder(
    world: World, helper: UUID
) -> None:
    member = await dana(world)

    async def found(text: str) -> list[str]:
        return [each.email for each in await access.candidates(member, text, now=world.now)]

    assert await found(" Denis@Example.com") == ["denis@example.com"]
    assert await found("denis@") == []
    assert await found("ouellet") == ["denis@example.com"]
    assert await found("gagnon") == ["alice@example.com"]
    assert await found("personne") == []


# Coming of age


async def of_age_on(world: World, day: date, name: str) -> UUID:
    patient = await world.patient(name, "Gagnon", day.replace(year=day.year - 14))
    await world.grant(world.alice_account, patient)
    return patient


async def test_who_comes_of_age_soon_or_did_lately_is_listed_with_who_acts_for_them(
    world: World,
) -> None:
    today = date(2026, 11, 23)
    days = {"B": 1, "C": 60, "D": 61, "E": 0, "F": -60, "G": -61}
    for name, days_left in days.items():
        await of_age_on(world, today + timedelta(days=days_left), name)
    await world.patient("Seul", "Gagnon", date(2012, 12, 1))  # nobody acts for him
    member = await dana(world)
    soon = await coming_of_age.soon(member, now=world.now)
    lately = await coming_of_age.lately(member, now=world.now)
    assert [(each.full_name, each.days_left) for each in soon.young] == [
        ("B Gagnon", 1),
        ("C Gagnon", 60),
    ]
    assert [(each.full_name, each.days_left) for each in lately.young] == [
        ("E Gagnon", 0),
        ("F Gagnon", -60),
    ]
    assert [holder.holder for holder in soon.young[0].holders] == ["Alice Gagnon"]
    assert [each.holders[0].is_lost for each in lately.young] == [True, True]


async def test_born_on_29_february_one_is_listed_for_1_march(world: World) -> None:
    world.now = datetime(2026, 2, 20, 15, tzinfo=UTC)
    leap = await world.patient("Leap", "Gagnon", date(2012, 2, 29))
    await world.grant(world.alice_account, leap)
    (found,) = (await coming_of_age.soon(await dana(world), now=world.now)).young
    assert (found.day, found.days_left) == (date(2026, 3, 1), 9)


async def test_without_the_setting_nobody_comes_of_age(world: World) -> None:
    await of_age_on(world, date(2026, 12, 1), "B")
    await world.set_clinic(province="ON", consent_age=None)
    assert (await coming_of_age.soon(await dana(world), now=world.now)).young == []


async def test_the_list_goes_on_where_a_page_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming_of_age, "PAGE", 2)
    for n in range(5):
        await of_age_on(world, date(2026, 12, 1), f"N{n}")
    member, seen, after = await dana(world), [], None
    for _ in range(3):
        page = await coming_of_age.soon(member, after=after, now=world.now)
        seen += [each.patient for each in page.young]
        after = page.next
    assert (len(seen), len(set(seen)), after) == (5, 5, None)
