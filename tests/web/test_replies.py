"""« Répondre »: the form, what is refused and why, and what is kept."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain.accounts import throttles
from domain.messages.rules import LONGEST_BODY
from domain.messages.tables import Draft, Message, Thread
from domain.people.tables import ProxyGrant
from tests.web.browser import Browser, alert, buttons, elements, forms, heading, links, main, title
from tests.web.state import journal, rows
from tests.web.test_threads import address, cards, proxy
from tests.world import World
from web.gate import Gate

WRITTEN = {"texte": "Oui, c’est fait. Merci !", "lu": "oui"}


async def form_of(browser: Browser, patient: UUID, thread: UUID) -> httpx.Response:
    return await browser.get(f"{address(patient, thread)}?repondre=1")


async def answered(browser: Browser, patient: UUID, thread: UUID) -> httpx.Response:
    return await browser.press(await form_of(browser, patient, thread), "Envoyer", WRITTEN)


async def answers(thread: UUID) -> list[str]:
    found = await Message.objects().where(
        (Message.thread == thread) & Message.account.is_not_null()
    )
    return [message.body for message in found]


def typed(page: httpx.Response) -> str:
    return elements(page, "textarea")[0].text


# Good


async def test_a_reply_is_sent_and_stands_in_its_place(alice: Browser, world: World) -> None:
    thread = await world.thread("Est-ce fait ?", may_answer=True)
    page = await alice.get(address(world.alice, thread))
    assert "Note : Vous êtes limité à une seule réponse." in main(page)
    form = await alice.click(page, "Répondre")
    for words in ("appelez le 911", "La messagerie ne remplace pas une consultation."):
        assert words in main(form)
    sent = await alice.press(form, "Envoyer", WRITTEN)
    (message,) = await Message.objects().where(Message.account.is_not_null())
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        f"{address(world.alice, thread)}?fait=reponse#message-{message.id}",
    )
    after = await alice.get(sent.headers["location"])
    said = next(e for e in elements(after, "div") if "data-said" in e.attrs)
    assert said.text == "Votre réponse a été envoyée. Réponse habituelle en 2 jours ouvrables."
    assert (
        cards(after)[-1].text == "Alice Gagnon 23 nov. 2026, 10:00 Oui, c’est fait. Merci !Envoyé"
    )
    assert (message.sender, message.kind, message.disclaimer) == (
        "Alice Gagnon",
        "message",
        world.disclaimer,
    )
    assert [line["subject"] for line in await journal("message.sent")] == [message.id]


async def test_a_second_reply_is_refused_until_the_clinic_writes_anew(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    await answered(alice, world.alice, thread)
    page = await form_of(alice, world.alice, thread)
    (button,) = [e for e in elements(page, "button") if e.text == "Répondre"]
    assert button.attrs["aria-disabled"] == "true"
    assert "Une réponse a déjà été envoyée à ce message." in main(page)
    assert not [form for form in forms(page) if form.action.endswith("/reponse")]
    await world.message(thread, "Et demain ?", may_answer=True, at=world.now + timedelta(hours=1))
    assert (await answered(alice, world.alice, thread)).status_code == 303
    assert len(await answers(thread)) == 2


async def test_a_form_sent_by_htmx_is_refused_in_its_page_and_leaves_it_once_sent(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    page = await form_of(alice, world.alice, thread)
    (form,) = [form for form in forms(page) if form.action.endswith("/reponse")]
    refused = await alice.post(form.action, form.fields, htmx=True)
    assert (refused.status_code, "<html" in refused.text) == (422, False)
    sent = await alice.post(form.action, form.fields | WRITTEN, htmx=True)
    (message,) = await Message.objects().where(Message.account.is_not_null())
    assert sent.headers["hx-redirect"] == (
        f"{address(world.alice, thread)}?fait=reponse#message-{message.id}"
    )


async def test_a_reply_for_someone_else_names_its_writer(app: Gate, world: World) -> None:
    thread = await world.thread(patient=world.bob, may_answer=True)
    browser = await proxy(world, app, "send_messages")
    assert "Au nom de Bob Gagnon" in main(await form_of(browser, world.bob, thread))
    page = await browser.follow(await answered(browser, world.bob, thread))
    assert "Votre réponse a été envoyée au nom de Bob Gagnon" in main(page)
    assert "au nom de Bob Gagnon" in cards(page)[-1].text


async def test_where_the_list_was_is_kept_over_the_reply(alice: Browser, world: World) -> None:
    thread = await world.thread(kind="document", may_answer=True)
    page = await alice.get(f"{address(world.alice, thread)}?de=documents&q=foie&repondre=1")
    assert links(page)["Annuler"] == (
        f"{address(world.alice, thread)}?de=documents&q=foie&repondre=0"
    )
    refused = await alice.press(page, "Envoyer")
    assert "Documents" in title(refused)
    sent = await alice.press(refused, "Envoyer", WRITTEN)
    assert "de=documents&q=foie&fait=reponse#message-" in sent.headers["location"]


@pytest.mark.parametrize(
    "text",
    [
        "é" * 500,
        "😀" * 500,
        "e\u0301" * 250,
        "\r\n".join(["a" * 23] * 20) + "\r\n" + "b" * 20,
        "👩‍👩‍👧" * 100,
        "<b hx-get=/deconnexion>gras</b>",
    ],
    ids=["accents", "emoji", "combining", "line breaks", "joined", "html"],
)
async def test_what_fits_is_kept_as_it_was_typed(alice: Browser, world: World, text: str) -> None:
    """R60: counted in code points, a line break as one."""
    thread = await world.thread(may_answer=True)
    form = await form_of(alice, world.alice, thread)
    assert (await alice.press(form, "Envoyer", WRITTEN | {"texte": text})).status_code == 303
    assert await answers(thread) == [text.replace("\r\n", "\n")]


# Bad


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({"texte": ""}, ["Écrivez votre message."]),
        ({"texte": " \r\n\t\u00a0\u200b "}, ["Écrivez votre message."]),
        (
            {"texte": "a" * (LONGEST_BODY + 1)},
            ["Votre message est trop long : 500 caractères au maximum."],
        ),
        (
            {"lu": "non"},
            ["Cochez la case pour confirmer que vous avez lu la clause de non-responsabilité."],
        ),
        (
            {"texte": "", "lu": ""},
            [
                "Écrivez votre message.",
                "Cochez la case pour confirmer que vous avez lu la clause de non-responsabilité.",
            ],
        ),
    ],
    ids=["empty", "blank", "too long", "box", "both"],
)
async def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    alice: Browser, world: World, change: dict[str, str], sentences: list[str]
) -> None:
    thread = await world.thread(may_answer=True)
    before = await rows()
    form = await form_of(alice, world.alice, thread)
    before = await rows()
    page = await alice.press(form, "Envoyer", WRITTEN | change)
    assert (page.status_code, title(page).startswith("Erreur : ")) == (422, True)
    summary = next(e for e in elements(page, "div") if e.attrs.get("class") == "error-summary")
    found = [e for e in elements(page, "a") if summary.attrs in [p.attrs for p in e.parents]]
    assert [(link.text, link.attrs["href"]) for link in found] == [
        (sentence, "#texte" if "message" in sentence else "#lu") for sentence in sentences
    ]
    wanted = (WRITTEN | change)["texte"]
    assert typed(page) == " ".join(wanted.split()).strip()
    assert await rows() == before
    sent = await alice.press(page, "Envoyer", WRITTEN)
    assert sent.status_code == 303


@pytest.mark.parametrize("settled", ["refused", "closed", "off", "used"])
async def test_a_reply_withdrawn_while_it_was_written_keeps_the_text(
    alice: Browser, world: World, settled: str
) -> None:
    """R66: 409, what changed, and the text to read and copy."""
    thread = await world.thread(patient=world.bob, may_answer=True)
    form = await form_of(alice, world.bob, thread)
    (asked,) = await Message.objects().where(Message.thread == thread)
    if settled == "refused":
        await Message.update({Message.reply_refused_at: world.now}).where(Message.thread == thread)
    elif settled == "closed":
        await Thread.update({Thread.closed_at: world.now}).where(Thread.id == thread)
    elif settled == "off":
        await world.set_clinic(has_replies=False)
    else:
        await world.message(thread, "Déjà.", account=world.charlie_account, answers=asked.id)
    count = len(await answers(thread))
    page = await alice.press(form, "Envoyer", WRITTEN)
    assert (page.status_code, len(await answers(thread))) == (409, count)
    assert "Votre réponse n’a pas été envoyée." in alert(page)
    assert WRITTEN["texte"] in main(page)
    assert "Envoyer" not in buttons(page)
    (line,) = await journal("message.refused")
    assert line["outcome"] == "reply_not_open"


async def test_a_message_that_came_meanwhile_is_shown_before_the_reply_is_sent(
    alice: Browser, world: World
) -> None:
    thread = await world.thread("Un.", may_answer=True)
    form = await form_of(alice, world.alice, thread)
    await world.message(thread, "Ne répondez pas à Un.", may_answer=True)
    page = await alice.press(form, "Envoyer", WRITTEN)
    assert (page.status_code, typed(page)) == (409, WRITTEN["texte"])
    assert "la clinique a écrit de nouveau" in alert(page)
    assert "Ne répondez pas à Un." in cards(page)[-1].text
    assert await answers(thread) == []
    assert (await alice.press(page, "Envoyer", WRITTEN)).status_code == 303


async def test_too_many_replies_wait_and_the_text_is_kept(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    for _ in range(throttles.REPLIES.most):
        await throttles.take(throttles.REPLIES, str(world.alice_account), now=world.now)
    page = await answered(alice, world.alice, thread)
    assert (page.status_code, typed(page)) == (429, WRITTEN["texte"])
    assert "retry-after" in page.headers
    (draft,) = await Draft.objects()
    assert (draft.thread, draft.body) == (thread, WRITTEN["texte"])
    assert typed(await form_of(alice, world.alice, thread)) == WRITTEN["texte"]


async def test_the_draft_is_gone_once_its_reply_is_sent(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    draft = Draft(
        id=uuid4(),
        account=world.alice_account,
        patient=world.alice,
        thread=thread,
        body="Commencé.",
        saved_at=world.now,
    )
    await Draft.insert(draft)
    form = await form_of(alice, world.alice, thread)
    assert (typed(form), "Brouillon enregistré à 10:00" in main(form)) == ("Commencé.", True)
    await alice.press(form, "Envoyer", WRITTEN)
    assert await Draft.count() == 0


# Replayed


async def test_the_same_form_sent_twice_replies_once(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    form = await form_of(alice, world.alice, thread)
    first = await alice.press(form, "Envoyer", WRITTEN)
    again = await alice.press(form, "Envoyer", WRITTEN)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    assert len(await answers(thread)) == 1


async def test_the_same_form_with_another_text_says_that_it_was_sent(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    form = await form_of(alice, world.alice, thread)
    await alice.press(form, "Envoyer", WRITTEN)
    page = await alice.press(form, "Envoyer", WRITTEN | {"texte": "Plutôt ceci."})
    assert (page.status_code, "Plutôt ceci." in main(page)) == (409, True)
    assert await answers(thread) == [WRITTEN["texte"]]


async def test_ten_clicks_at_once_reply_once(alice: Browser, world: World) -> None:
    """R66."""
    thread = await world.thread(may_answer=True)
    form = await form_of(alice, world.alice, thread)
    sent = await asyncio.gather(*(alice.press(form, "Envoyer", WRITTEN) for _ in range(10)))
    assert Counter(answer.status_code for answer in sent) == {303: 10}
    assert len({answer.headers["location"] for answer in sent}) == 1
    assert len(await answers(thread)) == 1


async def test_ten_open_forms_sent_at_once_reply_once(alice: Browser, world: World) -> None:
    """R66."""
    thread = await world.thread(may_answer=True)
    open_forms = [await form_of(alice, world.alice, thread) for _ in range(10)]
    sent = await asyncio.gather(*(alice.press(form, "Envoyer", WRITTEN) for form in open_forms))
    assert Counter(answer.status_code for answer in sent) == {303: 1, 409: 9}
    assert len(await answers(thread)) == 1


# Others


async def test_nobody_replies_in_a_thread_of_another(alice: Browser, world: World) -> None:
    """A2, A3: with one's own token; the ids of the body name nothing."""
    foreign = await world.thread("Secret.", patient=world.charlie, may_answer=True)
    own = await world.thread(may_answer=True)
    (message,) = await Message.objects().where(Message.thread == foreign)
    await form_of(alice, world.alice, own)
    before = await rows()
    sent = WRITTEN | {
        "cle": "k",
        "repond_a": str(message.id),
        "patient": str(world.charlie),
        "fil": str(foreign),
    }
    for patient, thread in [
        (world.charlie, foreign),
        (world.alice, foreign),
        (world.bob, own),
        (world.alice, uuid4()),
    ]:
        answer = await alice.post(f"{address(patient, thread)}/reponse", sent)
        assert (answer.status_code, "Secret" in answer.text) == (404, False)
    assert await rows() == before
    page = await alice.post(f"{address(world.alice, own)}/reponse", sent)
    assert page.status_code == 409
    assert await answers(foreign) == await answers(own) == []


