"""Many who want the same thing at the same instant: one gets it, the others are told so."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from domain import db
from domain.accounts import access, invitations, sessions
from domain.accounts.tables import Invitation
from domain.appointments.choices import ANYONE
from domain.audit import Actor
from domain.links import Links, Purpose
from domain.messages import clinic_side, drafts
from domain.messages.clinic_side import ToSend
from domain.people.policy import Grant
from domain.people.tables import Patient
from tests.domain import records
from tests.domain.contender import Wish, at_once, in_processes
from tests.web.browser import Browser, Clock, running
from tests.world import NOW, PASSWORDS, World

MANY = 50
LINKS = Links(["0123456789abcdefghijklmnopqrstuv"])
MINUTE = timedelta(minutes=1)

OVERLAPPING = """
    SELECT count(*) AS n FROM appointment a JOIN appointment b
      ON a.practitioner = b.practitioner AND a.id < b.id
    WHERE a.cancelled_at IS NULL AND b.cancelled_at IS NULL
      AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
"""


async def wishes(world: World, slots: list[UUID], size: int = MANY) -> list[Wish]:
    """Of as many people, each with an account and a profile, spread over the slots."""
    choices = replace(world.choices, practitioner=ANYONE)
    return [
        Wish(account, patient, slots[n % len(slots)], choices, world.now)
        for n, (account, patient) in enumerate(await records.crowd(world, size))
    ]


async def check_one_of_each(booked: int) -> None:
    """As many visits as were promised, each with all that belongs to it, and none overlapping."""
    assert await records.count("appointment") == booked
    assert await records.count("activity") == booked
    assert await records.mails() == Counter(booked=booked)
    (lines,) = await records.rows(
        "SELECT count(*) AS n FROM audit_line WHERE action = 'appointment.booked'"
    )
    assert lines["n"] == booked
    assert (await records.rows(OVERLAPPING))[0]["n"] == 0


async def test_of_fifty_people_one_books_the_slot(world: World) -> None:
    answers = await at_once("book", await wishes(world, [await world.slot()]))
    assert answers == {"done": 1, "SlotTaken": 49}
    await check_one_of_each(1)


async def test_of_fifty_people_in_two_processes_one_books_the_slot(world: World) -> None:
    """A25."""
    all_ = await wishes(world, [await world.slot()])
    answers = await in_processes("book", [all_[::2], all_[1::2]])
    assert answers == {"done": 1, "SlotTaken": 49}
    await check_one_of_each(1)


async def test_ten_slots_wanted_by_fifty_in_two_processes_are_each_booked_once(
    world: World,
) -> None:
    slots = [await world.slot(world.now + timedelta(days=1 + n)) for n in range(10)]
    all_ = await wishes(world, slots)
    answers = await in_processes("book", [all_[:25], all_[25:]])
    assert answers == {"done": 10, "SlotTaken": 40}
    await check_one_of_each(10)


async def test_of_fifty_people_one_holds_the_slot(world: World) -> None:
    all_ = await wishes(world, [await world.slot()])
    assert await at_once("hold", all_) == {"done": 1, "SlotTaken": 49}
    (held,) = await records.rows("SELECT account, patient FROM hold")
    # And only its holder can book it.
    answers = await at_once("book", all_)
    assert answers == {"done": 1, "SlotTaken": 49}
    (booked,) = await records.rows("SELECT booked_by AS account, patient FROM appointment")
    assert booked == held


async def test_of_fifty_people_in_two_processes_one_holds_the_slot(world: World) -> None:
    all_ = await wishes(world, [await world.slot()])
    answers = await in_processes("hold", [all_[::2], all_[1::2]])
    assert answers == {"done": 1, "SlotTaken": 49}
    assert await records.count("hold") == 1


async def test_an_expired_hold_is_taken_over_by_one(world: World) -> None:
    slot = await world.slot()
    first, *others = await wishes(world, [slot], 20)
    assert await first.try_("hold") == "done"
    later = [replace(wish, now=world.now + 5 * MINUTE) for wish in others]
    assert await at_once("hold", later) == {"done": 1, "SlotTaken": 18}


@pytest.mark.parametrize("act", ["hold", "book"])
async def test_people_who_each_swap_their_hold_for_anothers_do_not_block_each_other(
    world: World, act: str
) -> None:
    """Crosswise, with all holds just run out: nobody waits for somebody who waits for him."""
    slots = [await world.slot(world.now + timedelta(days=1 + n)) for n in range(8)]
    all_ = await wishes(world, slots, 8)
    assert await at_once("hold", all_) == {"done": 8}
    swapped = [
        replace(wish, slot=slots[n ^ 1], now=world.now + 5 * MINUTE) for n, wish in enumerate(all_)
    ]
    assert await at_once(act, swapped) == {"done": 8}


async def test_a_visit_in_a_withdrawn_slot_and_those_who_want_its_time(world: World) -> None:
    """The slots may overlap once one is withdrawn; the database refuses the visits."""
    starts = world.now + timedelta(days=3)
    old = await world.slot(starts, minutes=30)
    await world.appointment(starts, slot=old)
    await records.withdraw(old, world)
    new = await world.slot(starts + 10 * MINUTE)
    assert await at_once("book", await wishes(world, [new], 20)) == {"SlotTaken": 20}
    assert (await records.rows(OVERLAPPING))[0]["n"] == 0


async def test_overlapping_visits_by_sql_at_once_leave_one(world: World) -> None:
    """A25: Past every check of ours: intervals that overlap without being equal."""
    people = await records.crowd(world, 12)
    starts = world.now + timedelta(days=3)
    slots = [await world.slot(starts + timedelta(days=1 + n)) for n in range(12)]

    async def insert(n: int) -> str:
        begins = starts + n * MINUTE
        try:
            await world.appointment(begins, patient=people[n][1], slot=slots[n])
        except Exception as error:
            return db.conflict_kind(error) or repr(error)
        return "done"

    answers = Counter(await asyncio.gather(*(insert(n) for n in range(12))))
    assert answers == {"done": 1, "overlap": 11}


# Through the pages


async def card(world: World, browser: Browser, account: UUID, patient: UUID, slot: UUID) -> str:
    """Signed in and looking at the confirmation card; the URL its form posts to."""
    token = await sessions.begin(account, device="", now=world.now)
    browser.http.cookies.set("__Host-session", token, domain="portail.example")
    query = (
        f"specialite={world.specialty}&intervenant={world.practitioner}&lieu={world.site}"
        f"&type={world.visit_type}&moment=des-que-possible&creneau={slot}"
    )
    url = f"/profils/{patient}/reservation/confirmation?{query}"
    answer = await browser.get(url)
    assert answer.status_code == 200, answer.text
    assert browser.token
    return url


async def test_of_fifty_at_their_confirmation_card_one_books_and_the_others_read_why(
    world: World,
) -> None:
    slot = await world.slot()
    await world.slot(world.now + timedelta(days=2))
    app = running(Clock(world.now))
    people = [(Browser(app), *each) for each in await records.crowd(world, MANY)]
    urls = [await card(world, *each, slot) for each in people]
    answers = await asyncio.gather(
        *(browser.post(url, {"cle": "k"}) for url, (browser, *_) in zip(urls, people, strict=True))
    )
    assert Counter(answer.status_code for answer in answers) == {303: 1, 409: 49}
    assert all(
        "Ce créneau vient d’être pris" in answer.text
        for answer in answers
        if answer.status_code == 409
    )
    await check_one_of_each(1)


async def test_a_double_click_in_the_page_books_once(world: World) -> None:
    slot = await world.slot()
    browser = Browser(running(Clock(world.now)))
    url = await card(world, browser, world.alice_account, world.alice, slot)
    answers = await asyncio.gather(*(browser.post(url, {"cle": "k"}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    await check_one_of_each(1)


# Messages beside everything else


async def test_writing_and_booking_for_one_patient_do_not_block_each_other(world: World) -> None:
    """Each holds its own row and refers to the other's: nobody waits in a ring."""
    carer = await world.account("carer@example.com")
    await world.consent(await world.grant(carer, world.alice, relationship="caregiver"))
    viewer = await world.viewer()

    async def save(text: str) -> str:
        try:
            await drafts.save(viewer, world.alice, None, body=text, now=world.now)
        except Exception as error:
            return repr(error)
        return "done"

    said: Counter[str] = Counter()
    await world.set_clinic(most_upcoming=100)
    for n in range(10):
        slot = await world.slot(world.now + timedelta(days=1 + n))
        wish = Wish(carer, world.alice, slot, replace(world.choices, practitioner=ANYONE), NOW)
        saves = [save("Bonj" if place % 2 else "") for place in range(20)]  # each a new row
        said += Counter(await asyncio.gather(*saves[:3], wish.try_("book"), *saves[3:]))
    assert said == {"done": 10 * 21}


