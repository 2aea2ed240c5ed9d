"""`/clinique/demandes`: what patients asked, and what became of it."""

from datetime import timedelta
from uuid import uuid4

from domain import db
from tests.databases import statements
from tests.letterbox import collect
from tests.web.browser import Browser, alert, elements, forms, heading, main
from tests.web.staff.helpers import request
from tests.web.staff.newcomers import CHART
from tests.web.state import journal, rows
from tests.world import World

XSS = "<script>alert(1)</script>"
LIST = "/clinique/demandes"


async def test_a_wish_to_act_for_someone_leads_to_giving_it_and_back(
    dana: Browser, world: World
) -> None:
    made = await request(world, "attach", account=world.charlie_account, text="Mon fils Bob")
    page = await dana.get(LIST)
    assert "Ajouter un profil Mon fils Bob Charlie Dubois à trouver" in main(page)
    shown = await dana.click(page, "Ajouter un profil")
    assert heading(shown) == "Demande de Charlie Dubois"
    found = await dana.get(f"{LIST}/{made}?q=bob gagnon")
    form = await dana.click(found, "Donner un accès")
    answer = await dana.press(form, "Donner l’accès", {"lien": "parent", "rendez_vous": "oui"})
    assert answer.headers["location"] == f"{LIST}/{made}?fait=acces"
    back = await dana.follow(answer)
    assert "Il reste à dire que la demande est traitée." in main(back)
    done = await dana.press(back, "Terminer", {"suite": "done", "note": "Acte de naissance vu"})
    assert done.headers["location"] == f"{LIST}?fait=oui"
    assert "Aucune demande en attente." in main(await dana.get(LIST))
    handled = main(await dana.get(f"{LIST}?etat=traitees"))
    assert "Traitée 23 nov. 2026, Dana Fortin" in handled


async def test_each_kind_links_to_where_it_is_done(dana: Browser, world: World) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    correct = await request(world)
    cannot = await request(world, "cannot_come", subject=visit, text="")
    page = await dana.get(f"{LIST}/{correct}")
    hrefs = {e.attrs["href"] for e in elements(page, "a")}
    assert f"/clinique/patients/{world.alice}/modification" in hrefs
    page = await dana.get(f"{LIST}/{cannot}")
    hrefs = {e.attrs["href"] for e in elements(page, "a")}
    assert f"/clinique/rendez-vous/{visit}/annulation" in hrefs
    assert "Sans mot." in main(page)
    await db.fetch("UPDATE appointment SET cancelled_at = {} WHERE id = {}", world.now, visit)
    page = await dana.get(f"{LIST}/{cannot}")
    assert f"/clinique/rendez-vous/{visit}/annulation" not in page.text
    assert "La personne reçoit un courriel" not in main(page)


async def test_what_is_asked_is_done_from_the_request(dana: Browser, world: World) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    begun = await world.appointment(world.now - timedelta(minutes=5))
    moves = [f"/clinique/rendez-vous/{each}/deplacement" for each in (visit, begun)]
    for id, move, is_offered in ((visit, moves[0], True), (begun, moves[1], False)):
        made = await request(world, "cannot_come", subject=id)
        page = await dana.get(f"{LIST}/{made}")
        assert (move, move in page.text) == (move, is_offered)
    await db.fetch("UPDATE patient SET phone = '+15145550111' WHERE id = {}", world.alice)
    words = main(await dana.get(f"{LIST}/{await request(world)}"))
    for said in ("Prénom Alice", "Nom de famille Gagnon", "Téléphone principal (514) 555-0111"):
        assert (said, said in words) == (said, True)


async def test_who_has_no_chart_yet_gets_one_and_then_the_access(
    dana: Browser, world: World
) -> None:
    made = await request(world, "attach", account=world.charlie_account, text="Ma fille Zoé")
    page = await dana.get(f"{LIST}/{made}?q=zoe tremblay")
    form = await dana.click(page, "Créer le dossier")
    odd = await dana.press(form, "Créer le dossier", CHART | {"nom": "", "cle": "a"})
    assert odd.status_code == 422
    sent = {name: CHART[name] for name in CHART if name != "cle"}
    page = await dana.follow(await dana.press(odd, "Créer le dossier", sent))
    assert "Accord de Zoé Tremblay" in main(page)
    given = {"lien": "parent", "rendez_vous": "oui", "comment": "spoken"}
    answer = await dana.press(page, "Donner l’accès", given)
    assert answer.headers["location"] == f"{LIST}/{made}?fait=acces"


async def test_what_was_given_since_takes_the_place_of_the_search(
    dana: Browser, world: World
) -> None:
    made = await request(world, "attach", account=world.charlie_account, text="Mon fils Bob")
    assert [e for e in elements(await dana.get(f"{LIST}/{made}"), "input") if is_search(e.attrs)]
    form = await dana.get(
        f"/clinique/patients/{world.bob}/acces/nouveau?compte={world.charlie_account}"
    )
    await dana.press(form, "Donner l’accès", {"lien": "parent", "rendez_vous": "oui"})
    page = await dana.get(f"{LIST}/{made}")
    assert "Depuis cette demande, ce compte agit pour : Bob Gagnon" in main(page)
    assert [e for e in elements(page, "input") if is_search(e.attrs)] == []
    page = await dana.click(page, "Donner un autre accès")
    assert [e for e in elements(page, "input") if is_search(e.attrs)]


