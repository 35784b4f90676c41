"""Cuts on nodes as sources tell of them: boards with slices, counted by a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Accelerator, Fleet, Resources, Workload
from dcctl.packing.cuts.cutting import solved_with_cuts
from dcctl.packing.intake.fleet import problem_of
from dcctl.packing.mig import PREFIX
from dcctl.packing.plan import Cut, Plan
from dcctl.packing.solve import Options
from dcctl.packing.verify.verify import verify
from dcctl.schedule.cuts_report import cut_notes, uncut_notes
from tests.unit.assess.build import GIB, asks, node, work

if TYPE_CHECKING:
    from dcctl.packing.problem import Problem

MODEL = "NVIDIA A100-SXM4-80GB"
SMALL = f"{PREFIX}1g.10gb"


def _fleet(*running: Workload, model: str = MODEL) -> Fleet:
    """One node: board 0 is whole, board 1 cut into seven."""
    boards = [Accelerator(at, f"b{at}", model=model, memory_bytes=80 * GIB) for at in range(2)]
    parts = [
        Accelerator(at, f"s{at}", resource=SMALL, kind="mig", parent="b1", profile="1g.10gb")
        for at in range(7)
    ]
    size = Resources(80_000, 800 * GIB, None, None, {"nvidia.com/gpu": 1, SMALL: 7})
    home = node(accelerators=(*boards, *parts), capacity=size, allocatable=size)
    return Fleet(nodes=(home,), workloads=running)


def _planned(fleet: Fleet, *asked: Workload) -> tuple[Problem, Plan]:
    problem = problem_of(fleet, fleet.nodes, Asked(workloads=asked))
    plan = solved_with_cuts(problem, Options()).plan
    assert verify(plan, problem) == ()
    return problem, plan


def test_a_board_whose_slices_are_free_is_made_whole() -> None:
    _, plan = _planned(_fleet(), work("train", asks(gpus=2), None))
    assert plan.cuts == (Cut("n1", 1, MODEL, "b1", (SMALL,) * 7, (), (1,), 0, reset=True),)
    assert plan.assignments[0].devices == (0, 1)
    first, meanwhile = cut_notes(plan.cuts)
    assert first.text == "make n1 board 1 whole again (7 x 1g.10gb now)"
    assert "1 of them to be reset" in meanwhile.text


def test_a_board_with_one_slice_held_stays_as_it_is() -> None:
    running = work("notebook", asks(gpus=1, resource=SMALL))
    _, plan = _planned(_fleet(running), work("train", asks(gpus=2), None))
    assert (plan.cuts, plan.placed) == ((), 0)


def test_slices_are_cut_where_none_exist() -> None:
    running = work("notebook", asks(gpus=1, resource=SMALL))
    _, plan = _planned(_fleet(running), work("rank", asks(gpus=1, resource=f"{PREFIX}3g.40gb"), None, 2))
    assert [(one.device, one.after, one.others_held) for one in plan.cuts] == [
        (0, (f"{PREFIX}3g.40gb",) * 2, 1)
    ]
    first, meanwhile = cut_notes(plan.cuts)
    assert first.text == "cut n1 board 0 into 2 x 3g.40gb"
    assert "all work on n1 stops" in meanwhile.text


@pytest.mark.parametrize("model", ["NVIDIA L40S", "NVIDIA RTX PRO 6000"])
def test_a_model_or_size_that_is_not_known_is_not_cut_and_named(model: str) -> None:
    problem, plan = _planned(
        _fleet(model=model), work("rank", asks(gpus=1, resource=f"{PREFIX}3g.40gb"), None)
    )
    assert plan.cuts == ()
    (note,) = uncut_notes(problem, plan)
    assert model in note.text
    assert list(uncut_notes(problem, replace(plan, unplaced=()))) == []


def test_many_changes_are_told_together() -> None:
    cuts = tuple(Cut(f"n{at}", 0, MODEL, f"b{at}", (), (SMALL,)) for at in range(9))
    assert next(cut_notes(cuts)).text == "cut 9 idle boards of n[0-8] into 1 x 1g.10gb"
    unknown = tuple(Cut("n1", at, MODEL, None, (), (SMALL,)) for at in range(2))
    assert next(cut_notes(unknown)).text == "cut 2 idle boards of n1 into 1 x 1g.10gb"
    kinds = tuple(Cut("n1", at, MODEL, "b", (), (SMALL,) * at) for at in range(1, 8))
    assert [note.text for note in cut_notes(kinds)][6] == "1 more change"
