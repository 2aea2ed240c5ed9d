"""What the layout promises, kept true by failing the build."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from domain import errors
from domain.accounts.languages import LANGUAGES
from domain.errors import Refusal
from domain.staff.roles import Right
from tests import catalogue, databases
from tests.web.routes import ROUTES, STAFF
from web.portal import NO_CLINIC
from web.rendering import Renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.engines import PostgresEngine, SQLiteEngine

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "web", "jobs", "operations")
SOURCES = [p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))]
TEMPLATES = {
    p.relative_to(ROOT / "templates").as_posix()
    for p in (ROOT / "templates").rglob("*")
    if p.is_file()
}
NAMED = re.compile(r"""["']((?:[a-z_]+/)+[a-z_.]+\.(?:html|txt|css))["']""")
ALL_OF = {"email_links/": "a link's act", "mail/": "a mail's kind"}
"""Folders whose templates are named by a value: `f"email_links/{act}.html"`."""

A_SERVER = """
import asyncio, sys
from web import asgi
from domain import db
from domain.clinic.tables import Clinic

async def main():
    async with db.connected():
        await db.seen_migrations()
        await Clinic.exists()

asyncio.run(main())
print(*sorted({"black", "piccolo"} & set(sys.modules)))
"""


def tool(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command] if command[0].startswith("-") else command,
        cwd=ROOT,
        env=databases.environment() | {"PYTHONPATH": str(ROOT), "PORTAL_DEMO": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_imports_keep_to_their_direction() -> None:
    assert "0 broken" in tool(str(Path(sys.executable).with_name("lint-imports")))


def test_every_template_named_exists_and_every_one_is_used() -> None:
    texts = [p.read_text() for p in SOURCES]
    texts += [(ROOT / "templates" / name).read_text() for name in TEMPLATES]
    named = {name for text in texts for name in NAMED.findall(text)}
    assert named - TEMPLATES == set()
    unused = {name for name in TEMPLATES - named if not name.startswith(tuple(ALL_OF))}
    assert unused == set()


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for found in kind.__subclasses__():
        yield found
        yield from refusals(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(set(refusals()), key=lambda kind: kind.__name__))
def test_every_refusal_has_a_sentence_in_both_languages(kind: type[Refusal], language: str) -> None:
    at = datetime(2026, 11, 23, 15, tzinfo=UTC)
    visit = SimpleNamespace(patient_name="Bob", practitioner="Dre Roy", starts_at=at)
    times = {"again_at": at, "opens_at": at, "deadline": at}
    facts = {
        "limit": 5,
        "number": 2,
        "by": "Dana",
        "at": at,
        "visit": visit,
        "why": "used",
        **times,
    }
    refusal = SimpleNamespace(code=kind.code, **facts)
    page = renderer().render(
        "errors/refusal.html",
        language,
        ZoneInfo("America/Toronto"),
        layout="layouts/fragment.html",
        refusal=refusal,
        home="/",
        clinic=NO_CLINIC,
        unread=None,
    )
    sentences = re.findall(r"<p>(.*?)</p>", page, re.DOTALL)
    assert len(re.findall(r"\w{2,}", sentences[0])) > 3
    assert kind.__module__ == errors.__name__


@cache
def renderer() -> Renderer:
    """Its templates are compiled once."""
    return Renderer()


def calls(path: Path) -> Iterator[ast.Call]:
    yield from (node for node in nodes(path) if isinstance(node, ast.Call))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def test_the_time_is_read_in_one_place() -> None:
    read = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for call in calls(path)
        if re.search(r"\b(datetime|date)\.(now|today|utcnow)$|^time\.time$", ast.unparse(call.func))
    }
    assert read == {"domain/clock.py"}


def test_every_value_in_sql_is_a_parameter() -> None:
    """What is put into a statement's text is a constant of the module, or made of them."""
    fetches = [
        (path, call)
        for path in SOURCES
        if path.parent.name != "migrations"
        for call in calls(path)
        if ast.unparse(call.func) in TAKES_SQL and call.args
    ]
    assert len(fetches) > 20
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno} {name}"
        for path, call in fetches
        for name in put_in(call.args[0])
        if not name.startswith(("db.places(", "db.for_share("))
        and (path.name, name) not in ALLOWED
        and not re.fullmatch(r"_?[A-Z][A-Z_]*", name)
    ]
    assert wrong == []


