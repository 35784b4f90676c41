"""What the checks of boards, their nodes and ports say, how grave it is, and that names do not move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.counters import Counters
from dcctl.audit.evaluate import evaluate
from dcctl.audit.facts.nvlinks import links_of
from dcctl.audit.facts.xids import BY_THE_USER, FATAL
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.boards import Board, BoardLink, GpuNode, LoggedFault, Service
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.fabric import FabricPort

if TYPE_CHECKING:
    from dcctl.audit.evaluate import Outcome

NOW_S = 1_750_000_000
_NOTHING = Counters()


def _outcomes(name: str, evidence: Evidence, before: Counters = _NOTHING) -> tuple[Outcome, ...]:
    return evaluate(Scene(evidence, NOW_S, counters=before), [CATALOGUE[name]])[0].outcomes


def _node(**fields: Any) -> Evidence:
    return Evidence(gpu_nodes=(GpuNode(node="gpu017", **fields),))


def test_a_fabric_manager_that_stopped_is_found_while_every_board_looks_healthy() -> None:
    manager = Service("loaded", "inactive", NOW_S - 20 * 86_400)
    services = {"nvidia-fabricmanager": manager}
    link = BoardLink(0, up=True, speed_bps=212_496_000_000, crc=0)
    boards = tuple(
        Board(
            node="gpu017",
            uuid=f"GPU-{index}",
            model="NVIDIA H200",
            ecc_uncorrected=0,
            throttle=(),
            nvlinks=tuple(replace(link, number=number) for number in range(18)),
        )
        for index in range(8)
    )
    nodes = (GpuNode(node="gpu017", switches=4, services=services, fabric_states={"completed": 8}),)
    evidence = Evidence(boards=boards, gpu_nodes=nodes)
    assert [_outcomes(name, evidence) for name in ("GPU-02", "GPU-08", "GPU-12")] == [(), (), ()]
    (one,) = _outcomes("GPU-14", evidence)
    assert (one.severity, one.subject, one.nodes) == ("critical", "gpu017", ("gpu017",))
    assert one.says == "fabric manager stopped 20 d ago; every GPU alone looks healthy"


def test_a_fabric_manager_without_a_time_and_one_that_is_missing() -> None:
    failed = {"nvidia-fabricmanager": Service("loaded", "failed")}
    (one, _) = _outcomes("GPU-14", _node(switches=4, services=failed, fabric_states={"not_started": 8}))
    assert one.says == "fabric manager failed"
    (one,) = _outcomes("GPU-14", _node(switches=4, services={}, fabric_states={"completed": 8}))
    assert one.says.startswith("fabric manager is not installed;")


def test_boards_keep_their_names_when_the_driver_counts_anew() -> None:
    board = Board(node="g1", uuid="GPU-7", slot="0000:3b:00.0", index=3, ecc_uncorrected=2)
    lost = Board(node="g1", slot="0000:5e:00.0", index=4)
    assert replace(board, index=2, slot="0000:44:00.0").key == board.key == "g1/GPU-7"
    assert replace(lost, index=0).key == lost.key == "g1/0000:5e:00.0"
    port = FabricPort(node="g1", name="mlx5_3/1", slot="0000:9a:00.0")
    assert replace(port, name="mlx5_0/1").key == port.key == "g1/0000:9a:00.0"
    before, after = (_outcomes("GPU-02", Evidence(boards=(one,))) for one in (board, replace(board, index=0)))
    assert [(one.subject, one.where) for one in before] == [(one.subject, one.where) for one in after]


def test_a_hang_is_critical() -> None:
    (one,) = _outcomes(
        "GPU-01", _node(counts={"pci": 8, "nvml": 8}, unanswered={"0000:3b:00.0": "NVML hung"})
    )
    assert (one.severity, one.says) == ("critical", "0000:3b:00.0: NVML hung")


def test_how_grave_an_xid_is() -> None:
    logged = [LoggedFault(number, "s", NOW_S) for number in (79, 45, 31337)]
    found = _outcomes("GPU-06", _node(xids=(*logged, LoggedFault(74, "s", NOW_S, times=3))))
    assert [(one.severity, one.says) for one in found] == [
        ("critical", "XID 79: fallen off the bus"),
        ("low", "XID 31337"),
        ("critical", "XID 74: NVLink error, 3 times"),
    ]
    assert not FATAL.keys() & BY_THE_USER


def test_errors_of_the_port_that_lose_data_are_graver() -> None:
    board = Board(node="g1", uuid="A", pcie_replays=1, aer={"correctable": 1, "fatal": 1, "nonfatal": 1})
    names = ("replays", "aer correctable", "aer fatal", "aer nonfatal")
    before = Counters().after([("g1/A", dict.fromkeys(names, 0))])
    found = _outcomes("GPU-11", Evidence(boards=(board,)), before)
    assert [one.severity for one in found] == ["medium", "medium", "high", "high"]


def test_speeds_are_told_as_nvidia_tells_them() -> None:
    links = tuple(BoardLink(number, up=True, speed_bps=25_000 * 8_000_000) for number in range(18))
    found = _outcomes(
        "GPU-12", Evidence(boards=(Board(node="g1", uuid="A", model="NVIDIA H200", nvlinks=links),))
    )
    assert found[0].says == "link 0 runs at 25,000 MB/s, should be 26,562 MB/s"


def test_what_was_refused_is_unknown_for_the_derived_nodes_too() -> None:
    evidence = Evidence(silent={"ports": Silence("no SSH", "unreachable")})
    (one,) = _outcomes("FAB-04", evidence)
    assert (one.state, one.says, one.nodes) == ("unknown", "no SSH", ())


@pytest.mark.parametrize(
    ("model", "fitted"),
    [
        ("NVIDIA H100 80GB HBM3", 18),
        ("NVIDIA H200", 18),
        ("NVIDIA H20", 18),
        ("NVIDIA A100-SXM4-80GB", 12),
        ("Tesla V100-SXM2-32GB", 6),
        ("NVIDIA GB200", 18),
        ("NVIDIA H100 PCIe", None),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA H200 NVL", None),
        ("NVIDIA A100-PCIE-40GB", None),
        ("NVIDIA A100 80GB PCIe", None),
        ("NVIDIA H2000", None),
        ("NVIDIA L40S", None),
        (None, None),
    ],
)
def test_which_models_have_links(model: str | None, fitted: int | None) -> None:
    known = links_of(model)
    assert (known and known.fitted) == fitted
