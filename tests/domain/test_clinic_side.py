"""What the clinic sends reaches the right accounts, once, and whoever looks after it is told."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import audit, db
from domain.audit import Actor
from domain.errors import ChangedMeanwhile, Invalid, NotFound, PdfRefused
from domain.mail import delivery as mails
from domain.messages import addressing, attachments, clinic_side, new_messages, threads
from domain.messages.attachments import File
from domain.messages.clinic_side import ToSend
from domain.messages.files import FolderStore
from domain.messages.rules import Kind
from domain.people.tables import ProxyGrant
from domain.texts import folded
from tests import pdfs
from tests.world import NOW, World

STAFF = Actor("staff", None, "test")
BY = "Mélanie Caron"
MINUTE = timedelta(minutes=1)
ASSIGNED = "SELECT 1 FROM audit_line WHERE action = 'communication.assigned'"


@pytest.fixture
def files(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "documents")


def pdf(name: str = "Formulaire.pdf") -> File:
    return File(name, pdfs.good())


def draft(world: World, **changes: Any) -> ToSend:
    made = ToSend(
        patient=world.alice,
        kind="message",
        subject="Résultats",
        body="Bonjour Alice.",
        written_by=BY,
        practitioner=world.practitioner,
        site=world.site,
    )
    return replace(made, **changes)


async def rows(table: str) -> list[dict[str, Any]]:
    return await db.fetch(f"SELECT * FROM {table}")


async def count(table: str) -> int:
    return len(await rows(table))


async def message_of(thread: UUID) -> dict[str, Any]:
    found = await db.fetch(
        "SELECT * FROM message WHERE thread = {} ORDER BY sent_at DESC LIMIT 1", thread
    )
    return found[0]


async def mailed(message: UUID, *, now: datetime = NOW) -> set[str]:
    return {each.mailed for each in await clinic_side.delivery(message, now=now)}


async def actions() -> list[str]:
    return [row["action"] for row in await db.fetch("SELECT action FROM audit_line ORDER BY id")]


async def test_a_message_is_a_thread_with_its_mail_its_activity_and_its_line(
    world: World, files: FolderStore
) -> None:
    thread = await clinic_side.send(STAFF, draft(world, may_answer=True), files=files, now=NOW)
    message = await message_of(thread)
    assert (message["sender"], message["body"]) == ("Dre Camille Roy", "Bonjour Alice.")
    assert (message["written_by"], message["reply_allowed_at"]) == (BY, NOW)
    assert [row["subject"] for row in await rows("thread")] == ["Résultats"]
    assert [row["account"] for row in await rows("receipt")] == [world.alice_account]
    assert [row["kind"] for row in await rows("outbound_email")] == ["message_received"]
    told = [(row["kind"], row["subject"]) for row in await rows("activity")]
    assert told == [("message_received", thread)]
    (line,) = await rows("audit_line")
    assert (line["action"], line["actor_kind"], line["patient"], line["subject"]) == (
        "communication.sent",
        "staff",
        world.alice,
        message["id"],
    )


@pytest.mark.parametrize("kind", ["document", "invoice"])
async def test_a_document_comes_with_its_file_and_without_a_word_if_need_be(
    world: World, files: FolderStore, kind: Kind
) -> None:
    sent = draft(world, kind=kind, body="", files=(pdf("Reçu d’été.pdf"),))
    thread = await clinic_side.send(STAFF, sent, files=files, now=NOW)
    viewed = await threads.open(await world.viewer(), world.alice, thread, now=NOW)
    (message,) = viewed.messages
    assert (message.kind, [file.title for file in message.attachments]) == (kind, ["Reçu d’été"])
    assert folded("reçu d’été") in (await message_of(thread))["folded"]
    (attachment,) = await rows("attachment")
    assert await files.read(attachment["stored_as"], 0, 2**20) == sent.files[0].content


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"subject": " \n "}, {"subject": "missing"}),
        ({"subject": "x" * 121}, {"subject": "too_long"}),
        ({"body": " \u200b"}, {"body": "missing"}),
        ({"body": "x" * 10_001}, {"body": "too_long"}),
        ({"kind": "document"}, {"files": "missing"}),
        ({"kind": "invoice"}, {"files": "missing"}),
        ({"kind": "news"}, {"kind": "unknown"}),
        ({"practitioner": None}, {"sender": "missing"}),
        ({"team": uuid4()}, {"sender": "missing"}),
        ({"practitioner": uuid4()}, {"sender": "unknown"}),
        ({"practitioner": None, "team": uuid4()}, {"sender": "unknown"}),
        ({"site": uuid4()}, {"site": "unknown"}),
        ({"written_by": ""}, {"written_by": "missing"}),
        ({"subject": "", "body": ""}, {"subject": "missing", "body": "missing"}),
    ],
)
async def test_what_cannot_be_sent_is_refused_whole(
    world: World, files: FolderStore, changes: dict[str, Any], problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        await clinic_side.send(STAFF, draft(world, **changes), files=files, now=NOW)
    assert refused.value.problems == problems
    assert [await count(table) for table in ("thread", "message", "audit_line")] == [0, 0, 0]


async def test_the_longest_text_and_subject_pass(world: World, files: FolderStore) -> None:
    sent = draft(world, subject="é" * 120, body="é\r\n" * 4_999 + "éé")
    assert await clinic_side.send(STAFF, sent, files=files, now=NOW)


async def test_a_bad_file_stops_the_whole_message(world: World, files: FolderStore) -> None:
    bad = File("note.pdf", b"<html>")
    with pytest.raises(PdfRefused):
        await clinic_side.send(STAFF, draft(world, files=(pdf(), bad)), files=files, now=NOW)
    assert await count("message") == 0
    assert await files.names() == {}


async def test_an_unknown_patient_and_anothers_thread_are_not_found(
    world: World, files: FolderStore
) -> None:
    thread = await world.thread(patient=world.charlie)
    for changes in ({"patient": uuid4()}, {"thread": thread}, {"thread": uuid4()}):
        with pytest.raises(NotFound):
            await clinic_side.send(STAFF, draft(world, **changes), files=files, now=NOW)
    assert await count("message") == 1


async def test_a_team_signs_by_its_name(world: World, files: FolderStore) -> None:
    sent = draft(world, practitioner=None, team=world.team)
    thread = await clinic_side.send(STAFF, sent, files=files, now=NOW)
    assert (await message_of(thread))["sender"] == "Accueil"


async def test_an_answer_goes_on_with_the_thread_and_opens_it_again(
    world: World, files: FolderStore
) -> None:
    thread = await world.thread(may_answer=True)
    await clinic_side.close(STAFF, thread, by=BY, now=NOW)
    again = await clinic_side.answer(
        STAFF, thread, draft(world, subject="", may_answer=True), files=files, now=NOW + MINUTE
    )
    viewed = await threads.open(await world.viewer(), world.alice, thread, now=NOW + MINUTE)
    assert (again, viewed.subject, len(viewed.messages)) == (thread, "Résultats", 2)
    assert viewed.reply_to.why_not == ""


async def test_every_holder_gets_one_mail_of_each_communication(
    world: World, files: FolderStore
) -> None:
    other = await world.account("parent@example.com")
    await world.grant(other, world.bob)
    await clinic_side.send(STAFF, draft(world, patient=world.bob), files=files, now=NOW)
    mails = await rows("outbound_email")
    assert {row["account"] for row in mails} == {world.alice_account, other}
    assert len({row["once_key"] for row in mails}) == 2


async def test_nothing_is_half_done(
    world: World, files: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R84: the message, its mail, its activity and its line stand or fall together."""

    async def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", fails)
    with pytest.raises(RuntimeError):
        await clinic_side.send(STAFF, draft(world), files=files, now=NOW)
    tables = ("thread", "message", "receipt", "activity", "outbound_email")
    assert [await count(table) for table in tables] == [0] * 5