def put_in(sql: ast.expr) -> Iterator[str]:
    """What an f-string, a `%` or a `.format` puts into its text; a plain string puts nothing."""
    if isinstance(sql, ast.JoinedStr):
        values = [part.value for part in sql.values if isinstance(part, ast.FormattedValue)]
        yield from (ast.unparse(value) for value in values)
    elif not isinstance(sql, ast.Constant):
        yield ast.unparse(sql).rpartition(".")[2]


def test_nothing_is_written_between_the_quotes_of_sql() -> None:
    """Nor into a condition that becomes part of a statement only later."""
    pieces = [
        (path, text)
        for path in SOURCES
        if path.parts[len(ROOT.parts)] == "domain" and path.parent.name != "migrations"
        for text in nodes(path)
        if isinstance(text, ast.JoinedStr) and OF_SQL.search(fixed(text))
    ]
    assert len(pieces) > 50
    wrong = [
        f"{path.relative_to(ROOT)}:{text.lineno} {ast.unparse(after.value)}"
        for path, text in pieces
        for before, after in pairwise(text.values)
        if isinstance(after, ast.FormattedValue) and re.search(r"'%?$", fixed(before))
        if not re.fullmatch(r"_?[A-Z][A-Z_]*", ast.unparse(after.value))
    ]
    assert wrong == []


