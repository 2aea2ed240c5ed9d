"""R102: the data map says of every column what it is; there is no other one."""

import re
from collections import Counter
from pathlib import Path

import pytest
from piccolo.table import Table

from domain.piccolo_app import APP_CONFIG

MAP = (Path(__file__).parents[1] / "docs/data-map.md").read_text()
CLASSES = {"public", "identifying", "health", "secret", "technical"}
TABLES = {table._meta.tablename: table for table in APP_CONFIG.table_classes}
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", MAP, re.MULTILINE | re.DOTALL))


def test_every_table_has_its_section_and_no_other_has() -> None:
    assert sorted(re.findall(r"^### (\w+)$", MAP, re.MULTILINE)) == sorted(TABLES)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_has_one_class(name: str) -> None:
    lines = dict(re.findall(r"^- (\w+): (.+)$", SECTIONS[name], re.MULTILINE))
    assert set(lines) <= CLASSES
    listed = Counter(column for columns in lines.values() for column in columns.split())
    assert listed == Counter(columns_of(TABLES[name]))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_says_for_how_long_and_who_reads(name: str) -> None:
    said = SECTIONS[name].partition("\n- ")[0]
    assert "Read " in said
    assert len(said.split(". ")) >= 2


def columns_of(table: type[Table]) -> list[str]:
    return [column._meta.name for column in table._meta.columns]