async def test_of_two_decisions_on_a_reply_the_later_stands(world: World) -> None:
    thread = await world.thread()
    message = (await message_of(thread))["id"]
    viewer = await world.viewer()
    said = []
    for n, decide in enumerate(
        (clinic_side.allow_reply, clinic_side.refuse_reply, clinic_side.allow_reply)
    ):
        at = NOW + n * MINUTE
        await decide(STAFF, message, by=BY, now=at)
        said.append((await threads.reply_to(viewer, world.alice, thread, now=at)).why_not)
    assert said == ["", "refused", ""]
    assert await actions() == [
        "communication.reply_allowed",
        "communication.reply_refused",
        "communication.reply_allowed",
    ]


async def test_a_patients_message_has_no_reply_to_decide_on(world: World) -> None:
    thread = await world.thread()
    own = await world.message(thread, account=world.alice_account)
    for message in (own, uuid4()):
        with pytest.raises(NotFound):
            await clinic_side.allow_reply(STAFF, message, by=BY, now=NOW)


async def test_closing_and_reopening_are_each_noted_once(world: World) -> None:
    thread = await world.thread(may_answer=True)
    viewer = await world.viewer()
    for _ in range(2):
        await clinic_side.close(STAFF, thread, by=BY, now=NOW)
    closed = await threads.reply_to(viewer, world.alice, thread, now=NOW)
    for _ in range(2):
        await clinic_side.reopen(STAFF, thread, now=NOW)
    opened = await threads.reply_to(viewer, world.alice, thread, now=NOW)
    assert (closed.why_not, opened.why_not) == ("closed", "")
    assert await actions() == ["communication.closed", "communication.reopened"]
    with pytest.raises(NotFound):
        await clinic_side.close(STAFF, uuid4(), by=BY, now=NOW)