async def test_who_may_only_read_is_told_so(app: Gate, world: World) -> None:
    thread = await world.thread(patient=world.bob, may_answer=True)
    browser = await proxy(world, app, "read_messages")
    page = await form_of(browser, world.bob, thread)
    assert "Votre accès à ce profil ne permet pas d’écrire à la clinique." in main(page)
    answer = await browser.post(f"{address(world.bob, thread)}/reponse", WRITTEN | {"cle": "k"})
    assert (answer.status_code, heading(answer)) == (403, "Accès refusé")
    assert await answers(thread) == []


async def test_a_right_to_write_that_ended_meanwhile_sends_nothing(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(patient=world.bob, may_answer=True)
    form = await form_of(alice, world.bob, thread)
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    assert (await alice.press(form, "Envoyer", WRITTEN)).status_code == 404
    assert await answers(thread) == []


async def test_the_form_reads_in_english(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    await alice.post("/langue", {"langue": "en", "suivant": "/"})
    page = await form_of(alice, world.alice, thread)
    assert "Messages do not replace a visit." in main(page)
    assert {"Cancel", "Send"} <= set(buttons(page))


async def test_a_kept_text_is_still_this_forms_draft(alice: Browser, world: World) -> None:
    """After a refusal that keeps it, its page goes on saving it."""
    thread = await world.thread("Un.", may_answer=True)
    form = await form_of(alice, world.alice, thread)
    await world.message(thread, "Deux.", may_answer=True)
    page = await alice.press(form, "Envoyer", WRITTEN)
    (draft,) = await Draft.objects()
    hidden = next(form.fields for form in forms(page) if "auteur" in form.fields)
    assert (page.status_code, hidden["vu"]) == (409, draft.saved_at.isoformat())
    assert "Brouillon enregistré à 10:00" in main(page)
    sent = hidden | {"texte": "Autrement.", "auto": "1"}
    answer = await alice.http.post(f"/profils/{world.alice}/brouillons", data=sent)
    assert answer.status_code == 200


async def test_the_address_of_a_refused_reply_leads_to_its_thread(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    url = address(world.alice, thread)
    answer = await alice.get(f"{url}/reponse?de=envoyees&q=foie")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}?de=envoyees&q=foie")


async def test_a_writer_without_a_name_is_not_told_by_their_address(
    app: Gate, world: World
) -> None:
    """R35."""
    thread = await world.thread(patient=world.bob, may_answer=True)
    browser = await proxy(world, app, "send_messages")
    page = await browser.follow(await answered(browser, world.bob, thread))
    assert "@" not in main(page)
    assert "Titulaire du compte" in cards(page)[-1].text
    assert "Écrit au nom de Bob Gagnon" in cards(page)[-1].text
