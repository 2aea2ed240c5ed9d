"""« Nouveau message »: the form, what is refused, and what becomes of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.accounts import throttles
from domain.clinic.tables import Team
from domain.messages.rules import LONGEST_BODY, LONGEST_SUBJECT
from domain.messages.tables import Draft, Message, Thread
from tests.web.browser import Browser, Clock, alert, elements, main, title
from tests.web.state import count, journal
from tests.world import World
from web.gate import Gate

WRITTEN = {"sujet": "Ordonnance", "texte": "Bonjour, puis-je la renouveler ?", "lu": "oui"}
FAMILY = "👩‍👩‍👧‍👦"  # seven code points, three of them joiners


def address(patient: UUID) -> str:
    return f"/profils/{patient}/communications/nouveau"


async def sent(browser: Browser, patient: UUID, **more: str) -> httpx.Response:
    return await browser.press(await browser.get(address(patient)), "Envoyer", WRITTEN | more)


def value(page: httpx.Response, name: str) -> str:
    (field,) = [e for e in elements(page, "input", "textarea") if e.attrs.get("id") == name]
    return (
        field.attrs["value"] if field.tag == "input" else "".join(field.pieces).removeprefix("\n")
    )


def errors(page: httpx.Response) -> dict[str, str]:
    """The sentence beside each field; the summary links to the same."""
    beside = {
        e.attrs["id"].removesuffix("-error"): e.text.removeprefix("Erreur : ")
        for e in elements(page, "p")
        if e.attrs.get("class") == "field-error" and "id" in e.attrs
    }
    summary = [
        e for e in elements(page, "a") if any("error-summary" in str(p.attrs) for p in e.parents)
    ]
    assert {e.attrs["href"].removeprefix("#"): e.text for e in summary} == beside
    return beside


async def proxy(world: World, app: Gate, *grants: str) -> Browser:
    email = f"{uuid4().hex}@example.com"
    await world.grant(await world.account(email), world.bob, *grants, relationship="caregiver")
    browser = Browser(app)
    await browser.sign_in(email)
    return browser


# Good


async def test_a_new_message_begins_a_thread_with_the_team(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.bob))
    assert page.status_code == 200
    for words in (
        "Au sujet de Bob Gagnon",
        "Réponse habituelle en 2 jours ouvrables.",
        "À : Accueil",
        "appelez le 911",
        "La messagerie ne remplace pas une consultation.",
        "J’ai lu et compris la clause de non-responsabilité.",
    ):
        assert words in main(page)
    answer = await alice.press(page, "Envoyer", WRITTEN)
    (thread,), (message,) = await Thread.objects(), await Message.objects()
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/profils/{world.bob}/communications/{thread.id}?fait=message",
    )
    assert (thread.patient, thread.team, thread.subject) == (world.bob, world.team, "Ordonnance")
    assert (message.sender, message.body, message.kind, message.disclaimer) == (
        "Alice Gagnon",
        WRITTEN["texte"],
        "message",
        world.disclaimer,
    )
    assert (message.account, message.answers) == (world.alice_account, None)
    (line,) = await journal("message.begun")
    assert (line["patient"], line["subject"]) == (world.bob, message.id)
    assert "Votre message a été envoyé au nom de Bob Gagnon" in main(await alice.follow(answer))


async def test_of_several_teams_one_is_chosen(alice: Browser, world: World) -> None:
    nurse = Team(id=uuid4(), name_fr="Infirmières", name_en="Nurses", position=-1)
    closed = Team(id=uuid4(), name_fr="Comptabilité", name_en="Billing", takes_messages=False)
    await Team.insert(nurse, closed)
    page = await alice.get(address(world.alice))
    names = [e.text for e in elements(page, "option")]
    assert names == ["Choisissez une équipe", "Infirmières", "Accueil"]
    refused = await alice.press(page, "Envoyer", WRITTEN)
    assert errors(refused) == {"equipe": "Choisissez à qui vous écrivez."}
    for foreign in (closed.id, uuid4(), "x"):
        refused = await alice.press(page, "Envoyer", WRITTEN | {"equipe": str(foreign)})
        assert (refused.status_code, set(errors(refused))) == (422, {"equipe"})
    await alice.press(page, "Envoyer", WRITTEN | {"equipe": str(nurse.id)})
    assert [thread.team for thread in await Thread.objects()] == [nurse.id]


async def test_without_a_team_the_page_says_to_call(alice: Browser, world: World) -> None:
    await Team.update({Team.takes_messages: False}, force=True)
    page = await alice.get(address(world.alice))
    assert (page.status_code, "appelez-la" in main(page)) == (200, True)
    assert "tel:+15145550142" in page.text
    assert elements(page, "textarea") == []


# Bad


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            {"texte": "a" * 501},
            {"texte": "Votre message est trop long : 500 caractères au maximum."},
        ),
        (
            {"texte": "😀" * 501},
            {"texte": "Votre message est trop long : 500 caractères au maximum."},
        ),
        ({"texte": " \r\n\t\u00a0 "}, {"texte": "Écrivez votre message."}),
        ({"texte": "\u200b\u2060"}, {"texte": "Écrivez votre message."}),
        ({"texte": ""}, {"texte": "Écrivez votre message."}),
        ({"sujet": " \r\n "}, {"sujet": "Indiquez le sujet de votre message."}),
        ({"sujet": "é" * 121}, {"sujet": "Le sujet est trop long : 120 caractères au maximum."}),
        (
            {"lu": ""},
            {
                "lu": "Cochez la case pour confirmer que vous avez lu la clause"
                " de non-responsabilité."
            },
        ),
    ],
)
async def test_what_cannot_be_sent_comes_back_as_it_was_typed(
    alice: Browser, world: World, typed: dict[str, str], said: dict[str, str]
) -> None:
    answer = await sent(alice, world.alice, **typed)
    assert (answer.status_code, errors(answer)) == (422, said)
    assert title(answer).startswith("Erreur : ")
    whole = WRITTEN | typed
    assert value(answer, "texte") == whole["texte"]
    assert value(answer, "sujet") == whole["sujet"]
    (box,) = [e for e in elements(answer, "input") if e.attrs.get("id") == "lu"]
    assert ("checked" in box.attrs) == (whole["lu"] == "oui")
    assert await count("message") == 0


async def test_everything_wrong_at_once_is_said_at_once(alice: Browser, world: World) -> None:
    answer = await sent(alice, world.alice, sujet="", texte="", lu="")
    assert list(errors(answer)) == ["sujet", "texte", "lu"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\r\n".join(["a" * 22] * 20 + ["b" * 40]), 500),  # a line break counts as one
        ("😀" * LONGEST_BODY, 500),
        (FAMILY * 71 + "abc", 500),
        ("e\u0301" * 250, 500),
        ("  Bonjour\0 \r\n", 7),
        ("<b hx-get=/deconnexion hx-trigger=load>{{7*7}}</b>", 50),
    ],
)
async def test_what_may_be_sent_is_kept_letter_by_letter(
    alice: Browser, world: World, typed: str, kept: int
) -> None:
    answer = await sent(alice, world.alice, texte=typed)
    (message,) = await Message.objects()
    assert (answer.status_code, len(message.body)) == (303, kept)
    assert message.body == typed.replace("\r\n", "\n").replace("\0", "").strip()
    page = await alice.follow(answer)
    assert not [e for e in elements(page) if "hx-get" in e.attrs and "deconnexion" in str(e.attrs)]


async def test_a_subject_is_one_line(alice: Browser, world: World) -> None:
    await sent(alice, world.alice, sujet=" Une\r\nordonnance\u2028 à \t renouveler ")
    await sent(alice, world.alice, sujet="é" * LONGEST_SUBJECT)
    subjects = {thread.subject for thread in await Thread.objects()}
    assert subjects == {"Une ordonnance à renouveler", "é" * LONGEST_SUBJECT}


async def test_html_in_a_refused_text_is_only_text(alice: Browser, world: World) -> None:
    """A35, A36."""
    bad = '</textarea><script>alert(1)</script><div hx-get="/deconnexion" hx-trigger="load">'
    answer = await sent(alice, world.alice, texte=bad, sujet=f'"{bad}', lu="")
    assert (value(answer, "texte"), value(answer, "sujet")) == (bad, f'"{bad}')
    assert not [e for e in elements(answer) if e.attrs.get("hx-get") == "/deconnexion"]


# Once


async def test_the_same_form_sent_again_gives_the_same_thread(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    answers = [await alice.press(page, "Envoyer", WRITTEN) for _ in range(3)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await count("message") == 1


async def test_ten_at_once_are_one(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    answers = await asyncio.gather(*(alice.press(page, "Envoyer", WRITTEN) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await count("message"), await count("thread")) == (1, 1)


async def test_another_text_in_a_used_form_is_asked_about_and_kept(
    alice: Browser, world: World
) -> None:
    page = await alice.get(address(world.alice))
    await alice.press(page, "Envoyer", WRITTEN)
    answer = await alice.press(page, "Envoyer", WRITTEN | {"texte": "Autre chose."})
    assert (answer.status_code, value(answer, "texte")) == (409, "Autre chose.")
    assert "votre premier message a été envoyé" in alert(answer)
    assert (
        await alice.press(answer, "Envoyer", WRITTEN | {"texte": "Autre chose."})
    ).status_code == 303
    assert await count("message") == 2


async def test_a_form_without_its_key_is_nothing(alice: Browser, world: World) -> None:
    await alice.get(address(world.alice))
    assert (await alice.post(address(world.alice), WRITTEN)).status_code == 404


async def test_the_eleventh_of_a_day_waits_as_a_draft(
    alice: Browser, world: World, clock: Clock
) -> None:
    for place in range(10):
        assert (await sent(alice, world.alice, texte=f"Le {place}.")).status_code == 303
    refused = await sent(alice, world.bob, texte="Le onzième.")
    assert (refused.status_code, value(refused, "texte")) == (429, "Le onzième.")
    assert int(refused.headers["retry-after"]) > 0
    assert "gardé comme brouillon" in alert(refused)
    (draft,) = await Draft.objects()
    assert (draft.body, draft.patient) == ("Le onzième.", world.bob)
    clock.now += timedelta(days=1)
    await alice.sign_in()
    page = await alice.get(address(world.bob))
    assert value(page, "texte") == "Le onzième."
    assert (await alice.press(page, "Envoyer", fields(page))).status_code == 303
    assert await Draft.count() == 0


def fields(page: httpx.Response) -> dict[str, str]:
    return {"sujet": value(page, "sujet"), "texte": value(page, "texte"), "lu": "oui"}


# Who


@pytest.mark.parametrize(
    "grants", [("read_messages",), ("book", "read_documents"), ("read_invoices",)]
)
async def test_who_may_not_send_gets_no_form(
    app: Gate, world: World, grants: tuple[str, ...]
) -> None:
    browser = await proxy(world, app, *grants)
    assert (await browser.get(address(world.bob))).status_code == 403
    answer = await browser.post(
        address(world.bob), WRITTEN | {"cle": "k", "equipe": str(world.team)}
    )
    assert (answer.status_code, await count("message")) == (403, 0)


async def test_a_clinic_without_new_messages_gets_none(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await world.set_clinic(has_new_messages=False)
    assert (await alice.get(address(world.alice))).status_code == 403
    assert (await alice.press(page, "Envoyer", WRITTEN)).status_code == 403


async def test_fields_of_the_body_choose_no_patient(alice: Browser, world: World) -> None:
    """A3: the address alone says about whom."""
    smuggled: dict[str, Any] = {
        "patient": str(world.charlie),
        "account": str(world.charlie_account),
    }
    page = await alice.get(address(world.alice))
    await alice.press(page, "Envoyer", WRITTEN | smuggled)
    (message,) = await Message.objects()
    assert (message.patient, message.account) == (world.alice, world.alice_account)


async def test_a_kept_new_message_is_still_this_forms_draft(alice: Browser, world: World) -> None:
    for _ in range(throttles.NEW_MESSAGES.most):
        await throttles.take(throttles.NEW_MESSAGES, str(world.alice_account), now=world.now)
    page = await sent(alice, world.alice, texte="Un.\r\nDeux.")
    (draft,) = await Draft.objects()
    (seen,) = [e for e in elements(page, "input") if e.attrs.get("name") == "vu"]
    assert (page.status_code, seen.attrs["value"]) == (429, draft.saved_at.isoformat())
    assert "retry-after" in page.headers
    assert "Brouillon enregistré à 10:00" in main(page)
