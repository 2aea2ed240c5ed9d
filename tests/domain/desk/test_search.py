"""Finding a patient by whatever is at hand."""

from datetime import date, timedelta
from importlib import import_module
from uuid import uuid4

import pytest

from domain import db
from domain.desk import search
from domain.desk.search import PAGE, Sought, understood
from domain.errors import NotAllowed
from domain.people import names
from domain.people.tables import Patient
from domain.staff.member import Member
from tests import databases
from tests.domain import records
from tests.domain.values import clinic
from tests.world import World

TODAY = date(2026, 11, 23)
BORN = date(1989, 4, 27)


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("Gagnon", Sought(("gagnon",))),
        ("  GAGNON   alice ", Sought(("gagnon", "alice"))),
        ("Côté-d’Amours", Sought(("cote", "d", "amours"))),
        ("1989-04-27", Sought((), BORN)),
        ("27/04/1989", Sought((), BORN)),
        ("27.4.1989", Sought((), BORN)),
        ("04/27/1989", Sought((), BORN)),
        ("19890427", Sought((), BORN)),
        ("27 avril 1989", Sought((), BORN)),
        ("April 27, 1989", Sought((), BORN)),
        ("1er mai 1989", Sought((), date(1989, 5, 1))),
        ("gagnon 1989-04-27", Sought(("gagnon",), BORN)),
        ("1989-04-27 gagnon al", Sought(("gagnon", "al"), BORN)),
        ("trez 8954 2714", Sought(number="TREZ 8954 2714")),
        ("TREZ89542714", Sought(number="TREZ 8954 2714")),
        ("trez 8954", Sought(number="TREZ 8954")),
        ("trez895427", Sought(number="TREZ 8954 27")),
        ("(514) 555-0118", Sought(digits="5145550118")),
        ("+1 514 555 0118", Sought(digits="5145550118")),
        ("555-0118", Sought(digits="5550118")),
        ("gagnon 0118", Sought(("gagnon",), digits="0118")),
        ("%_", Sought()),
        ("31/02/1989", Sought(digits="31021989")),
        ("", Sought()),
    ],
)
def test_one_field_understands_names_dates_numbers_and_phones(text: str, sought: Sought) -> None:
    assert understood(text, clinic(), TODAY) == sought


def test_outside_quebec_letters_and_figures_are_no_health_number() -> None:
    found = understood("abcd 1234", clinic(province="ON"), TODAY)
    assert found == Sought(("abcd",), digits="1234")


@pytest.mark.parametrize(
    ("text", "is_enough"),
    [("g", False), ("ga", True), ("514", False), ("5145", True), ("g 1", False), ("", False)],
)
def test_a_letter_or_three_figures_are_too_little(text: str, is_enough: bool) -> None:
    assert understood(text, clinic(), TODAY).is_enough == is_enough


async def found(dana: Member, world: World, text: str) -> list[str]:
    rows = (await search.search(dana, text, now=world.now)).rows
    return [row.full_name for row in rows]


async def chart(
    world: World, first_name: str, last_name: str, born: date = BORN, **facts: str
) -> None:
    await Patient.insert(
        Patient(
            id=uuid4(),
            first_name=first_name,
            last_name=last_name,
            birth_date=born,
            folded_name=names.searched(first_name, last_name),
            **facts,
        )
    )


async def test_any_name_in_any_order_finds_without_case_or_accents(
    dana: Member, world: World
) -> None:
    await chart(world, "Élise", "Côté-Gagnon")
    assert await found(dana, world, "gagnon") == ["Élise Côté-Gagnon", "Alice Gagnon", "Bob Gagnon"]
    assert await found(dana, world, "ALICE gag") == ["Alice Gagnon"]
    assert await found(dana, world, "gag ali") == ["Alice Gagnon"]
    assert await found(dana, world, "cote elise") == ["Élise Côté-Gagnon"]
    assert await found(dana, world, "agnon") == []


async def test_date_number_and_phone_find_too(dana: Member, world: World) -> None:
    await chart(
        world,
        "Zoé",
        "Tremblay",
        health_number="TREZ 8954 2714",
        phone="+15145550199",
        other_phone="+14505550123",
    )
    for text in (
        "1989-04-27",
        "trez 8954 2714",
        "TREZ8954",
        "514 555-0199",
        "450-555-0123",
        "5550199",
        "tremblay 1989-04-27",
    ):
        assert (text, await found(dana, world, text)) == (text, ["Zoé Tremblay"])
    assert await found(dana, world, "gagnon 1989-04-27") == []


