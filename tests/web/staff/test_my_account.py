"""« Mon compte » of a member of the staff."""

import httpx

from domain import db
from domain.staff.tables import StaffMember
from tests.web.browser import Browser, Clock, alert, elements, heading, links, main
from tests.web.staff.desk import at_work
from tests.web.staff.doors import (
    NEW,
    code_at,
    first_step,
    fresh_code,
    is_at_work,
    owed,
    secret_of,
    sign_in,
)
from tests.web.state import ALWAYS_WRITTEN, count, journal, rows
from tests.world import PASSWORD, World
from web.gate import Gate

ACCOUNT = "/clinique/mon-compte"
TYPED = {"mot_de_passe": NEW, "confirmation": NEW}


async def test_the_name_is_ones_own_to_change(dana: Browser, world: World) -> None:
    page = await dana.get(ACCOUNT)
    done = await dana.follow(
        await dana.press(page, "Enregistrer", {"prenom": "Danaé", "nom": "Fortin"})
    )
    assert "Votre nom est enregistré." in main(done)
    assert "Danaé Fortin" in links(done)
    late = await dana.press(page, "Enregistrer", {"prenom": "Diane", "nom": "Fortin"})
    assert (late.status_code, 'value="Diane"' in late.text) == (409, True)
    assert "Enregistré entre-temps" in main(late)
    wrong = await dana.press(done, "Enregistrer", {"prenom": "", "nom": "x" * 81})
    assert wrong.status_code == 422
    assert "Inscrivez le prénom." in alert(wrong)


async def test_devices_are_listed_and_ended(dana: Browser, app: Gate, world: World) -> None:
    other = await at_work(app, world, world.dana)
    page = await dana.get(ACCOUNT)
    assert main(page).count("Dernière utilisation") == 2
    done = await dana.press(page, "Déconnecter Appareil inconnu")
    assert done.headers["location"] == f"{ACCOUNT}?fait=appareil"
    assert not await is_at_work(other)
    assert await is_at_work(dana)


async def test_all_others_are_ended_and_nobody_elses(
    dana: Browser, erin: Browser, app: Gate, world: World
) -> None:
    others = [await at_work(app, world, world.dana) for _ in range(2)]
    page = await dana.get(ACCOUNT)
    foreign = await session_of(world, erin)
    refused = await dana.post(f"{ACCOUNT}/appareils", {"appareil": foreign})
    assert refused.status_code == 404
    await dana.press(page, "Déconnecter tous les autres")
    assert [await is_at_work(each) for each in (*others, dana, erin)] == [False, False, True, True]


async def session_of(world: World, browser: Browser) -> str:
    rows = await db.fetch("SELECT id FROM staff_session WHERE member = {}", world.erin)
    return str(rows[0]["id"])


async def change(browser: Browser, clock: Clock, **typed: str) -> httpx.Response:
    page = await browser.get(f"{ACCOUNT}/mot-de-passe")
    form = TYPED | {"ancien": PASSWORD, "code": fresh_code(clock)} | typed
    return await browser.press(page, "Sauvegarder", form)


async def test_a_new_password_takes_the_old_one_and_a_code(
    dana: Browser, app: Gate, clock: Clock, world: World
) -> None:
    other = await at_work(app, world, world.dana)
    before = dana.http.cookies["__Host-staff"]
    done = await dana.follow(await change(dana, clock))
    assert "Votre mot de passe est changé." in main(done)
    assert dana.http.cookies["__Host-staff"] != before
    assert not await is_at_work(other)
    assert (await first_step(other, password=PASSWORD)).status_code == 422
    assert (await sign_in(other, clock, password=NEW)).status_code == 303
    assert [mail.what for mail in await owed(clock)] == ["password_changed"]


async def test_without_the_old_password_or_a_code_nothing_changes(
    dana: Browser, clock: Clock
) -> None:
    used = frozenset({"staff_session"}) | ALWAYS_WRITTEN  # when it was last used
    before = await rows(without=used)
    for typed, said in [
        ({"ancien": ""}, "Saisissez votre mot de passe actuel."),
        ({"ancien": "Autre-12-Mot"}, "Ce n’est pas votre mot de passe actuel."),
        ({"code": ""}, "Saisissez le code."),
        ({"code": "000000"}, "Ce code n’est pas le bon"),
        ({"confirmation": "x"}, "ne sont pas identiques"),
        ({"mot_de_passe": PASSWORD, "confirmation": PASSWORD}, "C’est votre mot de passe actuel."),
    ]:
        answer = await change(dana, clock, **typed)
        assert answer.status_code == 422
        assert said in alert(answer)
        assert NEW not in answer.text
    assert await rows(without=used) == before


async def test_another_application_takes_the_place_of_the_old_one(
    dana: Browser, app: Gate, clock: Clock, world: World
) -> None:
    other = await at_work(app, world, world.dana)
    page = await dana.get(f"{ACCOUNT}/application")
    for typed, status in [
        ({"mot_de_passe": "x", "code": "1"}, 422),
        ({"mot_de_passe": PASSWORD, "code": "000000"}, 422),
        ({"mot_de_passe": PASSWORD, "code": ""}, 422),
    ]:
        assert (await dana.press(page, "Continuer", typed)).status_code == status
    proofs = {"mot_de_passe": PASSWORD, "code": fresh_code(clock)}
    offer = await dana.press(page, "Continuer", proofs)
    assert heading(offer) == "Préparez vos codes de validation"
    secret = secret_of(offer)
    wrong = await dana.press(offer, "Activer", {"code": "000000"})
    assert (wrong.status_code, secret_of(wrong)) == (422, secret)
    code = {"code": fresh_code(clock, secret)}
    done = await dana.follow(await dana.press(offer, "Activer", code))
    assert "Votre nouvelle application sert dès maintenant." in main(done)
    assert not await is_at_work(other)
    asked = await other.follow(await first_step(other))
    old = await other.press(asked, "Connexion", {"code": fresh_code(clock)})
    assert old.status_code == 422
    new = await other.press(asked, "Connexion", {"code": code_at(clock, secret=secret)})
    assert new.status_code == 303
    assert [mail.what for mail in await owed(clock)] == ["device"]
    assert len(await journal("staff.device_changed")) == 1


async def test_an_offer_that_is_late_or_anothers_begins_again(
    dana: Browser, erin: Browser, clock: Clock
) -> None:
    page = await dana.get(f"{ACCOUNT}/application")
    proofs = {"mot_de_passe": PASSWORD, "code": fresh_code(clock)}
    offer = await dana.press(page, "Continuer", proofs)
    sealed = next(
        e.attrs["value"] for e in elements(offer, "input") if e.attrs.get("name") == "cle"
    )
    await erin.get(ACCOUNT)
    form = {"cle": sealed, "code": code_at(clock, secret=secret_of(offer))}
    answer = await erin.post(f"{ACCOUNT}/application/confirmation", form)
    assert answer.headers["location"] == f"{ACCOUNT}/application?fait=trop-tard"
    assert await count("staff_session") == 2


async def test_a_practitioner_reads_their_own_account_alone(erin: Browser, world: World) -> None:
    assert "Intervenant" in main(await erin.get(ACCOUNT))
    row = await StaffMember.objects().get(StaffMember.id == world.erin)
    assert row is not None
    assert f'value="{row.first_name}"' in (await erin.get(ACCOUNT)).text
