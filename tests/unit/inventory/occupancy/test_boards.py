"""Boards are counted once, whatever is made of them."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.model import Accelerator, Node, Resources
from dcctl.inventory.occupancy.boards import boards_of, units_of
from tests.unit.assess.fleet.build import boards, size


def _mig(parent: str | None, profile: str, index: int, **more: object) -> Accelerator:
    name = f"nvidia.com/mig-{profile}"
    own = f"m{index}" if parent else None
    return replace(Accelerator(index, own, resource=name, kind="mig", parent=parent, profile=profile), **more)


def test_slices_belong_to_their_listed_board() -> None:
    board, other = boards(2)
    slices = tuple(_mig("b0", "1g.10gb", i) for i in range(7))
    found = boards_of(Node("n", accelerators=(board, other, *slices)))
    assert found is not None
    assert [len(one.slices) for one in found] == [7, 0]
    assert [units_of(one) for one in found] == [{"nvidia.com/mig-1g.10gb": 7}, {"nvidia.com/gpu": 1}]
    assert [one.whole() for one in found] == [False, True]


def test_slices_of_an_unlisted_board_make_one_board() -> None:
    found = boards_of(Node("n", accelerators=tuple(_mig("x", "3g.40gb", i) for i in range(2))))
    assert found is not None
    assert len(found) == 1


def test_slices_of_a_board_that_may_be_a_listed_one_without_id_add_none() -> None:
    nameless = tuple(replace(board, id=None) for board in boards(2))
    parts = (
        _mig("x", "3g.40gb", 0),
        _mig("x", "3g.40gb", 1),
        _mig("y", "1g.10gb", 2),
        _mig("z", "1g.10gb", 3),
    )
    found = boards_of(Node("n", accelerators=(*nameless, *parts)))
    assert found is not None
    assert [len(one.slices) for one in found] == [2, 2]


def test_slices_of_a_board_that_is_none_of_the_listed_ones_make_one_board() -> None:
    listed = (*boards(2), replace(boards(1)[0], id=None, vendor="amd"))
    found = boards_of(Node("n", accelerators=(*listed, _mig("x", "3g.40gb", 0))))
    assert found is not None
    assert [len(one.slices) for one in found] == [0, 0, 0, 1]


def test_slices_that_name_no_board_fill_boards() -> None:
    small = tuple(_mig(None, "1g.10gb", i) for i in range(15))
    large = tuple(_mig(None, "3g.40gb", i) for i in range(4))
    found = boards_of(Node("n", accelerators=(*small, *large)))
    assert found is not None
    assert [len(one.slices) for one in found] == [7, 7, 1, 2, 2]


def test_two_profiles_on_one_board() -> None:
    found = boards_of(Node("n", accelerators=(_mig("x", "3g.40gb", 0), _mig("x", "4g.40gb", 1))))
    assert found is not None
    assert [units_of(one) for one in found] == [{"nvidia.com/mig-3g.40gb": 1, "nvidia.com/mig-4g.40gb": 1}]


def test_a_shared_board_is_one_board_and_several_units() -> None:
    found = boards_of(Node("n", accelerators=(Accelerator(0, kind="shared", replicas=4),)))
    assert found is not None
    assert [units_of(one) for one in found] == [{"nvidia.com/gpu": 4}]


def test_a_slice_handed_out_twice() -> None:
    found = boards_of(Node("n", accelerators=(_mig("x", "3g.40gb", 0, replicas=2),)))
    assert found is not None
    assert units_of(found[0]) == {"nvidia.com/mig-3g.40gb": 2}


def test_nobody_looked_is_not_none_there() -> None:
    assert boards_of(Node("n")) is None
    assert boards_of(Node("n", accelerators=())) == []


def test_a_scheduler_alone_counts() -> None:
    def count(resource: str, units: int, labels: dict[str, str] | None = None) -> int:
        capacity = size(gpus=units, resource=resource)
        return len(boards_of(Node("n", capacity=capacity, labels=labels or {})) or ())

    assert count("nvidia.com/gpu", 8) == 8
    assert count("huawei.com/Ascend910", 16) == 16
    assert count("nvidia.com/gpu.shared", 32, {"nvidia.com/gpu.replicas": "4"}) == 8
    assert count("nvidia.com/mig-1g.10gb", 8) == 2
    assert count("rdma/hca", 8) == 0
    scheduled = Node("n", sources=("kubernetes:t",), capacity=Resources(4000))
    assert boards_of(scheduled) == []
    assert boards_of(replace(scheduled, accelerator_counts={"pci": 8})) is None
    assert boards_of(Node("n", capacity=Resources(4000))) is None


def test_a_slice_tells_that_nobody_uses_it_but_not_how_busy_it_is() -> None:
    idle = boards_of(Node("n", accelerators=(_mig("x", "3g.40gb", 0, processes=()),)))
    unread = boards_of(Node("n", accelerators=(_mig("x", "3g.40gb", 0),)))
    assert idle is not None
    assert unread is not None
    assert (idle[0].busy_milli(), idle[0].unused()) == (None, True)
    assert (unread[0].busy_milli(), unread[0].unused()) == (None, False)


def test_how_busy_a_cut_board_is_is_known_when_all_its_slices_tell() -> None:
    told, silent = _mig("x", "3g.40gb", 0, busy_milli=400), _mig("x", "3g.40gb", 1)
    for other, mean in ((silent, None), (replace(silent, busy_milli=200), 300)):
        found = boards_of(Node("n", accelerators=(told, other))) or []
        assert [board.busy_milli() for board in found] == [mean]


def test_boards_that_are_withheld_are_counted() -> None:
    counts = Node("n", capacity=size(gpus=8), allocatable=size(gpus=6), sources=("kubernetes:t",))
    assert len(boards_of(counts) or ()) == 8
