"""What a spreadsheet opens is never a formula (R71a)."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.desk.sheet import cell, sheet

SIGNS = tuple("=+-@＝＋－＠")
BLANKS = ("\t", "\r", "\n")


@pytest.mark.parametrize("start", [*SIGNS, *BLANKS, " =", " \u00a0\u3000+", "\0 \0@"])
def test_what_would_be_a_formula_begins_with_an_apostrophe(start: str) -> None:
    assert cell(f"{start}SUM(1)") == f"'{start}SUM(1)".replace("\0", "")


def test_a_nul_is_never_written() -> None:
    assert cell("\0=1") == "'=1"


def test_lines_end_and_are_quoted_as_the_rfc_says() -> None:
    assert sheet(["a", "b"], [['x "y"', "1,2"], [None, 3]]) == (
        b'\xef\xbb\xbf"a","b"\r\n"x ""y""","1,2"\r\n"","3"\r\n'
    )


INSIDE = [
    "a;=1",
    "a; =1",
    'a;"=1',
    'a;""=1',
    'x";=1+1;"',
    "a;;=1",
    "a;\u3000＠b",
    "a,+1",
    "a\t-1",
    "a\n=1",
    'a\r\n"@b',
    "x;=cmd|' /C calc'!A0;",
]


@pytest.mark.parametrize("text", INSIDE)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_wherever_a_cell_may_be_cut_no_formula_begins(text: str, delimiter: str) -> None:
    """A37: a French spreadsheet takes the `;` in a name for the end of its cell."""
    assert not formulas(sheet(["h"], [[text], ["b", text]]), delimiter)


typed = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('=@＝;,\t\n" '))


@given(st.lists(typed))
def test_whatever_is_written_is_read_again_and_is_no_formula(texts: list[str]) -> None:
    content = sheet(["h"] * len(texts), [texts])
    _, row = [*csv.reader(StringIO(content.decode("utf-8-sig"), newline="")), [], []][:2]
    assert [text.replace("'", "") for text in row] == [
        text.replace("\0", "").replace("'", "") for text in texts
    ]
    assert not [each for delimiter in ",;\t" for each in formulas(content, delimiter)]


def formulas(content: bytes, delimiter: str) -> list[str]:
    lines = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    words = [found.strip('"').lstrip() for line in lines for found in line]
    return [word for word in words if word.startswith(SIGNS)]
