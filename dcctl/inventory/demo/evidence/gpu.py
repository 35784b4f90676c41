"""Boards, their nodes and the ports of the fabric, as the demo's nodes tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.demo.hardware import GBPS, noise
from dcctl.inventory.demo.troubles import SILENT
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.boards import BusBandwidth, Diagnostic, LoggedFault, Service
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.fleet import with_fleet

if TYPE_CHECKING:
    from dcctl.inventory.evidence.boards import Board, BoardLink, GpuNode
    from dcctl.inventory.evidence.fabric import FabricPort
    from dcctl.inventory.model import Fleet

STOPPED: Final = tuple(f"gpu{number:03d}" for number in range(17, 25))
"""Their fabric manager stopped after a kernel update, and every board alone looks healthy."""
BEHIND, FALLEN, NO_PFC, UNTESTED = "gpu044", "gpu066", "gpu112", "gpu031"
_SWITCHES: Final = {"NVIDIA H100 80GB HBM3": 4, "NVIDIA H200": 4, "NVIDIA A100-SXM4-80GB": 6}
_MBPS: Final = {"NVIDIA H100 80GB HBM3": 26_562, "NVIDIA H200": 26_562, "NVIDIA A100-SXM4-80GB": 25_000}
_GBS: Final = {"NVIDIA H100 80GB HBM3": 468, "NVIDIA H200": 472, "NVIDIA A100-SXM4-80GB": 231}
_VBIOS: Final = {"NVIDIA H100 80GB HBM3": "96.00.89.00.01", "NVIDIA H200": "96.00.A5.00.01"}
_DAY_S: Final = 86_400
_GONE: Final = "is on the bus, and the driver does not know it"
_BITS_PER_MB: Final = 8_000_000


def part(fleet: Fleet) -> Evidence:
    """Return what the nodes of the demo tell of their boards: healthy, but for a few faults."""
    now_s = fleet.taken_at_s or 0
    known = with_fleet(Evidence(fleet=fleet))
    kernels = {node.name: node for node in fleet.nodes}
    boards = tuple(map(_board, known.boards or ()))
    states = {(one.node, bool(one.fabric_state)) for one in boards}
    nodes = tuple(_node(one, now_s, (one.node, True) in states) for one in known.gpu_nodes or ())
    nodes = tuple(replace(one, versions=_versions(one, kernels[one.node].system is None)) for one in nodes)
    ports = tuple(map(_port, known.ports or ()))
    return Evidence(boards=boards, gpu_nodes=nodes, ports=ports)


def _board(one: Board) -> Board:
    """A board with what NVML tells beside the inventory; one that nobody read stays as it is."""
    if one.node == FALLEN and one.uuid is None:
        return replace(one, silent=dict.fromkeys(one.__struct_fields__, Silence(_GONE, "missing")))
    if one.vendor != "nvidia" or one.uuid is None:
        return one
    model = one.model or ""
    cap = one.power_default_cap_mw
    return replace(
        one,
        performance_state=0,
        ecc_pending=one.ecc_enabled,
        ecc_dram_uncorrected=one.ecc_uncorrected,
        ecc_sram_uncorrected=0,
        remap_histogram=(2560, 0, 0, 0, 0),
        retired_pages=0,
        retire_pending=False,
        violations_ns={"power": 0, "thermal": 0, "board_limit": 0, "reliability": 0},
        memory_max_c=105,
        aer={"correctable": 0, "nonfatal": 0, "fatal": 0},
        nvlinks=tuple(_link(link, _MBPS.get(model, 0)) for link in one.nvlinks or ()),
        fabric_state=3 if model in _SWITCHES else 0,
        fabric_status=0,
        fabric_degraded=False,
        persistence=True,
        power_cap_mw=one.power_cap_mw or cap,
        compute_mode="default",
        mig_pending=one.mig_enabled,
        inforom_valid=True,
        recovery_action="none",
        vbios=_VBIOS.get(model, "92.00.45.00.03"),
        gsp="550.127.05",
    )


def _link(link: BoardLink, mbps: int) -> BoardLink:
    crc = 0 if link.up else 91
    return replace(link, speed_bps=mbps * _BITS_PER_MB if link.up else 0, crc=crc, replays=0, recoveries=0)


def _node(one: GpuNode, now_s: int, fabric: bool) -> GpuNode:
    if one.node == SILENT:
        return one
    if one.vendor != "nvidia":
        return replace(one, switches=0, rdma=True, modules=())
    lost = one.node == FALLEN
    boards = max((one.counts or {}).values(), default=0)
    slot = "0000:48:00.0"
    return replace(
        one,
        unanswered={slot: _GONE} if lost else {},
        switches=_SWITCHES.get(one.model or "", 0),
        services=_services(one.node, now_s),
        fabric_states={"completed": boards} if fabric else {},
        multi_node=False,
        xids=(LoggedFault(79, slot, now_s - 7_400),) if lost else (),
        fallen=(LoggedFault(79, slot, now_s - 7_400),) if lost else (),
        modules=("nvidia", "nvidia_uvm", "nvidia_peermem", "mlx5_core", "mlx5_ib"),
        dma_buf=False,
        acs_redirects=(),
        diagnostics=_diagnostics(one.node, now_s),
        bandwidths=(_bandwidth(one, now_s),),
    )


def _services(node: str, now_s: int) -> dict[str, Service]:
    since_s = now_s - noise(f"{node}/boot", 3, 90) * _DAY_S
    stopped = Service("loaded", "inactive", now_s - 20 * 3600)
    runs = Service("loaded", "active", since_s)
    manager = stopped if node in STOPPED else runs
    return {"nvidia-fabricmanager": manager, "nvidia-persistenced": runs, "nvidia-dcgm": runs}


def _diagnostics(node: str, now_s: int) -> tuple[Diagnostic, ...]:
    """The third level every quarter, the second every two weeks; one node was forgotten."""
    late = 20 * _DAY_S if node == UNTESTED else 0
    third = Diagnostic(3, now_s - noise(f"{node}/r3", 30, 90) * _DAY_S, passed=True)
    return third, Diagnostic(2, now_s - noise(f"{node}/r2", 12, 14) * _DAY_S - late, passed=True)


def _bandwidth(one: GpuNode, now_s: int) -> BusBandwidth:
    gbs = _GBS.get(one.model or "", 20)
    share = noise(f"{one.node}/nccl", 985, 1000)
    return BusBandwidth(now_s - noise(f"{one.node}/nccl age", 2, 20) * _DAY_S, gbs * 8 * GBPS * share // 1000)


def _versions(one: GpuNode, silent: bool) -> dict[str, str] | None:
    """What is installed; None of a node that nobody read. One node was not upgraded with the others."""
    if silent:
        return None
    system = {"cmdline": "iommu=pt pci=realloc=off", "microcode": "0x2b000603", "bios": "2.3.6"}
    if one.vendor != "nvidia":
        return {**system, "containerd": "1.7.24"}
    driver = "550.90.07" if one.node == BEHIND else "550.127.05"
    found = {
        "driver": driver,
        "cuda": "12.4",
        "nccl": "2.21.5",
        "container-toolkit": "1.16.2",
        "containerd": "1.7.24",
        "ofed": "MLNX_OFED_LINUX-24.10-0.7.0.0",
        **system,
    }
    return {**found, "fabricmanager": driver} if one.switches else found


def _port(one: FabricPort) -> FabricPort:
    """A port as sysfs tells it; those of a node that nobody read stay as they are."""
    up = one.state == "ACTIVE"
    found = replace(
        one,
        netdev=f"ib{one.name[-1]}" if one.layer == "infiniband" else f"eth{one.name[-1]}",
        physical="LinkUp" if up else "Polling",
        lanes=4,
        counters={"symbol_error": 0, "link_downed": 0, "port_rcv_errors": 0, "link_error_recovery": 0},
        carrier_changes=2,
        psid="MT_0000000838",
        model="MT4129",
    )
    if one.layer == "infiniband":
        return found
    pfc = () if one.node == NO_PFC and one.name == "mlx5_1" else (3,)
    return replace(found, trust="dscp", pfc=pfc, ecn=(3,), traffic_class=106)
