"""R94: an address that refuses three mails in a row gets no more notices, till one gets there."""

from datetime import timedelta

from domain.mail import outbox
from domain.mail.tables import OutboundEmail
from domain.people.tables import Account
from jobs.deliver_mail import deliver_mail
from tests.jobs.smtp_server import Post, smtp_server
from tests.jobs.test_deliver_mail import owe, plain
from tests.world import World

NO = "550 5.1.1 no such user"
YES = "250 OK"


async def account(world: World) -> Account:
    found = await Account.objects().get(Account.id == world.alice_account)
    assert found is not None
    return found


async def refused(world: World, post: Post, port: int, *days: int) -> None:
    """One mail after another, each refused for good."""
    post.at_recipient = NO
    for day in days:
        await owe(world, days=day)
        await deliver_mail(plain(port), now=world.now + timedelta(minutes=day))


async def test_the_third_refusal_in_a_row_stops_the_notices(world: World) -> None:
    post = Post()
    async with smtp_server(post) as port:
        await refused(world, post, port, 4, 5)
        assert (await account(world)).undeliverable_at is None
        await refused(world, post, port, 6)
        assert (await account(world)).undeliverable_at == world.now + timedelta(minutes=6)
        post.at_recipient = YES
        await owe(world, days=7)
        assert await deliver_mail(plain(port), now=world.now + timedelta(minutes=7)) == 0
    dropped = await OutboundEmail.count().where(OutboundEmail.dropped_at.is_not_null())
    assert (dropped, post.arrived) == (1, [])


async def test_account_mails_are_still_tried_and_one_that_gets_through_starts_them_again(
    world: World,
) -> None:
    post = Post()
    async with smtp_server(post) as port:
        await refused(world, post, port, 4, 5, 6)
        post.at_recipient = YES
        await outbox.post("password_changed", world.alice_account, now=world.now)
        assert await deliver_mail(plain(port), now=world.now + timedelta(minutes=7)) == 1
        assert (await account(world)).undeliverable_at is None
        await owe(world, days=8)
        assert await deliver_mail(plain(port), now=world.now + timedelta(minutes=8)) == 1


async def test_one_that_gets_through_in_between_begins_the_count_anew(world: World) -> None:
    post = Post()
    async with smtp_server(post) as port:
        await refused(world, post, port, 4, 5)
        post.at_recipient = YES
        await owe(world, days=6)
        assert await deliver_mail(plain(port), now=world.now + timedelta(minutes=6)) == 1
        await refused(world, post, port, 7, 8)
    assert (await account(world)).undeliverable_at is None


async def test_refusals_for_now_and_a_server_away_say_nothing_of_the_address(world: World) -> None:
    post = Post(at_recipient="450 later")
    async with smtp_server(post) as port:
        for day in (4, 5, 6):
            await owe(world, days=day)
        now = world.now
        for _ in range(8):
            await deliver_mail(plain(port), now=now)
            now += timedelta(hours=5)
    assert await OutboundEmail.count().where(OutboundEmail.dead_at.is_not_null()) == 3
    assert (await account(world)).undeliverable_at is None


async def test_refusals_of_an_earlier_address_do_not_count_against_the_new_one(
    world: World,
) -> None:
    post = Post()
    async with smtp_server(post) as port:
        await refused(world, post, port, 4, 5)
        await Account.update({Account.email: "new@example.com"}).where(
            Account.id == world.alice_account
        )
        await refused(world, post, port, 6)
    assert (await account(world)).undeliverable_at is None
    errors = await OutboundEmail.select(OutboundEmail.last_error)
    assert {row["last_error"].startswith("hard:") for row in errors} == {True}


async def test_a_refusal_at_another_address_is_none_of_the_accounts_own(world: World) -> None:
    post = Post(at_recipient=NO)
    async with smtp_server(post) as port:
        for _ in range(3):
            await outbox.post(
                "email_changed", world.alice_account, address="old@example.com", now=world.now
            )
        await deliver_mail(plain(port), now=world.now)
    assert await OutboundEmail.count().where(OutboundEmail.dead_at.is_not_null()) == 3
    assert (await account(world)).undeliverable_at is None
