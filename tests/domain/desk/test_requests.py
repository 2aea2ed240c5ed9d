"""What patients ask of the staff, from « Je ne viendrai pas » to what became of it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.accounts import throttles
from domain.appointments import agenda, attendance, cannot_come
from domain.desk import requests
from domain.errors import (
    AlreadyCancelled,
    ChangedMeanwhile,
    Invalid,
    NotAllowed,
    NotFound,
    StillCancellable,
    TooMany,
    VisitBegun,
)
from domain.people.tables import AccessBlock
from domain.staff.member import Member
from tests.databases import statements
from tests.domain.records import rows
from tests.web.staff.helpers import request
from tests.world import World

HOUR = timedelta(hours=1)


async def dana(world: World) -> Member:
    return await world.still_at_work()


async def tell(
    world: World, appointment: UUID, text: str = "", *, after: timedelta = 0 * HOUR
) -> None:
    viewer, now = await world.viewer(), world.now + after
    await cannot_come.tell(viewer, world.alice, appointment, text, now=now)


async def asked(kind: str = "cannot_come") -> list[dict[str, object]]:
    return await rows(
        "SELECT account, patient, subject, text FROM clinic_request WHERE kind = {}", kind
    )


# « Je ne viendrai pas »


async def test_too_late_to_cancel_the_clinic_is_told_and_nothing_is_freed(world: World) -> None:
    visit = await world.appointment(world.now + 30 * HOUR)
    await tell(world, visit, "  Retenu au travail. ")
    assert await asked() == [
        {
            "account": world.alice_account,
            "patient": world.alice,
            "subject": visit,
            "text": "Retenu au travail.",
        }
    ]
    (shown,) = await agenda.upcoming(await world.viewer(), [world.alice], now=world.now)
    assert (shown.state, shown.said_cannot_come, shown.may_say_cannot_come) == (
        "booked",
        True,
        False,
    )
    assert await rows("SELECT id FROM outbound_email") == []


async def test_told_twice_by_two_parents_it_is_told_once(world: World) -> None:
    other = await world.account("other@example.com")
    await world.grant(other, world.bob)
    visit = await world.appointment(world.now + 30 * HOUR, patient=world.bob)
    for account in (world.alice_account, other, other):
        viewer = await world.viewer(account)
        await cannot_come.tell(viewer, world.bob, visit, "Non", now=world.now)
    assert len(await asked()) == 1


@pytest.mark.parametrize(
    ("ahead", "offered"),
    [(48 * HOUR, False), (48 * HOUR - timedelta(seconds=1), True), (timedelta(seconds=1), True)],
)
async def test_it_is_offered_from_the_deadline_to_the_start(
    world: World, ahead: timedelta, offered: bool
) -> None:
    await world.appointment(world.now + ahead)
    (visit,) = await agenda.upcoming(await world.viewer(), [world.alice], now=world.now)
    assert (visit.may_cancel, visit.may_say_cannot_come) == (not offered, offered)


async def test_each_moment_at_which_it_cannot_be_said_says_why(world: World) -> None:
    far = await world.appointment(world.now + 60 * HOUR)
    with pytest.raises(StillCancellable):
        await tell(world, far)
    near = await world.appointment(world.now + HOUR)
    with pytest.raises(VisitBegun):
        await tell(world, near, after=HOUR)
    with pytest.raises(NotFound):
        await tell(world, near, after=2 * HOUR)
    gone = await world.appointment(world.now + 3 * HOUR, cancelled_at=world.now)
    with pytest.raises(AlreadyCancelled):
        await tell(world, gone)
    assert await asked() == []


async def test_whoever_may_not_book_for_the_profile_may_not_say_it(world: World) -> None:
    nanny = await world.account("nanny@example.com")
    await world.grant(nanny, world.bob, "read_messages", relationship="caregiver")
    visit = await world.appointment(world.now + 30 * HOUR, patient=world.bob)
    refused = {nanny: NotAllowed, world.charlie_account: NotFound}
    for account, refusal in refused.items():
        viewer = await world.viewer(account)
        with pytest.raises(refusal):
            await cannot_come.tell(viewer, world.bob, visit, "", now=world.now)
    with pytest.raises(NotFound):  # of another profile of hers
        await cannot_come.tell(await world.viewer(), world.alice, visit, "", now=world.now)


async def test_a_text_too_long_is_refused_and_too_many_are(world: World) -> None:
    visit = await world.appointment(world.now + 30 * HOUR)
    with pytest.raises(Invalid) as refused:
        await tell(world, visit, "x" * 501)
    assert refused.value.problems == {"texte": "too_long"}
    for _ in range(throttles.REQUESTS.most):
        await throttles.take(throttles.REQUESTS, str(world.alice_account), now=world.now)
    with pytest.raises(TooMany):
        await tell(world, visit)


async def test_what_was_said_of_one_time_is_not_said_of_the_next(world: World) -> None:
    """The clinic moves the visit: at the new time it has to be said anew."""
    visit = await world.appointment(world.now + 30 * HOUR)
    await tell(world, visit)
    later = await world.slot(world.now + 100 * HOUR)
    member = await dana(world)
    await attendance.move(member.actor, visit, later, now=world.now)
    await tell_again(world, visit)


async def tell_again(world: World, visit: UUID) -> None:
    viewer = await world.viewer()
    (moved,) = await agenda.upcoming(viewer, [world.alice], now=world.now)
    assert (moved.said_cannot_come, moved.may_cancel) == (False, True)
    now = world.now + 60 * HOUR
    await cannot_come.tell(viewer, world.alice, visit, "", now=now)
    assert len(await asked()) == 2


# What the staff make of it


async def test_requests_wait_the_oldest_first_with_who_asks_about_whom(world: World) -> None:
    visit = await world.appointment(world.now + 30 * HOUR, patient=world.bob)
    newer = await request(world, "cannot_come", patient=world.bob, subject=visit, text="")
    older = await request(world, "attach", text="Ma mère")
    await db.fetch("UPDATE clinic_request SET asked_at = {} WHERE id = {}", world.now - HOUR, older)
    listed = await requests.waiting(await dana(world))
    assert [each.id for each in listed.asked] == [older, newer]
    first, second = listed.asked
    assert (first.asker, first.own, first.about, first.visit) == (
        "Alice Gagnon",
        world.alice,
        None,
        None,
    )
    assert second.about is not None
    assert second.visit is not None
    assert (second.about.full_name, second.visit.id, second.visit.is_cancelled) == (
        "Bob Gagnon",
        visit,
        False,
    )
    assert await requests.count() == 2


async def test_who_signed_up_and_waits_for_a_match_is_named_as_they_said(world: World) -> None:
    newcomer = await world.account("zoe@example.com")
    await request(world, "attach", account=newcomer)
    (found,) = (await requests.waiting(await dana(world))).asked
    assert (found.asker, found.email, found.own) == ("", "zoe@example.com", None)


async def handle(world: World, id: UUID, outcome: str = "done", note: str = "") -> None:
    await requests.handle(await dana(world), id, outcome, note, now=world.now)


async def test_a_request_is_handled_once_and_the_asker_is_told_in_one_word(world: World) -> None:
    made = await request(world)
    for _ in range(2):
        await handle(world, made, "declined", "  Déjà corrigé. ")
    found = await requests.one(await dana(world), made)
    assert (found.outcome, found.note, found.handled_by, found.handled_at) == (
        "declined",
        "Déjà corrigé.",
        "Dana Fortin",
        world.now,
    )
    mails = await rows("SELECT kind, account, facts FROM outbound_email")
    assert [(mail["kind"], mail["account"]) for mail in mails] == [
        ("request_handled", world.alice_account)
    ]
    assert "corrigé" not in str(mails)
    told = await rows("SELECT outcome, patient FROM audit_line WHERE action = 'request.handled'")
    assert [(line["outcome"], line["patient"]) for line in told] == [("done.declined", world.alice)]
    assert (await requests.waiting(await dana(world))).asked == []
    (done,) = (await requests.handled(await dana(world))).asked
    assert done.id == made


async def test_the_second_of_two_is_told_who_was_first(world: World) -> None:
    made = await request(world)
    await handle(world, made, "done")
    fay = await world.at_work(world.fay)
    with pytest.raises(ChangedMeanwhile) as refused:
        await requests.handle(fay, made, "declined", "", now=world.now + HOUR)
    assert (refused.value.by, refused.value.at) == ("Dana Fortin", world.now)
    with pytest.raises(ChangedMeanwhile):  # her own other word is no replay either
        await handle(world, made, "declined")
    assert len(await rows("SELECT id FROM outbound_email")) == 1


async def test_of_a_visit_that_the_clinic_cancelled_they_were_told_already(world: World) -> None:
    visit = await world.appointment(world.now + 30 * HOUR, cancelled_at=world.now)
    made = await request(world, "cannot_come", subject=visit)
    await handle(world, made)
    assert await rows("SELECT id FROM outbound_email") == []


@pytest.mark.parametrize(
    ("outcome", "note", "problems"),
    [
        ("", "", {"suite": "missing"}),
        ("maybe", "", {"suite": "missing"}),
        ("done", "x" * 501, {"note": "too_long"}),
    ],
)
async def test_what_was_decided_has_to_be_said(
    world: World, outcome: str, note: str, problems: dict[str, str]
) -> None:
    made = await request(world)
    with pytest.raises(Invalid) as refused:
        await handle(world, made, outcome, note)
    assert refused.value.problems == problems
    with pytest.raises(NotFound):
        await handle(world, uuid4())


async def test_a_practitioner_is_shown_no_requests(world: World) -> None:
    made = await request(world)
    erin = await world.at_work(world.erin)
    for ask in (requests.waiting(erin), requests.handled(erin), requests.one(erin, made)):
        with pytest.raises(NotAllowed):
            await ask
    with pytest.raises(NotAllowed):
        await requests.handle(erin, made, "done", "", now=world.now)


async def test_whom_the_clinic_keeps_out_is_shown_to_who_handles_their_request(
    world: World,
) -> None:
    await AccessBlock.insert(
        AccessBlock(
            id=uuid4(),
            patient=world.bob,
            account=world.alice_account,
            reason="Ordonnance",
            blocked_at=world.now,
            blocked_by="Dana",
        )
    )
    (found,) = await requests.kept_out_of(world.alice_account)
    assert found.full_name == "Bob Gagnon"
    assert await requests.kept_out_of(world.charlie_account) == []


async def test_lists_go_on_where_a_page_ended_at_the_same_cost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await dana(world)
    with statements() as for_none:
        await requests.waiting(member)
    made = [await request(world, text=f"{n}") for n in range(5)]
    monkeypatch.setattr(requests, "PAGE", 2)
    seen: list[UUID] = []
    after: UUID | None = None
    for _ in range(3):
        with statements() as for_some:
            page = await requests.waiting(member, after=after)
        assert len(for_some) == len(for_none)
        seen += [each.id for each in page.asked]
        after = page.next
    assert (sorted(seen, key=str), after) == (sorted(made, key=str), None)
    for id in made:
        await requests.handle(member, id, "done", "", now=world.now)
    page = await requests.handled(member)
    assert (len(page.asked), page.next) == (2, page.asked[-1].id)
