"""« Prévenir la clinique que je ne viendrai pas », once it is too late to cancel."""

from datetime import timedelta

from domain import db
from tests.web.browser import Browser, Clock, alert, elements, heading, links, main
from tests.web.state import count, journal, rows
from tests.world import World

TELL = "Prévenir la clinique que je ne viendrai pas"
TOLD = "La clinique est prévenue. Ce rendez-vous n’est pas annulé tant qu’elle ne l’a pas fait."


async def test_the_clinic_is_told_and_the_visit_says_so_and_stands(
    alice: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    tab = await alice.get(f"/profils/{world.alice}/rendez-vous")
    form = await alice.click(tab, TELL)
    assert heading(form) == "Prévenir la clinique que vous ne viendrez pas ?"
    for _ in range(2):
        answer = await alice.press(form, "Prévenir", {"texte": "Retenue au travail"})
        assert answer.status_code == 303
    page = await alice.follow(answer)
    assert TOLD in main(page)
    assert "À confirmer" in main(page)
    assert TELL not in links(page)
    assert await count("clinic_request") == 1
    (line,) = await journal("request.cannot_come")
    assert (line["patient"], line["actor"]) == (world.alice, world.alice_account)
    (row,) = await db.fetch("SELECT cancelled_at FROM appointment WHERE id = {}", visit)
    assert row["cancelled_at"] is None


async def test_a_text_too_long_is_kept_with_what_is_wrong(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    url = f"/profils/{world.alice}/rendez-vous/{visit}/absence"
    form, before = await alice.get(url), await rows()
    text = f"<script>{'x' * 500}"
    page = await alice.press(form, "Prévenir", {"texte": text})
    assert (page.status_code, alert(page)) == (
        422,
        "Il y a une erreur à corriger Votre texte dépasse 500 caractères.",
    )
    (area,) = elements(page, "textarea")
    assert area.text == text
    assert "<script>x" not in page.text
    assert await rows() == before


async def test_while_it_can_be_cancelled_one_is_led_there(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + timedelta(hours=60))
    tab = f"/profils/{world.alice}/rendez-vous"
    assert TELL not in links(await alice.get(tab))
    answer = await alice.get(f"{tab}/{visit}/absence")
    assert answer.headers["location"].startswith(f"{tab}?ouvert={visit}")
    page = await alice.post(f"{tab}/{visit}/absence")
    assert (page.status_code, "peut encore être annulé en ligne" in alert(page)) == (409, True)
    assert await count("clinic_request") == 0


async def test_once_begun_it_is_refused_and_once_over_not_found(
    alice: Browser, world: World, clock: Clock
) -> None:
    visit = await world.appointment(world.now + timedelta(minutes=5))
    url = f"/profils/{world.alice}/rendez-vous/{visit}/absence"
    form = await alice.get(url)
    assert form.status_code == 200
    clock.now += timedelta(minutes=5)
    assert (await alice.press(form, "Prévenir")).status_code == 409
    clock.now += timedelta(minutes=14, seconds=59)
    assert (await alice.get(url)).status_code == 303
    clock.now += timedelta(seconds=1)
    assert (await alice.get(url)).status_code == 404
    assert (await alice.press(form, "Prévenir")).status_code == 404
    assert await count("clinic_request") == 0


async def test_another_persons_visit_is_not_there(
    alice: Browser, charlie: Browser, world: World
) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    for patient in (world.alice, world.charlie):
        url = f"/profils/{patient}/rendez-vous/{visit}/absence"
        assert (await charlie.get(url)).status_code == 404
        assert (await charlie.post(url)).status_code == 404
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous/{visit}/absence")).status_code == 404


async def test_cancelled_by_the_clinic_nothing_is_left_to_say(alice: Browser, world: World) -> None:
    visit = await world.appointment(world.now + timedelta(hours=30))
    url = f"/profils/{world.alice}/rendez-vous/{visit}/absence"
    form = await alice.get(url)
    await alice.press(form, "Prévenir")
    await db.fetch("UPDATE appointment SET cancelled_at = {} WHERE id = {}", world.now, visit)
    page = await alice.get(f"/profils/{world.alice}/rendez-vous")
    assert TOLD not in main(page)
    assert (await alice.press(form, "Prévenir")).status_code == 409