async def test_the_first_who_opens_a_patients_message_is_kept(world: World) -> None:
    thread = await world.thread()
    own = await world.message(thread, account=world.alice_account)
    await clinic_side.seen(STAFF, own, by="Dana", now=NOW)
    await clinic_side.seen(STAFF, own, by="Eve", now=NOW + MINUTE)
    message = await message_of(thread)
    assert (message["seen_at"], message["seen_by"]) == (NOW, "Dana")
    assert await actions() == ["communication.seen"]
    with pytest.raises(NotFound):
        await clinic_side.seen(STAFF, uuid4(), by=BY, now=NOW)


async def test_a_delivery_says_who_was_written_to_and_who_read_it(world: World) -> None:
    other = await world.account("parent@example.com")
    await world.grant(other, world.bob)
    thread = await world.thread(patient=world.bob)
    message = (await message_of(thread))["id"]
    await threads.open(await world.viewer(), world.bob, thread, now=NOW)
    await db.fetch("UPDATE outbound_email SET dead_at = {} WHERE account = {}", NOW, other)
    found = {each.account: each for each in await clinic_side.delivery(message, now=NOW)}
    assert (found[world.alice_account].name, found[world.alice_account].mailed) == (
        "Alice Gagnon",
        "waiting",
    )
    assert found[world.alice_account].read_at == NOW
    assert (found[other].mailed, found[other].read_at) == ("dead", None)
    await db.fetch("UPDATE outbound_email SET sent_at = {}, dead_at = NULL", NOW)
    assert await mailed(message) == {"sent"}
    await db.fetch("DELETE FROM outbound_email")
    assert await mailed(message) == {"none"}
    assert await mailed(message, now=NOW + mails.KEPT) == {"unknown"}
    with pytest.raises(NotFound):
        await clinic_side.delivery(uuid4(), now=NOW)


async def test_what_waits_is_neither_answered_nor_closed(world: World, files: FolderStore) -> None:
    waits, answered, closed = [await world.thread() for _ in range(3)]
    for n, thread in enumerate((waits, answered, closed)):
        await world.message(thread, account=world.alice_account, at=NOW + n * MINUTE)
    later = NOW + 10 * MINUTE
    await clinic_side.answer(STAFF, answered, draft(world), files=files, now=later)
    await clinic_side.close(STAFF, closed, by=BY, now=later)
    (found,) = await clinic_side.waiting()
    assert (found.thread, found.patient_name, found.team) == (waits, "Alice Gagnon", None)


