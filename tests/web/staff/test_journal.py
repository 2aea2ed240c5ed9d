"""The journal as staff search it, take it away, and hand it to the patient."""

import ast
import csv
import re
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from domain import audit
from domain.audit import Actor
from domain.desk import offered
from domain.desk.journal import GROUPS
from domain.people import names
from domain.people.tables import Patient
from tests.databases import statements
from tests.web.browser import Browser, elements, links, main
from tests.web.state import journal, last_line
from tests.world import World

URL = "/clinique/journal"
XSS = '<img src=x onerror="alert(1)">'
FORMULA = '=HYPERLINK("http://evil.example")'


def table(page: httpx.Response) -> list[str]:
    return [e.text for e in elements(page, "tr")][1:]


async def acted(world: World, action: str, **facts: object) -> None:
    who = facts.pop("by", world.dana)
    kind = str(facts.pop("kind", "staff"))
    at = facts.pop("at", world.now)
    await audit.record(Actor(kind, who, "r1"), action, at=at, **facts)  # type: ignore[arg-type]


async def test_it_says_in_words_who_did_what_of_whom(fay: Browser, world: World) -> None:
    await acted(world, "read.staff.search", patient=world.alice)
    await acted(
        world, "appointment.booked", patient=world.bob, by=world.alice_account, kind="account"
    )
    await acted(world, "setting.hold_minutes", by=world.fay)
    setting, booked, read = table(await fay.get(URL))[:3]
    assert "Fay Blais (administration) A changé un réglage" in setting
    assert "Compte du portail (Alice Gagnon) A pris un rendez-vous" in booked
    assert booked.endswith("Bob Gagnon")
    assert "Dana Fortin (secrétaire)" in read
    assert read.endswith("Alice Gagnon")


async def test_it_is_english_in_english(fay: Browser, world: World) -> None:
    await acted(world, "setting.hold_minutes", by=world.fay)
    await fay.get(URL)
    await fay.post("/clinique/langue", {"langue": "en", "suivant": URL})
    assert "Changed a setting" in table(await fay.get(URL))[0]


async def test_it_is_searched_by_patient_member_kind_days_and_outcome(
    fay: Browser, world: World
) -> None:
    yesterday = world.now - timedelta(days=1)
    await acted(world, "read.staff.record", patient=world.alice, at=yesterday)
    await acted(world, "appointment.moved", patient=world.charlie, by=world.erin)
    await acted(world, "access", patient=world.alice, by=world.erin, outcome="refused.not_found")

    async def found(query: str) -> list[str]:
        page = await fay.get(f"{URL}?{query}")
        assert page.status_code == 200
        actions = [e.text.partition(" · ")[0] for e in elements(page, "span") if is_small(e)]
        return [action for action in actions if action in KNOWN]

    def is_small(element: object) -> bool:
        return "muted small" in getattr(element, "attrs", {}).get("class", "")

    KNOWN = {"read.staff.record", "appointment.moved", "access"}
    assert await found("patient=gagnon") == ["access", "read.staff.record"]
    assert await found("patient=DUBOIS+charlie") == ["appointment.moved"]
    assert await found("patient=%25") == []
    assert await found(f"membre={world.erin}") == ["access", "appointment.moved"]
    assert await found("genre=rendez-vous") == ["appointment.moved"]
    assert await found("issue=refuse") == ["access"]
    assert await found("issue=fait") == ["appointment.moved", "read.staff.record"]
    day = yesterday.date().isoformat()
    assert await found(f"du={day}&au={day}") == ["read.staff.record"]
    assert await found("membre=x&genre=x&issue=x") == [
        "access",
        "appointment.moved",
        "read.staff.record",
    ]


@pytest.mark.parametrize(
    ("query", "field"), [("du=hier", "du"), ("du=2026-11-23&au=2026-11-22", "au")]
)
async def test_days_that_are_none_are_said_with_what_was_typed(
    fay: Browser, query: str, field: str
) -> None:
    page = await fay.get(f"{URL}?patient=gagnon&{query}")
    assert page.status_code == 422
    assert f"#{field}" in links(page).values()
    shown = {e.attrs["name"]: e.attrs.get("value") for e in elements(page, "input")}
    assert shown["patient"] == "gagnon"


async def test_reading_it_leaves_a_line_for_each_patient_and_hides_them_at_first(
    fay: Browser, world: World
) -> None:
    await acted(world, "appointment.moved", patient=world.alice)
    first, second = [table(await fay.get(URL)) for _ in range(2)]
    assert first == second
    lines = await journal("read.staff.journal")
    assert {line["patient"] for line in lines} == {world.alice}
    assert "A vu le journal" in table(await fay.get(f"{URL}?journal=oui"))[0]


