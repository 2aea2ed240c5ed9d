"""One communication to many: each gets a thread of their own, all of them or none."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.desk import communications, sending
from domain.desk.communications import Party
from domain.desk.sending import Written
from domain.errors import FormReused, Invalid, NotFound, PdfRefused
from domain.messages import attachments
from domain.messages.attachments import File
from domain.staff import sessions
from tests import pdfs
from tests.stores import FILES
from tests.web.state import count
from tests.world import World


def letter(world: World, **changes: Any) -> Written:
    made = Written("message", Party(team=world.team), "Bonjour {prénom}", "Cher {prénom}, venez.")
    return replace(made, **changes)


async def send(world: World, *patients: UUID, key: str = "k", **changes: Any) -> UUID:
    await sessions.end_all(world.dana)  # three at once are the most
    dana = await world.at_work()
    written = letter(world, **changes)
    return await sending.send(dana, patients, written, key=key, store=FILES, now=world.now)


async def test_each_has_a_thread_with_their_own_name_in_it(world: World) -> None:
    await send(world, world.alice, world.bob, world.charlie, world.bob)
    rows = await db.fetch(
        "SELECT t.patient, t.subject, m.body FROM thread t JOIN message m ON m.thread = t.id"
    )
    assert {row["patient"]: (row["subject"], row["body"]) for row in rows} == {
        world.alice: ("Bonjour Alice", "Cher Alice, venez."),
        world.bob: ("Bonjour Bob", "Cher Bob, venez."),
        world.charlie: ("Bonjour Charlie", "Cher Charlie, venez."),
    }
    assert len(rows) == 3
    lines = await db.fetch("SELECT patient FROM audit_line WHERE action = 'communication.sent'")
    assert {line["patient"] for line in lines} == {world.alice, world.bob, world.charlie}
    assert await count("outbound_email") == 3


async def test_the_same_form_sends_once_and_another_content_is_refused(world: World) -> None:
    first = await send(world, world.alice, world.bob)
    assert await send(world, world.bob, world.alice) == first
    assert await count("thread") == 2
    with pytest.raises(FormReused):
        await send(world, world.alice)
    with pytest.raises(FormReused):
        await send(world, world.alice, world.bob, body="Autre.")


async def test_files_are_each_recipients_own_and_count_for_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = File("Avis.pdf", pdfs.good())
    monkeypatch.setattr(attachments, "MOST_BYTES_A_DAY", 2 * len(file.content))
    with pytest.raises(PdfRefused) as refused:
        await send(world, world.alice, world.bob, world.charlie, kind="document", files=(file,))
    assert refused.value.problem == "too_much_today"
    assert (await count("thread"), await count("attachment")) == (0, 0)
    await send(world, world.alice, world.bob, key="l", kind="document", files=(file,))
    stored = await db.fetch("SELECT stored_as FROM attachment")
    assert len({row["stored_as"] for row in stored}) == 2


async def test_one_that_fails_sends_to_nobody(world: World) -> None:
    for changes in (
        {"body": "x" * 9_999 + "{prénom}"},
        {"body": "Bonjour {prénom}, {nom}"},
        {"subject": "Pour {nom}"},
        {"site": uuid4()},
        {"kind": "invoice"},
        {"signer": Party()},
        {"signer": Party(team=uuid4())},
        {"subject": " "},
    ):
        with pytest.raises(Invalid):
            await send(world, world.alice, world.bob, **changes)
    with pytest.raises(NotFound):
        await send(world, world.alice, uuid4())
    with pytest.raises(Invalid):
        await send(world)
    assert (await count("thread"), await count("staff_form_key")) == (0, 0)


async def test_at_most_two_hundred(world: World) -> None:
    many = [await world.patient("P", f"N{n}", date(1980, 1, 1)) for n in range(201)]
    with pytest.raises(Invalid) as refused:
        await send(world, *many)
    assert refused.value.problems == {"recipients": "too_many"}
    await send(world, *many[:200])
    assert await count("thread") == 200


async def test_whom_no_account_reads_is_told_apart(world: World) -> None:
    alone = await world.patient("Zoé", "Sans", date(1990, 1, 1))
    of_age = await world.patient("Luc", "Grand", date(2005, 1, 1))
    grant = await world.grant(world.alice_account, of_age)
    dana = await world.at_work()

    async def read() -> dict[str, bool]:
        ids = [world.alice, world.bob, alone, of_age]
        return {
            each.first_name: each.is_read
            for each in await sending.recipients(dana, ids, now=world.now)
        }

    assert await read() == {"Alice": True, "Bob": True, "Zoé": False, "Luc": False}
    await world.consent(grant)
    assert (await read())["Luc"]
    await db.fetch("UPDATE account SET disabled_at = {}", world.now)
    assert not any((await read()).values())


async def test_whoever_may_not_read_a_kind_does_not_read_it(world: World) -> None:
    """Finding 14: a grant for messages alone opens no invoice."""
    child = await world.patient("Zoé", "Petite", date(2018, 1, 1))
    await world.grant(world.alice_account, child, "send_messages")
    dana = await world.at_work()
    (found,) = await sending.recipients(dana, [child], now=world.now)
    assert (found.is_read, found.unread) == (True, ["document", "invoice"])
    (alice,) = await sending.recipients(dana, [world.alice], now=world.now)
    assert alice.unread == []


async def test_everyone_of_a_day_is_found_by_clinic_time(world: World) -> None:
    late = world.now.replace(hour=4) + timedelta(days=2)  # 23:00 of the day before, in Toronto
    await world.appointment(late, patient=world.bob)
    await world.appointment(late - timedelta(hours=8))
    await world.appointment(late - timedelta(hours=9), cancelled_at=world.now)
    dana = await world.at_work()
    found = await sending.seen_on(dana, world.practitioner, date(2026, 11, 24), now=world.now)
    assert {each.id for each in found} == {world.alice, world.bob}
    assert await sending.seen_on(dana, world.practitioner, date(2026, 11, 25), now=world.now) == []


async def test_a_practitioner_writes_in_their_name_to_their_patients(world: World) -> None:
    erin = await world.at_work(world.erin)
    mine = letter(world, signer=Party(world.practitioner))
    with pytest.raises(NotFound):
        await sending.send(erin, [world.alice], mine, key="k", store=FILES, now=world.now)
    assert await sending.find(erin, "gagnon", now=world.now) == []
    await world.appointment(world.now + timedelta(days=3))
    assert [each.first_name for each in await sending.find(erin, "gagnon", now=world.now)] == [
        "Alice"
    ]
    with pytest.raises(Invalid):
        await sending.send(erin, [world.alice], letter(world), key="k", store=FILES, now=world.now)
    await sending.send(erin, [world.alice], mine, key="k", store=FILES, now=world.now)
    with pytest.raises(NotFound):
        await sending.seen_on(erin, uuid4(), date(2026, 11, 24), now=world.now)


async def test_an_answer_goes_once_into_its_thread_and_opens_a_closed_one(world: World) -> None:
    thread, dana = await world.thread(may_answer=True), await world.at_work()
    await communications.close(dana, thread, now=world.now)
    said = letter(world, subject="")
    for _ in range(2):
        await sending.answer(dana, thread, said, key="k", store=FILES, now=world.now)
    view = await communications.open(dana, thread, now=world.now)
    assert [each.body for each in view.messages][1:] == ["Cher Alice, venez."]
    assert (view.closed_at, view.messages[-1].written_by) == (None, "Dana Fortin")
    erin = await world.at_work(world.erin)
    await db.fetch("UPDATE message SET practitioner = NULL, team = {}", world.team)
    with pytest.raises(NotFound):
        await sending.answer(erin, thread, said, key="l", store=FILES, now=world.now)
