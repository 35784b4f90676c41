"""Counts that no machine has neither cost time nor become numbers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.report import Options, report
from dcctl.inventory.counted import MOST_DEVICES
from dcctl.inventory.model import Fleet, Node, Resources
from dcctl.inventory.occupancy.boards import MOST_SHARES, boards_of
from tests.unit.assess.fleet.build import GPU, NOW_S, asks, boards, node, size, work

_MIG = "nvidia.com/mig-1g.10gb"


def _told(fleet: Fleet) -> dict[str, str]:
    return {note.label: note.text for note in report(fleet, Options(), NOW_S).notes}


@pytest.mark.parametrize("count", [2_000_000_000, MOST_DEVICES + 1, -8])
@pytest.mark.parametrize("listed", [None, ()])
def test_a_count_out_of_bounds_is_unknown(count: int, listed: tuple[()] | None) -> None:
    """An empty list is what the source leaves of such a count."""
    wrong = node(capacity=size(gpus=count), allocatable=size(gpus=count), accelerators=listed)
    fleet = Fleet(nodes=(wrong,))
    answer = report(fleet, Options(), NOW_S)
    assert (answer.summary["accelerators"], answer.summary["free"]) == (None, None)
    assert _told(fleet)["not believed"] == f"{count:,} {GPU} on n1"
    assert "accelerators" not in _told(fleet)
    assert answer.level == "warn"


def test_the_most_that_is_believed_is() -> None:
    assert len(boards_of(Node("n", capacity=size(gpus=MOST_DEVICES))) or ()) == MOST_DEVICES


def test_another_resource_of_the_node_still_counts() -> None:
    found = boards_of(Node("n", capacity=Resources(devices={GPU: 10**12, "amd.com/gpu": 4})))
    assert found is not None
    assert [board.resource for board in found] == ["amd.com/gpu"] * 4


@pytest.mark.parametrize("replicas", [10**9, MOST_SHARES + 1, -3, 0])
def test_shares_out_of_bounds_leave_a_board(replicas: int) -> None:
    shared = tuple(replace(board, kind="shared", replicas=replicas) for board in boards(8))
    fleet = Fleet(nodes=(node(accelerators=shared),), workloads=(work("a", asks(gpus=4)),))
    answer = report(fleet, Options(), NOW_S)
    assert (answer.summary["accelerators"], answer.summary["allocated"]) == (8, 4)
    assert _told(fleet)["not believed"] == f"{replicas:,} shares of a board on n1"


@pytest.mark.parametrize(
    ("resource", "labels"),
    [(_MIG.replace("1g", "9" * 5000 + "g"), {}), (GPU, {"nvidia.com/gpu.replicas": "9" * 5000})],
)
def test_a_number_of_thousands_of_digits_is_no_number(resource: str, labels: dict[str, str]) -> None:
    found = boards_of(Node("n", capacity=size(gpus=2, resource=resource), labels=labels))
    assert len(found or ()) == 2
