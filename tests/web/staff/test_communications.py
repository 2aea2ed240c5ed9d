"""The clinic's inbox and its threads, as a browser at the desk meets them."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from domain import db
from domain.staff.tables import StaffSession
from tests import pdfs
from tests.web.browser import Browser, alert, elements, forms, heading, links, main, title
from tests.web.staff.desk import at_work
from tests.web.staff.mailroom import first_from_clinic, text_template, upload
from tests.web.state import count, journal, journal_after, last_line, rows
from tests.world import World
from web.gate import Gate

INBOX = "/clinique/communications"
XSS = '<img src=x onerror=alert(1)>"{{7*7}}'
GOOD = pdfs.good()


def at(thread: UUID) -> str:
    return f"{INBOX}/{thread}"


async def asked(world: World, *, subject: str = "Ma question", hours: int = 1) -> UUID:
    at = world.now - timedelta(hours=hours)
    thread = await world.thread(subject=subject, may_answer=True, at=at - timedelta(hours=1))
    await world.message(thread, "Et ensuite ?", at=at, account=world.alice_account)
    return thread


def answer(world: World, **changes: str) -> dict[str, str]:
    typed = {
        "cle": "k",
        "genre": "message",
        "de": f"equipe:{world.team}",
        "texte": "Bonjour {prénom}, voici.",
        "reponse": "oui",
    }
    return typed | changes


async def test_the_inbox_shows_who_waits_and_writes_that_it_was_read(
    dana: Browser, world: World
) -> None:
    await asked(world, subject=XSS, hours=24 * 7)
    page = await dana.get(INBOX)
    assert "Alice Gagnon" in main(page)
    assert "En retard : 7 jours" in main(page)
    assert XSS in main(page)
    assert elements(page, "img")[1:] == []
    (line,) = await journal("read.staff.communications")
    assert (line["patient"], line["actor"]) == (world.alice, world.dana)


@pytest.mark.parametrize(
    "query",
    ["?etat=confies", "?etat=fermes", "?pour=moi", "?q=rien+de+tel", "?etat=x&pour=y&apres=z"],
)
async def test_filters_and_nonsense_are_answered_with_a_page(
    dana: Browser, world: World, query: str
) -> None:
    page = await dana.get(INBOX + query)
    assert (page.status_code, heading(page)) == (200, "Communications")


async def test_next_page_keeps_what_was_chosen(dana: Browser, world: World) -> None:
    for n in range(51):
        await asked(world, subject=f"Question {n}", hours=n + 1)
    page = await dana.get(f"{INBOX}?q=question&pour=equipe:")
    assert len(elements(page, "li")) > 50
    following = await dana.get(links(page)["Page suivante"])
    assert "Question 0" in main(following)
    assert links(following)["Revenir au début"].startswith(f"{INBOX}?")
    assert "q=question" in links(following)["Revenir au début"]


async def test_a_thread_is_read_answered_and_leaves_the_list(dana: Browser, world: World) -> None:
    thread = await asked(world)
    page = await dana.get(at(thread))
    assert title(page).startswith("Ma question – Alice Gagnon")
    assert "Et ensuite ?" in main(page)
    sent = await dana.post(f"{at(thread)}/reponse", answer(world))
    assert sent.headers["location"] == f"{at(thread)}?fait=reponse#fin"
    again = await dana.post(f"{at(thread)}/reponse", answer(world))
    assert again.status_code == 303
    done = await dana.follow(sent)
    assert "Bonjour Alice, voici." in main(done)
    assert main(done).count("voici.") == 1
    assert "Envoyé par Dana Fortin." in main(done)
    assert "Personne n’attend de réponse" in main(await dana.get(INBOX))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"texte": " "}, "Écrivez le texte."),
        ({"texte": "x" * 10_001}, "trop long"),
        ({"de": ""}, "Choisissez qui signe."),
        ({"de": "equipe:nobody"}, "Choisissez qui signe."),
        ({"genre": "facture"}, "Joignez au moins un PDF"),
        ({"genre": "poème"}, "Choisissez le type."),
    ],
)
async def test_a_refused_answer_keeps_all_that_was_typed(
    dana: Browser, world: World, changes: dict[str, str], words: str
) -> None:
    thread = await asked(world)
    await dana.get(at(thread))
    typed = answer(world, **changes)
    page = await dana.post(f"{at(thread)}/reponse", typed)
    assert (page.status_code, title(page)[:9]) == (422, "Erreur : ")
    assert words in alert(page)
    assert elements(page, "textarea")[0].text == " ".join(typed["texte"].split())
    assert (await dana.open(f"{at(thread)}/reponse")).status_code == 200
    assert await count("message") == 2


async def test_a_colleagues_answer_is_shown_before_a_second_one_leaves(
    dana: Browser, fay: Browser, world: World
) -> None:
    """Finding 6: the text is kept, and pressing again sends it."""
    thread = await asked(world)
    mine, theirs = await dana.get(at(thread)), await fay.get(at(thread))
    typed = answer(world, texte="De Fay.")
    await fay.press(theirs, "Envoyer", typed | {"cle": "fay"})
    typed = answer(world, texte="De Dana.")
    mine = await dana.press(mine, "Envoyer", typed | {"texte": " "})  # a slip is no reading of it
    told = await dana.press(mine, "Envoyer", typed)
    assert (told.status_code, title(told)[:9]) == (409, "Erreur : ")
    assert "Fay Blais a agi dans ce fil" in alert(told)
    assert "De Fay." in main(told)
    assert elements(told, "textarea")[0].text == "De Dana."
    assert await count("message") == 3
    again = await dana.press(told, "Envoyer", typed)
    assert again.status_code == 303
    assert await count("message") == 4


async def test_a_thread_given_meanwhile_is_not_given_to_another_unseen(
    dana: Browser, fay: Browser, world: World
) -> None:
    thread = await asked(world)
    mine, theirs = await dana.get(at(thread)), await fay.get(at(thread))
    for _ in range(2):
        await fay.press(theirs, "Confier", {"a": f"equipe:{world.team}"})
    told = await dana.press(mine, "Confier", {"a": f"intervenant:{world.practitioner}"})
    assert told.status_code == 409
    assert "Fay Blais a agi dans ce fil" in alert(told)
    assert await count("assignment") == 1


async def test_a_used_form_with_another_text_is_told(dana: Browser, world: World) -> None:
    thread = await asked(world)
    await dana.get(at(thread))
    await dana.post(f"{at(thread)}/reponse", answer(world))
    page = await dana.post(f"{at(thread)}/reponse", answer(world, texte="Un autre."))
    assert (page.status_code, elements(page, "textarea")[0].text) == (409, "Un autre.")
    missing = await dana.post(f"{at(thread)}/reponse", answer(world, cle=""))
    assert missing.status_code == 404


async def test_a_template_is_put_in_and_nothing_is_sent(dana: Browser, world: World) -> None:
    thread, template = await asked(world), await text_template(world)
    begun = await dana.get(f"{at(thread)}?modele={template}")
    assert elements(begun, "textarea")[0].text == "Bonjour {prénom}, ils sont là."
    typed = answer(world, texte="D’abord.", modele=str(template), inserer="oui")
    page = await dana.post(f"{at(thread)}/reponse", typed)
    assert page.status_code == 200
    assert elements(page, "textarea")[0].text == "D’abord. Bonjour {prénom}, ils sont là."
    assert await count("message") == 2
    assert (await dana.get(f"{at(thread)}?modele={world.alice}")).status_code == 404


async def test_a_thread_is_assigned_closed_and_reopened(dana: Browser, world: World) -> None:
    thread = await asked(world)
    page = await dana.get(at(thread))
    given = await dana.press(page, "Confier", {"a": f"intervenant:{world.practitioner}"})
    assert "Confié à Dre Camille Roy" in main(await dana.follow(given))
    refused = await dana.post(f"{at(thread)}/responsable", {"a": "x"})
    assert (refused.status_code, "à qui confier" in alert(refused)) == (422, True)
    assert (await dana.open(f"{at(thread)}/responsable")).status_code == 200
    closed = await dana.follow(await dana.press(page, "Fermer"))
    assert "Fermé le 23 nov. 2026 par Dana Fortin" in main(closed)
    assert [form.action for form in forms(closed) if "fermeture" in form.action] == []
    opened = await dana.follow(await dana.press(closed, "Rouvrir"))
    assert "Attend depuis une heure" in main(opened)
    actions = [line["action"] for line in await journal("communication.")]
    assert actions == [
        "communication.seen",
        "communication.assigned",
        "communication.closed",
        "communication.reopened",
    ]


async def test_a_reply_is_allowed_and_refused_again(
    dana: Browser, alice: Browser, world: World
) -> None:
    thread = await world.thread()
    theirs = f"/profils/{world.alice}/communications/{thread}"
    page = await dana.get(at(thread))
    allowed = await dana.follow(await dana.press(page, "Permettre une réponse"))
    assert "Réponse permise." in main(allowed)
    assert "repondre=1" in (await alice.get(theirs)).text
    await dana.press(allowed, "Ne plus permettre")
    assert "n’attend pas de réponse" in main(await alice.get(theirs))
    odd = {"message": str(await first_from_clinic(thread)), "permise": "peut-être"}
    assert (await dana.post(f"{at(thread)}/droit-de-reponse", odd)).status_code == 404


async def test_a_closed_thread_takes_no_reply(alice: Browser, dana: Browser, world: World) -> None:
    thread = await world.thread(may_answer=True)
    theirs = f"/profils/{world.alice}/communications/{thread}"
    await alice.get(f"{theirs}?repondre=1")
    page = await dana.get(at(thread))
    await dana.press(page, "Fermer")
    sent = {
        "cle": "k",
        "texte": "Merci",
        "lu": "oui",
        "repond_a": str(await first_from_clinic(thread)),
    }
    answered = await alice.post(f"{theirs}/reponse", sent)
    assert (answered.status_code, "Merci" in main(answered)) == (409, True)
    assert await count("message") == 1


async def test_files_of_a_thread_are_opened_with_a_line_and_never_from_another_thread(
    dana: Browser, erin: Browser, world: World
) -> None:
    thread = await world.thread("Voici.", kind="document")
    file = await world.attachment(await first_from_clinic(thread))
    other = await world.thread()
    shown = await dana.get(f"{at(thread)}/pieces-jointes/{file}")
    assert (shown.status_code, shown.content) == (200, GOOD)
    assert shown.headers["content-disposition"].startswith("inline")
    kept = await dana.get(f"{at(thread)}/pieces-jointes/{file}/telechargement")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert kept.headers["cache-control"] == "private, no-store"
    lines = await journal("read.attachment")
    assert {(line["actor"], line["patient"]) for line in lines} == {(world.dana, world.alice)}
    assert (await dana.get(f"{at(other)}/pieces-jointes/{file}")).status_code == 404
    assert (await erin.get(f"{at(thread)}/pieces-jointes/{file}")).status_code == 200


async def test_another_practitioners_thread_does_not_exist(erin: Browser, world: World) -> None:
    """A53: who is not concerned reads nothing, and the try is in the journal."""
    thread = await asked(world)
    message = await first_from_clinic(thread)
    await db.fetch(
        "UPDATE message SET practitioner = NULL, team = {} WHERE thread = {}", world.team, thread
    )
    before = await rows()
    for path in ("", "/reponse", "/responsable"):
        assert (await erin.get(at(thread) + path)).status_code == 404
    forms = {
        "reponse": answer(world, de=f"intervenant:{world.practitioner}"),
        "droit-de-reponse": {"message": str(message), "permise": "oui"},
        "responsable": {"a": f"intervenant:{world.practitioner}"},
        "fermeture": {},
        "reouverture": {},
    }
    for path, data in forms.items():
        assert (await erin.post(f"{at(thread)}/{path}", data)).status_code == 404
    assert (await erin.get(f"/clinique/patients/{world.charlie}/communications")).status_code == 404
    assert await rows() == before
    assert {line["outcome"] for line in await journal("access")} == {"refused.not_found"}


async def test_one_patients_threads_and_the_way_to_write(dana: Browser, world: World) -> None:
    await world.thread(subject="Pour Alice")
    await world.thread(subject="Pour Bob", patient=world.bob)
    line = await last_line()
    page = await dana.get(f"/clinique/patients/{world.alice}/communications")
    assert ("Pour Alice" in main(page), "Pour Bob" in main(page)) == (True, False)
    assert links(page)["Écrire"] == f"{INBOX}/nouvelle?patient={world.alice}"
    (read,) = await journal_after(line)
    assert (read["action"], read["patient"]) == ("read.staff.patient_threads", world.alice)
    unknown = await dana.get(f"/clinique/patients/{world.team}/communications")
    assert unknown.status_code == 404


async def test_an_answer_with_a_file_and_without_a_session_sends_nothing(
    dana: Browser, world: World
) -> None:
    thread = await asked(world)
    await dana.get(at(thread))
    typed = answer(world, genre="document")
    sent = await upload(dana, f"{at(thread)}/reponse", typed, ("Avis.pdf", GOOD))
    assert sent.status_code == 303
    assert "Avis" in main(await dana.follow(sent))
    await StaffSession.delete(force=True)
    late = await upload(dana, f"{at(thread)}/reponse", answer(world, cle="l"), ("A.pdf", GOOD))
    assert (late.status_code, late.headers["location"][:19]) == (303, "/clinique/connexion")
    assert await count("message") == 3


async def test_what_was_written_when_the_session_had_ended_waits_for_its_writer(
    app: Gate, dana: Browser, world: World
) -> None:
    """R34: fifteen minutes away from the desk lose no letter; another member does not see it."""
    thread = await asked(world)
    page = await dana.get(at(thread))
    action = next(f.action for f in forms(page) if "reponse?" in f.action)
    await StaffSession.delete(force=True)
    late = await upload(dana, action, answer(world, texte="Chère Alice,\nvoici."))
    assert late.status_code == 303
    way = parse_qs(urlsplit(late.headers["location"]).query)["suivant"][0]
    assert way == f"{at(thread)}?conserve=1"
    assert await count("message") == 2
    dana.http.cookies.delete("__Host-staff")
    for member, expected in ((world.dana, "Chère Alice, voici."), (world.fay, "")):
        again = await at_work(app, world, member)
        again.http.cookies.set(
            "__Host-form", dana.http.cookies["__Host-form"], domain="portail.example"
        )
        shown = await again.get(way)
        assert elements(shown, "textarea")[0].text == expected
        assert ("Votre texte a été conservé." in main(shown)) is bool(expected)
    altered = await upload(dana, action.replace("auteur=", "auteur=x"), answer(world))
    assert "conserve" not in altered.headers["location"]


async def test_a_letter_of_before_another_tab_signed_in_again_is_not_lost(
    app: Gate, dana: Browser, world: World
) -> None:
    """Its token is of a dead session: its writer has it back, a colleague is refused."""
    thread = await asked(world)
    page = await dana.get(at(thread))
    action = next(f.action for f in forms(page) if "reponse?" in f.action)
    typed = answer(world, texte="Chère Alice.", garder="oui") | {"_csrf_token": dana.token}
    await StaffSession.delete(force=True)
    fay = await upload(await at_work(app, world, world.fay), action, typed)
    assert (fay.status_code, "__Host-form" in fay.headers.get("set-cookie", "")) == (403, False)
    again = await at_work(app, world, world.dana)
    refused = await upload(again, action, typed)
    assert (refused.status_code, refused.headers["location"]) == (303, f"{at(thread)}?conserve=1")
    assert elements(await again.follow(refused), "textarea")[0].text == "Chère Alice."
    assert await count("message") == 2