def fixed(text: ast.expr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


OF_SQL = re.compile(r"\b(SELECT|FROM|WHERE|AND|OR|LIKE|IN|EXISTS|SET|VALUES)\b")
TAKES_SQL = {"db.fetch", "fetch", "execute", "raw", "db.Write"}
ALLOWED = {
    # (file, what is put in): each is made of constants and of `{}` for the values.
    ("agenda.py", "marks"),
    ("agenda.py", "which"),
    ("personnel.py", "PAGE + 1"),
    ("personnel.py", "where"),
    ("coming_of_age.py", "PAGE + 1"),
    ("coming_of_age.py", "cursor if after else ''"),
    ("coming_of_age.py", "order"),
    ("requests.py", "PAGE + 1"),
    ("requests.py", "which"),
    ("absences.py", "only"),
    ("day.py", "at_site"),
    ("day.py", "at_site.format('ap')"),
    ("day.py", "at_site.format('sl')"),
    ("day.py", "one"),
    ("day.py", "COLUMNS + 1"),
    ("practitioners.py", "own"),
    ("practitioners.py", "limit"),
    ("attendance.py", "share"),
    ("attendance.py", "what"),
    ("attachments.py", "places"),
    ("drafts.py", "_of(thread)"),
    ("drafts.py", "one_each"),
    ("inbox.py", "_columns(seen, listed)"),
    ("inbox.py", "' AND '.join((condition for condition, _ in parts))"),
    ("inbox.py", "PAGE + 1"),
    ("receipts.py", "counted"),
    ("receipts.py", "only"),
    ("audit.py", "columns"),
    ("audit.py", "places"),
    ("activity.py", "places"),
    ("outbox.py", "places"),
    ("publishing.py", "columns"),
    ("publishing.py", "places"),
    ("booking.py", "condition"),
    ("booking.py", "share"),
    ("booking.py", "skip"),
    ("clinic.py", "', '.join(CLINIC_COLUMNS)"),
    ("clinic_side.py", "decision"),
    ("communications.py", "before_all"),
    ("communications.py", "source"),
    ("communications.py", "' AND '.join((condition for condition, _ in conditions))"),
    ("communications.py", "PAGE + 1"),
    ("communications.py", "cursor"),
    ("communications.py", "direction"),
    ("communications.py", "own"),
    ("outbox.py", "PAGE + 1"),
    ("outbox.py", "cursor"),
    ("sending.py", "where"),
    ("retention.py", "table"),
    ("retention.py", "which"),
    ("db.py", "each.sql"),
    ("db.py", "name"),
    ("db.py", "sql"),
    ("delivery.py", "skip"),
    ("journal.py", "condition"),
    ("journal.py", "marked"),
    ("lists.py", "table"),
    ("offered.py", "kind.name"),
    ("offers.py", "columns"),
    ("offers.py", "condition"),
    ("offers.py", "order"),
    ("search.py", "' AND '.join((condition for condition, _ in parts))"),
    ("search.py", "PAGE + 1"),
    ("slots.py", "condition"),
    ("slots.py", "half"),
    ("slots.py", "order"),
    ("takeaway.py", "places"),
    ("receipts.py", "among"),
    ("threads.py", "PAGE + 1"),
    ("threads.py", "cursor"),
    ("window.py", "skip"),
}


def test_every_route_says_whom_it_is_for() -> None:
    open_to_all = {route.path for route in ROUTES if not route.is_private}
    assert open_to_all == {
        "/static/{name}",
        "/sante",
        "/csp",
        "/mot-de-passe-oublie",
        "/mot-de-passe-oublie/envoi",
        "/reinitialisation",
        "/reinitialisation/{token}",
        "/connexion",
        "/connexion/code",
        "/inscription",
        "/inscription/envoi",
        "/activation",
        "/activation/{token}",
        "/changement-courriel",
        "/changement-courriel/{token}",
        "/invitation",
        "/invitation/{token}",
        "/langue",
        "/courriel/confirmation/{token}",
        "/courriel/annulation/{token}",
        "/desabonnement/{token}",
        "/desabonnement/{token}/retour",
    }
    assert {opt for route in ROUTES for opt in route.opt} <= {
        "bare",
        "public",
        "before_terms",
        "quiet",
    }
    assert {route.path for route in ROUTES if "quiet" in route.opt} == {
        "/profils/{patient}/compteurs"
    }
    before_terms = {route.path for route in ROUTES if "before_terms" in route.opt}
    assert before_terms == {"/conditions", "/deconnexion", "/session"}


def test_every_route_of_the_clinics_side_says_which_right_it_asks_for() -> None:
    assert {route.path for route in STAFF if not route.right} == {
        "/clinique/langue",
        "/clinique/connexion",
        "/clinique/connexion/code",
        "/clinique/activation",
        "/clinique/activation/code",
        "/clinique/activation/{token}",
        "/clinique/mot-de-passe-oublie",
        "/clinique/mot-de-passe-oublie/envoi",
        "/clinique/reinitialisation",
        "/clinique/reinitialisation/{token}",
        "/clinique/installation",
        "/clinique/installation/{token}",
    }
    before_clinic = {route.path for route in STAFF if "before_clinic" in route.opt}
    assert before_clinic == {"/clinique/installation", "/clinique/installation/{token}"}
    rights = {str(right) for right in Right} | {"any"}
    assert {route.right for route in STAFF if route.right} <= rights
    assert {opt for route in STAFF for opt in route.opt} <= {
        "public",
        "staff",
        "quiet",
        "files",
        "before_clinic",
    }
    assert {route.path for route in STAFF if "files" in route.opt} == {
        "/clinique/communications/nouvelle",
        "/clinique/communications/envoi/message",
        "/clinique/communications/{thread}/reponse",
    }


def test_no_test_here_imports_what_chooses_a_database_of_its_own() -> None:
    rooms = r"^(?:from|import) (?:audit|bench|e2e|guide)\b"
    tests = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__)]
    assert [path for path in tests if re.search(rooms, path.read_text(), re.MULTILINE)] == []


def test_english_catalogue_is_complete() -> None:
    assert catalogue.faults() == []


def test_migrations_make_the_tables_as_they_are_declared(
    database: SQLiteEngine | PostgresEngine, tmp_path: Path
) -> None:
    before = set((ROOT / "domain/migrations").glob("*.py"))
    try:
        said = tool("-m", "piccolo.main", "migrations", "new", "portal", "--auto")
        written = set((ROOT / "domain/migrations").glob("*.py")) - before
    finally:
        for extra in set((ROOT / "domain/migrations").glob("*.py")) - before:
            extra.unlink()
    assert written == set(), said


def test_a_server_does_without_a_code_formatter(database: SQLiteEngine | PostgresEngine) -> None:
    """Piccolo has one to write migrations with."""
    assert tool("-c", A_SERVER) == "piccolo\n"