async def test_what_stands_for_anything_in_sql_stands_for_nothing_here(
    dana: Member, world: World
) -> None:
    for text in ("%%", "__", "' OR 1=1 --", "gagnon' --"):
        assert await found(dana, world, text) in ([], ["Alice Gagnon", "Bob Gagnon"])
    assert await found(dana, world, "%%") == []


async def test_pages_follow_each_other_without_a_gap(dana: Member, world: World) -> None:
    for n in range(PAGE + 3):
        await chart(world, f"Paul{n:02}", "Zola", BORN + timedelta(days=n))
        first = await search.search(dana, "zola", now=world.now)
    assert (len(first.rows), first.is_first_page, first.next) == (PAGE, True, first.rows[-1].id)
    second = await search.search(dana, "zola", after=first.next, now=world.now)
    assert (second.is_first_page, second.next) == (False, None)
    everyone = [row.full_name for row in (*first.rows, *second.rows)]
    assert everyone == [f"Paul{n:02} Zola" for n in range(PAGE + 3)]
    again = await search.search(dana, "zola", after=uuid4(), now=world.now)
    assert [row.id for row in again.rows] == [row.id for row in first.rows]


async def test_it_says_who_has_an_account(dana: Member, world: World) -> None:
    rows = (await search.search(dana, "gagnon", now=world.now)).rows
    assert [(row.full_name, row.has_account) for row in rows] == [
        ("Alice Gagnon", True),
        ("Bob Gagnon", False),
    ]


async def test_a_practitioner_does_not_search_patients(world: World) -> None:
    with pytest.raises(NotAllowed):
        await search.search(await world.at_work(world.erin), "gagnon", now=world.now)


async def words_of(last_name: str) -> list[str]:
    rows = await records.rows(
        "SELECT w.word FROM patient_word w JOIN patient p ON p.id = w.patient"
        " WHERE p.last_name = {} ORDER BY w.word",
        last_name,
    )
    return [row["word"] for row in rows]


async def test_the_database_keeps_the_words_of_each_name_whoever_writes_it(world: World) -> None:
    await chart(world, 'Éli "Bo\\', "D’Amours-Éli")
    assert await words_of("D’Amours-Éli") == ['"bo\\', "amours", "d", "eli"]
    await db.fetch(
        "UPDATE patient SET last_name = 'Roy', folded_name = 'roy elie' WHERE last_name = {}",
        "D’Amours-Éli",
    )
    assert await words_of("Roy") == ["elie", "roy"]
    await db.fetch("UPDATE patient SET phone = '' WHERE last_name = 'Roy'")
    assert await words_of("Roy") == ["elie", "roy"]
    await db.fetch("DELETE FROM patient WHERE last_name = 'Roy'")
    assert await records.rows("SELECT id FROM patient_word WHERE word = 'elie'") == []


async def test_names_written_before_their_words_were_kept_have_them_too(world: World) -> None:
    await chart(world, "Éli", "D’Amours-Éli")
    kept = await records.rows(ALL_WORDS)
    assert len(kept) > 5
    await db.fetch("DELETE FROM patient_word")
    step = import_module("domain.migrations.portal_2026_11_23t11_40_00_000000")
    (backfill,) = [
        each
        for each in (step.POSTGRES if db.is_postgres() else step.SQLITE)
        if each.startswith("INSERT")
    ]
    await db.fetch(backfill)
    assert await records.rows(ALL_WORDS) == kept


ALL_WORDS = "SELECT patient, word FROM patient_word ORDER BY patient, word"


async def test_of_a_word_that_few_have_they_alone_are_looked_at(
    dana: Member, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 2)
    for text, rare, names_ in (
        ("gagnon", False, ["Alice Gagnon", "Bob Gagnon"]),
        ("gagnon ali", True, ["Alice Gagnon"]),
        ("nobody", True, []),
    ):
        with databases.statements() as asked:
            assert (text, await found(dana, world, text)) == (text, names_)
        assert any("SELECT w.patient FROM patient_word" in each for each in asked) == rare
