"""What is owed leaves once, and a server that misbehaves costs no mail."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.accounts import sessions
from domain.appointments import attendance
from domain.config import BadConfiguration, Settings
from domain.links import Links
from domain.mail import delivery, outbox
from domain.mail.tables import OutboundEmail
from domain.people.tables import Account
from jobs.deliver_mail import deliver_mail
from jobs.maildir import MaildirMailer
from jobs.office import PostOffice
from jobs.purge import purge
from jobs.smtp import SmtpMailer, SmtpServer
from jobs.transport import Mailer
from tests.jobs.smtp_server import (
    PASSWORD,
    USER,
    Post,
    certificate,
    odd_server,
    passwords_checked,
    smtp_server,
)
from tests.world import World
from web.rendering import Renderer

SETTINGS = Settings(
    public_url="https://portail.example",
    keys=("k" * 8 + "0123456789abcdefghijklmnopqrstuv",),
    data_dir=Path("/nowhere"),
    mail_from="portail@portail.example",
)
SECOND = timedelta(seconds=1)
WITH_LOGIN = f"smtp://{USER}:p%40ss%2Fword%3A1@localhost"


def office(mailer: Mailer) -> PostOffice:
    return PostOffice(SETTINGS, Links(SETTINGS.keys), Renderer(), mailer)


def plain(port: int, *, timeout: float = 10) -> PostOffice:
    server = SmtpServer.from_url(f"smtp+plain://127.0.0.1:{port}")
    return office(SmtpMailer(server, timeout=timeout))


async def owe(world: World, kind: str = "appointment_booked", **columns: Any) -> UUID:
    """A mail about a visit in nine days; the visit's id."""
    days = columns.pop("days", 9)
    visit = await world.appointment(world.now + timedelta(days=days), **columns)
    await outbox.post(kind, world.alice_account, now=world.now, appointment=visit, version=1)
    return visit


async def row() -> OutboundEmail:
    found = await OutboundEmail.objects().order_by(OutboundEmail.created_at).first()
    assert found is not None
    return found


async def test_a_mail_leaves_once_to_its_one_recipient(world: World) -> None:
    await owe(world)
    post = Post()
    async with smtp_server(post) as port:
        assert await deliver_mail(plain(port), now=world.now) == 1
        assert await deliver_mail(plain(port), now=world.now + timedelta(days=1)) == 0
    assert post.recipients == [["alice@example.com"]]
    assert (await row()).sent_at == world.now


async def test_a_batch_takes_one_connection(world: World) -> None:
    for days in range(4, 9):
        await owe(world, days=days)
    post = Post()
    async with smtp_server(post) as port:
        assert await deliver_mail(plain(port), now=world.now) == 5
    assert (len(post.arrived), post.connections) == (5, 1)


async def test_two_at_once_send_each_mail_once(world: World) -> None:
    for days in range(4, 12):
        await owe(world, days=days)
    post = Post()
    async with smtp_server(post) as port:
        sent = await asyncio.gather(*[deliver_mail(plain(port), now=world.now) for _ in range(4)])
    assert sum(sent) == 8
    assert len({mail["Message-ID"] for mail in post.arrived}) == len(post.arrived) == 8


async def test_a_mail_refused_for_now_is_tried_after_1_5_15_60_and_240_minutes(
    world: World,
) -> None:
    await owe(world)
    post, now, waits = Post(at_data="451 busy"), world.now, []
    async with smtp_server(post) as port:
        for _ in range(5):
            await deliver_mail(plain(port), now=now)
            waits.append((await row()).due_at - now)
            assert await deliver_mail(plain(port), now=(await row()).due_at - SECOND) == 0
            now = (await row()).due_at
        assert (await row()).dead_at is None
        await deliver_mail(plain(port), now=now)
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
    mail = await row()
    assert (mail.dead_at, mail.tries) == (now, 6)
    assert "451" in mail.last_error


async def test_a_mail_that_succeeds_at_a_later_try_has_the_same_message_id(world: World) -> None:
    await owe(world)
    post = Post(at_recipient="450 later")
    async with smtp_server(post) as port:
        await deliver_mail(plain(port), now=world.now)
        post.at_recipient = "250 OK"
        assert await deliver_mail(plain(port), now=world.now + timedelta(minutes=1)) == 1
    mail = await row()
    assert post.arrived[0]["Message-ID"] == f"<{mail.id}@portail.example>"
    assert (mail.tries, mail.last_error) == (1, "")