async def test_the_latest_assignment_stands(world: World) -> None:
    thread = await world.thread()
    await world.message(thread, account=world.alice_account)
    await clinic_side.assign(STAFF, thread, team=world.team, by=BY, now=NOW)
    (by_team,) = await clinic_side.waiting()
    doctor = world.practitioner
    await clinic_side.assign(STAFF, thread, practitioner=doctor, by=BY, now=NOW + MINUTE)
    (by_doctor,) = await clinic_side.waiting()
    assert (by_team.team, by_team.practitioner) == (world.team, None)
    assert (by_doctor.team, by_doctor.practitioner) == (None, doctor)
    for nobody in ({}, {"team": uuid4()}, {"team": world.team, "practitioner": doctor}):
        with pytest.raises(Invalid):
            await clinic_side.assign(STAFF, thread, by=BY, now=NOW, **nobody)
    assert await count("assignment") == 2


async def test_whom_the_clinic_means(world: World) -> None:
    assert await addressing.patient_of("Alice@Example.com") == world.alice
    assert await addressing.patient_of("alice@example.com", "Bob Gagnon") == world.bob
    for name in ("Accueil", "Front desk"):
        assert (await addressing.signer(name)).team == world.team
    for name in ("Dre Roy", " Dre Camille Roy"):
        assert (await addressing.signer(name)).practitioner == world.practitioner


async def test_what_the_clinic_has_ended_takes_nothing_new(
    world: World, files: FolderStore
) -> None:
    """Finding 3: what was begun with it goes on."""
    thread = await clinic_side.send(STAFF, draft(world), files=files, now=NOW)
    for table in ("team", "practitioner", "site"):
        await db.fetch(f"UPDATE {table} SET ended_at = {{}}", NOW)
    assert await new_messages.teams() == []
    for act in (
        addressing.signer("Accueil"),
        addressing.signer("Dre Roy"),
        clinic_side.assign(STAFF, thread, team=world.team, by=BY, now=NOW),
        clinic_side.assign(STAFF, thread, practitioner=world.practitioner, by=BY, now=NOW),
        clinic_side.send(STAFF, draft(world), files=files, now=NOW),
    ):
        with pytest.raises(Invalid):
            await act
    await clinic_side.send(STAFF, draft(world, thread=thread), files=files, now=NOW + MINUTE)
    assert await count("message") == 2


async def test_of_two_answers_at_once_the_second_is_told_of_the_first(
    world: World, files: FolderStore
) -> None:
    """Finding 6."""
    thread = await world.thread()
    asked = await world.message(thread, "Et ensuite ?", account=world.alice_account)
    answers = [draft(world, thread=thread, seen=asked, body=body) for body in ("Un", "Deux")]
    found = await asyncio.gather(
        *(clinic_side.send(STAFF, each, files=files, now=NOW + MINUTE) for each in answers),
        return_exceptions=True,
    )
    (told,) = [each for each in found if isinstance(each, ChangedMeanwhile)]
    assert (told.by, told.at) == (BY, NOW + MINUTE)
    assert await count("message") == 3
    (newest,) = await db.fetch("SELECT id FROM message ORDER BY sent_at DESC LIMIT 1")
    seen = replace(answers[0], seen=newest["id"])
    await clinic_side.send(STAFF, seen, files=files, now=NOW + 2 * MINUTE)


async def test_a_thread_is_given_once_and_nobody_takes_it_from_another_unseen(
    world: World,
) -> None:
    """Finding 6."""
    thread = await world.thread()
    to = {"team": world.team, "by": f"{BY} ({uuid4()})", "seen": None}
    for _ in range(2):
        await clinic_side.assign(STAFF, thread, now=NOW, **to)
    (first,) = await rows("assignment")
    other = {"practitioner": world.practitioner, "by": BY}
    with pytest.raises(ChangedMeanwhile) as told:
        await clinic_side.assign(STAFF, thread, seen=None, now=NOW + MINUTE, **other)
    assert (told.value.by, told.value.at) == (BY, NOW)
    await clinic_side.assign(STAFF, thread, seen=first["id"], now=NOW + MINUTE, **other)
    assert (await count("assignment"), len(await db.fetch(ASSIGNED))) == (2, 2)