async def test_a_profile_given_while_the_clinic_writes_blocks_nobody(world: World) -> None:
    """And whoever is given it has every message of the clinic."""
    threads = [await world.thread(patient=world.bob) for _ in range(5)]
    for n in range(10):
        account = await world.account(f"parent{n}@example.com")
        await asyncio.gather(
            give(account, world),
            *(world.message(thread, at=world.now + n * MINUTE) for thread in threads),
        )
        assert await lacking(account, world.bob) == 0


async def test_an_invitation_taken_up_while_the_clinic_writes_blocks_nobody(world: World) -> None:
    """It holds the patient and is given threads; the other holds a thread of the patient's."""
    staff, adult = Actor("staff", None, "race"), date(1980, 1, 1)
    said: Counter[str] = Counter()

    async def tried(act: Awaitable[object]) -> None:
        try:
            await act
        except Exception as error:
            said[repr(error)] += 1

    for n in range(8):
        email = f"denise{n}@example.com"
        account, patient = await world.account(email), await world.patient("Denise", "Côté", adult)
        threads = [await world.thread(patient=patient) for _ in range(4)]
        code = await invitations.invite(
            patient, email, "fr", staff, links=LINKS, passwords=PASSWORDS, now=NOW
        )
        (row,) = await Invitation.objects().where(Invitation.patient == patient)
        token, viewer = LINKS.secret_token(Purpose.INVITE, row.id), await world.viewer(account)
        binding = invitations.attach(viewer, token, code, passwords=PASSWORDS, now=NOW)
        texts = [
            ToSend(patient, "message", "", "Bonjour.", "accueil", team=world.team, thread=thread)
            for thread in threads
        ]

        async def write(draft: ToSend) -> None:
            for _ in range(8):
                await clinic_side.post(staff, draft, (), now=NOW)

        await asyncio.gather(*map(tried, (binding, *map(write, texts))))
        assert await lacking(account, patient) == 0
    assert said == {}


