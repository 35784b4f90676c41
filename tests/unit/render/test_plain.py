"""The formats for programs keep every value, one row per node, and never harm a terminal."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.render.dispatch import FORMATS, render, tells_gaps
from dcctl.render.plain import envelope
from dcctl.render.report import Column, Report, Table
from dcctl.render.style import Style
from dcctl.render.text import HOSTILE, visible
from tests.unit.render.samples import EVIL, hostile, report

if TYPE_CHECKING:
    from dcctl.render.report import Cell

ANY_TEXT = st.text(st.characters(), max_size=40)
CELL: st.SearchStrategy[Cell] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.lists(ANY_TEXT, max_size=3).map(tuple)
)


def shown(output: str, of: Report | None = None, **style: object) -> str:
    out = io.StringIO()
    render(of or report(), Style(output=output, **style), out)  # type: ignore[arg-type]
    return out.getvalue()


def one_column(*cells: Cell) -> Report:
    return Report("test", "", Table("items", (Column("node", "NODE"),), tuple((cell,) for cell in cells)))


def test_json_has_the_keys_in_the_order_of_the_columns_and_null_for_unknown() -> None:
    document = json.loads(shown("json"))
    assert list(document) == ["schema", "headline", "items", "details", "summary", "notes", "gaps"]
    assert document["schema"] == "dcctl/assess/v1"
    assert list(document["items"][0])[:3] == ["node", "pool", "state"]
    assert document["items"][122]["gpus"] is None
    assert document["details"]["idle"][1]["node"] == ["gpu031", "gpu032"]
    assert document["gaps"][0]["cause"] == "timeout"


def test_json_has_one_item_per_line() -> None:
    lines = [line for line in shown("json").splitlines() if '"node": "gpu' in line]
    assert len(lines) == 123 + 2


@given(st.lists(CELL, max_size=5))
def test_json_and_jsonl_give_back_every_cell_and_no_hostile_character(cells: list[Cell]) -> None:
    given_cells = envelope(one_column(*cells))["items"]
    for unicode in (True, False):
        whole = shown("json", one_column(*cells), unicode=unicode)
        lines = shown("jsonl", one_column(*cells), unicode=unicode)
        assert json.loads(whole)["items"] == given_cells
        assert [json.loads(line) for line in lines.splitlines()] == given_cells
        assert not HOSTILE.search((whole + lines).replace("\n", ""))
        assert unicode or (whole + lines).isascii()


@given(st.lists(CELL, max_size=5))
def test_yaml_gives_back_every_cell_and_no_hostile_character(cells: list[Cell]) -> None:
    text = shown("yaml", one_column(*cells))
    assert yaml.safe_load(text)["items"] == envelope(one_column(*cells))["items"]
    assert not HOSTILE.search(text.replace("\n", ""))


@given(st.lists(CELL, max_size=5))
def test_csv_has_one_line_per_row_and_gives_back_harmless_text(cells: list[Cell]) -> None:
    text = shown("csv", one_column(*cells))
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["node"]
    assert len(text.splitlines()) == len(read) == len(cells) + 1
    for (field,), cell in zip(read[1:], cells, strict=True):
        if isinstance(cell, str):
            assert field.removeprefix("'") == visible(cell).removeprefix("'")
            assert not field.startswith(("=", "+", "-", "@"))


@given(st.lists(CELL, min_size=1, max_size=5))
def test_a_piped_table_has_one_line_per_row_and_one_tab_per_column(cells: list[Cell]) -> None:
    columns = (Column("a", "A"), Column("b", "B", "count"))
    out = io.StringIO()
    table = Table("items", columns, tuple((cell, cell) for cell in cells))
    render(Report("test", "", table), Style(), out)
    lines = out.getvalue().split("\n")
    assert len(lines) == len(cells) + 2
    assert all(line.count("\t") == 1 for line in lines[:-1])
    assert not HOSTILE.search(out.getvalue().replace("\n", "").replace("\t", ""))


def test_a_piped_table_is_not_folded_and_counts_are_digits() -> None:
    text = shown("table")
    assert text.splitlines()[0].split("\t")[:4] == ["NODES", "POOL", "STATE", "GPUS"]
    assert text.splitlines()[5].split("\t")[:2] == ["gpu005", "train"]
    assert text.splitlines()[123].split("\t")[3] == "-"
    assert (
        shown("table", Report("t", "", Table("i", (Column("n", "N", "count"),), ((1024,),)))) == "N\n1024\n"
    )


def test_a_piped_wide_table_has_every_column() -> None:
    assert shown("wide").splitlines()[0].endswith("\tSERIAL")
    assert "SERIAL" not in shown("table")


def test_names_are_distinct_in_order_and_never_folded() -> None:
    many = one_column("gpu2", "gpu1", ("gpu3", "gpu2"), None, "gpu1")
    assert shown("name", many) == "gpu2\ngpu1\ngpu3\n"
    assert shown("name", many, sort="-node") == "gpu3\ngpu2\ngpu1\n"


def test_a_report_without_names_says_so() -> None:
    with pytest.raises(UsageError, match="no names"):
        shown("name", replace(report(), name_key="host"))


@pytest.mark.parametrize("output", ["table", "wide", "json", "jsonl", "yaml", "csv", "name"])
@pytest.mark.parametrize("unicode", [True, False])
def test_hostile_strings_are_written_out(output: str, unicode: bool) -> None:
    text = shown(output, hostile(), unicode=unicode)
    assert not HOSTILE.search(text.replace("\n", "").replace("\t", ""))
    assert text.encode("utf-8" if unicode else "ascii")


def test_json_keeps_what_yaml_and_tables_must_write_out() -> None:
    assert json.loads(shown("json", hostile()))["items"][0]["node"] == EVIL
    assert yaml.safe_load(shown("yaml", hostile()))["items"][0]["node"] == EVIL


@pytest.mark.parametrize("output", [name for name, each in FORMATS.items() if not each.findings])
@pytest.mark.parametrize("terminal", [True, False])
def test_the_row_of_a_format_says_whether_its_text_tells_the_gaps(output: str, terminal: bool) -> None:
    text = shown(output, terminal=terminal, width=200)
    told = tells_gaps(report(), Style(output=output, terminal=terminal))
    assert (report().gaps[0].reason in text) == told