async def test_whom_nobody_knows_or_several_are(world: World) -> None:
    await world.another_practitioner("Tran")
    await world.another_practitioner("Tran")
    twin = await world.patient("Bob", "Gagnon", date(2018, 3, 9))
    await world.grant(world.alice_account, twin)
    problems = []
    for asked in (
        addressing.patient_of("nobody@example.com"),
        addressing.patient_of("alice@example.com", "Charlie Dubois"),
        addressing.patient_of("alice@example.com", "Bob Gagnon"),
        addressing.signer("Dr Tran"),
        addressing.signer(""),
        addressing.thread("x"),
        addressing.thread(str(uuid4())),
    ):
        with pytest.raises(Invalid) as refused:
            await asked
        problems.append(refused.value.problems)
    assert problems == [
        {"to": "unknown"},
        {"profile": "unknown"},
        {"profile": "several"},
        {"sender": "several"},
        {"sender": "unknown"},
        {"thread": "unknown"},
        {"thread": "unknown"},
    ]


async def test_a_profile_withdrawn_is_nobodys_any_more(world: World) -> None:
    await ProxyGrant.update({ProxyGrant.withdrawn_at: NOW}).where(ProxyGrant.patient == world.bob)
    with pytest.raises(Invalid):
        await addressing.patient_of("alice@example.com", "Bob Gagnon")


async def test_whoever_answers_has_read_what_was_written(world: World, files: FolderStore) -> None:
    """And it stays done with, as its writer sees it, when a closed thread goes on."""
    thread = await world.thread()
    mine = await world.message(thread, account=world.alice_account, at=NOW)
    viewer, states = await world.viewer(), []

    async def look() -> None:
        view = await threads.open(viewer, world.alice, thread, now=NOW)
        states.append(next(each.state for each in view.messages if each.id == mine))

    await look()
    await clinic_side.close(STAFF, thread, by=BY, now=NOW + MINUTE)
    await look()
    await clinic_side.answer(STAFF, thread, draft(world), files=files, now=NOW + 2 * MINUTE)
    await look()
    await world.message(thread, account=world.alice_account, at=NOW + 3 * MINUTE)
    await look()
    assert states == ["sent", "done", "done", "done"]
    seen = await db.fetch("SELECT seen_by FROM message WHERE id = {}", mine)
    assert seen == [{"seen_by": BY}]


async def test_an_answer_is_read_as_seen_where_it_may_not_be_seen(
    world: World, files: FolderStore
) -> None:
    """A6: that there is an invoice is not told to who may not see one."""
    account = await world.account("nanny@example.com")
    await world.grant(account, world.bob, "send_messages", relationship="caregiver")
    thread = await world.thread(patient=world.bob)
    await world.message(thread, account=account, at=NOW)
    bill = draft(world, patient=world.bob, kind="invoice", files=(pdf(),))
    await clinic_side.answer(STAFF, thread, bill, files=files, now=NOW + MINUTE)
    view = await threads.open(await world.viewer(account), world.bob, thread, now=NOW)
    assert [each.state for each in view.messages if each.is_own_side] == ["seen"]


async def test_what_took_long_to_check_stands_after_what_came_meanwhile(
    world: World, files: FolderStore
) -> None:
    thread = await world.thread()
    await world.message(thread, "Entre-temps.", account=world.alice_account, at=NOW + MINUTE)
    await clinic_side.answer(STAFF, thread, draft(world, body="Enfin."), files=files, now=NOW)
    view = await threads.open(await world.viewer(), world.alice, thread, now=NOW)
    assert [each.body for each in view.messages][1:] == ["Entre-temps.", "Enfin."]
    assert await clinic_side.waiting() == []


async def test_two_sendings_at_once_share_what_is_left_of_the_day(
    world: World, files: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were looked at before either was counted."""
    size = len(pdfs.good())
    monkeypatch.setattr(attachments, "MOST_BYTES_A_DAY", size)
    ready = [await attachments.stored([pdf()], files) for _ in range(2)]
    paper = draft(world, kind="document", files=(pdf(),))
    await attachments.check_all(paper.files, now=NOW)
    sent = await asyncio.gather(
        *(clinic_side.post(STAFF, paper, each, now=NOW) for each in ready), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in sent) == ["PdfRefused", "UUID"]
    assert await count("attachment") == 1
