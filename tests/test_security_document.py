"""docs/security.md says what is so: every row has tests that exist, or a reason why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
FOLDERS = ("tests", "e2e")
REQUIREMENT = re.compile(r"(?m)^\| (\d+\.\d+\.\d+) \| (\d) \| ([^|]+) \| ([^|]+) \|$")
ABUSE = re.compile(r"(?m)^\| A(\d+) \| ([^|]+) \|$")
TEST = re.compile(r"`((?:tests|e2e)/[\w/]+\.py)::(test_\w+)`")
NUMBER = re.compile(r"\bA(\d{1,2})\b")
MOST_WORDS = 15


@cache
def docstrings() -> dict[tuple[str, str], str]:
    """The docstring of each test, by its file and name."""
    return {
        (path.relative_to(ROOT).as_posix(), node.name): ast.get_docstring(node) or ""
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_")
    }


def test_every_test_that_the_document_names_exists() -> None:
    named = TEST.findall(DOCUMENT)
    assert len(named) > 200
    assert [name for name in named if name not in docstrings()] == []


def test_every_requirement_has_its_test_or_the_reason_why_not() -> None:
    rows = REQUIREMENT.findall(DOCUMENT)
    numbers = [number for number, *_ in rows]
    assert len(rows) == DOCUMENT.count("\n| ") - len(re.findall(r"(?m)^\| [^\d]", DOCUMENT))
    assert len(set(numbers)) == len(numbers) > 150
    assert [no for no, _, _, proof in rows if not (TEST.search(proof) or why(proof))] == []
    assert [no for no, _, holds, _ in rows if len(holds.split()) > MOST_WORDS] == []


def why(proof: str) -> bool:
    return len(re.findall(r"\w{2,}", proof.partition("Deviation: ")[2])) > 3


def test_every_abuse_case_that_applies_has_its_test() -> None:
    cases = {int(number): words for number, words in ABUSE.findall(DOCUMENT)}
    assert list(cases) == list(range(1, 57))
    applies = {number for number, words in cases.items() if "does not apply" not in words}
    tried = {int(number) for told in docstrings().values() for number in NUMBER.findall(told)}
    assert sorted(applies - tried) == []