@pytest.mark.parametrize("where", ["at_recipient", "at_data"])
async def test_a_final_refusal_ends_one_mail_and_not_the_next(world: World, where: str) -> None:
    await owe(world)
    post = Post(**{where: "550 no such person"})
    async with smtp_server(post) as port:
        await deliver_mail(plain(port), now=world.now)
        assert (await row()).dead_at == world.now
        setattr(post, where, "250 OK")
        await owe(world, days=8)
        assert await deliver_mail(plain(port), now=world.now) == 1


async def test_no_server_uses_up_no_try_and_is_not_asked_for_each_mail(world: World) -> None:
    await owe(world)
    await owe(world, days=8)
    async with smtp_server(Post()) as port:
        pass
    await deliver_mail(plain(port), now=world.now)
    for mail in await OutboundEmail.objects():
        assert (mail.tries, mail.due_at) == (0, world.now + timedelta(minutes=1))
        assert mail.leased_until is None


async def test_without_a_server_a_mail_waits_72_hours_and_then_the_staff_are_told(
    world: World,
) -> None:
    await owe(world)
    async with smtp_server(Post()) as port:
        pass
    nobody = plain(port)
    now, last, waits = world.now, world.now, []
    while (await row()).dead_at is None:
        last = now
        await deliver_mail(nobody, now=now)
        mail = await row()
        waits.append(mail.due_at - now)
        now = mail.due_at
    assert waits[:4] == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
    assert set(waits[4:-1]) == {timedelta(hours=1)}
    assert timedelta(hours=72) <= last - world.now < timedelta(hours=73)
    assert (await row()).tries == 0


@pytest.mark.parametrize(
    "greeting", [b"", b"421 too busy\r\n", b"554 go away\r\n", b"nonsense\r\n"]
)
async def test_a_server_that_does_not_let_us_in_uses_up_no_try(
    world: World, greeting: bytes
) -> None:
    await owe(world)
    async with odd_server(greeting) as port:
        assert await deliver_mail(plain(port, timeout=0.5), now=world.now) == 0
    assert ((await row()).tries, (await row()).dead_at) == (0, None)


async def test_a_server_that_closes_during_a_mail_uses_up_no_try(world: World) -> None:
    await owe(world)
    async with smtp_server(Post(at_data="421 shutting down")) as port:
        assert await deliver_mail(plain(port), now=world.now) == 0
    assert ((await row()).tries, (await row()).dead_at) == (0, None)


async def test_starttls_is_used_and_the_password_goes_through_it(
    world: World, tmp_path: Path
) -> None:
    await owe(world)
    server_tls, client_tls = certificate(tmp_path)
    post = Post()
    login = {"auth_require_tls": True, "auth_required": True, "authenticator": passwords_checked}
    async with smtp_server(post, tls=server_tls, require_starttls=True, **login) as port:
        server = SmtpServer.from_url(f"{WITH_LOGIN}:{port}")
        assert (server.user, server.password) == (USER, PASSWORD)
        mailer = SmtpMailer(server, client_tls, timeout=10)
        assert await deliver_mail(office(mailer), now=world.now) == 1


@pytest.mark.parametrize("is_default", [True, False])
async def test_a_certificate_that_cannot_be_verified_gets_no_mail(
    world: World, tmp_path: Path, is_default: bool
) -> None:
    await owe(world)
    server_tls, _ = certificate(tmp_path)
    trust = None if is_default else certificate(tmp_path, "another.example")[1]
    post = Post()
    async with smtp_server(post, tls=server_tls) as port:
        mailer = SmtpMailer(SmtpServer.from_url(f"smtp://localhost:{port}"), trust, timeout=10)
        assert await deliver_mail(office(mailer), now=world.now) == 0
    assert post.connections == 1
    assert post.arrived == []
    assert (await row()).tries == 0


async def test_a_server_without_starttls_gets_no_mail(world: World) -> None:
    await owe(world)
    post = Post()
    async with smtp_server(post) as port:
        mailer = SmtpMailer(SmtpServer.from_url(f"smtp://localhost:{port}"), timeout=10)
        assert await deliver_mail(office(mailer), now=world.now) == 0
    assert post.arrived == []


