"""Texts used again: two who change one do not overwrite each other."""

from dataclasses import replace

import pytest

from domain.desk import text_templates
from domain.desk.text_templates import Text, addressed
from domain.errors import ChangedMeanwhile, FormReused, Invalid, NotFound
from tests.web.state import journal
from tests.world import World

TEXT = Text("Résultats", "fr", "Vos résultats", "Bonjour {prénom}, ils sont là.")


async def test_a_text_is_made_once_found_and_ended(world: World) -> None:
    dana = await world.at_work()
    made = await text_templates.create(dana, TEXT, key="k", now=world.now)
    assert await text_templates.create(dana, TEXT, key="k", now=world.now) == made
    with pytest.raises(FormReused):
        await text_templates.create(dana, replace(TEXT, body="Autre"), key="k", now=world.now)
    (found,) = await text_templates.every()
    assert (found.id, found.name, found.changed_by) == (made, "Résultats", dana.signature)
    for _ in range(2):
        await text_templates.end(dana, made, now=world.now)
    assert await text_templates.every() == []
    with pytest.raises(NotFound):
        await text_templates.find(made)
    with pytest.raises(NotFound):
        await text_templates.end(dana, world.alice, now=world.now)
    actions = [line["action"] for line in await journal("template.")]
    assert actions == ["template.created", "template.ended"]


async def test_the_second_of_two_changes_is_told_and_overwrites_nothing(world: World) -> None:
    dana, fay = await world.at_work(), await world.at_work(world.fay)
    made = await text_templates.create(dana, TEXT, key="k", now=world.now)
    mine = replace(TEXT, body="De Fay")
    for _ in range(2):  # sent twice, it is as she wanted it
        await text_templates.change(fay, made, mine, 1, now=world.now)
    with pytest.raises(ChangedMeanwhile) as told:
        await text_templates.change(dana, made, replace(TEXT, body="De Dana"), 1, now=world.now)
    assert (told.value.by, told.value.at) == (fay.signature, world.now)
    found = await text_templates.find(made)
    assert (found.body, found.version) == ("De Fay", 2)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"name": " "}, {"nom": "missing"}),
        ({"name": "x" * 81}, {"nom": "too_long"}),
        ({"language": "de"}, {"langue": "missing"}),
        ({"subject": "x" * 121}, {"sujet": "too_long"}),
        ({"body": "\u200b"}, {"texte": "missing"}),
        ({"body": "x" * 10_001}, {"texte": "too_long"}),
        ({"body": "Bonjour {nom}."}, {"texte": "odd_place"}),
        ({"subject": "Pour {prénom} {nom}"}, {"sujet": "odd_place"}),
    ],
)
async def test_what_cannot_be_kept_is_told_by_field(
    world: World, changes: dict[str, str], problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        await text_templates.create(
            await world.at_work(), replace(TEXT, **changes), key="k", now=world.now
        )
    assert refused.value.problems == problems


def test_the_open_place_takes_the_first_name_however_it_is_spelt() -> None:
    assert (
        addressed("{prénom} {prenom} {Prénom} {first name} {nom}", "Zoé") == "Zoé Zoé Zoé Zoé {nom}"
    )
