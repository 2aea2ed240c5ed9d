"""A thread: what is shown of it, to whom, and when it counts as read."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain import receipts
from domain.messages.tables import Message, Thread
from domain.people.tables import ProxyGrant
from tests.web.browser import Browser, Element, elements, heading, links, main, title
from tests.web.state import journal, rows
from tests.world import World
from web.gate import Gate
from web.rendering import with_links

KINDS = ("message", "document", "invoice")
HTTPS = "https://exemple.test/"
BAD_TEXTS = (
    "<script>alert(1)</script>",
    "</div></li></ol><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<iframe src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>ici</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "<div hx-get=/deconnexion hx-trigger=load></div>",
    '<form hx-post="/deconnexion" hx-trigger="revealed">',
    "<b hx-on:click=alert(1)>gras</b>",
    '<div data-hx-get="/deconnexion" data-hx-trigger="load">',
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//mal.test/x.css>",
    '<meta http-equiv="refresh" content="0;url=//mal.test">',
    "<base href=//mal.test/>",
    "<details open ontoggle=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "{{7*7}} ${7*7} #{7*7} {% include '/etc/passwd' %}",
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    'https://exemple.test/" onmouseover="alert(1)',
    "https://exemple.test/<script>alert(1)</script>",
    "http://mal.test/ ftp://mal.test/ //mal.test/ mailto:a@mal.test",
    "https://clinique.example@mal.test/ https:///x https://",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "\u202egpj.exe\u202c \u2066caché\u2069 \u200b\ufeff",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
)


def address(patient: UUID, thread: UUID) -> str:
    return f"/profils/{patient}/communications/{thread}"


async def unread(world: World, patient: UUID | None = None, account: UUID | None = None) -> int:
    counts = await receipts.unread(
        account or world.alice_account, patient or world.alice, frozenset(KINDS)
    )
    return int(counts["inbox"])


async def proxy(world: World, app: Gate, *grants: str) -> Browser:
    """Who holds Bob's profile with these grants alone."""
    email = f"{uuid4().hex}@example.com"
    account = await world.account(email)
    await world.grant(account, world.bob, *grants, relationship="caregiver")
    browser = Browser(app)
    await browser.sign_in(email)
    return browser


def cards(page: httpx.Response) -> list[Element]:
    return [e for e in elements(page, "li") if "message" in e.attrs.get("class", "").split()]


def within(page: httpx.Response, boxes: Sequence[Element]) -> list[Element]:
    return [e for e in elements(page) if {p.attrs.get("id") for p in e.parents} & ids(boxes)]


def ids(boxes: Sequence[Element]) -> set[str]:
    return {box.attrs["id"] for box in boxes}


# What is shown


async def test_a_thread_reads_oldest_first_under_its_subject(alice: Browser, world: World) -> None:
    thread = await world.thread("Un.", "Deux.", subject="Prise de sang")
    await world.message(thread, "Trois.", account=world.alice_account)
    page = await alice.get(address(world.alice, thread))
    assert (page.status_code, heading(page)) == (200, "Prise de sang")
    assert title(page) == "Prise de sang – Boîte de réception – Clinique des Érables"
    assert [re.findall(r"Un\.|Deux\.|Trois\.", card.text) for card in cards(page)] == [
        ["Un."],
        ["Deux."],
        ["Trois."],
    ]
    assert [card.attrs["class"] for card in cards(page)] == ["message", "message", "message is-own"]


async def test_who_wrote_for_whom_is_said_where_they_differ(alice: Browser, world: World) -> None:
    for patient, said in ((world.bob, True), (world.alice, False)):
        thread = await world.thread(patient=patient)
        await world.message(thread, "Merci.", account=world.alice_account)
        page = await alice.get(address(patient, thread))
        assert ("Écrit par Alice Gagnon au nom de Bob Gagnon" in main(page)) == said
        assert ("au nom de" in main(page)) == said


async def test_the_state_of_ones_own_message_is_said(alice: Browser, world: World) -> None:
    thread = await world.thread()
    message = await world.message(thread, "Merci.", account=world.alice_account)
    url = address(world.alice, thread)
    assert cards(await alice.get(url))[-1].text.endswith("Envoyé")
    await Message.update({Message.seen_at: world.now}).where(Message.id == message)
    assert cards(await alice.get(url))[-1].text.endswith("Lu par la clinique")
    await Thread.update({Thread.closed_at: world.now}).where(Thread.id == thread)
    assert cards(await alice.get(url))[-1].text.endswith("Traité")


