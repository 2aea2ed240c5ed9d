"""A mail about a communication leaves only while there is something to read for its account."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain import db
from domain.links import Links
from domain.mail import delivery, preferences
from domain.mail.delivery import Letter
from domain.messages import threads
from domain.messages.letters import CommunicationLetter, compose
from domain.messages.rules import Kind
from domain.people.tables import Account, ProxyGrant
from tests.world import NOW, ZONE, World

LINKS = Links(["0123456789abcdefghijklmnopqrstuv"])


async def owed(world: World, *, now: datetime = NOW) -> dict[UUID | None, Letter]:
    return {letter.account: letter for letter in await delivery.lease(20, now=now)}


async def composed(letter: Letter, *, now: datetime = NOW) -> CommunicationLetter | None:
    return await compose(letter, links=LINKS, now=now)


@pytest.mark.parametrize("kind", ["message", "document", "invoice"])
async def test_it_leads_to_its_thread_in_the_right_profile(world: World, kind: Kind) -> None:
    """P27: a parent's mail names the child, and its link is the child's."""
    thread = await world.thread(patient=world.bob, kind=kind)
    made = await composed((await owed(world))[world.alice_account])
    assert made is not None
    assert (made.kind, made.patient, made.thread) == (f"{kind}_received", world.bob, thread)
    assert (made.address, made.first_name) == ("alice@example.com", "Bob")


async def test_ones_own_only_profile_is_not_named(world: World) -> None:
    await world.thread(patient=world.charlie)
    await world.thread(patient=world.alice)
    letters = await owed(world)
    charlies = await composed(letters[world.charlie_account])
    alices = await composed(letters[world.alice_account])
    assert charlies is not None
    assert alices is not None
    assert (charlies.first_name, alices.first_name) == (None, "Alice")


async def test_what_was_read_meanwhile_is_not_told(world: World) -> None:
    thread = await world.thread()
    letter = (await owed(world))[world.alice_account]
    await threads.open(await world.viewer(), world.alice, thread, now=NOW)
    assert await composed(letter) is None


async def test_one_parents_reading_leaves_the_others_mail(world: World) -> None:
    other = await world.account("parent@example.com")
    await world.grant(other, world.bob)
    thread = await world.thread(patient=world.bob)
    letters = await owed(world)
    await threads.open(await world.viewer(), world.bob, thread, now=NOW)
    assert await composed(letters[world.alice_account]) is None
    assert await composed(letters[other]) is not None


@pytest.mark.parametrize(
    ("kind", "grant"),
    [
        ("message", "read_messages"),
        ("message", "send_messages"),
        ("document", "read_documents"),
        ("invoice", "read_invoices"),
    ],
)
async def test_only_whoever_may_read_that_kind_is_written_to(
    world: World, kind: Kind, grant: str
) -> None:
    held = await world.account("held@example.com")
    await world.grant(held, world.bob, grant, relationship="caregiver")
    others = await world.account("others@example.com")
    rest = {"book", "read_messages", "send_messages", "read_documents", "read_invoices"} - {grant}
    rest -= {"send_messages", "read_messages"} if kind == "message" else set()
    await world.grant(others, world.bob, *sorted(rest), relationship="caregiver")
    await world.thread(patient=world.bob, kind=kind)
    letters = await owed(world)
    assert await composed(letters[held]) is not None
    assert await composed(letters[others]) is None


async def test_an_access_withdrawn_meanwhile_ends_it(world: World) -> None:
    await world.thread(patient=world.bob)
    letter = (await owed(world))[world.alice_account]
    await ProxyGrant.update({ProxyGrant.withdrawn_at: NOW}).where(ProxyGrant.patient == world.bob)
    assert await composed(letter) is None


async def test_an_account_closed_meanwhile_gets_none(world: World) -> None:
    await world.thread()
    letter = (await owed(world))[world.alice_account]
    await Account.update({Account.disabled_at: NOW}).where(Account.id == world.alice_account)
    assert await composed(letter) is None


async def test_a_birthday_that_passes_while_it_waits_ends_it(world: World) -> None:
    """A5: at midnight, clinic time, the parent is no longer written to."""
    teen = await world.patient("Nathan", "Milner", date(2012, 11, 24))
    await world.grant(world.alice_account, teen)
    midnight = datetime(2026, 11, 24, tzinfo=ZONE).astimezone(UTC)
    await world.thread(patient=teen)
    letter = (await owed(world))[world.alice_account]
    assert await composed(letter, now=midnight - timedelta(seconds=1)) is not None
    assert await composed(letter, now=midnight) is None


async def test_whoever_switched_them_off_for_that_profile_gets_none(world: World) -> None:
    viewer = await world.viewer()
    await preferences.choose(viewer, world.bob, {"appointment"}, now=NOW)
    await world.thread(patient=world.bob)
    assert await composed((await owed(world))[world.alice_account]) is None
    await preferences.choose(viewer, world.bob, {"notification"}, now=NOW)
    await db.fetch("UPDATE outbound_email SET leased_until = NULL")
    assert await composed((await owed(world))[world.alice_account]) is not None


async def test_its_link_to_switch_them_off_is_of_that_account_and_profile(world: World) -> None:
    await world.thread(patient=world.bob)
    made = await composed((await owed(world))[world.alice_account])
    assert made is not None
    opened = await preferences.Unsubscribing.of(
        made.unsubscribe_token, LINKS, request_id="test", now=NOW
    )
    assert (opened.profile.id, opened.mail_class) == (world.bob, "notification")
