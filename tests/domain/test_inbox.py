"""The lists of threads: who sees which, in what order, and what a search finds."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from uuid import UUID, uuid4

import pytest

from domain import db, receipts
from domain.clinic.tables import Site
from domain.errors import NotAllowed, NotFound, ProfileLost
from domain.messages import inbox
from domain.messages.inbox import Listing
from domain.messages.rules import KINDS_OF, Box
from domain.people.viewer import Viewer
from tests.databases import statements
from tests.world import World

BOXES: Sequence[Box] = ("inbox", "documents", "invoices", "sent")
READS = {"read_messages": "message", "read_documents": "document", "read_invoices": "invoice"}


async def listing(
    world: World,
    box: Box = "inbox",
    *,
    words: str = "",
    before: UUID | None = None,
    viewer: Viewer | None = None,
) -> Listing:
    viewer = viewer or await world.viewer()
    return await inbox.threads(viewer, world.alice, box, words=words, before=before, now=world.now)


async def proxy(world: World, *grants: str) -> Viewer:
    account = await world.account(f"{uuid4().hex}@example.com")
    await world.consent(await world.grant(account, world.alice, *grants, relationship="caregiver"))
    return await world.viewer(account)


async def test_newest_thread_is_first_shown_by_its_newest_message(world: World) -> None:
    older = await world.thread("Un.", "Deux.", subject="Analyses")
    await world.thread("Trois.", subject="Rappel", at=world.now - timedelta(hours=2))
    await world.message(older, "Merci.", account=world.alice_account)
    first, second = (await listing(world)).rows
    assert (first.subject, first.excerpt, first.sender, first.is_own_side) == (
        "Analyses",
        "Merci.",
        "Alice Gagnon",
        True,
    )
    assert (second.subject, second.excerpt, second.sender, second.is_own_side) == (
        "Rappel",
        "Trois.",
        "Dre Camille Roy",
        False,
    )
    assert (first.place, first.kind) == ("Clinique des Érables", "message")


GRANTS = [list(some) for n in (1, 2, 3) for some in combinations(READS, n)]


@pytest.mark.parametrize("grants", GRANTS, ids="+".join)
async def test_each_list_holds_only_the_kinds_that_its_reader_was_granted(
    world: World, grants: list[str]
) -> None:
    """A6: what was not granted is nowhere."""
    for kind in READS.values():
        thread = await world.thread(subject=kind, kind=kind)  # type: ignore[arg-type]
    await world.message(thread, "Reçue, merci.", account=world.alice_account)
    viewer = await proxy(world, *grants)
    readable = {READS[grant] for grant in grants}
    for box in BOXES:
        if not KINDS_OF[box] & readable:
            with pytest.raises(NotAllowed):
                await listing(world, box, viewer=viewer)
            continue
        shown = {row.subject for row in (await listing(world, box, viewer=viewer)).rows}
        replied = {"invoice"} if "message" in readable and box in {"inbox", "sent"} else set()
        received = set() if box == "sent" else KINDS_OF[box] & readable
        assert (box, shown) == (box, received | replied)
        found = (await listing(world, box, words="reçue", viewer=viewer)).rows
        assert bool(found) == ("message" in readable and box != "documents" and "invoice" in shown)


async def test_newest_message_of_a_hidden_kind_neither_moves_nor_shows_a_thread(
    world: World,
) -> None:
    thread = await world.thread("Facture.", kind="invoice", subject="Bilan")
    await world.message(thread, "Un secret.", at=world.now)
    (row,) = (await listing(world, viewer=await proxy(world, "read_invoices"))).rows
    assert (row.excerpt, row.sent_at) == ("Facture.", world.now - timedelta(days=1))


async def test_a_reply_leaves_its_thread_the_kind_that_the_clinic_sent(world: World) -> None:
    thread = await world.thread(kind="document")
    await world.message(thread, "Merci.", account=world.alice_account)
    (row,) = (await listing(world)).rows
    assert (row.kind, row.excerpt) == ("document", "Merci.")
    (row,) = (await listing(world, "documents")).rows
    assert row.excerpt == "Bonjour, voici vos résultats."


async def test_sent_shows_what_this_side_wrote_and_to_whom(world: World) -> None:
    await world.thread(subject="Sans réponse")
    thread = await world.thread(subject="Répondu")
    (asked,) = await db.fetch("SELECT id FROM message WHERE thread = {}", thread)
    await world.message(thread, "Merci.", account=world.alice_account, answers=asked["id"])
    await world.message(thread, "De rien.", at=world.now + timedelta(minutes=1))
    (row,) = (await listing(world, "sent")).rows
    assert (row.subject, row.excerpt, row.recipient) == ("Répondu", "Merci.", "Dre Camille Roy")
    assert not row.is_unread


@pytest.mark.parametrize("box", ["inbox", "sent"])
async def test_a_reply_does_not_tell_who_signed_what_may_not_be_seen(
    world: World, box: Box
) -> None:
    """A6: whoever signs a document says what it is about."""
    thread = await world.thread(kind="document")
    (document,) = await db.fetch("SELECT id FROM message WHERE thread = {}", thread)
    await world.message(thread, "Merci.", account=world.alice_account, answers=document["id"])
    for grants, told in ((["read_messages"], ""), (list(READS), "Dre Camille Roy")):
        (row,) = (await listing(world, box, viewer=await proxy(world, *grants))).rows
        assert (row.excerpt, row.recipient) == ("Merci.", told)


async def test_what_the_clinic_has_not_answered_is_in_the_inbox_too(world: World) -> None:
    thread = await world.thread()
    await db.fetch("DELETE FROM receipt")
    await db.fetch("DELETE FROM message")
    await world.message(thread, "Bonjour ?", account=world.alice_account)
    assert [len((await listing(world, box)).rows) for box in BOXES] == [1, 0, 0, 1]


async def test_lists_that_the_clinic_has_not_do_not_exist(world: World) -> None:
    await world.set_clinic(has_documents=False, has_invoices=False)
    for box in ("documents", "invoices"):
        with pytest.raises(NotFound):
            await listing(world, box)  # type: ignore[arg-type]


async def test_lost_and_foreign_profiles_are_refused(world: World) -> None:
    await world.set_clinic(consent_age=8)
    viewer = await world.viewer()
    for patient, refusal in ((world.bob, ProfileLost), (world.charlie, NotFound)):
        with pytest.raises(refusal):
            await inbox.threads(viewer, patient, "inbox", now=world.now)


# Paging.


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "PAGE", 3)


@pytest.mark.usefixtures("short_pages")
async def test_pages_show_each_thread_once_also_those_of_the_same_moment(world: World) -> None:
    at = world.now - timedelta(days=2)
    made = [await world.thread(at=at) for _ in range(7)]
    seen: list[UUID] = []
    before, pages = None, []
    while True:
        page = await listing(world, before=before)
        seen += [row.thread for row in page.rows]
        pages.append(len(page.rows))
        before = page.older
        if before is None:
            break
    assert (pages, sorted(seen)) == ([3, 3, 1], sorted(made))


@pytest.mark.usefixtures("short_pages")
async def test_thread_that_rises_meanwhile_does_not_shift_the_next_page(world: World) -> None:
    made = [await world.thread(at=world.now - timedelta(days=n)) for n in range(1, 7)]
    first = await listing(world)
    await world.message(made[4], at=world.now)
    second = await listing(world, before=first.older)
    assert [row.thread for row in second.rows] == [made[3], made[5]]


@pytest.mark.usefixtures("short_pages")
async def test_unknown_foreign_or_hidden_cursor_begins_at_the_top(world: World) -> None:
    for n in range(1, 5):
        await world.thread(at=world.now - timedelta(days=n), kind="invoice")
    foreign = await world.message(await world.thread(patient=world.charlie), at=world.now)
    hidden = await world.message(await world.thread(at=world.now), at=world.now)
    viewer = await proxy(world, "read_invoices")
    top = await listing(world, "invoices", viewer=viewer)
    for cursor in (uuid4(), foreign, hidden):
        page = await listing(world, "invoices", viewer=viewer, before=cursor)
        assert (page.rows, page.before) == (top.rows, None)


# Search.


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("acetaminophene", True),
        ("ACÉTAMINOPHÈNE 500", True),
        ("500 acéta", True),
        ("camille", True),
        ("ordonnance", True),
        ("ordonnance absente", False),
        ("100%", True),
        ("%", True),
        ("1_0", False),
        ("a%e", False),
        ("c:\\dossier", True),
        ("!important", True),
        ("!", True),
        ("'; DROP TABLE message; --", False),
        ("   ", True),
        ("\0", True),
        ("{}", False),
        ("x" * 5000, False),
    ],
)
async def test_search_finds_each_word_without_case_or_accents(
    world: World, words: str, is_found: bool
) -> None:
    body = "Prenez l’acétaminophène 500 mg à 100% ; voir c:\\dossier, !important"
    await world.thread(body, subject="Ordonnance")
    assert bool((await listing(world, words=words)).rows) is is_found


async def test_any_visible_message_of_a_thread_may_match(world: World) -> None:
    thread = await world.thread("Un vaccin.", "Un rappel.")
    assert [row.thread for row in (await listing(world, words="vaccin")).rows] == [thread]
    assert (await listing(world, words="vaccin rappel")).rows == []


async def test_search_is_cut_at_a_hundred_code_points(world: World) -> None:
    assert (await listing(world, words="é" * 101)).words == "é" * 100


# What is unread is each account's own.


async def test_one_parents_reading_leaves_it_unread_for_the_other(world: World) -> None:
    other = await proxy(world, *READS)
    thread = await world.thread(kind="document")
    await receipts.mark_read(world.alice_account, thread, {"document"}, now=world.now)
    mine, theirs = await listing(world), await listing(world, viewer=other)
    assert [row.is_unread for row in mine.rows] == [False]
    assert [row.is_unread for row in theirs.rows] == [True]


async def test_unread_message_of_another_kind_leaves_the_documents_row_read(world: World) -> None:
    thread = await world.thread(kind="document")
    await receipts.mark_read(world.alice_account, thread, {"document"}, now=world.now)
    await world.message(thread, "Et un message.")
    assert [row.is_unread for row in (await listing(world, "documents")).rows] == [False]
    assert [row.is_unread for row in (await listing(world)).rows] == [True]


# Cost.


@pytest.mark.parametrize("box", BOXES)
async def test_a_list_is_one_statement_for_one_row_and_for_many(world: World, box: Box) -> None:
    viewer = await world.viewer()
    for count in (1, 30):
        for n in range(count):
            await world.thread(at=world.now - timedelta(days=n))
        with statements() as asked:
            await listing(world, box, viewer=viewer)
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        ("Bonjour Heather,\r\n\r\nVoici vos  résultats.\nMerci.", "Voici vos résultats. Merci."),
        ("Bonjour Heather,", "Bonjour Heather,"),
        ("Bonjour,\n \n", "Bonjour,"),
        ("Voici.\nMerci.", "Voici. Merci."),
        ("Prenez ceci le matin et cela le soir, car\nil le faut.", None),
        ("é" * 60 + ",\nfin", None),
        ("Madame,\n" + "é" * 500, "é" * 160),
    ],
)
async def test_a_row_tells_what_comes_after_the_greeting(
    world: World, body: str, excerpt: str | None
) -> None:
    await world.thread(body)
    (row,) = (await listing(world)).rows
    assert row.excerpt == (" ".join(body.split()) if excerpt is None else excerpt)


@pytest.mark.parametrize(
    "words",
    ["l'œdème", "l’oedeme", "OEDÈME", "lʼŒDÈME", '"rendez-vous"', "«rendez‑vous»", "e\u0301"],
)
async def test_what_looks_alike_is_found_alike(world: World, words: str) -> None:
    await world.thread("L’œdème ; « rendez–vous » et “rendez-vous” «rendez-vous».")
    assert len((await listing(world, words=words)).rows) == 1


async def test_an_accent_alone_looks_for_nothing(world: World) -> None:
    await world.thread()
    found = await listing(world, words=" \u0301 ")
    assert (found.words, len(found.rows)) == ("", 1)


@pytest.mark.parametrize(
    ("site", "place"),
    [
        ("Clinique des Érables – Rosemont", "Rosemont"),
        ("Clinique des Érables", "Clinique des Érables"),
        ("Pavillon Roy", "Pavillon Roy"),
    ],
)
async def test_a_place_is_told_by_its_own_name(world: World, site: str, place: str) -> None:
    await Site.update({Site.name: site}).where(Site.id == world.site)
    await world.thread()
    assert [row.place for row in (await listing(world)).rows] == [place]
