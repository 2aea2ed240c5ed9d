"""What a spreadsheet opens is never a formula (R71a)."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.desk.sheet import BLANKS, SIGNS, cell, sheet


@pytest.mark.parametrize("start", [*SIGNS, *BLANKS, " =", " \u00a0\u3000+", "\0 \0@"])
def test_what_would_be_a_formula_begins_with_an_apostrophe(start: str) -> None:
    assert cell(f"{start}SUM(1)") == f"'{start}SUM(1)".replace("\0", "")


def test_a_nul_is_never_written() -> None:
    assert cell("\0=1") == "'=1"


def test_lines_end_and_are_quoted_as_the_rfc_says() -> None:
    assert sheet(["a", "b"], [['x "y"', "1,2"], [None, 3]]) == (
        b'\xef\xbb\xbf"a","b"\r\n"x ""y""","1,2"\r\n"","3"\r\n'
    )


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_whatever_is_written_is_read_again_and_is_no_formula(texts: list[str]) -> None:
    content = sheet(["h"] * len(texts), [texts]).decode("utf-8-sig")
    _, row = [*csv.reader(StringIO(content, newline="")), [], []][:2]
    assert [text.removeprefix("'") for text in row] == [
        text.replace("\0", "").removeprefix("'") for text in texts
    ]
    assert not [text for text in row if text.startswith(BLANKS) or text.lstrip().startswith(SIGNS)]