async def test_a_wrong_password_uses_up_no_try(world: World, tmp_path: Path) -> None:
    await owe(world)
    server_tls, client_tls = certificate(tmp_path)
    login = {"auth_required": True, "authenticator": passwords_checked}
    async with smtp_server(Post(), tls=server_tls, **login) as port:
        server = SmtpServer.from_url(f"smtp://{USER}:wrong@localhost:{port}")
        await deliver_mail(office(SmtpMailer(server, client_tls, timeout=10)), now=world.now)
    mail = await row()
    assert (mail.tries, mail.dead_at) == (0, None)
    assert "wrong" not in mail.last_error


@pytest.mark.parametrize(
    "url",
    ["smtp+plain://mail.example", "http://mail.example", "smtp://", "smtp+plain://10.0.0.1:25"],
)
def test_an_unsafe_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(BadConfiguration):
        SmtpServer.from_url(url)


async def test_no_mail_about_a_visit_cancelled_moved_or_begun_meanwhile(world: World) -> None:
    cancelled = await owe(world)
    await owe(world, days=8, version=2)
    await owe(world, days=-1)
    viewer = await world.viewer()
    await attendance.cancel(viewer, world.alice, cancelled, now=world.now)
    post = Post()
    async with smtp_server(post) as port:
        assert await deliver_mail(plain(port), now=world.now) == 1
    assert [mail["Subject"] for mail in post.arrived] == ["Votre rendez-vous est annulé"]
    dropped = await OutboundEmail.count().where(OutboundEmail.dropped_at.is_not_null())
    assert dropped == 3


async def test_no_request_to_confirm_what_is_confirmed(world: World) -> None:
    visit = await owe(world, "appointment_confirmable", days=2.5)
    await attendance.confirm(await world.viewer(), world.alice, visit, now=world.now)
    assert await deliver_mail(plain(1), now=world.now) == 0
    assert (await row()).dropped_at == world.now


async def test_no_mail_to_an_account_that_lost_the_profile_or_is_closed(world: World) -> None:
    await owe(world, patient=world.charlie)
    await owe(world, days=8)
    await Account.update({Account.disabled_at: world.now}).where(Account.id == world.alice_account)
    assert await deliver_mail(plain(1), now=world.now) == 0
    assert await OutboundEmail.count().where(OutboundEmail.dropped_at.is_not_null()) == 2


async def test_a_mail_leased_by_one_that_died_is_sent_by_another(world: World) -> None:
    await owe(world)
    assert len(await delivery.lease(20, now=world.now)) == 1
    post = Post()
    async with smtp_server(post) as port:
        early = await deliver_mail(plain(port), now=world.now + timedelta(minutes=4))
        late = await deliver_mail(plain(port), now=world.now + timedelta(minutes=5))
    assert (early, late) == (0, 1)


async def test_a_mail_that_cannot_be_made_uses_up_a_try_and_lets_the_others_go(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await owe(world)
    await world.account("not an address", id=world.practitioner)
    await world.grant(world.practitioner, world.bob)
    visit = await world.appointment(world.now + timedelta(days=7), patient=world.bob)
    facts = {"appointment": visit, "version": 1}
    await outbox.post("appointment_booked", world.practitioner, now=world.now, **facts)
    async with smtp_server(Post()) as port:
        assert await deliver_mail(plain(port), now=world.now) == 1
    failed = await OutboundEmail.objects().where(OutboundEmail.sent_at.is_null()).first()
    assert failed is not None
    assert (failed.tries, failed.dead_at) == (1, None)
    assert "cannot be made" in caplog.text


async def test_the_demo_keeps_its_mails_in_a_folder(world: World, tmp_path: Path) -> None:
    await owe(world)
    folder = tmp_path / "data" / "mailbox"
    mailer = MaildirMailer(folder, lambda: world.now)
    assert await deliver_mail(office(mailer), now=world.now) == 1
    (file,) = (folder / "new").iterdir()
    assert f"X-Sent: {world.now.isoformat(timespec='milliseconds')}" in file.read_text()


async def test_what_is_done_with_goes_after_30_days_and_what_never_left_stays(
    world: World,
) -> None:
    await owe(world)
    async with smtp_server(Post()) as port:
        await deliver_mail(plain(port), now=world.now)
    await owe(world, days=8)
    await sessions.begin(world.alice_account, device="", now=world.now)
    await purge(now=world.now + timedelta(days=30))
    assert await OutboundEmail.count() == 2
    await purge(now=world.now + timedelta(days=30, seconds=1))
    (kept,) = await OutboundEmail.objects()
    assert kept.sent_at is None
