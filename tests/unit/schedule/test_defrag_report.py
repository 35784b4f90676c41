"""The report of moves: one of them in the singular, and none where none is needed."""

from __future__ import annotations

import pytest

from dcctl.packing.problem import Held, ItemClass, Problem, Running
from dcctl.packing.questions.defrag import Moves, Step, defragment
from dcctl.packing.scene import Scene
from dcctl.packing.solve import solved
from dcctl.schedule.defrag_report import defrag_report
from tests.unit.packing.problems import SPACE, a_bin, device, need

BINS = tuple(a_bin(name, devices=(device(0, 0), device(1))) for name in "ab")
HELD = tuple(Held(name, "0", at, 0, (0,)) for at, name in enumerate("xy"))
PROBLEM = Problem(
    SPACE, BINS, (ItemClass(need(devices=1)),), (), HELD, {name: Running() for name in "xy"}, now_s=100
)


def test_one_move_frees() -> None:
    found = defragment(Scene(solved(PROBLEM)), 1)
    assert defrag_report(found, PROBLEM, ()).headline.startswith("1 move frees 1 node: ")
    step = Step(HELD[0], 1, (1,))
    assert defrag_report(Moves((step,)), PROBLEM, (), "j").headline == "1 move lets j fit"
    assert defrag_report(Moves((step, step)), PROBLEM, (), "j").headline == "2 moves let j fit"


@pytest.mark.parametrize(
    ("start_s", "text", "notes"),
    [
        (100, "j fits: no move is needed", 0),
        (25_300, "j fits: no moves let it start sooner than in 7 h", 0),
        (None, "no moves let j fit", 1),
    ],
)
def test_a_job_that_fits_without_moves(start_s: int | None, text: str, notes: int) -> None:
    found = defrag_report(Moves(()), PROBLEM, (), "j", start_s=start_s)
    assert (found.headline, len(found.notes), found.level) == (text, notes, "warn" if notes else "ok")
