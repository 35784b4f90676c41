"""Whose word counts between fleets that were merged before, and between two views of one board."""

from __future__ import annotations

import pytest

from dcctl.inventory.merge import merge
from dcctl.inventory.model import Accelerator, Ecc, Fleet, Node, Pcie, SourceRun, System
from tests.unit.inventory.fleets import source


def _merged_before(kinds: tuple[str, ...], mark: str, *boards: Accelerator) -> Fleet:
    """A snapshot of several sources, which its one node names; `mark` sorts the sources by name."""
    runs = tuple(SourceRun(f"{mark}-{kind}", kind, ok=True, duration_ms=1, items=1) for kind in kinds)
    node = Node(
        "n",
        sources=tuple(run.name for run in runs),
        system=System(kernel=mark),
        rack=mark,
        accelerators=boards or None,
    )
    return Fleet(name=mark, nodes=(node,), sources=runs)


@pytest.mark.parametrize("first", ["a", "z"])
def test_the_best_source_of_a_merged_snapshot_speaks_for_it(first: str) -> None:
    other = "m"
    strong = _merged_before(("file", "nvml", "prometheus"), first)
    weak = _merged_before(("local", "ssh"), other)
    (node,) = merge([strong, weak]).nodes
    assert node.system == System(kernel=first)  # nvml before local, whatever else is in the snapshot
    assert node.rack == other  # of a place ssh is believed before local, and both before a file


@pytest.mark.parametrize("mark", ["a", "z"])
def test_the_snapshot_with_the_scheduler_says_how_boards_are_handed_out(mark: str) -> None:
    read = Accelerator(0, "GPU-0", resource="nvidia.com/gpu", model="H100")
    told = Accelerator(0, "GPU-0", resource="nvidia.com/gpu.shared", kind="shared", replicas=4, model="other")
    nodes = _merged_before(("file", "nvml"), "m", read), _merged_before(("kubernetes", "ansible"), mark, told)
    (node,) = merge(nodes).nodes
    (board,) = node.accelerators or ()
    assert (board.model, board.resource, board.kind, board.replicas) == (
        *("H100", "nvidia.com/gpu.shared", "shared", 4),
    )


def test_of_one_board_the_more_trusted_reading_wins_and_the_other_adds() -> None:
    read = Accelerator(
        0, "GPU-0", model="H100", busy_milli=900, pcie=Pcie("0000:a1:00.0", width=16), ecc=Ecc(enabled=True)
    )
    said = Accelerator(
        3,
        "GPU-0",
        model="wrong",
        busy_milli=100,
        numa_node=1,
        pcie=Pcie("0000:a1:00.0", width=8, generation=5),
    )
    fleets = (
        source("nvml", Node("n", accelerators=(read,))),
        source("ssh", Node("n", accelerators=(said,))),
    )
    for given in (fleets, fleets[::-1]):
        (board,) = merge(given).nodes[0].accelerators or ()
        assert (board.index, board.model, board.busy_milli, board.numa_node) == (0, "H100", 900, 1)
        assert board.pcie == Pcie("0000:a1:00.0", width=16, generation=5)
        assert board.ecc == Ecc(enabled=True)
