"""The screen: recorded at five widths, and whatever the cells hold it keeps its width and loses no node."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ClusterShell.NodeSet import NodeSet
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.inventory.model import Gap
from dcctl.render.dispatch import render
from dcctl.render.report import Column, Note, Report, Table
from dcctl.render.style import Style
from dcctl.render.text import HOSTILE, width
from tests.examples import examples
from tests.unit.render.samples import hostile, report

if TYPE_CHECKING:
    from dcctl.render.report import Cell, Row

DATA = Path(__file__).parents[2] / "data" / "render"
SGR = re.compile(r"\x1b\[[0-9;]*m")
TEXT = st.text(st.characters(), max_size=50) | st.text("界👍e\u0301 ab", max_size=50)
CELL: st.SearchStrategy[Cell] = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**7), 10**7), TEXT, st.lists(TEXT, max_size=3).map(tuple)
)
COLUMNS = (
    Column("node", "NODES", "nodes", keep=9),
    Column("state", "STATE", "state"),
    Column("count", "N", "count", keep=7),
    Column("text", "TEXT", keep=3),
    Column("power_mw", "POWER", "power_mw", keep=2),
)


def screen(of: Report, output: str = "table", **style: object) -> str:
    out = io.StringIO()
    render(of, Style(output=output, terminal=True, **style), out)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("cells", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("kind", ["table", "wide", "ascii", "color"])
def test_the_screen_is_the_recorded_one(kind: str, cells: int) -> None:
    output = "wide" if kind == "wide" else "table"
    text = screen(report(), output, width=cells, unicode=kind != "ascii", color=kind == "color")
    path = DATA / f"{kind}-{cells}.txt"
    if os.environ.get("DCCTL_RECORD"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("cells", [20, 33, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_terminal(cells: int, unicode: bool) -> None:
    for each in (report(), hostile()):
        lines = screen(each, width=cells, unicode=unicode).splitlines()
        assert max(map(width, lines)) <= cells


@examples(150)
@given(
    st.lists(st.tuples(TEXT, *[CELL] * 4), min_size=1, max_size=4),
    st.tuples(TEXT, TEXT, TEXT),
    st.integers(20, 120),
    st.booleans(),
)
def test_no_text_breaks_the_screen(
    rows: list[Row], texts: tuple[str, str, str], cells: int, unicode: bool
) -> None:
    made = Report(
        kind="test",
        headline=texts[0],
        items=Table("items", COLUMNS, tuple(rows)),
        notes=(Note(*texts[:2], command=texts[2]),),
        gaps=(Gap(source="s", subject=texts[0], reason=texts[1], hint=texts[2]),),
    )
    text = screen(made, width=cells, unicode=unicode, color=True)
    plain = SGR.sub("", text)
    assert not HOSTILE.search(plain.replace("\n", ""))
    assert unicode or plain.isascii()
    assert all(width(line) <= cells for line in plain.split("\n"))
    assert plain == screen(made, width=cells, unicode=unicode)


def test_columns_go_by_keep_and_the_last_line_says_which() -> None:
    wide, narrow = (screen(report(), width=cells) for cells in (200, 80))
    assert "no room for" not in wide
    head = narrow.splitlines()[2]
    assert "POOL" in head
    assert "OWNER" not in head
    assert any(line.startswith("no room for: ") for line in narrow.splitlines())
    assert "UP" in next(line for line in narrow.splitlines() if line.startswith("no room for: "))


def test_columns_that_were_asked_for_are_never_dropped() -> None:
    asked = ("serial", "model", "node", "owner")
    for cells in (30, 60, 200):
        text = screen(report(), width=cells, columns=asked)
        assert all(title in text for title in ("SERIAL", "MODEL", "NODES", "OWNER"))


def test_records_are_stacked_where_a_table_would_have_two_columns() -> None:
    text = screen(replace(report(), details=(), maps=()), width=24)
    assert "STATE: ready" in text
    assert "ALLOCATED: 100 %" in text


def test_wide_shows_all_and_cuts_nothing() -> None:
    text = screen(hostile(), "wide", width=40)
    assert "..." not in text
    assert "…" not in text
    assert "SERIAL" in screen(report(), "wide", width=40)


FINDINGS = (
    Column("status", "STATUS", "state", keep=9, spare=True),
    Column("check", "CHECK", keep=9),
    Column("object", "OBJECT", "nodes", keep=9),
    Column("says", "WHAT", keep=7),
)


def found(*statuses: str, says: str = "is wrong", tail: int = 0) -> Report:
    rows = tuple((status, f"GPU-{at:02}", f"gpu{at}", f"{says} {at}") for at, status in enumerate(statuses))
    return Report("audit", "headline", Table("items", FINDINGS, rows, tail=tail))


def test_a_word_that_all_rows_repeat_goes_before_anything_is_cut() -> None:
    long = "board is at fault, " * 3
    narrow = screen(found("new", "new", says=long), width=80)
    assert "STATUS  " not in narrow
    assert long.strip() in narrow
    assert "no room for: STATUS (all new). Try: -o wide" in narrow
    assert "STATUS  " in screen(found("new", "new", says=long), width=200)
    assert "STATUS  " in screen(found("new", "known", says=long), width=80)
    assert "STATUS  " in screen(found("new", says=long), width=80)
    assert "STATUS" in screen(found("new", "new", says=long), width=40, columns=("status", "says"))


def test_a_tail_of_rows_is_counted_and_wide_shows_it() -> None:
    told = found("new", "unchanged", "unchanged", tail=2)
    assert "unchanged" not in screen(told)
    assert "… 2 more: -o wide" in screen(told)
    assert screen(told, "wide").count("unchanged") == 2
    assert screen(told, sort="-check").count("unchanged") == 2
    assert screen(found("unchanged", tail=1)).splitlines() == ["headline", "", "… 1 more: -o wide"]


def test_wide_wraps_long_texts_and_never_pads_a_line_to_their_length() -> None:
    long = " ".join(f"word{number}" for number in range(400))
    text = screen(found("new", "new", says=long), "wide", width=120)
    assert max(map(width, text.splitlines())) <= 120
    assert all(text.count(f" word{number} ") + text.count(f" word{number}\n") == 2 for number in range(400))
    assert "…" not in text


def test_rows_fold_only_while_all_that_is_shown_is_equal() -> None:
    assert "gpu[001-120]" in screen(report(), width=200)
    assert "gpu[001-120]" not in screen(report(), "wide", width=400)
    assert "gpu[001-122]" in screen(report(), width=200, columns=("node", "gpus"))
    unfolded = replace(report().items, fold=False)
    assert "gpu[001" not in screen(replace(report(), items=unfolded, maps=()), width=200)


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from("ab")), max_size=40), st.booleans())
def test_folding_loses_no_node_and_invents_none(pairs: list[tuple[int, str]], padded: bool) -> None:
    rows = tuple(
        (f"gpu{number:04d}" if padded else f"gpu{number}", state) for number, state in dict(pairs).items()
    )
    columns = (Column("node", "NODES", "nodes"), Column("state", "STATE", "state"))
    text = screen(Report("t", "h", Table("items", columns, rows)), "wide", width=1000)
    lines = [line.split() for line in text.splitlines()[3:]]
    shown = {(name, line[-1]) for line in lines for name in NodeSet(line[0])}
    assert shown == set(rows)


def test_gaps_with_one_reason_are_one_line_and_many_reasons_are_counted() -> None:
    gaps = [
        Gap(source="ssh", subject=f"gpu{n}", reason="timed out", hint=f"ping gpu{n}") for n in range(1, 9)
    ]
    text = screen(replace(report(), gaps=tuple(gaps)), width=100)
    assert "gap: gpu[1-8]: timed out. Try: ping gpu1" in text
    many = tuple(Gap(source="ssh", subject=f"gpu{n}", reason=f"reason {n}") for n in range(25))
    short, whole = (screen(replace(report(), gaps=many), output, width=100) for output in ("table", "wide"))
    assert short.count("gap:") == 11
    assert "gap: 15 more. Try: -o json" in short
    assert whole.count("gap:") == 25


def test_state_is_a_word_and_colour_repeats_it() -> None:
    colored = screen(report(), width=100, color=True)
    assert "\x1b[38;5;172mdegraded\x1b[0m" in colored
    assert SGR.sub("", colored) == screen(report(), width=100)


def test_a_document_is_printed_as_it_is_but_cannot_steer_the_terminal() -> None:
    made = replace(report(), documents=("all:\n\thosts: gpu1\n\x1b]0;owned\x07\n",))
    assert screen(made) == "all:\n\thosts: gpu1\n\\x1b]0;owned\\x07\n"
    out = io.StringIO()
    render(made, Style(), out)
    assert out.getvalue() == made.documents[0]
