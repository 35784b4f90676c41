"""Gantt charts: on a terminal of any width, in ASCII, as SVG and as data."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.render.gantt import gantt_lines
from dcctl.render.gantt_svg import gantt_html
from dcctl.render.plain import as_json
from dcctl.render.report import Bar, Gantt, Report, Table
from dcctl.render.style import Style
from dcctl.render.text import width

CHART = Gantt(
    "workers",
    "what each runs",
    (
        ("p1", (Bar(0, 40_000, "tokenize"), Bar(40_000, 41_000, "x"), Bar(60_000, 80_000, "evaluation"))),
        ("n1", ()),
        ("n2", ()),
        ("p<2>", (Bar(30_000, 70_000, "训练"),)),
    ),
    now=50_000,
)


def lines(room: int, unicode: bool = True, chart: Gantt = CHART) -> list[str]:
    return gantt_lines(chart, Style(unicode=unicode), room)


def test_a_chart_in_unicode() -> None:
    assert lines(47) == [
        "what each runs (┊ now)",
        "       0 s                                 80 s",
        "p1     ├tokenize──────────┤│    ┊    ├evaluat…┤",
        "p<2>                  ├训练──────────────┤",
        "n[1-2]                          ┊",
    ]


def test_a_chart_in_ascii() -> None:
    assert lines(47, unicode=False) == [
        "what each runs (: now)",
        "       0 s                                 80 s",
        "p1     [tokenize----------]|    :    [evalu...]",
        "p<2>                  [\\u8bad\\u7ec3------]",
        "n[1-2]                          :",
    ]


def test_more_room_tells_more_times() -> None:
    assert lines(100)[1].split() == ["0", "s", "26.7", "s", "53.3", "s", "80", "s"]


def test_no_time_is_told_twice_nor_touches_another() -> None:
    """Without durations all begins and ends at one instant; dates are long."""
    now = 1_760_000_000
    instant = Gantt("w", "t", (("a", (Bar(now, now + 1, "x"),)),), "time_s", now)
    assert len(lines(100, chart=instant)[1].split()) == 2  # a date and a time
    assert "".join(gantt_html(instant)).count("2025-10-09") == 1 + 2  # the bar tells its own
    day = Gantt("w", "t", (("a", (Bar(now, now + 86_400, "x"),)),), "time_s", now)
    for room in range(30, 140):
        axis = lines(room, chart=day)[1]
        assert not any(len(part.split()) > 2 for part in axis.strip().split("  "))


def test_what_starts_last_and_never_ends_has_a_bar() -> None:
    chart = Gantt("w", "t", (("a", (Bar(0, 9000, "x"),)), ("b", (Bar(9000, 9000, "y"),))))
    assert lines(47, chart=chart)[-1].endswith("│")
    assert 'width="3"' in "".join(gantt_html(chart))


def test_no_room_no_chart() -> None:
    assert lines(12) == []
    assert lines(80, chart=Gantt("w", "nothing", (("p1", ()),))) == []


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 50)), min_size=1), st.integers(1, 120))
def test_no_line_is_too_long(drawn: list[tuple[int, int]], room: int) -> None:
    bars, end = [], 0
    for gap, length in drawn:
        bars.append(Bar(end + gap, end + gap + length, f"job {gap}"))
        end += gap + length
    chart = Gantt("w", "title", (("worker", tuple(bars)), ("idle", ())), now=end // 2)
    for unicode in (True, False):
        assert all(width(line) <= max(room, 20) for line in lines(room, unicode, chart))


def test_svg_escapes_and_tells_times() -> None:
    text = "".join(gantt_html(CHART))
    assert "p&lt;2&gt;" in text
    assert "<title>x on p1: 40 s to 41 s</title>" in text
    assert "<title>now</title>" in text
    assert "n[1-2]" in text
    assert list(gantt_html(Gantt("w", "nothing", (("p1", ()),)))) == []


@pytest.mark.parametrize("unicode", [True, False])
def test_json_has_the_bars(unicode: bool) -> None:
    out = io.StringIO()
    as_json(Report("x", "y", Table("items", (), ()), gantts=(CHART,)), out, unicode)
    chart = json.loads(out.getvalue())["gantts"]["workers"]
    assert (chart["unit"], chart["now"]) == ("elapsed_ms", 50_000)
    assert chart["rows"][1] == {"name": "n1", "bars": []}
    assert chart["rows"][3]["bars"] == [{"start": 30_000, "end": 70_000, "word": "训练"}]


def test_times_are_told_by_the_clocks_of_its_zone() -> None:
    now = 1_760_000_000
    chart = Gantt("w", "t", (("a", (Bar(now, now + 86_400, "x"),)),), "time_s", now, "Asia/Tokyo")
    assert "2025-10-09 17:53:20+09:00" in lines(80, chart=chart)[1]
    page = "".join(gantt_html(chart))
    assert "x on a: 2025-10-09 17:53:20+09:00 to 2025-10-10 17:53:20+09:00" in page
