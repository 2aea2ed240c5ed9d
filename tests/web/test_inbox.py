"""The four lists of communications, their counters, and what « Activité » tells of them."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain import db
from domain.accounts.tables import Session
from domain.messages import inbox
from domain.messages.tables import Draft
from tests.databases import statements
from tests.web.browser import Browser, Clock, Element, elements, heading, links, main
from tests.web.state import journal_after, last_line
from tests.world import World
from web.gate import Gate

LISTS = {
    "communications": "Boîte de réception",
    "documents": "Documents",
    "factures": "Factures",
    "envoyees": "Envoyées",
}
KINDS = ("message", "document", "invoice")


async def of_each_kind(world: World, patient: UUID | None = None) -> dict[str, UUID]:
    return {
        kind: await world.thread(subject=f"Objet {kind}", kind=kind, patient=patient)
        for kind in KINDS
    }


def url(world: World, folder: str = "communications", patient: UUID | None = None) -> str:
    return f"/profils/{patient or world.alice}/{folder}"


def listed(page: httpx.Response) -> list[Element]:
    return [
        e
        for e in elements(page, "a")
        if any(p.attrs.get("id", "").startswith("fil-") for p in e.parents)
    ]


def subjects(page: httpx.Response) -> list[str]:
    return [e.text for e in elements(page, "span") if e.attrs.get("class") == "thread-what"]


def counters(page: httpx.Response) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for e in elements(page, "span"):
        if "data-unread" in e.attrs:
            found.setdefault(e.attrs["data-unread"], []).append(e.text)
    return {box: sorted(set(texts)) for box, texts in found.items()}


async def signed_in(app: Gate, world: World, *grants: str) -> Browser:
    email = f"{uuid4().hex}@example.com"
    account = await world.account(email)
    await world.grant(account, world.bob, *grants, relationship="caregiver")
    browser = Browser(app)
    await browser.sign_in(email)
    return browser


@pytest.mark.parametrize(("folder", "name"), LISTS.items(), ids=LISTS)
async def test_each_list_says_what_will_come_where_nothing_has_yet(
    alice: Browser, world: World, folder: str, name: str
) -> None:
    page = await alice.get(url(world, folder))
    assert (page.status_code, heading(page)) == (200, name)
    assert "pour le moment" in main(page)
    assert listed(page) == []


async def test_row_shows_who_when_what_and_leads_to_its_thread(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Bonjour.\nTout va bien.", kind="document", subject="Analyses")
    (row,) = listed(await alice.get(url(world)))
    assert row.text == (
        "hier, 10:00 Non lu : Dre Camille Roy Clinique des Érables Document"
        " AnalysesBonjour. Tout va bien."
    )
    assert row.attrs["href"] == f"/profils/{world.alice}/communications/{thread}"
    assert (await alice.get(row.attrs["href"])).status_code == 200


async def test_read_rows_are_not_called_unread(alice: Browser, world: World) -> None:
    await world.thread()
    (row,) = listed(await alice.get(url(world)))
    await alice.get(row.attrs["href"])
    (row,) = listed(await alice.get(url(world)))
    assert "Non lu" not in row.text


async def test_documents_and_invoices_have_their_own_lists(alice: Browser, world: World) -> None:
    threads = await of_each_kind(world)
    for folder, kind in (("documents", "document"), ("factures", "invoice")):
        (row,) = listed(await alice.get(url(world, folder)))
        assert row.attrs["href"] == (
            f"/profils/{world.alice}/communications/{threads[kind]}?de={folder}"
        )


async def test_lists_the_clinic_has_not_are_neither_shown_nor_found(
    alice: Browser, world: World
) -> None:
    await world.set_clinic(has_documents=False, has_invoices=False)
    assert {"Documents", "Factures"} & set(links(await alice.get(url(world)))) == set()
    for folder in ("documents", "factures"):
        assert (await alice.get(url(world, folder))).status_code == 404


async def test_new_message_is_offered_only_to_who_may_write(
    alice: Browser, app: Gate, world: World
) -> None:
    assert "Nouveau message" in links(await alice.get(url(world)))
    reader = await signed_in(app, world, "read_messages")
    assert "Nouveau message" not in links(await reader.get(url(world, patient=world.bob)))


# A proxy with invoices sees invoices and nothing else.


async def test_proxy_with_invoices_only_meets_nothing_else_anywhere(
    app: Gate, world: World
) -> None:
    """A6: lists, search, counters, activity, tabs, dashboard."""
    proxy = await signed_in(app, world, "read_invoices")
    await of_each_kind(world, world.bob)
    for address in ("/", url(world, patient=world.bob), url(world, "factures", world.bob)):
        page = await proxy.get(address)
        assert "Objet message" not in page.text
        assert "Objet document" not in page.text
        assert [w for w in links(page) if w.startswith("Facture reçue : Objet invoice")]
        assert counters(page) == {"inbox": ["1 non lue"], "invoices": ["(1 non lue)"]}
        assert {"Documents", "Envoyées", "Rendez-vous"} & set(links(page)) == set()
    assert listed(await proxy.get(url(world, patient=world.bob) + "?q=document")) == []
    for folder in ("documents", "envoyees"):
        answer = await proxy.get(url(world, folder, world.bob))
        assert (answer.status_code, "Objet" in main(answer)) == (403, False)


async def test_proxy_who_only_books_has_no_list_no_counter_and_no_entry(
    app: Gate, world: World
) -> None:
    await of_each_kind(world, world.bob)
    proxy = await signed_in(app, world, "book")
    page = await proxy.get(f"/profils/{world.bob}/rendez-vous")
    assert (counters(page), "Objet" in page.text) == ({}, False)
    for folder in (*LISTS, "compteurs"):
        assert (await proxy.get(url(world, folder, world.bob))).status_code == 403


# Search and pages.


async def test_search_keeps_its_words_and_says_when_it_finds_nothing(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Prenez l’acétaminophène.")
    found = await alice.get(url(world), params={"q": "ACETA"})
    (row,) = listed(found)
    assert row.attrs["href"].endswith(f"/{thread}?q=ACETA")
    none = await alice.get(url(world), params={"q": "zèbre <b>"})
    assert "Rien ne correspond à « zèbre <b> »." in main(none)
    assert links(none)["Tout afficher"] == url(world)
    field = next(e for e in elements(none, "input") if e.attrs.get("name") == "q")
    assert field.attrs["value"] == "zèbre <b>"


async def test_longer_search_than_a_hundred_characters_is_cut_and_says_so(
    alice: Browser, world: World
) -> None:
    page = await alice.get(url(world), params={"q": "é" * 101})
    field = next(e for e in elements(page, "input") if e.attrs.get("name") == "q")
    assert field.attrs["value"] == "é" * 100
    assert "La recherche est limitée à 100 caractères" in main(page)
    page = await alice.get(url(world), params={"q": "é" * 100})
    assert "limitée" not in main(page)


async def test_pages_go_back_in_time_and_to_the_top_again(
    alice: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PAGE", 2)
    for n in range(1, 4):
        await world.thread("mot", subject=f"Fil {n}", at=world.now - timedelta(days=n))
    first = await alice.get(url(world), params={"q": "mot"})
    assert [each[:5] for each in subjects(first)] == ["Fil 1", "Fil 2"]
    second = await alice.click(first, "Plus anciennes")
    (row,) = listed(second)
    assert [each[:5] for each in subjects(second)] == ["Fil 3"]
    assert "Plus anciennes" not in links(second)
    assert "Il n’y a pas de communication plus ancienne." in main(second)
    back = await alice.click(await alice.get(row.attrs["href"]), "Boîte de réception")
    assert [each[:5] for each in subjects(back)] == ["Fil 3"]
    top = await alice.click(second, "Plus récentes")
    assert [each[:5] for each in subjects(top)] == ["Fil 1", "Fil 2"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", str(UUID(int=9)), "' OR 1=1 --", "\0", "é" * 5000]
)
async def test_bad_cursor_shows_the_first_page(alice: Browser, world: World, cursor: str) -> None:
    await world.thread()
    page = await alice.get(url(world), params={"avant": cursor})
    assert (page.status_code, len(listed(page))) == (200, 1)


# What people typed is only ever text.

XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'><b id=x>",
    "<div hx-get=/deconnexion hx-trigger=load>",
    "<div data-hx-get=/deconnexion>",
    "<a hx-on:click=alert(1)>x</a>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "{{7*7}}",
    "{% include 'errors/crash.html' %}",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button>",
    "<input autofocus onfocus=alert(1)>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "</li></ul></section><h1>Faux</h1>",
    "</title><script>alert(1)</script>",
    "<!--",
    "]]><b>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;b&#62;",
    "<hx-partial hx-target=body>x</hx-partial>",
    "<template hx type=partial hx-target=body>",
    "\u202egnp.exe",
    "<math><mtext></mtext><b>",
    "<details open ontoggle=alert(1)>",
]


async def test_no_text_of_a_list_becomes_an_element(alice: Browser, world: World) -> None:
    """A35, A36: thirty in subject, sender and body, in the list and in « Activité »."""
    await world.thread("texte", subject="texte")
    await db.fetch("UPDATE message SET sender = 'texte'")
    plain = await alice.get(url(world))
    for text in XSS:
        await db.fetch("UPDATE thread SET subject = {}", text)
        await db.fetch("UPDATE message SET sender = {}, body = {}", text, text)
        page = await alice.get(url(world))
        assert shape(page) == shape(plain)
        assert main(page).count(" ".join(text.split())) >= 2
        found = await alice.get(url(world), params={"q": text})
        foreign = {"onload", "onerror", "hx-get", "data-hx-get"}
        assert [e for e in elements(found) if foreign & set(e.attrs)] == []


def shape(page: httpx.Response) -> list[tuple[str, list[str]]]:
    return [(e.tag, sorted(e.attrs)) for e in elements(page)]


# Counters.


async def test_counters_count_threads_and_fall_with_what_is_read(
    alice: Browser, world: World
) -> None:
    threads = await of_each_kind(world)
    await world.message(threads["message"], "Encore.")
    assert counters(await alice.get("/")) == {
        "inbox": ["3 non lues"],
        "documents": ["(1 non lue)"],
        "invoices": ["(1 non lue)"],
    }
    page = await alice.get(url(world, f"communications/{threads['document']}"))
    assert counters(page) == {
        "inbox": ["2 non lues"],
        "documents": [""],
        "invoices": ["(1 non lue)"],
    }


async def test_fragment_of_a_list_or_thread_brings_the_counters_along(
    alice: Browser, world: World
) -> None:
    threads = await of_each_kind(world)
    part = await alice.get(url(world, f"communications/{threads['document']}"), htmx=True)
    targets = [e.attrs["hx-target"] for e in elements(part, "hx-partial")]
    assert targets == ["[data-unread=inbox]", "[data-unread=documents]", "[data-unread=invoices]"]
    assert counters(part)["inbox"] == ["2 non lues"]


async def test_counters_are_asked_for_without_using_the_session_or_leaving_a_line(
    alice: Browser, world: World, clock: Clock
) -> None:
    """A12: a page that stands open keeps no session alive."""
    await of_each_kind(world)
    before = await Session.select(Session.last_used_at)
    line = await last_line()
    clock.now += timedelta(minutes=10)
    answer = await alice.get(url(world, "compteurs"))
    assert counters(answer) == {
        "inbox": ["3 non lues"],
        "documents": ["(1 non lue)"],
        "invoices": ["(1 non lue)"],
    }
    assert (await Session.select(Session.last_used_at), await journal_after(line)) == (before, [])
    clock.now += timedelta(minutes=11)
    answer = await alice.get(url(world, "compteurs"))
    assert (answer.status_code, counters(answer)) == (303, {})


# « Activité ».


async def test_activity_tells_each_communication_by_its_thread(
    alice: Browser, world: World
) -> None:
    threads = await of_each_kind(world)
    await world.message(threads["message"], "Merci.", account=world.alice_account)
    shown = links(await alice.get("/"))
    told = {
        re.split(" hier| aujourd", words)[0]: href
        for words, href in shown.items()
        if "Objet" in words
    }
    base = url(world)
    assert told == {
        "Message reçu : Objet message": f"{base}/{threads['message']}",
        "Document reçu : Objet document": f"{base}/{threads['document']}",
        "Facture reçue : Objet invoice": f"{base}/{threads['invoice']}",
        "Réponse envoyée : Objet message": f"{base}/{threads['message']}",
    }


async def test_dashboard_counts_what_is_unread_of_each_profile(
    alice: Browser, world: World
) -> None:
    await of_each_kind(world, world.bob)
    await world.message(await world.thread(), "Encore.")
    page = await alice.get("/")
    cards = [e.text for e in elements(page, "a") if e.attrs.get("class") == "profile-card"]
    assert cards == ["Alice Gagnon1985-05-021 non lue", "Bob Gagnon2018-03-093 non lues"]


async def test_sent_rows_lead_with_whom_it_was_written_to(alice: Browser, world: World) -> None:
    thread = await world.thread()
    (asked,) = await db.fetch("SELECT id FROM message")
    await world.message(thread, "Oui.", account=world.alice_account, answers=asked["id"])
    (row,) = listed(await alice.get(url(world, "envoyees")))
    assert row.text.startswith("aujourd’hui, 10:00 À Dre Camille Roy Alice Gagnon Message")


async def test_what_was_begun_is_told_by_the_lists_until_it_cannot_be_sent(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    for about in (thread, None):
        await Draft.insert(
            Draft(
                id=uuid4(),
                account=world.alice_account,
                patient=world.alice,
                thread=about,
                body="Bonj",
                saved_at=world.now - timedelta(minutes=2),
            )
        )
    page = await alice.get(url(world))
    (row,) = listed(page)
    assert "Résultats Brouillon" in row.text
    assert "Reprendre votre brouillon" in links(page)
    await world.message(thread, "Oui.", account=world.alice_account)
    await Draft.delete().where(Draft.thread.is_null())
    page = await alice.get(url(world))
    (row,) = listed(page)
    assert "Brouillon" not in row.text
    assert "Nouveau message" in links(page)


async def test_phone_s_menu_is_current_on_the_lists_that_it_holds(
    alice: Browser, world: World
) -> None:
    for folder, is_current in (("communications", False), ("documents", True), ("envoyees", True)):
        page = await alice.get(url(world, folder))
        (summary,) = [e for e in elements(page, "summary") if "Menu" in e.text]
        assert ("aria-current" in summary.attrs) == is_current
        (chips,) = [e for e in elements(page, "nav") if e.attrs.get("class") == "chips"]
        assert chips.text == "".join(LISTS.values())


# Cost.


@pytest.mark.parametrize("folder", LISTS)
async def test_list_page_takes_five_statements_whatever_its_length(
    alice: Browser, world: World, folder: str
) -> None:
    for n in range(3):
        for kind in KINDS:
            thread = await world.thread(kind=kind, at=world.now - timedelta(days=n))
            await world.message(thread, "Oui.", account=world.alice_account)
    with statements() as asked:
        assert (await alice.get(url(world, folder))).status_code == 200
    assert len(asked) <= 5
