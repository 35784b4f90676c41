"""Plots: what is unknown is blank, nothing is wider than asked, and all of it is in every format."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.render.plot import plot_lines
from dcctl.render.plot_svg import plot_html
from dcctl.render.report import Line, Plot, Report, Table
from dcctl.render.style import Style
from dcctl.render.text import width

PLOT = Plot(
    "use",
    "accelerators held",
    1_000_000_000,
    3600,
    (Line("held", tuple(range(0, 8000, 100))), Line("there are", (8000,) * 80, "limit")),
)


def test_a_line_that_rises_ends_at_the_top() -> None:
    lines = plot_lines(PLOT, Style(unicode=False), 60)
    grid = lines[1:9]
    assert lines[0] == "accelerators held"
    assert grid[0].startswith("8 |")
    assert grid[-1].startswith("0 |*")
    assert grid[1].rstrip().endswith("*")
    assert "2001-09-09" in lines[9]
    assert lines[-1] == "* held  - there are"


def test_unknown_is_blank() -> None:
    plot = Plot("a", "b", 0, 3600, (Line("x", (None,) * 40 + (5000,) * 40),))
    top = plot_lines(plot, Style(unicode=False), 60)[1]
    body = top.partition("|")[2]
    assert body[: len(body) // 2 - 1].strip() == ""
    assert body.endswith("*")


def test_no_room_no_plot() -> None:
    assert plot_lines(PLOT, Style(), 15) == []
    assert plot_lines(Plot("a", "b", 0, 60, ()), Style(), 80) == []
    assert "".join(plot_html(Plot("a", "b", 0, 60, ()))) == ""


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10**9)), max_size=300),
    st.integers(24, 150),
    st.booleans(),
)
def test_any_values_fit(values: list[int | None], room: int, unicode: bool) -> None:
    plot = Plot("a", "title", 0, 3600, (Line("x", tuple(values)), Line("y", (1,), "forecast")))
    assert all(width(line) <= room for line in plot_lines(plot, Style(unicode=unicode), room))
    assert "".join(plot_html(plot)).count("<svg") == 1


def test_names_are_escaped_in_html() -> None:
    page = "".join(plot_html(Plot("a", "<b>", 0, 60, (Line("<script>", (1, 2)),))))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("output", ["json", "html", "table"])
def test_a_report_shows_its_plots(output: str) -> None:
    from dcctl.render.dispatch import render

    out = io.StringIO()
    report = Report("assess-history", "x", Table("items", (), ()), plots=(PLOT,))
    render(report, Style(output=output, terminal=True), out)
    words = {"json": '"plots"', "html": "<polyline", "table": "accelerators held"}
    assert words[output] in out.getvalue()
