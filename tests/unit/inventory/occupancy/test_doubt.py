"""Requests that no board answers to, and those that nobody could read: boards become unknown, never free."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.assess.fleet.capacity import Sums, total
from dcctl.assess.fleet.devices import device_rows
from dcctl.assess.fleet.faults import signs_of
from dcctl.assess.fleet.workloads import holdings, rows
from dcctl.inventory.model import Accelerator, Member, Node, Resources, Workload
from dcctl.inventory.occupancy.boards import boards_of
from dcctl.inventory.sources.kubernetes.accelerators import Boards
from tests.unit.assess.fleet.build import NOW_S, asks, boards, judged, node, process, size, words, work

NEURON, CORE = "aws.amazon.com/neuron", "aws.amazon.com/neuroncore"
_TRN = Resources(128_000, 2**40, None, 110, {NEURON: 16, CORE: 32})


def _trainium(looked: bool) -> Node:
    known = Boards().of_node(_TRN.devices, {}) if looked else None
    return node(capacity=_TRN, allocatable=_TRN, accelerators=known)


@pytest.mark.parametrize("looked", [True, False])
def test_cores_that_no_board_hands_out_leave_no_board_free(looked: bool) -> None:
    (state,) = judged(_trainium(looked), work("train", asks(gpus=32, resource=CORE)))
    assert words(state) == "?" * 16


def test_units_are_not_told_free_where_boards_are_in_doubt() -> None:
    states = judged(_trainium(looked=True), work("train", asks(gpus=32, resource=CORE)))
    ((resource, *_, requested, free),) = device_rows(states)
    assert (resource, requested, free) == (NEURON, None, None)


def test_a_process_on_a_board_in_doubt_is_no_intruder() -> None:
    used = tuple(replace(one, processes=process("x")) for one in boards(1))
    (state,) = judged(node(accelerators=used), work("job", asks(gpus=1, resource="gres/gpu")))
    assert list(signs_of(state)) == []


def test_so_many_boards_are_in_doubt_as_the_units_may_cover() -> None:
    (state,) = judged(_trainium(looked=True), work("small", asks(gpus=3, resource=CORE)))
    assert (state.count("unknown"), state.count("free"), state.count("allocated")) == (3, 13, 0)


def test_requests_of_one_vendor_cast_no_doubt_on_boards_of_another() -> None:
    (state,) = judged(node(), work("train", asks(gpus=8, resource=CORE)))
    assert words(state) == "f" * 8


def test_a_batch_schedulers_name_may_mean_any_board() -> None:
    (state,) = judged(node(), work("job", asks(gpus=3, resource="gres/gpu")))
    assert words(state) == "???fffff"


def test_boards_in_use_are_doubted_first() -> None:
    used = tuple(replace(one, busy_milli=900 if one.index == 5 else 0) for one in boards(8))
    (state,) = judged(node(accelerators=used), work("job", asks(gpus=1, resource="nvidia.com/mig-1g.10gb")))
    assert words(state) == "fffff?ff"


def test_more_requests_than_boards_are_no_error() -> None:
    (state,) = judged(node(), work("job", asks(gpus=9)))
    assert words(state) == "a" * 8


_SHARED = {"nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.count": "2"}
_UNSHARED = {**_SHARED, "nvidia.com/gpu.count": "8", "nvidia.com/gpu.sharing-strategy": "none"}
_CUT = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"}


@pytest.mark.parametrize(
    ("devices", "labels", "count"),
    [
        ({NEURON: 16, CORE: 32}, {}, 16),
        ({"aws.amazon.com/neurondevice": 16, CORE: 32}, {}, 16),
        ({NEURON: 0, CORE: 32}, {}, 32),
        ({CORE: 32}, {}, 32),
        ({"nvidia.com/gpu": 8}, _SHARED, 2),
        ({"nvidia.com/gpu": 8}, _UNSHARED, 8),
        ({"nvidia.com/gpu": 80}, _UNSHARED, 8),
        ({"nvidia.com/gpu": 14}, _CUT, 2),
        ({"nvidia.com/mig-3g.40gb": 5}, {}, 3),
        ({"nvidia.com/gpu": 100_000}, {}, 0),
    ],
)
def test_a_capacity_counts_the_same_boards_with_and_without_a_list_of_them(
    devices: dict[str, int], labels: dict[str, str], count: int
) -> None:
    bare = Node("n", labels=labels, capacity=replace(size(), devices=devices))
    listed: tuple[Accelerator, ...] | None = Boards().of_node(devices, labels)
    assert len(boards_of(bare) or ()) == count
    assert len(boards_of(replace(bare, accelerators=listed)) or ()) == count


def _unread(name: str, devices: tuple[str, ...] = ()) -> Workload:
    return Workload(
        f"t/{name}", members=(Member(name, "n1", "running", requests=None, devices=devices, uid=name),)
    )


def test_beside_requests_that_nobody_could_read_no_board_is_free() -> None:
    one, other = judged((node(), node("n2")), work("half", asks(gpus=3)), _unread("odd"))
    assert (words(one), words(other)) == ("aaa?????", "ffffffff")
    assert total("n1", [one]).dimensions["cpu_milli"] == Sums(80_000, 80_000, None, None, None)


def test_what_an_unreadable_member_is_known_to_hold_is_allocated() -> None:
    read = tuple(replace(b, processes=process("odd") if b.index == 6 else ()) for b in boards(8))
    (state,) = judged(node(accelerators=read), _unread("odd", devices=("b2",)))
    assert words(state) == "??a???a?"


def test_the_row_of_work_with_unreadable_requests_says_so() -> None:
    states = judged(node(), _unread("odd"))
    (row,) = rows(holdings((_unread("odd"),), states), NOW_S)
    assert (row[4], row[5], row[9], row[10]) == (1, None, None, None)