@pytest.mark.parametrize("is_given_first", [True, False])
async def test_a_message_and_a_new_holder_never_miss_each_other(
    world: World, is_given_first: bool
) -> None:
    """R67: each of them is not yet there for the other to see."""
    thread = await world.thread(patient=world.bob)
    account = await world.account("parent@example.com")
    has_begun = asyncio.Event()

    async def first() -> None:
        async with db.transaction():
            await (give(account, world) if is_given_first else world.message(thread))
            has_begun.set()
            await asyncio.sleep(0.3)  # the other comes up to where it waits

    async def second() -> None:
        await has_begun.wait()
        await (world.message(thread) if is_given_first else give(account, world))

    await asyncio.gather(first(), second())
    assert await lacking(account, world.bob) == 0


@pytest.mark.postgres
async def test_a_locked_row_may_be_referred_to(world: World) -> None:
    async def refer() -> None:
        await drafts.save(await world.viewer(), world.alice, None, body="Bonj", now=world.now)

    is_locked, is_done = asyncio.Event(), asyncio.Event()

    async def lock() -> None:
        async with db.transaction():
            await db.lock_row(Patient, world.alice)
            is_locked.set()
            await asyncio.wait_for(is_done.wait(), timeout=5)

    locking = asyncio.create_task(lock())
    await is_locked.wait()
    await refer()
    is_done.set()
    await locking


async def give(account: UUID, world: World) -> None:
    await access.grant(
        Actor("staff", None, "race"),
        account,
        world.bob,
        relationship="parent",
        grants=list(Grant),
        by="accueil",
        now=world.now,
    )


async def lacking(account: UUID, patient: UUID) -> int:
    """How many of the clinic's unread messages this holder was not given."""
    (row,) = await records.rows(
        f"""
        SELECT count(*) AS n FROM message m WHERE m.patient = '{patient}'
          AND m.account IS NULL AND NOT EXISTS (
            SELECT 1 FROM receipt r WHERE r.message = m.id AND r.account = '{account}')
        """
    )
    return int(row["n"])
