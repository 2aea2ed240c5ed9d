"""The clinic's inbox: what waits longest comes first, and a practitioner sees their own."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain import db
from domain.clinic.settings import ClinicSettings
from domain.desk import communications
from domain.desk.communications import Asked, Party, is_late
from domain.errors import Invalid, NotFound
from domain.messages import clinic_side
from domain.people.tables import Account
from domain.staff.member import Member
from tests.world import NOW, ZONE, World
from web.portal import NO_CLINIC

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def asks(world: World, subject: str, hours_ago: int, *, patient: UUID | None = None) -> UUID:
    """A thread of the clinic's that the patient's side has answered."""
    at = world.now - hours_ago * HOUR
    thread = await world.thread(patient=patient, subject=subject, at=at - HOUR)
    await world.message(thread, "Et ensuite ?", at=at, account=world.alice_account)
    return thread


async def subjects(who: Member, asked: Asked | None = None) -> list[str]:
    inbox = await communications.inbox(who, asked or Asked(), now=NOW)
    return [row.subject for row in inbox.rows]


async def other_practitioner() -> UUID:
    rows = await db.fetch("SELECT id FROM practitioner WHERE last_name = 'Tran'")
    found: UUID = rows[0]["id"]
    return found


async def test_who_has_waited_longest_comes_first_and_what_is_answered_does_not_wait(
    world: World,
) -> None:
    await asks(world, "Deux", 2)
    await asks(world, "Cinq", 5)
    done = await asks(world, "Répondu", 9)
    await world.message(done, "Voilà.")
    await world.thread(subject="Sans réponse du patient")
    dana = await world.at_work()
    assert await subjects(dana) == ["Cinq", "Deux"]


async def test_states_are_told_apart(world: World) -> None:
    waiting, given, closed = [await asks(world, name, 3) for name in ("Attend", "Confié", "Fermé")]
    dana = await world.at_work()
    await communications.assign(dana, given, Party(team=world.team), now=world.now)
    await communications.close(dana, closed, now=world.now)
    assert set(await subjects(dana)) == {"Attend", "Confié"}
    assert await subjects(dana, Asked("assigned")) == ["Confié"]
    assert await subjects(dana, Asked("closed")) == ["Fermé"]
    assert set(await subjects(dana, Asked("all"))) == {"Attend", "Confié", "Fermé"}
    await communications.reopen(dana, closed, now=world.now)
    assert len(await subjects(dana)) == 3
    assert (await communications.open(dana, waiting, now=world.now)).closed_at is None


async def test_the_list_is_narrowed_by_team_practitioner_words_and_name(world: World) -> None:
    first, _ = await asks(world, "Ordonnance", 3), await asks(world, "Facture", 2)
    await asks(world, "Autre enfant", 1, patient=world.bob)
    dana = await world.at_work()
    await communications.assign(dana, first, Party(team=world.team), now=world.now)
    assert await subjects(dana, Asked(party=Party(team=world.team))) == ["Ordonnance"]
    assert len(await subjects(dana, Asked(party=Party(world.practitioner)))) == 3
    assert await subjects(dana, Asked(words="FACTURE")) == ["Facture"]
    assert await subjects(dana, Asked(words="gagnon bob")) == ["Autre enfant"]
    assert await subjects(dana, Asked(words="100%_!")) == []
    assert await subjects(dana, Asked(is_mine=True)) == []
    await clinic_side.post(
        dana.actor,
        clinic_side.ToSend(
            world.alice, "message", "À moi", "Bonjour.", dana.signature, team=world.team
        ),
        (),
        now=world.now,
    )
    assert await subjects(dana, Asked("all", is_mine=True)) == ["À moi"]


async def test_a_practitioner_sees_what_is_assigned_to_them_or_signed_by_them(
    world: World,
) -> None:
    await world.another_practitioner()
    tran = await other_practitioner()
    mine, theirs = await asks(world, "De Roy", 3), await asks(world, "De Tran", 2)
    await db.fetch("UPDATE message SET practitioner = {} WHERE thread = {}", tran, theirs)
    erin, dana = await world.at_work(world.erin), await world.at_work()
    assert await subjects(erin) == ["De Roy"]
    for act in (
        communications.open(erin, theirs, now=world.now),
        communications.close(erin, theirs, now=world.now),
        communications.assign(erin, theirs, Party(world.practitioner), now=world.now),
        communications.assign(erin, mine, Party(tran), now=world.now),
    ):
        with pytest.raises(NotFound):
            await act
    await communications.assign(dana, theirs, Party(world.practitioner), now=world.now)
    assert await subjects(erin) == ["De Roy", "De Tran"]
    await communications.assign(dana, mine, Party(tran), now=world.now)
    assert await subjects(erin) == ["De Roy", "De Tran"]
    nobody = await world.member(role="practitioner")
    assert await subjects(await world.at_work(nobody)) == []


async def test_a_page_has_fifty_and_goes_on_where_it_ended(world: World) -> None:
    for hours in range(1, 53):
        await asks(world, f"{hours}", hours)
    dana = await world.at_work()
    first = await communications.inbox(dana, Asked(), now=world.now)
    assert [row.subject for row in first.rows] == [str(n) for n in range(52, 2, -1)]
    rest = await communications.inbox(dana, Asked(after=first.next), now=world.now)
    assert ([row.subject for row in rest.rows], rest.next) == (["2", "1"], None)
    newest = await communications.inbox(dana, Asked("all"), now=world.now)
    older = await communications.inbox(dana, Asked("all", after=newest.next), now=world.now)
    assert [row.subject for row in older.rows] == ["51", "52"]
    assert (await communications.count_waiting(dana, now=NOW)).waiting == 52


async def test_opening_a_thread_marks_it_seen_once_and_fetching_it_ahead_does_not(
    world: World,
) -> None:
    thread = await asks(world, "Question", 3)
    dana = await world.at_work()
    await communications.open(dana, thread, is_read=False, now=world.now)
    assert (await communications.inbox(dana, Asked(), now=world.now)).rows[0].is_new
    await communications.open(dana, thread, now=world.now)
    await communications.open(dana, thread, now=world.now + HOUR)
    assert not (await communications.inbox(dana, Asked(), now=world.now)).rows[0].is_new
    rows = await db.fetch("SELECT seen_at, seen_by FROM message WHERE seen_at IS NOT NULL")
    assert [(row["seen_at"], row["seen_by"]) for row in rows] == [(world.now, dana.signature)]


async def test_each_account_s_delivery_stands_under_the_message(world: World) -> None:
    thread = await world.thread(patient=world.bob, may_answer=True)
    await Account.update({Account.undeliverable_at: world.now}).where(
        Account.id == world.alice_account
    )
    view = await communications.open(await world.at_work(), thread, now=world.now)
    (message,) = view.messages
    (delivery,) = message.deliveries
    assert (delivery.name, delivery.mailed, delivery.read_at, delivery.is_undeliverable) == (
        "Alice Gagnon",
        "waiting",
        None,
        True,
    )
    assert (message.is_reply_allowed, message.is_answered) == (True, False)
    assert (view.patient.id, view.party) == (world.bob, Party(world.practitioner))


async def test_a_reply_is_allowed_only_on_a_message_of_that_thread(world: World) -> None:
    thread, other = await world.thread(), await world.thread()
    dana = await world.at_work()
    view = await communications.open(dana, other, now=world.now)
    assert view.latest is not None
    with pytest.raises(NotFound):
        await communications.allow_reply(
            dana, thread, view.latest.id, is_allowed=True, now=world.now
        )
    await communications.allow_reply(dana, other, view.latest.id, is_allowed=True, now=world.now)
    again = await communications.open(dana, other, now=world.now)
    assert again.latest is not None
    assert again.latest.is_reply_allowed


async def test_a_thread_is_given_to_someone_who_is_there(world: World) -> None:
    thread, dana = await world.thread(), await world.at_work()
    for to in (Party(), Party(team=world.alice), Party(world.practitioner, world.team)):
        with pytest.raises(Invalid):
            await communications.assign(dana, thread, to, now=world.now)
    with pytest.raises(NotFound):
        await communications.open(dana, world.alice, now=world.now)


def clinic(days: int) -> ClinicSettings:
    return replace(NO_CLINIC, answer_days=days)


@pytest.mark.parametrize(
    ("sent", "now", "expected"),
    [
        ("2026-11-23T10:00", "2026-11-25T23:59", False),  # Monday, to the end of Wednesday
        ("2026-11-23T10:00", "2026-11-26T00:00", True),
        ("2026-11-26T10:00", "2026-11-30T23:59", False),  # over a weekend
        ("2026-11-26T10:00", "2026-12-01T00:00", True),
        ("2026-11-28T10:00", "2026-12-01T23:59", False),  # of a Saturday
        ("2026-11-28T10:00", "2026-12-02T00:00", True),
    ],
)
def test_late_is_what_has_waited_longer_than_the_working_days_announced(
    sent: str, now: str, expected: bool
) -> None:
    at = [datetime.fromisoformat(text).replace(tzinfo=ZONE) for text in (sent, now)]
    assert is_late(at[0], clinic(2), at[1]) is expected
    assert not is_late(at[0], clinic(0), at[1] + 30 * DAY)


async def test_the_count_is_of_the_same_threads_as_the_inbox(world: World) -> None:
    """What Today says waits is what one finds there, for a practitioner too."""
    await world.another_practitioner()
    for name, days_ago in (("Vieux", 9), ("Vu", 8), ("Récent", 0), ("De Tran", 1)):
        thread = await asks(world, name, 24 * days_ago + 2)
        if name == "Vu":
            await communications.open(await world.at_work(), thread, now=NOW)
    tran = await other_practitioner()
    await db.fetch("UPDATE message SET practitioner = {} WHERE thread = {}", tran, thread)
    for member, expected in ((world.dana, (3, 4, 2)), (world.erin, (2, 3, 2))):
        who = await world.at_work(member)
        rows = (await communications.inbox(who, Asked(), now=NOW)).rows
        found = await communications.count_waiting(who, now=NOW)
        assert (found.unseen, found.waiting, found.late) == expected
        assert expected == (
            sum(row.is_new for row in rows),
            len(rows),
            sum(row.is_late for row in rows),
        )


async def test_a_row_costs_no_statement_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana, counted = await world.at_work(), list[str]()
    original = db.fetch

    async def counting(sql: str, *args: object) -> list[dict[str, object]]:
        counted.append(sql)
        return await original(sql, *args)

    monkeypatch.setattr(db, "fetch", counting)
    for number in (1, 20):
        for _ in range(number):
            await asks(world, "Question", 3)
        counted.clear()
        await communications.inbox(dana, Asked(), now=world.now)
        assert len(counted) == 1
