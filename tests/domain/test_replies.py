"""When one may reply, and what becomes of many replies at once."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.accounts import throttles
from domain.errors import NotFound, Refusal
from domain.messages import replies, rules, threads
from domain.messages.replies import Reply
from domain.messages.rules import LatestFromClinic
from domain.messages.tables import Draft, Message, Receipt
from domain.people.viewer import Viewer
from tests.domain import records
from tests.world import World

MINUTE = timedelta(minutes=1)
ANSWERED = LatestFromClinic(uuid4(), "message", is_reply_allowed=True, is_answered=True)
OPEN = LatestFromClinic(uuid4(), "message", is_reply_allowed=True, is_answered=False)
REFUSED = LatestFromClinic(uuid4(), "message", is_reply_allowed=False, is_answered=False)


@pytest.mark.parametrize(
    ("has_replies", "grants", "is_closed", "latest", "why"),
    [
        (True, ("send_messages",), False, OPEN, ""),
        (False, ("send_messages",), False, OPEN, "off"),
        (True, ("read_messages",), False, OPEN, "no_grant"),
        (True, ("read_documents", "read_invoices"), False, OPEN, "no_grant"),
        (True, ("send_messages",), False, None, "nothing_to_answer"),
        (True, ("send_messages",), True, OPEN, "closed"),
        (True, ("send_messages",), True, ANSWERED, "closed"),
        (True, ("send_messages",), False, ANSWERED, "used"),
        (True, ("send_messages",), False, REFUSED, "refused"),
        (False, ("read_messages",), True, None, "off"),
    ],
)
async def test_why_one_may_not_reply(
    world: World,
    has_replies: bool,
    grants: tuple[str, ...],
    is_closed: bool,
    latest: LatestFromClinic | None,
    why: str,
) -> None:
    account = await world.account("nanny@example.com")
    await world.grant(account, world.bob, *grants, relationship="caregiver")
    await world.set_clinic(has_replies=has_replies)
    viewer = await world.viewer(account)
    found = rules.why_no_reply(viewer, world.bob, is_closed=is_closed, latest=latest, now=world.now)
    assert found == why


async def asked(world: World, *, patient: UUID | None = None) -> tuple[UUID, UUID]:
    """A thread that may be answered, and the message that asks."""
    thread = await world.thread(patient=patient or world.alice, may_answer=True)
    (message,) = await Message.objects().where(Message.thread == thread)
    return thread, message.id


async def reply(
    viewer: Viewer, patient: UUID, thread: UUID, to: UUID | None, world: World, text: str = "Oui."
) -> str:
    try:
        await replies.send(
            viewer, patient, thread, Reply(text, True, to), key=uuid4().hex, now=world.now
        )
    except Refusal as refusal:
        return refusal.code
    return "done"


async def test_of_ten_replies_at_once_one_is_stored(world: World) -> None:
    """R66: whoever writes them."""
    thread, message = await asked(world, patient=world.bob)
    viewers = []
    for n in range(10):
        account = await world.account(f"parent{n}@example.com")
        await world.grant(account, world.bob)
        viewers.append(await world.viewer(account))
    answers = await asyncio.gather(
        *(reply(viewer, world.bob, thread, message, world) for viewer in viewers)
    )
    assert Counter(answers) == {"done": 1, "reply_not_open": 9}
    assert await Message.count().where(Message.account.is_not_null()) == 1
    assert await Draft.count() == 9
    (told,) = await records.rows("SELECT count(*) AS n FROM activity WHERE kind = 'reply_sent'")
    assert told["n"] == 1


async def test_the_database_itself_takes_one_reply_to_a_message(world: World) -> None:
    """Past every check of ours."""
    thread, message = await asked(world)
    await world.message(thread, "Un.", account=world.alice_account, answers=message)
    with pytest.raises(Exception, match=r"(?i)unique") as error:
        await world.message(thread, "Deux.", account=world.alice_account, answers=message)
    assert db.conflict_kind(error.value) == "unique"


async def test_what_was_asked_of_another_thread_is_not_answered(world: World) -> None:
    """A3."""
    thread, _ = await asked(world)
    _, other = await asked(world, patient=world.charlie)
    viewer = await world.viewer()
    assert await reply(viewer, world.alice, thread, other, world) == "another_message_came"
    assert await reply(viewer, world.alice, thread, None, world) == "another_message_came"
    with pytest.raises(NotFound):
        await replies.send(
            viewer, world.alice, uuid4(), Reply("Oui.", True, other), key="k", now=world.now
        )
    assert await Message.count().where(Message.account.is_not_null()) == 0
    assert await Draft.count() == 1


async def test_a_new_message_re_arms_the_reply(world: World) -> None:
    thread, first = await asked(world)
    viewer = await world.viewer()
    assert await reply(viewer, world.alice, thread, first, world) == "done"
    assert await reply(viewer, world.alice, thread, first, world) == "reply_not_open"
    second = await world.message(thread, may_answer=True, at=world.now + MINUTE)
    assert await reply(viewer, world.alice, thread, first, world) == "another_message_came"
    assert await reply(viewer, world.alice, thread, second, world) == "done"


async def test_a_reply_that_was_allowed_again_is_open(world: World) -> None:
    thread, message = await asked(world)
    viewer = await world.viewer()
    for allowed, refused, why in [
        (world.now, None, ""),
        (world.now, world.now - MINUTE, ""),
        (world.now, world.now + MINUTE, "refused"),
        (world.now, world.now, "refused"),
        (None, None, "refused"),
        (None, world.now, "refused"),
    ]:
        await Message.update(
            {Message.reply_allowed_at: allowed, Message.reply_refused_at: refused}
        ).where(Message.id == message)
        found = await threads.reply_to(viewer, world.alice, thread, now=world.now)
        assert (found.latest, found.why_not) == (message, why)


async def test_what_came_between_showing_and_marking_stays_unread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R67: nobody has seen it."""
    thread, _ = await asked(world)
    viewer = await world.viewer()
    shown = threads.receipts.mark_read
    late: list[UUID] = []

    async def mark(*args: object, **more: object) -> object:
        late.append(await world.message(thread, "Tout juste arrivé."))
        return await shown(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(threads.receipts, "mark_read", mark)
    await threads.open(viewer, world.alice, thread, now=world.now)
    unread = await Receipt.objects().where(Receipt.read_at.is_null())
    assert [receipt.message for receipt in unread] == late


async def test_a_spent_key_opens_no_thread_of_another(world: World) -> None:
    """A2, A3: neither a draft nor a line of the journal names it."""
    thread, message = await asked(world)
    foreign, theirs = await asked(world, patient=world.charlie)
    viewer = await world.viewer()
    await replies.send(
        viewer, world.alice, thread, Reply("Oui.", True, message), key="spent", now=world.now
    )
    before = await records.count("audit_line")
    for other in (foreign, uuid4()):
        with pytest.raises(NotFound):
            await replies.send(
                viewer, world.alice, other, Reply("Non.", True, theirs), key="spent", now=world.now
            )
    assert (await Draft.count(), await records.count("audit_line")) == (0, before)


async def test_refused_replies_do_not_use_up_those_of_the_day(world: World) -> None:
    closed = await world.thread()
    thread, message = await asked(world)
    viewer = await world.viewer()
    answers = Counter(
        [
            await reply(viewer, world.alice, closed, None, world)
            for _ in range(throttles.TRIES_TO_REPLY.most + 1)
        ]
    )
    assert answers == {
        "another_message_came": throttles.TRIES_TO_REPLY.most,
        "too_many": 1,
    }
    world.now += throttles.TRIES_TO_REPLY.window
    assert await reply(viewer, world.alice, thread, message, world) == "done"


async def test_replies_that_are_used_up_are_refused_before_anything_is_looked_at(
    world: World,
) -> None:
    closed = await world.thread()
    for _ in range(throttles.REPLIES.most):
        await throttles.take(throttles.REPLIES, str(world.alice_account), now=world.now)
    assert await reply(await world.viewer(), world.alice, closed, None, world) == "too_many"


@pytest.mark.parametrize(
    ("first", "last", "signed"),
    [("É" * 80, "à" * 80, f"{'É' * 80} {'à' * 39}"), ("", "", "")],
    ids=["long", "unknown"],
)
async def test_a_reply_is_signed_by_a_name_that_fits_or_by_none(
    world: World, first: str, last: str, signed: str
) -> None:
    """P15, R35: never by the address that someone signs in with."""
    account = await world.account("secret-address@example.com")
    await world.grant(account, world.bob)
    if first:
        own = await world.patient(first, last, date(1980, 1, 1))
        await world.grant(account, own, relationship="self")
    thread, message = await asked(world, patient=world.bob)
    assert await reply(await world.viewer(account), world.bob, thread, message, world) == "done"
    (written,) = await Message.objects().where(Message.account == account)
    assert written.sender == signed