async def test_an_address_in_a_message_of_the_clinic_can_be_followed(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Voir (https://exemple.test/a?b=1&c=2), puis http://exemple.test.")
    await world.message(thread, "Et https://exemple.test/moi ?", account=world.alice_account)
    page = await alice.get(address(world.alice, thread))
    found = [e for e in within(page, cards(page)) if e.tag == "a"]
    assert [(e.attrs["href"], e.attrs["rel"], e.attrs["target"]) for e in found] == [
        ("https://exemple.test/a?b=1&c=2", "noopener nofollow", "_blank")
    ]


@pytest.mark.parametrize("bad", BAD_TEXTS)
async def test_no_text_of_a_person_becomes_an_element(
    alice: Browser, world: World, bad: str
) -> None:
    """A35, A36, R65: in the subject, the sender and the body, of the clinic and of the patient."""
    plain = await world.thread("Bonjour.", subject="Bonjour")
    await world.message(plain, "Bonjour.", account=world.alice_account)
    thread = await world.thread(bad, subject=bad[:120])
    await world.message(thread, bad, account=world.alice_account)
    await Message.update({Message.sender: bad[:120]}, force=True).where(Message.thread == thread)
    ordinary = await alice.get(address(world.alice, plain))
    page = await alice.get(address(world.alice, thread))
    assert page.status_code == 200
    assert heading(page) == " ".join(bad.split())
    links_to = [e.attrs for e in within(page, cards(page)) if e.tag == "a"]
    assert all(
        attrs["href"].startswith(HTTPS) and set(attrs) == {"href", "target", "rel"}
        for attrs in links_to
    )
    assert shape(page) == shape(ordinary)


def shape(page: httpx.Response) -> list[tuple[str, tuple[str, ...]]]:
    """Every element of the thread but the safe links, with the names of its attributes."""
    found = [
        e
        for e in elements(page)
        if any(p.attrs.get("id") == "reading" for p in e.parents)
        and e.attrs.get("rel") != "noopener nofollow"
        and not any(p.attrs.get("rel") == "noopener nofollow" for p in e.parents)
    ]
    return [(e.tag, tuple(sorted(e.attrs))) for e in found]


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        ("https://exemple.test", ["https://exemple.test"]),
        ("(https://exemple.test/a).", ["https://exemple.test/a"]),
        ("« https://exemple.test/é »", ["https://exemple.test/é"]),
        ("https://a.test/1 https://b.test/2", ["https://a.test/1", "https://b.test/2"]),
        ("HTTPS://EXEMPLE.TEST/", ["HTTPS://EXEMPLE.TEST/"]),
        ("https://clinique.example@mal.test/", []),
        ("https://exemple.test:port/ https://[/ https://:443/", []),
        ("http://exemple.test javascript:alert(1)", []),
        ("https://exemple.test/\u202egpj.exe", ["https://exemple.test/"]),
        (
            "https://fr.exemple.test/wiki/Santé_(homonymie).",
            ["https://fr.exemple.test/wiki/Santé_(homonymie)"],
        ),
        ("(voir https://exemple.test/a_(b))", ["https://exemple.test/a_(b)"]),
        ("https://exemple.test/(x", ["https://exemple.test/(x"]),
        ("https://xn--rypal-3ve.test/", ["https://xn--rypal-3ve.test/"]),
        ("https://р\u0430ypal.test/ https://bank.test\u3002mal.test/", []),
        ("https://bank.test\u2044login.mal.test https://bank.test\uff0fmal.test", []),
        *(
            (f"https://exemple.test/a{sign}b", [])
            for sign in "\u00ad\u061c\u180e\x00\x1b\ue000\U000e0001"
        ),
        *(
            (f"https://exemple.test/a{sign}b", [])
            for sign in "\u034f\u115f\u1160\u2800\u3164\uffa0"
        ),
        ("https://exemple.test\u3164.mal.test/ https://bank.test%2emal.test/", []),
    ],
)
def test_only_an_address_that_leads_where_it_says_is_followed(
    text: str, followed: list[str]
) -> None:
    pieces = with_links(text)
    assert [piece for piece, is_link in pieces if is_link] == followed
    assert "".join(piece for piece, _ in pieces) == text


# Who reads it


