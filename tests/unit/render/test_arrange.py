"""--columns, --sort and -o: what they pick, and how they refuse."""

from __future__ import annotations

import io
import json
import random
from typing import TYPE_CHECKING

import pytest

from dcctl.errors import UsageError
from dcctl.render.arrange import order
from dcctl.render.dispatch import render
from dcctl.render.report import Column, Table
from dcctl.render.style import Style
from tests.unit.render.samples import report

if TYPE_CHECKING:
    from dcctl.render.report import Cell


def shown(**style: object) -> str:
    out = io.StringIO()
    render(report(), Style(**style), out)  # type: ignore[arg-type]
    return out.getvalue()


def ordered(sort: str, *cells: Cell) -> list[Cell]:
    table = Table("t", (Column("a", "A"), Column("n", "N")), tuple((cell, i) for i, cell in enumerate(cells)))
    return [row[0] for row in order(table, sort).rows]


@pytest.mark.parametrize("output", ["table", "wide", "csv"])
def test_columns_pick_order_and_reach_the_wide_ones(output: str) -> None:
    head = shown(output=output, columns=("serial", "node")).splitlines()[0]
    assert head.lower().replace("\t", ",") in ("serial,nodes", "serial,node")


def test_columns_reach_json_and_jsonl() -> None:
    assert json.loads(shown(output="jsonl", columns=("serial", "POOL")).splitlines()[0]) == {
        "serial": "SN-000001",
        "pool": "train",
    }
    assert list(json.loads(shown(output="json", columns=("pool",)))["items"][0]) == ["pool"]


def test_text_is_sorted_as_people_count_and_unknown_is_last_both_ways() -> None:
    assert ordered("a", "gpu10", None, "gpu9", "GPU1") == ["GPU1", "gpu9", "gpu10", None]
    assert ordered("-a", "gpu10", None, "gpu9") == ["gpu10", "gpu9", None]
    assert ordered("a:desc", 3, None, 20, float("nan"))[:2] == [20, 3]


def test_numbers_stand_before_words_and_equal_rows_keep_their_order() -> None:
    assert ordered("a", "x", 2, True, "y") == [True, 2, "x", "y"]
    table = Table("t", (Column("a", "A"), Column("n", "N")), ((1, 0), (1, 1), (0, 2), (1, 3)))
    assert [row[1] for row in order(table, "-a").rows] == [0, 1, 3, 2]
    assert [row[1] for row in order(table, "a,-n").rows] == [2, 3, 1, 0]


def test_the_order_does_not_depend_on_the_order_of_input() -> None:
    names = [f"gpu{n}" for n in range(50)]
    mixed = random.Random(7).sample(names, len(names))
    assert ordered("a", *mixed) == names


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ({"output": "jsn"}, ["'jsn'", "jsonl", "html", "did you mean json?"]),
        ({"columns": ("nod",)}, ["'nod'", "serial", "did you mean node?"]),
        ({"columns": ("nod",), "output": "name"}, ["'nod'", "did you mean node?"]),
        ({"columns": ()}, ["no column", "serial"]),
        ({"sort": "-powr_mw"}, ["powr_mw", "did you mean power_mw?"]),
        ({"sort": "node:down"}, ["'down'", "asc, desc"]),
    ],
)
def test_a_wrong_word_is_refused_with_what_exists_and_the_nearest(
    style: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(UsageError) as refused:
        shown(**style)
    assert not refused.value.hint, "a hint is a command"
    for word in words:
        assert word in str(refused.value)