def is_search(attributes: dict[str, str]) -> bool:
    return attributes.get("type") == "search"


async def test_a_block_is_seen_before_an_access_is_tried(dana: Browser, world: World) -> None:
    made = await request(world, "attach", account=world.charlie_account)
    form = await dana.get(f"/clinique/patients/{world.bob}/acces/blocage")
    await dana.press(form, "Bloquer", {"qui": "tous", "motif": f"Ordonnance {XSS}"})
    page = await dana.get(f"{LIST}/{made}?q=bob gagnon")
    assert "Accès bloqué" in main(page)
    page = await dana.click(page, "Donner un accès")
    assert f"Un blocage empêche de donner cet accès. Ordonnance {XSS}" in main(page)
    assert XSS not in page.text


async def test_the_mail_says_when_a_request_is_declined(dana: Browser, world: World) -> None:
    for outcome, facts in (("done", {}), ("declined", {"declined": "1"})):
        made = await request(world)
        form = await dana.get(f"{LIST}/{made}")
        await dana.press(form, "Terminer", {"suite": outcome})
        (mail,) = await collect(world.now)
        assert (mail.kind, mail.facts) == ("request_handled", {"request": str(made)} | facts)


async def test_nothing_decided_is_said_with_the_note_kept(dana: Browser, world: World) -> None:
    made = await request(world)
    before = await rows()
    form = await dana.get(f"{LIST}/{made}")
    page = await dana.press(form, "Terminer", {"note": f"Vu {XSS}"})
    assert (page.status_code, alert(page)) == (
        422,
        "Il y a une erreur à corriger Dites ce qui a été décidé.",
    )
    assert f"Vu {XSS}" in main(page)
    assert XSS not in page.text
    long = await dana.press(form, "Terminer", {"suite": "declined", "note": "x" * 501})
    assert (long.status_code, "x" * 501 in main(long)) == (422, True)
    (chosen,) = [e for e in elements(long, "input") if "checked" in e.attrs]
    assert chosen.attrs["value"] == "declined"
    assert await rows() == before


async def test_the_second_of_two_secretaries_is_told_and_keeps_her_note(
    dana: Browser, fay: Browser, world: World
) -> None:
    made = await request(world)
    form, others = [await each.get(f"{LIST}/{made}") for each in (dana, fay)]
    assert (await fay.press(others, "Terminer", {"suite": "done"})).status_code == 303
    page = await dana.press(form, "Terminer", {"suite": "declined", "note": "Pas d’accord"})
    assert page.status_code == 409
    assert "Fay Blais, le 23 novembre 2026 à 10:00" in alert(page)
    assert "Pas d’accord" in alert(page)
    assert [each for each in forms(page) if each.action.startswith(LIST)] == []
    assert (await fay.press(others, "Terminer", {"suite": "done"})).status_code == 303
    assert len(await journal("request.handled")) == 1


async def test_an_unknown_request_is_not_found(dana: Browser, world: World) -> None:
    await dana.get(LIST)
    assert (await dana.get(f"{LIST}/{uuid4()}")).status_code == 404
    answer = await dana.post(f"{LIST}/{uuid4()}", {"suite": "done"})
    assert answer.status_code == 404


async def test_of_an_account_kept_out_the_staff_are_warned(dana: Browser, world: World) -> None:
    made = await request(world, "attach")
    form = await dana.get(f"/clinique/patients/{world.bob}/acces/blocage")
    await dana.press(form, "Bloquer", {"qui": str(world.alice_account), "motif": "Ordonnance"})
    words = main(await dana.get(f"{LIST}/{made}"))
    assert "La clinique a bloqué ce compte pour : Bob Gagnon" in words


async def test_reading_leaves_a_line_for_each_patient_shown(dana: Browser, world: World) -> None:
    made = await request(world, "correct", patient=world.bob)
    await dana.get(LIST)
    lines = await journal("read.staff.requests")
    assert {line["patient"] for line in lines} == {world.alice, world.bob}
    await dana.get(f"{LIST}/{made}")
    assert len(await journal("read.staff.requests")) == 4


async def test_fifty_requests_cost_what_one_does_and_go_on_to_a_second_page(
    dana: Browser, world: World
) -> None:
    await request(world, text="La première")
    with statements() as for_one:
        await dana.get(LIST)
    await db.fetch("UPDATE clinic_request SET asked_at = {}", world.now - timedelta(days=2))
    for n in range(51):
        await request(world, text=f"Numéro {n}")
    with statements() as for_many:
        page = await dana.get(LIST)
    assert len(for_many) == len(for_one)
    assert len(elements(page, "tr")) == 51
    assert "La première" in main(page)
    assert "il y a 2 jours" in main(page)
    rest = await dana.click(page, "Les suivantes")
    assert len(elements(rest, "tr")) == 3
    assert len(elements(await dana.click(rest, "Les premières"), "tr")) == 51