async def test_a_record_opened_without_any_visit_is_marked_and_found(
    fay: Browser, world: World
) -> None:
    """A53."""
    await world.appointment(world.now + timedelta(days=2))
    await acted(world, "read.staff.record", patient=world.alice)
    await acted(world, "read.staff.record", patient=world.charlie)
    charlie, alice = table(await fay.get(f"{URL}?genre=lectures"))[:2]
    assert ("sans rendez-vous" in charlie, "sans rendez-vous" in alice) == (True, False)
    only = table(await fay.get(f"{URL}?sans=oui"))
    assert len(only) == 1
    assert "Charlie Dubois" in only[0]


async def test_a_visit_of_long_ago_or_cancelled_by_then_explains_no_reading(
    fay: Browser, world: World
) -> None:
    """A53."""
    await world.appointment(world.now - timedelta(days=366), patient=world.bob)
    await world.appointment(
        world.now + timedelta(days=2),
        patient=world.charlie,
        cancelled_at=world.now - timedelta(days=1),
    )
    await world.appointment(world.now - timedelta(days=100))
    for patient in (world.alice, world.bob, world.charlie):
        await acted(world, "read.staff.record", patient=patient)
    only = table(await fay.get(f"{URL}?sans=oui"))
    assert [line.rsplit(" ", 2)[1] for line in only] == ["Charlie", "Bob"]


async def test_the_patient_sees_who_of_the_staff_looked_by_name(
    alice: Browser, world: World
) -> None:
    """A53, R100."""
    await acted(world, "read.staff.record", patient=world.alice)
    page = await alice.get(f"/profils/{world.alice}/profil/journal")
    assert "Dana Fortin, de la clinique" in main(page)


async def test_it_is_read_fifty_lines_at_a_time_at_the_same_cost(
    fay: Browser, world: World
) -> None:
    """R83."""
    with statements() as short:
        await fay.get(f"{URL}?genre=rendez-vous")
    for _ in range(60):
        await acted(world, "appointment.moved", patient=world.alice, by=world.erin)
    with statements() as long:
        page = await fay.get(f"{URL}?genre=rendez-vous&membre={world.erin}")
    assert len(table(page)) == 50
    assert len(long) <= len(short) + 1  # the line of what was read
    older = await fay.click(page, "Plus anciennes")
    assert len(table(older)) == 10
    assert f"membre={world.erin}" in str(older.url)


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 40, "٣"])
async def test_an_altered_cursor_begins_at_the_top(fay: Browser, cursor: str) -> None:
    assert (await fay.get(f"{URL}?avant={cursor}")).status_code == 200


async def test_names_are_text(fay: Browser, world: World) -> None:
    """A35."""
    await named(world.charlie, XSS)
    await acted(world, "appointment.moved", patient=world.charlie)
    for url in (URL, f"/clinique/patients/{world.charlie}/journal"):
        page = await fay.get(url)
        assert elements(page, "img[src=x]") == []
        assert XSS not in page.text


async def named(patient: UUID, first_name: str) -> None:
    await Patient.update(
        {
            Patient.first_name: first_name,
            Patient.folded_name: names.searched(first_name, "Dubois"),
        }
    ).where(Patient.id == patient)


# As a file


async def exported(browser: Browser, query: str) -> httpx.Response:
    return await browser.get(f"{URL}/export?{query}")


async def test_a_file_of_a_month_holds_the_lines_and_no_formula(fay: Browser, world: World) -> None:
    """A37, R71a."""
    await named(world.charlie, FORMULA)
    await acted(world, "appointment.moved", patient=world.charlie)
    answer = await exported(fay, "du=2026-11-23&au=2026-11-23&genre=rendez-vous")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in answer.headers["content-disposition"]
    header, line = csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert len(header) == len(line) == 8
    assert line == [
        "2026-11-23T15:00:00.000+00:00",
        "Personnel de la clinique",
        "Dana Fortin",
        f"'{FORMULA} Dubois",
        "A déplacé un rendez-vous",
        "appointment.moved",
        "done",
        "r1",
    ]
    (trace,) = await journal("journal.exported")
    assert trace["actor"] == world.fay


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "du"),
        ("du=2026-11-01", "au"),
        ("du=2026-10-01&au=2026-11-01", "au"),
        ("du=0001-01-01&au=9999-12-31", "au"),
        ("du=x&au=2026-11-01", "du"),
    ],
)
async def test_a_file_without_an_end_or_too_long_is_refused(
    fay: Browser, query: str, field: str
) -> None:
    """R71a, R83."""
    answer = await exported(fay, query)
    assert answer.status_code == 422
    assert f"#{field}" in links(answer).values()
    assert await journal("journal.exported") == []


async def test_a_file_tells_of_whom_it_is(fay: Browser, world: World) -> None:
    """R71a: each patient in it sees that their lines were taken away."""
    for patient in (world.alice, world.charlie, world.alice):
        await acted(world, "appointment.moved", patient=patient)
    await exported(fay, "du=2026-11-23&au=2026-11-23&genre=rendez-vous")
    lines = await journal("read.staff.journal")
    assert {(line["actor"], line["patient"]) for line in lines} == {
        (world.fay, world.alice),
        (world.fay, world.charlie),
    }
    assert len(lines) == 2


