"""What is being written, kept as it is typed: one draft an account, profile and thread."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from domain.audit import Actor
from domain.messages import clinic_side, drafts
from domain.messages.drafts import LONGEST_KEPT
from domain.messages.tables import Draft
from jobs.purge import purge
from tests.web.browser import Browser, Clock, alert, buttons, elements, forms, main, title
from tests.web.state import count, journal
from tests.web.test_new_message import WRITTEN, address, proxy, value
from tests.world import World
from web.gate import Gate


def url(patient: UUID) -> str:
    return f"/profils/{patient}/brouillons"


def fields(page: httpx.Response) -> dict[str, str]:
    """The hidden ones of the form that writes."""
    return next(form.fields for form in forms(page) if "auteur" in form.fields)


async def types(
    browser: Browser, page: httpx.Response, patient: UUID, text: str, **more: str
) -> httpx.Response:
    """What static/compose.js sends while someone writes."""
    sent = fields(page) | {"texte": text, "auto": "1"} | more
    return await browser.http.post(url(patient), data=sent)


def said(answer: httpx.Response) -> tuple[str, str | None]:
    (output,) = elements(answer, "output")
    return output.text, output.attrs.get("data-seen")


async def bodies() -> list[str]:
    return [draft.body for draft in await Draft.objects().order_by(Draft.saved_at)]


async def test_what_is_typed_is_there_on_return(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    assert "Supprimer le brouillon" not in buttons(page)
    answer = await types(alice, page, world.alice, " Bonj ", sujet="Ordon", lu="oui")
    (draft,) = await Draft.objects()
    assert said(answer) == ("Brouillon enregistré à 10:00", draft.saved_at.isoformat())
    again = await alice.get(address(world.alice))
    assert (value(again, "texte"), value(again, "sujet")) == (" Bonj ", "Ordon")
    assert fields(again)["vu"] == draft.saved_at.isoformat()
    assert "Brouillon enregistré à 10:00" in main(again)
    assert "Supprimer le brouillon" in buttons(again)


async def test_each_save_goes_into_the_same_draft(
    alice: Browser, world: World, clock: Clock
) -> None:
    """P12: one for each account, profile and thread."""
    page = await alice.get(address(world.alice))
    seen: str | None = ""
    for text in ("B", "Bo", "Bon"):
        clock.now += timedelta(seconds=2)
        _, seen = said(await types(alice, page, world.alice, text, vu=seen or ""))
    assert await bodies() == ["Bon"]
    await types(alice, await alice.get(address(world.bob)), world.bob, "Pour Bob")
    thread = await world.thread(may_answer=True)
    await types(alice, page, world.alice, "Réponse", fil=str(thread))
    assert sorted(await bodies()) == ["Bon", "Pour Bob", "Réponse"]


async def test_nothing_left_is_no_draft(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    _, seen = said(await types(alice, page, world.alice, "B"))
    assert said(await types(alice, page, world.alice, " \r\n", vu=seen or "")) == ("", "")
    assert await bodies() == []


async def test_older_tab_does_not_write_over_newer_text(
    alice: Browser, world: World, clock: Clock
) -> None:
    one, two = [await alice.get(address(world.alice)) for _ in range(2)]
    await types(alice, one, world.alice, "Le premier.")
    clock.now += timedelta(seconds=5)
    refused = await types(alice, two, world.alice, "Le second.")
    assert refused.status_code == 409
    assert "Un texte plus récent a été enregistré dans un autre onglet" in said(refused)[0]
    assert "data-stop" in elements(refused, "output")[0].attrs
    assert await bodies() == ["Le premier."]
    by_hand = await alice.http.post(url(world.alice), data=fields(two) | {"texte": "Le second."})
    assert (by_hand.status_code, await bodies()) == (409, ["Le premier."])
    same = await types(alice, two, world.alice, "Le premier.")
    assert same.status_code == 200
    # The last of a tab that closes before it has heard of the one before.
    await types(alice, one, world.alice, "Le premier, fini.", vu="*")
    assert await bodies() == ["Le premier, fini."]


async def test_what_was_sent_is_not_saved_behind_it(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await types(alice, page, world.alice, "Bonjour")
    await alice.press(page, "Envoyer", WRITTEN)
    assert await bodies() == []
    assert said(await types(alice, page, world.alice, "Bonjour, encore")) == ("", "")
    assert await bodies() == []


async def test_sending_and_saving_at_once_leave_no_draft(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    reply = f"/profils/{world.alice}/communications/{thread}?repondre=1"
    for page in (await alice.get(address(world.alice)), await alice.get(reply)):
        await asyncio.gather(
            *(types(alice, page, world.alice, f"Bonjour {n}", vu="*") for n in range(4)),
            alice.press(page, "Envoyer", WRITTEN),
            *(types(alice, page, world.alice, f"Merci {n}", vu="*") for n in range(4)),
        )
    assert await count("draft") == 0
    assert (len(await journal("message.begun")), len(await journal("message.sent"))) == (1, 1)


async def test_without_scripts_the_buttons_save_and_delete(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    reply = f"/profils/{world.alice}/communications/{thread}"
    for page_url, back in ((address(world.alice), None), (f"{reply}?repondre=1", reply)):
        page = await alice.get(page_url)
        button = next(e for e in elements(page, "button") if e.text == "Enregistrer le brouillon")
        assert button.attrs["formaction"] == url(world.alice)
        saved = await alice.http.post(url(world.alice), data=fields(page) | {"texte": "Bonj"})
        assert saved.status_code == 303
        page = await alice.open(saved.headers["location"])
        assert value(page, "texte") == "Bonj"
        button = next(e for e in elements(page, "button") if e.text == "Supprimer le brouillon")
        deleted = await alice.http.post(button.attrs["formaction"], data=fields(page))
        home = f"/profils/{world.alice}/communications"
        assert (deleted.status_code, deleted.headers["location"]) == (303, back or home)
        assert await bodies() == []


async def test_more_than_may_be_sent_is_kept_but_not_without_end(
    alice: Browser, world: World
) -> None:
    page = await alice.get(address(world.alice))
    typed = "😀\r\n\0" * LONGEST_KEPT
    await types(alice, page, world.alice, typed[: 3 * LONGEST_KEPT], sujet="é" * 600)
    (draft,) = await Draft.objects()
    assert (len(draft.body), len(draft.subject)) == (LONGEST_KEPT, 500)
    again = await alice.get(address(world.alice))
    assert len(value(again, "texte")) == LONGEST_KEPT
    assert not {"\0", "\r"} & set(draft.body)


async def test_another_account_of_the_profile_never_sees_it(
    alice: Browser, app: Gate, world: World
) -> None:
    await types(alice, await alice.get(address(world.bob)), world.bob, "Entre nous")
    other = await proxy(world, app, "read_messages", "send_messages")
    page = await other.get(address(world.bob))
    assert value(page, "texte") == ""
    await other.http.post(f"{url(world.bob)}/suppression", data=fields(page))
    assert await bodies() == ["Entre nous"]


async def test_one_writes_only_where_one_may(alice: Browser, app: Gate, world: World) -> None:
    closed, foreign = await world.thread(), await world.thread(patient=world.charlie)
    page = await alice.get(address(world.alice))
    for thread, status in ((closed, 409), (foreign, 404), (uuid4(), 404), ("x", 404)):
        answer = await types(alice, page, world.alice, "Bonjour", fil=str(thread))
        assert (str(thread), answer.status_code) == (str(thread), status)
    assert (await types(alice, page, world.charlie, "Bonjour")).status_code == 404
    reader = await proxy(world, app, "read_messages")
    await reader.get("/")
    answer = await reader.post(url(world.bob), {"texte": "Bonjour", "auto": "1"})
    assert answer.status_code == 403
    await world.set_clinic(has_new_messages=False)
    assert (await types(alice, page, world.alice, "Bonjour")).status_code == 403
    assert await bodies() == []


async def test_saving_is_using_the_session(alice: Browser, world: World, clock: Clock) -> None:
    page = await alice.get(address(world.alice))
    seen: str | None = ""
    for place in range(4):
        clock.now += timedelta(minutes=15)
        _, seen = said(await types(alice, page, world.alice, f"Le {place}.", vu=seen or ""))
    assert await bodies() == ["Le 3."]


async def test_a_draft_untouched_for_three_months_goes(alice: Browser, world: World) -> None:
    await types(alice, await alice.get(address(world.alice)), world.alice, "Ancien")
    await purge(now=world.now + timedelta(days=90))
    assert await bodies() == ["Ancien"]
    await purge(now=world.now + timedelta(days=90, seconds=1))
    assert await bodies() == []


@pytest.mark.parametrize("seen", ["x", "2026-11-23", "2026-11-23T10:00:00", "' OR 1=1 --", "∞"])
async def test_odd_marks_of_what_was_seen_are_none(alice: Browser, world: World, seen: str) -> None:
    page = await alice.get(address(world.alice))
    assert (await types(alice, page, world.alice, "Un", vu=seen)).status_code == 200
    assert (await types(alice, page, world.alice, "Deux", vu=seen)).status_code == 409


async def test_find_knows_only_its_own_place(alice: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    page = await alice.get(address(world.alice))
    await types(alice, page, world.alice, "Réponse", fil=str(thread))
    viewer = await world.viewer()
    assert await drafts.find(viewer, world.alice, None) is None
    found = await drafts.find(viewer, world.alice, thread)
    assert found is not None
    assert found.body == "Réponse"


async def saved_by_hand(
    browser: Browser, page: httpx.Response, patient: UUID, text: str
) -> httpx.Response:
    """« Enregistrer le brouillon », without scripts."""
    return await browser.http.post(url(patient), data=fields(page) | {"texte": text})


async def test_by_hand_too_a_newer_text_stands_and_nothing_typed_is_lost(
    alice: Browser, world: World, clock: Clock
) -> None:
    thread = await world.thread(may_answer=True)
    reply = f"/profils/{world.alice}/communications/{thread}"
    for place, in_title in ((address(world.alice), "Nouveau message"), (reply, "Résultats")):
        one, two = [await alice.get(f"{place}?repondre=1") for _ in range(2)]
        await types(alice, one, world.alice, "Le premier.")
        clock.now += timedelta(seconds=5)
        page = await saved_by_hand(alice, two, world.alice, "Le second.")
        assert (page.status_code, value(page, "texte")) == (409, "Le second.")
        assert title(page).startswith(f"Erreur : {in_title}")
        assert "Un texte plus récent a été enregistré" in alert(page)
        # The other's text is not this form's to write over.
        again = await saved_by_hand(alice, page, world.alice, "Le second.")
        assert again.status_code == 409
        assert await bodies() == ["Le premier."]
        await alice.http.post(f"{url(world.alice)}/suppression", data=fields(one))


async def test_a_draft_of_a_reply_that_is_not_open_any_more_is_shown_to_copy(
    alice: Browser, world: World
) -> None:
    thread = await world.thread(may_answer=True)
    form = await alice.get(f"/profils/{world.alice}/communications/{thread}?repondre=1")
    await clinic_side.close(Actor("staff", None, "t"), thread, by="accueil", now=world.now)
    page = await saved_by_hand(alice, form, world.alice, "Mes mots.")
    assert (page.status_code, title(page).startswith("Erreur : Résultats")) == (409, True)
    assert "Mes mots." in main(page)
    auto = await types(alice, form, world.alice, "Mes mots.", fil=str(thread))
    assert (auto.status_code, "data-stop" in elements(auto, "output")[0].attrs) == (409, True)
    assert await bodies() == []


async def test_what_is_too_long_to_keep_is_said(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    long = "é" * (LONGEST_KEPT + 1)
    refused = await saved_by_hand(alice, page, world.alice, long)
    assert (refused.status_code, value(refused, "texte")) == (422, long)
    assert await bodies() == []
    words, _ = said(await types(alice, page, world.alice, long))
    assert words == "Brouillon enregistré à 10:00. La fin, trop longue, n’a pas été conservée."
    words, _ = said(await types(alice, page, world.alice, long[:-1], vu="*"))
    assert words == "Brouillon enregistré à 10:00"


async def test_what_was_deleted_is_not_saved_behind_it(alice: Browser, world: World) -> None:
    """An autosave that was on its way."""
    page = await alice.get(address(world.alice))
    await types(alice, page, world.alice, "Bonj")
    await alice.http.post(f"{url(world.alice)}/suppression", data=fields(page))
    assert said(await types(alice, page, world.alice, "Bonjo")) == ("", "")
    assert await bodies() == []
    # The form may be sent all the same, and another one saves.
    await types(alice, await alice.get(address(world.alice)), world.alice, "Encore")
    assert await bodies() == ["Encore"]
    assert (await alice.press(page, "Envoyer", WRITTEN)).status_code == 303


async def test_deleting_and_saving_at_once_leave_no_draft(alice: Browser, world: World) -> None:
    page = await alice.get(address(world.alice))
    await asyncio.gather(
        *(types(alice, page, world.alice, f"Bonjour {n}", vu="*") for n in range(4)),
        alice.http.post(f"{url(world.alice)}/suppression", data=fields(page)),
        *(types(alice, page, world.alice, f"Merci {n}", vu="*") for n in range(4)),
    )
    assert await bodies() == []
