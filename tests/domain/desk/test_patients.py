"""Charts: made and corrected at the desk."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import db
from domain.clinic.tables import Practitioner
from domain.desk import patients, practitioners
from domain.errors import ChangedMeanwhile, FormReused, Invalid, NotFound, PossibleDuplicates
from domain.people import identity
from domain.people.identity import Phones
from domain.staff.member import Member
from jobs.come_of_age import come_of_age
from tests.web.staff.newcomers import CHART
from tests.web.state import journal, rows
from tests.world import World


async def made(
    dana: Member, world: World, key: str = "k", again: bool = False, **typed: str
) -> UUID:
    return await patients.create(
        dana, CHART | typed, key=key, in_spite_of_similar=again, now=world.now
    )


async def row(patient: UUID) -> dict[str, Any]:
    return (await db.fetch("SELECT * FROM patient WHERE id = {}", patient))[0]


async def test_a_chart_is_kept_as_it_is_searched_and_called(dana: Member, world: World) -> None:
    patient = await made(dana, world, prenom="  Zoé\u202e ", intervenant=str(world.practitioner))
    found = await row(patient)
    assert {name: found[name] for name in ("first_name", "last_name", "folded_name")} == {
        "first_name": "Zoé",
        "last_name": "Tremblay",
        "folded_name": "tremblay zoe",
    }
    assert (found["health_number"], found["phone"]) == ("TREZ 8954 2714", "+15145550199")
    assert (found["primary_practitioner"], found["version"]) == (world.practitioner, 1)
    assert found["created_by"].startswith("Dana Fortin (")
    (line,) = await journal("patient.created")
    assert (line["actor"], line["patient"]) == (world.dana, patient)


async def test_sent_twice_it_is_made_once(dana: Member, world: World) -> None:
    assert await made(dana, world) == await made(dana, world)
    assert len(await journal("patient.created")) == 1
    with pytest.raises(FormReused):
        await made(dana, world, prenom="Zoë")


async def test_the_same_name_and_birth_date_or_number_is_asked_about_first(
    dana: Member, world: World
) -> None:
    first = await made(dana, world)
    before = await rows()
    for key, typed in (
        ("b", {"numero_sante": ""}),
        ("c", {"prenom": "ZOE", "numero_sante": ""}),
        ("d", {"prenom": "Paul", "nom": "Roy", "naissance_annee": "1970"}),
    ):
        with pytest.raises(PossibleDuplicates) as warning:
            await made(dana, world, key, **typed)
        assert [each.id for each in warning.value.similar] == [first]
    assert await rows() == before
    assert await made(dana, world, "e", again=True) != first


@pytest.mark.parametrize(
    ("typed", "is_asked"),
    [
        ({"prenom": "Zoée"}, True),
        ({"prenom": "Z", "telephone": ""}, True),
        ({"prenom": "Zoé-Anne"}, True),
        ({"prenom": "Paul", "nom": "Roy", "telephone": "", "autre_telephone": "5145550199"}, True),
        ({"prenom": "Paul", "telephone": ""}, False),
        ({"prenom": "Zoé", "nom": "Roy", "telephone": ""}, False),
        ({"naissance_jour": "28"}, False),
    ],
)
async def test_much_the_same_name_or_a_phone_of_the_same_birth_date_is_asked_about(
    dana: Member, world: World, typed: dict[str, str], is_asked: bool
) -> None:
    await made(dana, world, numero_sante="")
    if not is_asked:
        await made(dana, world, "b", numero_sante="", **typed)
        return
    with pytest.raises(PossibleDuplicates):
        await made(dana, world, "b", numero_sante="", **typed)


async def test_no_number_is_nobodys_number(dana: Member, world: World) -> None:
    await made(dana, world, numero_sante="")
    await made(dana, world, "b", numero_sante="", prenom="Paul", telephone="")


@pytest.mark.parametrize(
    ("field", "text", "problems"),
    [
        ("prenom", " ", {"prenom": "missing"}),
        ("nom", "\u200b", {"nom": "missing"}),
        ("nom", "a" * 81, {"nom": "too_long"}),
        ("naissance_annee", "", {"naissance_annee": "no_year"}),
        ("naissance_annee", "2030", {"naissance_annee": "in_the_future"}),
        ("naissance_jour", "31", {"naissance_jour": "no_such_day"}),
        ("numero_sante", "TREZ 1", {"numero_sante": "odd"}),
        ("telephone", "12", {"telephone": "odd"}),
        ("telephone_type", "x", {"telephone_type": "odd"}),
        ("autre_telephone", "x", {"autre_telephone": "odd"}),
        ("intervenant", "x", {"intervenant": "odd"}),
        ("intervenant", str(UUID(int=7)), {"intervenant": "odd"}),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(
    dana: Member, world: World, field: str, text: str, problems: dict[str, str]
) -> None:
    before = await rows()
    with pytest.raises(Invalid) as refusal:
        await made(dana, world, **{field: text})
    assert refusal.value.problems == problems
    assert await rows() == before


async def edited(dana: Member, world: World, version: str = "1", **typed: str) -> None:
    await patients.edit(dana, world.alice, CHART | typed, version=version, now=world.now)


async def test_a_correction_counts_the_version_and_is_noted(dana: Member, world: World) -> None:
    await edited(dana, world, prenom="Alicia", intervenant=str(world.practitioner))
    found = await row(world.alice)
    assert (found["first_name"], found["folded_name"]) == ("Alicia", "tremblay alicia")
    assert found["version"] == 2
    assert [line["action"] for line in await journal() if line["patient"] == world.alice] == [
        "patient.changed",
        "primary_practitioner.changed",
    ]


async def test_of_two_secretaries_the_second_is_told_and_nothing_is_overwritten(
    dana: Member,
    world: World,
) -> None:
    await edited(dana, world, prenom="Alicia")
    before = await rows()
    with pytest.raises(ChangedMeanwhile) as refusal:
        await edited(dana, world, prenom="Alix")
    assert (refusal.value.by, refusal.value.at) == ("Dana Fortin", world.now)
    assert await rows() == before
    await edited(dana, world, "2", prenom="Alix")


@pytest.mark.parametrize("version", ["", "0", "-1", "x", "٣"])
async def test_a_version_that_is_none_changes_nothing(
    dana: Member, world: World, version: str
) -> None:
    with pytest.raises(ChangedMeanwhile):
        await edited(dana, world, version)


async def test_phones_that_the_patient_changed_meanwhile_are_not_overwritten(
    dana: Member,
    world: World,
) -> None:
    typed = Phones("514 555-0177", "mobile", "", "mobile")
    await identity.change_phones(await world.viewer(), world.alice, typed, now=world.now)
    with pytest.raises(ChangedMeanwhile) as refusal:
        await edited(dana, world)
    assert (refusal.value.by, refusal.value.at) == ("", world.now)


async def test_who_is_offered_no_more_stays_ones_own_and_is_nobody_elses(
    dana: Member, world: World
) -> None:
    await edited(dana, world, intervenant=str(world.practitioner))
    await Practitioner.update({Practitioner.ended_at: world.now}, force=True)
    choices = await practitioners.pick(dana, kept=world.practitioner)
    assert [choice.id for choice in choices.listed] == [world.practitioner]
    await edited(dana, world, "2", intervenant=str(world.practitioner))
    with pytest.raises(Invalid):
        await made(dana, world, intervenant=str(world.practitioner))


async def told_of_age() -> list[str]:
    mails = await db.fetch(
        "SELECT facts FROM outbound_email WHERE kind = 'coming_of_age' ORDER BY created_at"
    )
    return [json.loads(mail["facts"])["days"] for mail in mails]


async def lost_at(patient: UUID) -> Any:
    (found,) = await db.fetch("SELECT lost_at FROM proxy_grant WHERE patient = {}", patient)
    return found["lost_at"]


async def test_a_corrected_birth_date_opens_what_the_wrong_one_closed_and_the_day_is_told_anew(
    dana: Member, world: World
) -> None:
    teen = await world.patient("Zoé", "Tremblay", date(2012, 11, 23))
    await world.grant(world.alice_account, teen)
    await come_of_age(now=world.now)
    assert (await lost_at(teen), await told_of_age()) == (world.now, ["0"])
    born = {"naissance_annee": "2013", "naissance_mois": "01", "naissance_jour": "10"}
    await patients.edit(dana, teen, CHART | born, version="1", now=world.now)
    assert await lost_at(teen) is None
    (line,) = await journal("access.reopened")
    assert (line["actor"], line["patient"]) == (world.dana, teen)
    assert teen in {profile.id for profile in (await world.viewer()).profiles}
    day = datetime(2027, 1, 10, 15, tzinfo=UTC)
    for at in (day - timedelta(days=14), day):
        await come_of_age(now=at)
    assert (await lost_at(teen), await told_of_age()) == (day, ["0", "14", "0"])


async def test_a_corrected_birth_date_closes_at_once_what_is_over(
    dana: Member, world: World
) -> None:
    await edited(dana, world)
    assert await journal("access.lost") == []
    born = CHART | {"naissance_annee": "2012"}
    await patients.edit(dana, world.bob, born, version="1", now=world.now)
    assert await lost_at(world.bob) == world.now
    (line,) = await journal("access.lost")
    assert line["patient"] == world.bob


def test_each_field_is_in_one_group_or_a_change_of_it_would_be_lost() -> None:
    assert sorted(patients.FIELDS) == sorted(name for group in patients.GROUPS for name in group)


def test_of_two_changes_each_keeps_what_it_changed() -> None:
    base = dict.fromkeys(patients.FIELDS, "") | {"prenom": "Zoé", "telephone": "1"}
    typed = base | {"prenom": "Zoë", "naissance_jour": "2"}
    newer = base | {"prenom": "Zo", "naissance_mois": "3", "telephone": "2", "telephone_type": "x"}
    assert patients.merged(typed, base, newer) == newer | {
        "prenom": "Zoë",
        "naissance_mois": "",
        "naissance_jour": "2",
    }


async def test_nobodys_chart_is_not_found(dana: Member, world: World) -> None:
    with pytest.raises(NotFound):
        await patients.edit(dana, uuid4(), CHART, version="1", now=world.now)
