"""« Personnel »: who works at the clinic."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from domain import db
from domain.staff import limits
from domain.staff.roles import Role
from domain.staff.tables import StaffMember
from tests import databases
from tests.web.browser import Browser, Clock, alert, elements, heading, links, main
from tests.web.staff.desk import at_work
from tests.web.staff.doors import enrol, is_at_work, owed
from tests.web.staff.scene import COLLEAGUE
from tests.web.state import count, journal, rows
from tests.world import World
from web.gate import Gate

PERSONNEL = "/clinique/personnel"
ZOE = "zoe@clinique.example"


async def row_of(email: str) -> StaffMember:
    row = await StaffMember.objects().get(StaffMember.email_canonical == email)
    assert row is not None
    return row


async def add(fay: Browser, **typed: str) -> httpx.Response:
    page = await fay.get(f"{PERSONNEL}/nouveau")
    return await fay.press(page, "Ajouter", COLLEAGUE | typed)


def form_of(world: World, **typed: str) -> dict[str, str]:
    dana = {"prenom": "Dana", "nom": "Fortin", "courriel": "dana@clinique.example"}
    return COLLEAGUE | dana | {"version": "1"} | typed


async def test_lists_everyone_with_role_and_state(fay: Browser, world: World) -> None:
    await world.member(email="sam@clinique.example", password_hash="", totp_secret="")
    page = await fay.get(PERSONNEL)
    said = [e.text for e in elements(page, "tr")][1:]
    assert said == [
        "Fay Blais Vous Actif Administrateur fay@clinique.example",
        "Dana Fortin Actif Secrétaire dana@clinique.example",
        "Sam Lavoie Lien expiré Secrétaire sam@clinique.example",
        "Erin Roy Actif Intervenant Dre Camille Roy erin@clinique.example",
    ]


async def test_someone_added_gets_a_link_and_comes_in_with_it(
    fay: Browser, app: Gate, clock: Clock
) -> None:
    done = await fay.follow(await add(fay))
    assert "un lien d’activation est parti par courriel" in main(done)
    (mail,) = await owed(clock)
    assert (mail.kind, mail.address, mail.first_name) == ("staff_invitation", ZOE, "Zoé")
    zoe = Browser(app)
    answer, _ = await enrol(zoe, clock, mail.path)
    assert answer.status_code == 303
    assert (await zoe.get("/clinique/patients")).status_code == 200
    assert (await zoe.get(PERSONNEL)).status_code == 403


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"prenom": " "}, "Inscrivez le prénom."),
        ({"nom": "x" * 81}, "Ce nom est trop long : 80 caractères au maximum."),
        ({"courriel": ""}, "Inscrivez l’adresse courriel."),
        ({"courriel": "zoe"}, "Cette adresse courriel n’est pas complète."),
        ({"courriel": "DANA@clinique.example"}, "déjà celle d’un membre du personnel."),
        ({"role": "owner"}, "Choisissez un rôle."),
        ({"role": "practitioner"}, "Choisissez de qui c’est l’agenda."),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    fay: Browser, typed: dict[str, str], said: str
) -> None:
    answer = await add(fay, **typed)
    assert answer.status_code == 422
    assert said in alert(answer).replace("\u00a0", " ")
    values = {
        e.attrs["name"]: e.attrs["value"] for e in elements(answer, "input") if "name" in e.attrs
    }
    sent = COLLEAGUE | typed
    assert values | {"prenom": sent["prenom"], "courriel": sent["courriel"]} == values
    assert await count("staff_member") == 3


async def test_a_calendar_is_one_members(fay: Browser, world: World) -> None:
    typed = {"role": "practitioner", "intervenant": str(world.practitioner)}
    answer = await add(fay, **typed)
    assert answer.status_code == 422
    assert "Cet agenda est déjà celui d’un autre membre du personnel." in alert(answer)


async def test_a_form_sent_twice_adds_one_and_mails_once(fay: Browser, clock: Clock) -> None:
    page = await fay.get(f"{PERSONNEL}/nouveau")
    answers = [await fay.press(page, "Ajouter", COLLEAGUE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert await count("staff_member") == 4
    assert len(await owed(clock)) == 1


async def test_a_change_is_written_and_in_the_journal(fay: Browser, world: World) -> None:
    page = await fay.get(f"{PERSONNEL}/{world.dana}")
    done = await fay.press(page, "Enregistrer", form_of(world, nom="Fortin-Roy", langue="en"))
    assert done.headers["location"] == f"{PERSONNEL}?fait=changement"
    row = await row_of("dana@clinique.example")
    assert (row.last_name, row.language, row.version) == ("Fortin-Roy", "en", 2)
    (line,) = await journal("staff.changed")
    assert (line["actor"], line["subject"]) == (world.fay, world.dana)


async def test_two_administrators_on_one_member_overwrite_nothing(
    fay: Browser, world: World
) -> None:
    await fay.get(f"{PERSONNEL}/{world.dana}")
    await fay.post(f"{PERSONNEL}/{world.dana}", form_of(world, nom="Fortier"))
    late = await fay.post(f"{PERSONNEL}/{world.dana}", form_of(world, nom="Fontaine"))
    assert late.status_code == 409
    assert 'value="Fontaine"' in late.text
    assert "Enregistré entre-temps : Fortier" in main(late).replace("\u00a0", " ")
    (version,) = [e for e in elements(late, "input") if e.attrs.get("name") == "version"]
    again = await fay.post(
        f"{PERSONNEL}/{world.dana}",
        form_of(world, nom="Fontaine", version=version.attrs["value"]),
    )
    assert again.status_code == 303
    assert (await row_of("dana@clinique.example")).last_name == "Fontaine"


async def test_another_address_ends_the_links_and_is_told_to_the_old_one(
    fay: Browser, clock: Clock, world: World
) -> None:
    await fay.get(f"{PERSONNEL}/{world.dana}")
    await fay.post(f"{PERSONNEL}/{world.dana}/lien")
    await fay.post(f"{PERSONNEL}/{world.dana}", form_of(world, courriel="d@clinique.example"))
    (told,) = await owed(clock)
    assert (told.kind, told.what, told.address) == ("staff_alert", "email", "dana@clinique.example")


async def test_a_new_link_replaces_the_one_before_and_is_not_sent_without_end(
    fay: Browser, clock: Clock, world: World
) -> None:
    await fay.get(f"{PERSONNEL}/{world.dana}")
    answers = [
        (await fay.post(f"{PERSONNEL}/{world.dana}/lien")).status_code
        for _ in range(limits.LINKS_SENT.most + 1)
    ]
    assert answers == [*[303] * limits.LINKS_SENT.most, 429]
    assert [mail.kind for mail in await owed(clock)] == ["staff_invitation"]


async def test_who_is_deactivated_is_out_at_once_and_keeps_their_name(
    fay: Browser, dana: Browser, world: World
) -> None:
    await fay.get(f"{PERSONNEL}/{world.dana}")
    done = await fay.follow(await fay.post(f"{PERSONNEL}/{world.dana}/desactivation"))
    assert "n’a plus accès" in main(done)
    assert not await is_at_work(dana)
    assert "Dana Fortin" in main(await fay.get(f"{PERSONNEL}?vue=anciens"))
    assert "Dana Fortin" not in main(await fay.get(PERSONNEL))
    assert (await fay.post(f"{PERSONNEL}/{world.dana}/lien")).status_code == 404
    await fay.post(f"{PERSONNEL}/{world.dana}/desactivation")  # twice is once
    await fay.post(f"{PERSONNEL}/{world.dana}/reactivation")
    assert "Dana Fortin" in main(await fay.get(PERSONNEL))
    said = [line["action"] for line in await journal("staff.") if line["actor"] == world.fay]
    assert said == ["staff.deactivated", "staff.reactivated"]


async def test_nobody_shuts_themself_out(fay: Browser, world: World) -> None:
    page = await fay.get(f"{PERSONNEL}/{world.fay}")
    assert "Désactiver" not in [e.text for e in elements(page, "button")]
    answer = await fay.post(f"{PERSONNEL}/{world.fay}/desactivation")
    assert answer.status_code == 409
    assert "Vous ne pouvez pas vous désactiver vous-même." in alert(answer)


async def test_the_last_administrator_stays_one(
    fay: Browser, app: Gate, clock: Clock, world: World
) -> None:
    fays = COLLEAGUE | {"courriel": "fay@clinique.example", "version": "1"}
    await fay.get(f"{PERSONNEL}/{world.fay}")
    refused = await fay.post(f"{PERSONNEL}/{world.fay}", fays)
    assert refused.status_code == 409
    assert "Il doit rester un autre administrateur" in alert(refused)
    # One who has not come in yet cannot let anyone in either.
    await world.member(role=Role.ADMINISTRATOR, password_hash="", totp_secret="")
    assert (await fay.post(f"{PERSONNEL}/{world.fay}", fays)).status_code == 409
    gus = await world.member(role=Role.ADMINISTRATOR)
    assert (await fay.post(f"{PERSONNEL}/{world.fay}", fays)).status_code == 303
    browser = await at_work(app, world, gus)
    assert (await browser.get(PERSONNEL)).status_code == 200
    assert (await fay.get(PERSONNEL)).status_code == 403


async def test_unknown_members_are_not_found(fay: Browser) -> None:
    nobody = UUID(int=7)
    await fay.get(PERSONNEL)
    assert (await fay.get(f"{PERSONNEL}/{nobody}")).status_code == 404
    for act in ("", "/lien", "/desactivation", "/reactivation"):
        answer = await fay.post(f"{PERSONNEL}/{nobody}{act}", COLLEAGUE | {"version": "1"})
        assert (act, answer.status_code) == (act, 404)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "{{ 7*7 }}", "=SUM(1)"])
async def test_names_are_text(fay: Browser, name: str) -> None:
    """A35."""
    await add(fay, nom=name)
    page = await fay.get(PERSONNEL)
    assert f"Zoé {name}" in links(page)
    assert [e for e in elements(page, "img") if "onerror" in e.attrs] == []


async def test_fifty_a_page_and_as_many_statements_for_one_as_for_fifty(
    fay: Browser, world: World
) -> None:
    """R83."""
    numbers = []
    for more in (0, 50):
        for n in range(more):
            await world.member(last_name=f"Membre {n:02}", password_hash="x")
        with databases.statements() as asked:
            page = await fay.get(PERSONNEL)
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]
    assert len(elements(page, "tr")) == 51
    rest = await fay.get(links(page)["Les suivants"])
    assert len(elements(rest, "tr")) == 1 + 3
    assert heading(rest) == "Personnel"


async def test_a_secretary_changes_nobody(dana: Browser, world: World) -> None:
    before = await rows()
    await dana.get("/clinique")
    answer = await dana.post(f"{PERSONNEL}/{world.dana}", form_of(world, role="administrator"))
    assert answer.status_code == 403
    assert await rows() == before


async def test_a_member_added_by_two_at_once_is_one(
    fay: Browser, app: Gate, world: World, clock: Clock
) -> None:
    await add(fay)
    again = await add(fay)
    assert again.status_code == 422
    assert len(await db.fetch("SELECT id FROM staff_member WHERE email = {}", ZOE)) == 1
    clock.now += timedelta(days=3)
    world.now = clock.now
    tomorrow = await at_work(app, world, world.fay)
    assert "Lien expiré" in main(await tomorrow.get(PERSONNEL))