async def test_a_thread_of_another_patient_is_not_found(alice: Browser, world: World) -> None:
    """A1, A3: the id of a thread under a profile that is not its own, whoever holds both."""
    foreign = await world.thread("Secret.", patient=world.charlie)
    bobs = await world.thread("De Bob.", patient=world.bob)
    before = await rows()
    for url in (
        address(world.charlie, foreign),
        address(world.alice, foreign),
        address(world.alice, bobs),
        address(world.alice, uuid4()),
        f"{address(world.alice, foreign)}?patient={world.charlie}&profil={world.charlie}",
    ):
        for headers in ({}, {"range": "bytes=0-9"}, {"hx-request": "true"}):
            page = await alice.get(url, headers=headers)
            assert (page.status_code, "Secret" in page.text) == (404, False)
            assert "De Bob." not in page.text
    assert await rows() == before
    assert {line["outcome"] for line in await journal("access")} == {"refused.not_found"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_sees_only_the_messages_of_the_kinds_granted(
    app: Gate, world: World, kind: str
) -> None:
    """A6: in a thread of every kind the others do not exist; a thread without any is not found."""
    mixed = await world.thread("Du message.", patient=world.bob, kind="message")
    await world.message(mixed, "Du document.", kind="document")
    await world.message(mixed, "De la facture.", kind="invoice")
    others = [await world.thread(patient=world.bob, kind=other) for other in KINDS if other != kind]
    browser = await proxy(world, app, f"read_{kind}s")
    page = await browser.get(address(world.bob, mixed))
    words = {"message": "Du message.", "document": "Du document.", "invoice": "De la facture."}
    assert [word for word in words.values() if word in main(page)] == [words[kind]]
    assert [(await browser.get(address(world.bob, o))).status_code for o in others] == [404, 404]


async def test_without_any_reading_grant_the_page_says_whom_to_ask(app: Gate, world: World) -> None:
    thread = await world.thread(patient=world.bob)
    browser = await proxy(world, app, "book")
    page = await browser.get(address(world.bob, thread))
    assert (page.status_code, heading(page)) == (403, "Accès refusé")


async def test_the_kind_is_no_longer_granted(app: Gate, world: World) -> None:
    """A46, P27: the grant at the time of opening counts, not that of the mail."""
    thread = await world.thread("Secret.", patient=world.bob)
    browser = await proxy(world, app, "read_messages", "read_invoices")
    url = address(world.bob, thread)
    assert (await browser.get(url)).status_code == 200
    await ProxyGrant.update({ProxyGrant.may_read_messages: False}).where(
        ProxyGrant.relationship == "caregiver"
    )
    page = await browser.get(url)
    assert (page.status_code, heading(page)) == (404, "Page introuvable")
    assert "Aller au tableau de bord" in links(page)


# The link of a mail


async def test_a_mailed_link_leads_through_the_sign_in_to_exactly_that_thread(
    stranger: Browser, world: World
) -> None:
    """A46: to the right profile too."""
    thread = await world.thread(patient=world.bob, subject="Vaccins de Bob")
    url = address(world.bob, thread)
    asked = await stranger.get(url)
    page = await stranger.follow(asked)
    assert heading(page) == "Connexion"
    done = await stranger.press(
        page, "Connexion", {"courriel": "alice@example.com", "mot_de_passe": "Tulipe-42-Nord"}
    )
    assert (done.status_code, done.headers["location"]) == (303, url)
    opened = await stranger.open(url)
    assert heading(opened) == "Vaccins de Bob"
    assert "Vous agissez au nom de Bob Gagnon" in " ".join(opened.text.split()).replace(
        "<b>", ""
    ).replace("</b>", "")


async def test_a_mailed_link_opened_by_another_account_is_not_found(
    charlie: Browser, world: World
) -> None:
    """A46."""
    thread = await world.thread("Secret.", patient=world.bob)
    page = await charlie.get(address(world.bob, thread))
    assert (page.status_code, heading(page)) == (404, "Page introuvable")
    assert "Secret" not in page.text


async def test_a_mailed_link_of_a_lost_profile_says_so(alice: Browser, world: World) -> None:
    """A46: the child came of age between the mail and its opening."""
    thread = await world.thread("Secret.", patient=world.bob)
    await world.set_clinic(consent_age=8)
    page = await alice.get(address(world.bob, thread))
    assert (page.status_code, heading(page)) == (403, "Accès terminé")
    assert "Secret" not in page.text


# Reading marks


async def test_opening_a_thread_marks_it_read_for_oneself_only(
    alice: Browser, app: Gate, world: World
) -> None:
    """R67: unread is per account; the counter of that very page is already the new one."""
    other = await world.account("papa@example.com")
    await world.grant(other, world.bob)
    thread = await world.thread("Un.", "Deux.", patient=world.bob)
    await world.thread(patient=world.bob)
    assert await unread(world, world.bob) == 2
    page = await alice.get(address(world.bob, thread))
    assert sum("Nouveau" in card.text for card in cards(page)) == 2
    assert await unread(world, world.bob) == 1
    assert await unread(world, world.bob, other) == 2
    tabs = [e.text for e in elements(page, "a") if "réception" in e.text]
    assert "Boîte de réception1 non lue" in tabs
    (line,) = await journal("message.read")
    assert (line["actor"], line["patient"], line["subject"]) == (
        world.alice_account,
        world.bob,
        thread,
    )


async def test_opening_it_again_changes_nothing(alice: Browser, world: World) -> None:
    thread = await world.thread()
    await alice.get(address(world.alice, thread))
    before = await rows()
    page = await alice.get(address(world.alice, thread))
    assert not any("Nouveau" in card.text for card in cards(page))
    assert await rows() == before
    assert len(await journal("message.read")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-purpose": "preview"},
        {"x-moz": "prefetch"},
        {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate"},
        {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors", "sec-fetch-site": "same-site"},
        {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "sec-fetch-site": "same-site"},
        {"sec-fetch-dest": "empty", "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
async def test_what_a_browser_fetches_ahead_or_for_another_page_nobody_has_read(
    alice: Browser, world: World, headers: dict[str, str]
) -> None:
    """R67, A1: another site marks nothing read by naming the page as its picture."""
    thread = await world.thread()
    page = await alice.get(address(world.alice, thread), headers=headers)
    assert (page.status_code, await unread(world)) == (200, 1)
    assert await journal("message.read") == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors", "hx-request": "true"},
        {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate"},
        {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-site": "none"},
        {
            "sec-fetch-dest": "document",
            "sec-fetch-mode": "navigate",
            "sec-fetch-site": "cross-site",
        },
    ],
    ids=str,
)
async def test_who_opens_it_has_read_it_wherever_the_link_was(
    alice: Browser, world: World, headers: dict[str, str]
) -> None:
    """P19: also from a mailbox on another site."""
    thread = await world.thread()
    await alice.get(address(world.alice, thread), headers=headers)
    assert await unread(world) == 0


async def test_only_getting_the_page_reads_it(alice: Browser, world: World) -> None:
    """R67, R73."""
    thread = await world.thread()
    url = address(world.alice, thread)
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        answer = await alice.http.request(method, url)
        assert answer.status_code != 200
    assert (await alice.post(url)).status_code == 405
    assert await unread(world) == 1


async def test_what_may_not_be_seen_stays_unread(app: Gate, world: World) -> None:
    """R67: it waits for the day on which its kind is granted."""
    thread = await world.thread("Du message.", patient=world.bob)
    await world.message(thread, "Du document.", kind="document")
    browser = await proxy(world, app, "read_documents")
    account = (await ProxyGrant.objects().get(ProxyGrant.relationship == "caregiver")).account  # type: ignore[union-attr]
    await world.message(thread, "Un autre message.")
    await world.message(thread, "Un autre document.", kind="document")
    assert await unread(world, world.bob, account) == 1
    await browser.get(address(world.bob, thread))
    assert await receipts.unread(account, world.bob, frozenset({"document"})) == {
        "inbox": 0,
        "message": 0,
        "document": 0,
        "invoice": 0,
    }
    assert (await receipts.unread(account, world.bob, frozenset({"message"})))["inbox"] == 1


async def test_the_newest_unread_message_is_where_the_page_opens(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Un.", at=world.now - timedelta(days=3))
    await alice.get(address(world.alice, thread))
    for body in ("Deux.", "Trois."):
        await world.message(thread, body, at=world.now - timedelta(days=2))
    page = await alice.get(address(world.alice, thread))
    (mark,) = [e for e in elements(page) if e.attrs.get("id") == "nouveau"]
    newest = cards(page)[-1]
    assert newest.attrs["id"] in {parent.attrs.get("id") for parent in mark.parents}


async def test_the_way_back_leads_to_the_list_as_it_was_left(alice: Browser, world: World) -> None:
    thread = await world.thread(kind="invoice")
    url = address(world.alice, thread)
    at = uuid4()
    page = await alice.get(f"{url}?de=factures&q=prise+de+sang&avant={at}")
    assert back_link(page) == (
        "Factures",
        f"/profils/{world.alice}/factures?q=prise+de+sang&avant={at}#fil-{thread}",
    )
    odd = await alice.get(f"{url}?de=//mal.test")
    assert back_link(odd) == (
        "Boîte de réception",
        f"/profils/{world.alice}/communications#fil-{thread}",
    )


def back_link(page: httpx.Response) -> tuple[str, str]:
    (found,) = [e for e in elements(page, "a") if e.attrs.get("class") == "back"]
    return found.text, found.attrs["href"]


def paged(page: httpx.Response) -> tuple[str, str]:
    """The first and the last message of a page."""
    bodies = [re.findall(r"No\.\d+", card.text)[0] for card in cards(page)]
    return bodies[0], bodies[-1]


async def test_a_long_thread_is_read_page_by_page(alice: Browser, world: World) -> None:
    """A31: ten thousand messages are no page, and each is read only once it is shown."""
    thread = await world.thread(*(f"No.{n}" for n in range(101)), may_answer=True)
    url = address(world.alice, thread)
    newest = await alice.get(f"{url}?de=envoyees&q=mot")
    assert paged(newest) == ("No.51", "No.100")
    assert await unread(world) == 1
    older = await alice.click(newest, "Messages plus anciens")
    assert paged(older) == ("No.1", "No.50")
    assert "Répondre" not in main(older)
    assert await unread(world) == 1
    oldest = await alice.click(older, "Messages plus anciens")
    assert paged(oldest) == ("No.0", "No.0")
    assert "Messages plus anciens" not in main(oldest)
    assert await unread(world) == 0
    assert links(oldest)["Messages plus récents"] == f"{url}?de=envoyees&q=mot"
    assert len(await journal("message.read")) == 3


async def test_the_reply_is_of_the_clinics_latest_message_however_long_ago(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Est-ce fait ?", may_answer=True)
    for n in range(60):
        at = world.now + timedelta(seconds=n)
        await world.message(thread, f"No.{n}", account=world.alice_account, at=at)
    page = await alice.get(address(world.alice, thread))
    assert "Répondre" in links(page)
    assert paged(page) == ("No.10", "No.59")
    assert cards(page)[0].text.endswith("Envoyé")
    await world.message(thread, "C’est fait.", at=world.now + timedelta(minutes=2))
    older = await alice.get(f"{address(world.alice, thread)}?anciens={await oldest_of(page)}")
    assert cards(older)[-1].text.endswith("Traité")


async def oldest_of(page: httpx.Response) -> str:
    return cards(page)[0].attrs["id"].removeprefix("message-")


@pytest.mark.parametrize("cursor", ["x", "", str(UUID(int=9)), "of another", "hidden"])
async def test_a_cursor_that_is_none_of_the_threads_messages_shows_the_newest(
    alice: Browser, app: Gate, world: World, cursor: str
) -> None:
    """A1, A6: nor does it tell whether there is such a message."""
    thread = await world.thread("Bonjour.", patient=world.bob)
    other = await world.thread("Autre.", patient=world.bob)
    (of_another,) = await Message.select(Message.id).where(Message.thread == other)
    hidden = await world.message(thread, "Résultat.", kind="document")
    cursors = {"of another": str(of_another["id"]), "hidden": str(hidden)}
    browser = await proxy(world, app, "read_messages")
    page = await browser.get(f"{address(world.bob, thread)}?anciens={cursors.get(cursor, cursor)}")
    assert (page.status_code, len(cards(page))) == (200, 1)
    assert "Messages plus récents" not in main(page)


@pytest.mark.parametrize("number", [1, 50])
async def test_a_thread_of_any_length_costs_the_same(
    alice: Browser, world: World, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages, their attachments, the reading mark and its line."""
    thread = await world.thread(*["Bonjour."] * number)
    from domain import db
    from domain.messages import threads

    asked: list[str] = []
    fetch = db.fetch

    async def counting(sql: str, *args: object) -> list[dict[str, object]]:
        asked.append(sql)
        return await fetch(sql, *args)

    monkeypatch.setattr(db, "fetch", counting)
    viewer = await world.viewer()
    asked.clear()
    view = await threads.open(viewer, world.alice, thread, now=world.now)
    assert (len(view.messages), len(asked)) == (number, 4)
