"""A member takes their place by a one-time link."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.staff import staff_links
from domain.staff.tables import StaffLink, StaffMember
from tests.web.browser import Browser, Clock, alert, elements, heading, main
from tests.web.staff.doors import (
    LINKS,
    NEW,
    code_at,
    enrol,
    first_step,
    is_at_work,
    owed,
    secret_of,
    sign_in,
)
from tests.web.state import count, journal, rows
from tests.world import PASSWORD, STAFF_BOX, World

TYPED = {"mot_de_passe": NEW, "confirmation": NEW}


async def link_of(world: World, member: UUID, clock: Clock) -> str:
    link = await staff_links.issue(member, "enrol", links=LINKS, now=clock.now)
    return staff_links.path_of(link, "enrol", LINKS)


@pytest.fixture
async def sam(world: World) -> UUID:
    """Added, and not yet here."""
    return await world.member(email="sam@clinique.example", password_hash="", totp_secret="")


async def test_a_link_a_password_and_a_first_code_make_a_member(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    path = await link_of(world, sam, clock)
    opened = await stranger.get(path)
    assert opened.headers["location"] == "/clinique/activation"
    answer, secret = await enrol(stranger, clock, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/clinique")
    assert await is_at_work(stranger)
    row = await StaffMember.objects().get(StaffMember.id == sam)
    assert row is not None
    assert STAFF_BOX.open(sam, row.totp_secret) == secret
    assert secret not in str(await rows(without=frozenset()))
    assert [line["actor"] for line in await journal("staff.enrolled")] == [sam]


async def test_the_first_code_is_used_up_by_it(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    _, secret = await enrol(stranger, clock, await link_of(world, sam, clock))
    page = await stranger.follow(await first_step(stranger, "sam@clinique.example", NEW))
    again = await stranger.press(page, "Connexion", {"code": code_at(clock, secret=secret)})
    assert again.status_code == 422
    assert "il a déjà servi" in alert(again)


async def test_nothing_is_kept_before_the_first_code(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    path = await link_of(world, sam, clock)
    before = await rows()
    page = await stranger.open(path)
    offer = await stranger.press(page, "Continuer", TYPED)
    assert heading(offer) == "Préparez vos codes de validation"
    wrong = await stranger.press(offer, "Activer", {"code": "000000"})
    assert (wrong.status_code, secret_of(wrong)) == (422, secret_of(offer))
    missing = await stranger.press(offer, "Activer", {"code": ""})
    assert "Saisissez le code." in alert(missing)
    assert await rows() == before


async def test_a_poor_password_is_refused_and_not_sent_back(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    page = await stranger.open(await link_of(world, sam, clock))
    for typed, again, said in [
        ("", "", "Choisissez un mot de passe."),
        ("Bonjour2026!", "Bonjour2026!", "trop facile à deviner"),
        (NEW, NEW + "x", "ne sont pas identiques"),
    ]:
        form = {"mot_de_passe": typed, "confirmation": again}
        answer = await stranger.press(page, "Continuer", form)
        assert answer.status_code == 422
        assert said in alert(answer)
        assert NEW not in answer.text


@pytest.mark.parametrize("how", ["used", "late", "replaced", "altered", "of a deactivated member"])
async def test_a_dead_link_says_what_to_do(
    stranger: Browser, clock: Clock, world: World, sam: UUID, how: str
) -> None:
    """A13: a link is for one use, for three days, and the newest alone works."""
    path = await link_of(world, sam, clock)
    if how == "used":
        await StaffLink.update({StaffLink.used_at: clock.now}).where(StaffLink.member == sam)
    elif how == "late":
        clock.now += timedelta(hours=72)
    elif how == "replaced":
        await link_of(world, sam, clock)
    elif how == "altered":
        path += "x"
    else:
        await StaffMember.update({StaffMember.deactivated_at: clock.now}).where(
            StaffMember.id == sam
        )
    page = await stranger.open(path)
    assert (page.status_code, heading(page)) == (410, "Ce lien ne fonctionne plus")
    assert "administrateur" in main(page)


async def test_a_link_works_once_also_from_two_pages_at_the_last_step(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    page = await stranger.open(await link_of(world, sam, clock))
    offer = await stranger.press(page, "Continuer", TYPED)
    code = {"code": code_at(clock, secret=secret_of(offer))}
    fields = {
        e.attrs["name"]: e.attrs["value"] for e in elements(offer, "input") if "name" in e.attrs
    }
    first = await stranger.press(offer, "Activer", code)
    assert first.status_code == 303
    await stranger.get("/clinique/connexion/code")
    token = {"lien": fields["lien"], "cle": fields["cle"]}
    await stranger.get("/clinique/activation")
    again = await stranger.post("/clinique/activation/code", token | code)
    assert again.status_code in {403, 410}
    assert await count("staff_session") == 1


async def test_what_is_sealed_for_one_is_nothing_to_another(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    page = await stranger.open(await link_of(world, sam, clock))
    offer = await stranger.press(page, "Continuer", TYPED)
    kim = await world.member(email="kim@clinique.example", password_hash="", totp_secret="")
    link = (await link_of(world, kim, clock)).rpartition("/")[2]
    sealed = next(
        e.attrs["value"] for e in elements(offer, "input") if e.attrs.get("name") == "cle"
    )
    code = code_at(clock, secret=secret_of(offer))
    form = {"lien": link, "cle": sealed, "code": code}
    answer = await stranger.post("/clinique/activation/code", form)
    assert (answer.status_code, heading(answer)) == (200, "Activez votre accès")
    assert await count("staff_session") == 0


async def test_too_long_at_the_second_step_begins_again(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    page = await stranger.open(await link_of(world, sam, clock))
    offer = await stranger.press(page, "Continuer", TYPED)
    clock.now += timedelta(minutes=16)
    late = await stranger.press(offer, "Activer", {"code": code_at(clock)})
    assert "Trop de temps a passé." in main(late)


async def test_a_lost_device_is_replaced_and_the_old_one_works_until_then(
    stranger: Browser, dana: Browser, clock: Clock, world: World
) -> None:
    path = await link_of(world, world.dana, clock)
    page = await stranger.open(path)
    assert "fonctionnent jusqu’à la fin" in main(page)
    assert (await sign_in(stranger, clock)).status_code == 303
    await enrol(stranger, clock, path)
    assert not await is_at_work(dana)
    (told,) = [mail for mail in await owed(clock) if mail.kind == "staff_alert"]
    assert told.what == "device"
    assert (await first_step(stranger, password=PASSWORD)).status_code == 422


async def test_opening_the_link_many_times_uses_nothing_up(
    stranger: Browser, clock: Clock, world: World, sam: UUID
) -> None:
    """A41: a scanner of mails opens every link."""
    path = await link_of(world, sam, clock)
    before = await rows()
    for method in ("GET", "HEAD", "GET", "HEAD"):
        await stranger.http.request(method, path)
        await stranger.http.request(method, "/clinique/activation")
    assert await rows() == before
    answer, _ = await enrol(stranger, clock, path)
    assert answer.status_code == 303
