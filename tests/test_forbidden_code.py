"""What the code that runs never does, whatever it is for: each line is a rule of OWASP's ASVS."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PARTS = ("domain", "web", "jobs", "operations")
SOURCES = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
CALLS = {
    "runs text as code": r"(?<![\w.])(eval|exec|compile|__import__)|.*\bimport_string",
    "runs a shell": r"os\.(system|popen)|subprocess\.get(status)?output",
    "reads what could be code": r"(pickle|marshal|shelve|dill)\.\w+|yaml\.(unsafe_)?load",
    "makes a template of text": r".*\bfrom_string|(jinja2|string)\.Template",
    "hashes weakly": r"(hashlib\.)?(md5|sha1)",
    "unpacks an archive whole": r"(.*\.extractall|shutil\.unpack_archive)",
    "reads XML": r"(ElementTree|etree|minidom|sax)\.\w+",
}
IMPORTS = {
    "asks other hosts": r"httpx|requests|aiohttp|urllib\.request|http\.client|websockets",
    "guesses at random": r"random",
}
ALLOWED = {
    ("asks other hosts", "operations"): "`portal check` asks the portal's own address",
    ("guesses at random", "domain/demo"): "invented people, of which no secret is made",
}


@cache
def called() -> list[tuple[Path, str, ast.Call]]:
    """Every call of the code that runs, by its name."""
    return [
        (path, dotted(node.func), node)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    ]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def dotted(name: ast.expr) -> str:
    if isinstance(name, ast.Attribute):
        return f"{dotted(name.value)}.{name.attr}"
    return name.id if isinstance(name, ast.Name) else ""


@pytest.mark.parametrize("rule", CALLS)
def test_nothing_dangerous_is_called(rule: str) -> None:
    pattern = re.compile(CALLS[rule])
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, name, call in called()
        if pattern.fullmatch(name)
    ]
    assert found == []


@pytest.mark.parametrize("rule", IMPORTS)
def test_nothing_dangerous_is_imported(rule: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for name in imported(path)
        if re.fullmatch(rf"({IMPORTS[rule]})(\..*)?", name)
    }
    excused = tuple(place for (about, place) in ALLOWED if about == rule)
    assert {name for name in found if not name.startswith(excused)} == set()


def test_no_process_is_started_through_a_shell() -> None:
    shells = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, _, call in called()
        for word in call.keywords
        if word.arg == "shell" and ast.unparse(word.value) != "False"
    ]
    assert shells == []


def test_secrets_are_compared_in_constant_time() -> None:
    """Each place that compares one is named here; what is a digest already may use ==."""
    compared = {
        path.relative_to(ROOT).as_posix()
        for path, name, _ in called()
        if name.endswith("compare_digest")
    }
    assert compared == {
        "domain/accounts/authenticator.py",
        "domain/messages/attachments.py",
        "operations/backup/sealing.py",
        "web/security.py",
    }
    plainly = re.compile(r"\b_?mac\b|hmac|_sealed|code_hash|totp_code")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        if any(isinstance(each, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for each in node.ops)
        and plainly.search(ast.unparse(node))
    ]
    assert found == []


def test_no_expression_is_made_of_what_someone_typed() -> None:
    """Only constants, and what `re.escape` has made plain, become a regular expression."""
    found = {
        f"{path.relative_to(ROOT).as_posix()} {ast.unparse(value)}"
        for path, name, call in called()
        if name.startswith("re.") and call.args
        for value in ast.walk(call.args[0])
        if isinstance(value, ast.FormattedValue)
        and not re.match(r"re\.escape|[A-Z_]+\b", ast.unparse(value.value))
    }
    of_our_own_routes = {"web/gate.py {pattern}", "web/gate.py {place.pattern}"}
    assert found <= of_our_own_routes


def test_no_script_writes_html_or_runs_text() -> None:
    forbidden = re.compile(
        r"\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function"
        r"|sessionStorage"
    )
    found = [
        f"{path.name}: {each}" for path in SCRIPTS for each in forbidden.findall(path.read_text())
    ]
    assert found == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
