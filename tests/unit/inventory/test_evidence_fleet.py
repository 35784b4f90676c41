"""What the inventory tells of boards beside the nodes themselves."""

from __future__ import annotations

from dcctl.inventory.evidence.boards import Board, BusBandwidth, Diagnostic, GpuNode
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.fleet import with_fleet
from dcctl.inventory.model import Accelerator, Ecc, Fleet, Gap, Nic, Node, NvLink, Pcie

BOARD = Accelerator(
    index=3,
    id="GPU-7",
    model="NVIDIA H200",
    ecc=Ecc(enabled=True, volatile_uncorrected=2),
    pcie=Pcie("0000:3b:00.0", 5, 16, 5, 16, replays=9),
    nvlinks=(NvLink(0, up=True), NvLink(1, up=False)),
    throttle=("HwThermalSlowdown", "sw_power_cap"),
)
SLICE = Accelerator(index=0, id="MIG-1", kind="mig", parent="GPU-7")


def _node(**fields: object) -> Node:
    return Node("g1", accelerators=(BOARD, SLICE), accelerator_counts={"kubernetes": 8}, **fields)  # type: ignore[arg-type]


def test_a_board_is_made_of_what_is_known_and_a_slice_is_none() -> None:
    found = with_fleet(Evidence(fleet=Fleet(nodes=(_node(),))))
    (board,) = found.boards or ()
    assert (board.key, board.slot, board.model) == ("g1/GPU-7", "0000:3b:00.0", "NVIDIA H200")
    assert (board.ecc_enabled, board.ecc_uncorrected, board.ecc_pending) == (True, 2, None)
    assert board.throttle == ("hw_thermal_slowdown", "sw_power_cap")
    assert [(link.number, link.up) for link in board.nvlinks or ()] == [(0, True), (1, False)]
    assert board.counted == {"replays": 9}


def test_a_node_that_once_had_boards_is_one_with_boards() -> None:
    nodes = tuple(
        Node(name, accelerators=(), accelerator_counts=counts, labels=labels)
        for name, counts, labels in (
            ("labelled", {"kubernetes": 0}, {"nvidia.com/gpu.product": "NVIDIA-H100"}),
            ("on the bus", {"kubernetes": 0, "pci": 8}, {}),
            ("bare", {"kubernetes": 0}, {"x": "y"}),
            ("none", {}, {"nvidia.com/gpu.product": "NVIDIA-H100"}),
        )
    )
    found = with_fleet(Evidence(fleet=Fleet(nodes=nodes))).gpu_nodes or ()
    assert [node.node for node in found] == ["labelled", "on the bus"]


def test_what_the_node_told_itself_wins_and_kubernetes_counts_beside_it() -> None:
    told = Evidence(
        fleet=Fleet(nodes=(_node(),)),
        boards=(Board(node="g1", uuid="GPU-7", ecc_uncorrected=0),),
        gpu_nodes=(GpuNode(node="g1", counts={"pci": 8, "nvml": 7}),),
    )
    found = with_fleet(told)
    assert found.boards == told.boards
    (node,) = found.gpu_nodes or ()
    assert (node.counts, node.model) == ({"kubernetes": 8, "pci": 8, "nvml": 7}, "NVIDIA H200")


def test_a_node_that_did_not_answer_is_unknown_with_the_reason_of_its_gap() -> None:
    gaps = (
        Gap("ssh", "g1 mount /x", "stale", node="g1"),
        Gap("ssh", "g1", "timed out", "timeout", node="g1"),
    )
    found = with_fleet(Evidence(fleet=Fleet(nodes=(_node(),), gaps=gaps)))
    (board,), (node,) = found.boards or (), found.gpu_nodes or ()
    assert (board.silent["persistence"].reason, board.silent["persistence"].cause) == ("timed out", "timeout")
    assert "ecc_uncorrected" not in board.silent
    assert node.silent["services"].reason == "timed out"


def test_ports_of_a_fabric_and_none_of_the_rest() -> None:
    nics = (
        Nic("ib0", "infiniband", up=False, speed_bps=400, pci_address="0000:9a:00.0", firmware="28"),
        Nic("eth1", "roce", up=True),
        Nic("eth0", up=True),
    )
    found = with_fleet(Evidence(fleet=Fleet(nodes=(Node("g1", nics=nics),))))
    assert [(one.key, one.state, one.layer) for one in found.ports or ()] == [
        ("g1/0000:9a:00.0", "DOWN", "infiniband"),
        ("g1/eth1", "ACTIVE", "ethernet"),
    ]
    assert found.gpu_nodes is None, "a node without accelerators"


def test_records_are_those_of_the_node_and_none_is_not_unknown() -> None:
    fleet = Fleet(nodes=(_node(), Node("g2", accelerators=(BOARD,))))
    records = {"g1": ((Diagnostic(3, 5, passed=True),), (BusBandwidth(5, 9),))}
    first, second = with_fleet(Evidence(fleet=fleet), records).gpu_nodes or ()
    assert (first.diagnostics, second.diagnostics, second.bandwidths) == (
        (Diagnostic(3, 5, passed=True),),
        (),
        (),
    )
    assert [one.diagnostics for one in with_fleet(Evidence(fleet=fleet)).gpu_nodes or ()] == [None, None]
