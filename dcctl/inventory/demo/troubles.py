"""What is wrong in the demo fleet: one example of each trouble that a report must show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.demo.readings import HEALTHY
from dcctl.inventory.model import Accelerator, Conflict, Gap, Node, Taint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SILENT = "gpu077"
"""Its sshd does not answer: the scheduler knows it, nobody read it."""
MISSING = "gpu066"
"""A board has fallen off the bus: PCI shows 8, the driver 7."""

GAPS = (
    Gap(
        "ssh:demo",
        SILENT,
        "timed out after 10 s, 3 tries",
        "timeout",
        f"dcctl assess --by node -w {SILENT}",
        node=SILENT,
    ),
)
CONFLICTS = (Conflict(MISSING, "accelerators", (("kubernetes", "8"), ("nvml", "7"), ("pci", "8"))),)


def troubled(node: Node) -> Node:
    """The node with its trouble, if it has one."""
    change = _NODES.get(node.name)
    if change is not None:
        node = change(node)
    boards = _BOARDS.get(node.name)
    if boards is None or node.accelerators is None:
        return node
    changed = tuple(
        boards[one.index](one) if one.index in boards and one.kind != "mig" else one
        for one in node.accelerators
    )
    return replace(node, accelerators=changed)


def _cordoned(node: Node) -> Node:
    taint = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    return replace(node, schedulable=False, state="Ready,SchedulingDisabled", taints=(*node.taints, taint))


def _not_ready(node: Node) -> Node:
    taint = Taint("node.kubernetes.io/unreachable", "NoSchedule")
    return replace(node, ready=False, state="NotReady", taints=(*node.taints, taint), use=None)


def _silent(node: Node) -> Node:
    return replace(
        node,
        sources=("kubernetes:demo",),
        accelerators=tuple(map(_seen_from_afar, node.accelerators or ())),
        accelerator_counts={"kubernetes": 8},
        use=None,
        system=None,
        nics=None,
        disks=None,
        mounts=None,
    )


def _seen_from_afar(board: Accelerator) -> Accelerator:
    """What the scheduler's labels tell of a board: no id, no reading."""
    return Accelerator(
        board.index, resource=board.resource, model=board.model, memory_bytes=board.memory_bytes
    )


def _one_missing(node: Node) -> Node:
    return replace(node, accelerator_counts={"kubernetes": 8, "nvml": 7, "pci": 8})


def _port_down(node: Node) -> Node:
    nics = tuple(replace(nic, up=False) if nic.name == "mlx5_3" else nic for nic in node.nics or ())
    return replace(node, nics=nics)


_NODES: Mapping[str, Callable[[Node], Node]] = {
    "gpu091": _cordoned,
    "gpu092": _not_ready,
    SILENT: _silent,
    MISSING: _one_missing,
    "gpu055": _port_down,
}


def _hot(board: Accelerator) -> Accelerator:
    return replace(
        board,
        temperature_c=89,
        memory_temperature_c=98,
        sm_clock_hz=1_140_000_000,
        power_mw=410_000,
        throttle=("HwThermalSlowdown",),
    )


def _capped(board: Accelerator) -> Accelerator:
    return replace(board, throttle=("SwPowerCap",), power_mw=board.power_cap_mw, sm_clock_hz=1_620_000_000)


def _remap_pending(board: Accelerator) -> Accelerator:
    ecc = replace(HEALTHY, aggregate_uncorrected=2, remapped_uncorrected_rows=1, remap_pending=True)
    return replace(board, ecc=ecc)


def _uncorrectable(board: Accelerator) -> Accelerator:
    ecc = replace(HEALTHY, volatile_uncorrected=3, aggregate_uncorrected=3, volatile_corrected=118)
    return replace(board, ecc=ecc)


def _narrow(board: Accelerator) -> Accelerator:
    return replace(board, pcie=replace(board.pcie, width=8, replays=4417)) if board.pcie else board


def _link_down(board: Accelerator) -> Accelerator:
    links = tuple(replace(link, up=False, errors=91) if link.index == 11 else link for link in board.nvlinks)
    return replace(board, nvlinks=links)


def _gone(board: Accelerator) -> Accelerator:
    """Only PCI still shows it: no reading at all."""
    return Accelerator(board.index, model=board.model, resource=board.resource, pcie=board.pcie)


_BOARDS: Mapping[str, Mapping[int, Callable[[Accelerator], Accelerator]]] = {
    "gpu021": {5: _hot, 6: _capped},
    "gpu035": {6: _narrow},
    "gpu040": {2: _remap_pending},
    "gpu063": {1: _uncorrectable},
    MISSING: {7: _gone},
    "gpu070": {3: _link_down},
}