async def test_more_lines_than_a_file_are_taken_in_parts(
    fay: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R71a: the journal of the busiest day too; what is written meanwhile shifts none of them."""
    monkeypatch.setattr("domain.desk.journal.MOST_EXPORTED", 3)
    monkeypatch.setattr("domain.audit.AT_ONCE", 1)
    for n in range(7):
        await acted(world, f"appointment.{n}", patient=world.alice if n % 2 else world.charlie)
    asked = "du=2026-11-23&au=2026-11-23&genre=rendez-vous"
    page = await exported(fay, asked)
    assert page.status_code == 422
    ways = [way for way in links(page).values() if "partie=" in way]
    assert len(ways) == 3
    taken = []
    for way in ways:
        file = await fay.get(way.replace("&amp;", "&"))
        assert file.status_code == 200
        _, *rows = csv.reader(StringIO(file.content.decode("utf-8-sig"), newline=""))
        taken.append([row[5] for row in rows])
        await acted(world, f"appointment.{7 + len(taken)}", patient=world.alice)
    assert taken[:2] == [[f"appointment.{n}" for n in part] for part in ((2, 1, 0), (5, 4, 3))]
    assert taken[2] == ["appointment.9", "appointment.8", "appointment.6"]
    for part in (0, 5, 10**8):
        assert (await exported(fay, f"{asked}&partie={part}")).status_code == 404


# Of one patient


async def test_a_secretary_hands_a_patient_who_looked_at_the_record(
    dana: Browser, world: World
) -> None:
    """R100."""
    await acted(world, "read.staff.record", patient=world.alice)
    await acted(world, "read.staff.record", patient=world.charlie)
    before = await last_line()
    page = await dana.get(f"/clinique/patients/{world.alice}/journal")
    assert len(table(page)) == 1
    assert "Dana Fortin (secrétaire)" in table(page)[0]
    assert "Charlie" not in main(page)
    lines = [line for line in await journal() if line["id"] > before]
    assert [(line["action"], line["patient"]) for line in lines] == [
        ("read.staff.patient_journal", world.alice)
    ]


async def test_unknown_patients_have_no_journal(dana: Browser) -> None:
    assert (await dana.get(f"/clinique/patients/{uuid4()}/journal")).status_code == 404


async def test_days_are_those_of_the_clinic(fay: Browser, world: World) -> None:
    """23:30 in Toronto is of that evening, though UTC says the day after."""
    late = world.now.replace(hour=4, minute=30)
    await acted(world, "appointment.moved", patient=world.alice, at=late)
    day = date(2026, 11, 22).isoformat()
    assert len(table(await fay.get(f"{URL}?du={day}&au={day}&genre=rendez-vous"))) == 1


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "9999-12-30"])
async def test_days_at_the_ends_of_the_calendar_are_days(fay: Browser, day: str) -> None:
    for query in (f"du={day}", f"au={day}", f"du={day}&au={day}"):
        assert (await fay.get(f"{URL}?{query}")).status_code == 200


def recorded() -> set[str]:
    """What the code may write as an action; of some only the kind of thing is open."""
    things = [*(kind.name for kind in offered.KINDS.values()), "terms", "disclaimer"]
    found = set[str]()
    for folder in ("domain", "web", "jobs"):
        for file in Path(folder).rglob("*.py"):
            source = file.read_text()
            if IMPORTED.search(source):
                found |= set(actions(ast.parse(source), things))
    return found


def actions(tree: ast.AST, things: list[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.record"):
            for value in (each for each in node.args[1:] if isinstance(each, ast.Constant)):
                yield str(value.value)
        if isinstance(node, ast.Constant) and ACTION.fullmatch(str(node.value)):
            yield str(node.value)
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in node.values]
            text = "".join(map(str, parts))
            if ACTION.fullmatch(text.replace("{}", "x")):
                yield from (text.replace("{}", thing) for thing in things)


IMPORTED = re.compile(r"from domain import .*\baudit\b")
ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
NO_ACTIONS = ("done.", "refused.", "portal.", "jobs.", "c.")
"""Outcomes, loggers, and columns of SQL."""


def test_every_act_that_is_recorded_is_in_a_group() -> None:
    """Finding 16."""
    likes = [like for group in GROUPS.values() for like in group]
    shapes = [re.compile(like.replace(".", "\\.").replace("%", ".*")) for like in likes]
    names = {name for name in recorded() if not name.startswith(NO_ACTIONS)}
    missing = {name for name in names if not any(shape.fullmatch(name) for shape in shapes)}
    assert len(names) > 100
    assert missing == set()
    idle = [
        like
        for like, shape in zip(likes, shapes, strict=True)
        if not any(map(shape.fullmatch, names))
    ]
    assert idle == []
