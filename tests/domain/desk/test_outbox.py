"""Mails that did not leave are told in plain words, sent again, or seen to in another way."""

from datetime import timedelta

import pytest

from domain import db
from domain.desk import outbox
from domain.desk.outbox import masked, reason
from domain.errors import NotFound
from domain.mail import delivery
from domain.mail.tables import OutboundEmail
from tests.web.staff.mailroom import dead_mail
from tests.web.state import journal
from tests.world import World

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("SMTPRecipientRefused (550, '5.1.1 no such user', 'a@b.ca')", "unknown_address"),
        ("hard:0123abcd SMTPRecipientRefused (550, 'User unknown', 'a@b.ca')", "unknown_address"),
        ("SMTPDataError (554, 'Message rejected as spam')", "refused"),
        ("SMTPRecipientRefused (550, 'blocked')", "refused"),
        ("SMTPRecipientRefused (552, 'too much')", "full"),
        ("SMTPDataError (452, '4.2.2 mailbox full')", "full"),
        ("SMTPDataError (451, 'try later')", "busy"),
        ("SMTPConnectError Error connecting to localhost on port 25", "unreachable"),
        ("SMTPServerDisconnected (421, 'closing')", "unreachable"),
        ("ConnectionRefusedError [Errno 111] Connect call failed", "unreachable"),
        ("UndefinedError", "unmade"),
        ("", "unmade"),
    ],
)
def test_what_a_server_said_has_a_plain_word(said: str, expected: str) -> None:
    assert reason(said) == expected


def test_an_address_is_told_without_being_told() -> None:
    assert masked("jeanne@example.com") == "j***@example.com"
    assert masked("") == "***"


async def test_dead_mails_say_about_whom_they_are(world: World) -> None:
    visit = await world.appointment(world.now + 60 * HOUR, patient=world.bob)
    await dead_mail(world, kind="appointment_booked", facts=f'{{"appointment": "{visit}"}}')
    await dead_mail(world, at=world.now - 2 * HOUR, facts=f'{{"patient": "{world.charlie}"}}')
    await dead_mail(world, at=world.now - 3 * HOUR, kind="reset_password")
    await dead_mail(
        world, at=world.now - 4 * HOUR, kind="email_changed", account=None, address="x@old.example"
    )
    found = await outbox.dead()
    assert [(mail.patient_name, mail.masked, mail.is_own_address) for mail in found.rows] == [
        ("Bob Gagnon", "a***@example.com", True),
        ("Charlie Dubois", "a***@example.com", True),
        ("Alice Gagnon", "a***@example.com", True),
        ("", "x***@old.example", False),
    ]
    assert found.next is None


async def test_resending_is_the_same_mail_from_its_first_try_on(world: World) -> None:
    mail, dana = await dead_mail(world), await world.at_work()
    for _ in range(2):
        await outbox.resend(dana, mail, now=world.now)
    (letter,) = await delivery.lease(5, now=world.now)
    assert (letter.id, letter.tries) == (mail, 0)
    assert [line["action"] for line in await journal("mail.")] == ["mail.resent"]
    assert (await outbox.dead()).rows == []
    with pytest.raises(NotFound):
        await outbox.resend(dana, world.alice, now=world.now)


async def test_what_was_seen_to_is_not_asked_about_again(world: World) -> None:
    mail, dana = await dead_mail(world), await world.at_work()
    for _ in range(2):
        await outbox.handle(dana, mail, now=world.now)
    await outbox.resend(dana, mail, now=world.now)
    row = await OutboundEmail.objects().get(OutboundEmail.id == mail)
    assert row is not None
    assert (row.handled_at, row.handled_by) == (world.now, dana.signature)
    assert row.dead_at is not None
    assert [line["patient"] for line in await journal("mail.")] == [world.alice]
    assert ((await outbox.dead()).rows, (await outbox.queue(now=world.now)).dead) == ([], 0)


async def test_the_queue_says_since_when_no_server_answers(world: World) -> None:
    assert await outbox.queue(now=world.now) == outbox.Queue(0, None, None, 0)
    common = {"dead_at": None, "tries": 0}
    await dead_mail(world, "", at=world.now, **common)
    assert (await outbox.queue(now=world.now)).waiting == 0  # it leaves within seconds
    await dead_mail(world, "SMTPConnectError", at=world.now - 2 * HOUR, **common)
    await dead_mail(world, "SMTPConnectError", at=world.now - HOUR, **common)
    queue = await outbox.queue(now=world.now)
    assert (queue.waiting, queue.oldest_at) == (2, world.now - 2 * HOUR)
    assert queue.unreachable_since == world.now - 2 * HOUR
    await db.fetch(
        "UPDATE outbound_email SET sent_at = {} WHERE created_at = {}", world.now, world.now
    )
    assert (await outbox.queue(now=world.now)).unreachable_since is None


async def test_a_page_has_fifty(world: World) -> None:
    for hours in range(52):
        await dead_mail(world, at=world.now - hours * HOUR)
    first = await outbox.dead()
    assert (len(first.rows), first.next) == (50, first.rows[-1].id)
    rest = await outbox.dead(after=first.next)
    assert ([mail.dead_at for mail in rest.rows], rest.next) == (
        [world.now - 50 * HOUR, world.now - 51 * HOUR],
        None,
    )
