"""What the inventory tells of boards, their nodes and ports, where nodes told nothing themselves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from dcctl.inventory.devices import Ecc, Pcie
from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.evidence.boards import Board, BoardLink, GpuNode
from dcctl.inventory.evidence.fabric import FabricPort
from dcctl.inventory.vendors import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.inventory.devices import Accelerator, Nic
    from dcctl.inventory.evidence.boards import BusBandwidth, Diagnostic
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.model import Fleet, Node

S = TypeVar("S", bound=Subject)
_OF_NODES = ("boards", "gpu_nodes", "ports", "fleet_nodes")
"""Kinds of subjects that are not wholly known without the list of nodes."""
Records = tuple[tuple["Diagnostic", ...], tuple["BusBandwidth", ...]]


def with_fleet(evidence: Evidence, records: Mapping[str, Records] | None = None) -> Evidence:
    """Return the evidence with what its fleet knows: nodes that did not answer, and what Kubernetes counts.

    A board that nobody read is there with what is known, so that it is unknown and never missing. `records`:
    of diagnostics and of all-reduces by node; None: nobody looked.
    """
    nodes = tuple(node for node in evidence.fleet.nodes if _has_boards(node))
    told = {board.node for board in evidence.boards or ()}
    cabled = {port.node for port in evidence.ports or ()}
    why = {gap.node: Silence(gap.reason, gap.cause) for gap in evidence.fleet.gaps if gap.subject == gap.node}
    boards = [
        _silenced(one, why.get(node.name))
        for node in nodes
        if node.name not in told
        for one in boards_of(node)
    ]
    ports = [one for node in evidence.fleet.nodes if node.name not in cabled for one in ports_of(node)]
    gpu_nodes = _gpu_nodes(evidence.gpu_nodes or (), {node.name: node for node in nodes}, why)
    if records is not None:
        gpu_nodes = [_recorded(one, records) for one in gpu_nodes]
    return replace(
        evidence,
        silent={**_unlisted(evidence.fleet), **evidence.silent},
        boards=(*(evidence.boards or ()), *boards) if boards else evidence.boards,
        ports=(*(evidence.ports or ()), *ports) if ports else evidence.ports,
        gpu_nodes=tuple(gpu_nodes) if gpu_nodes else evidence.gpu_nodes,
    )


def _has_boards(node: Node) -> bool:
    """True for a node that has boards, or once had: its labels name their model still."""
    if node.accelerators or any(node.accelerator_counts.values()):
        return True
    labels = {name for row in LABELS for name in row.model}
    return bool(node.accelerator_counts) and not labels.isdisjoint(node.labels)


def _unlisted(fleet: Fleet) -> dict[str, Silence]:
    """By what nodes tell, why there may be more of them than anybody knows."""
    dark = {run.name for run in fleet.sources if run.kind == "kubernetes" and not (run.ok or run.items)}
    for gap in fleet.gaps:
        if not gap.node and (gap.part == "nodes" or (gap.source in dark and not gap.part)):
            return dict.fromkeys(_OF_NODES, Silence(f"{gap.subject}: {gap.reason}", gap.cause))
    return {}


def _silenced(one: S, why: Silence | None) -> S:
    """A subject whose node had a gap: what was not told is silent for that reason."""
    if why is None:
        return one
    untold = {name: why for name in one.__struct_fields__ if getattr(one, name) is None}
    return replace(one, silent={**untold, **one.silent})


def _gpu_nodes(
    told: Sequence[GpuNode], known: Mapping[str, Node], why: Mapping[str, Silence]
) -> list[GpuNode]:
    """Those that answered, with what else counts their boards; then those that only the inventory has."""
    found = [_counted(one, known.get(one.node)) for one in told]
    answered = {one.node for one in told}
    rest = (node for name, node in known.items() if name not in answered)
    return found + [_silenced(_counted(_bare(node), node), why.get(node.name)) for node in rest]


def _counted(one: GpuNode, node: Node | None) -> GpuNode:
    if node is None:
        return one
    counts = {**node.accelerator_counts, **(one.counts or {})}
    model = one.model or next((board.model for board in node.accelerators or () if board.model), None)
    return replace(one, counts=counts or None, model=model)


def _bare(node: Node) -> GpuNode:
    vendors = [board.vendor for board in node.accelerators or ()]
    rdma = None if node.nics is None else any(nic.kind in {"infiniband", "roce"} for nic in node.nics)
    return GpuNode(node=node.name, vendor=vendors[0] if vendors else "nvidia", rdma=rdma)


def _recorded(one: GpuNode, records: Mapping[str, Records]) -> GpuNode:
    diagnostics, bandwidths = records.get(one.node, ((), ()))
    return replace(one, diagnostics=diagnostics, bandwidths=bandwidths)


def boards_of(node: Node) -> Iterator[Board]:
    """Yield the boards of a node as the inventory has them; slices belong to their boards."""
    return (_board(one, node.name) for one in node.accelerators or () if one.kind != "mig" and not one.parent)


def _board(one: Accelerator, node: str) -> Board:
    ecc, pcie = one.ecc or Ecc(), one.pcie or Pcie()
    return Board(
        node=node,
        uuid=one.id,
        slot=pcie.address,
        index=one.index,
        vendor=one.vendor,
        model=one.model,
        guest=one.kind == "vgpu",
        busy_milli=one.busy_milli,
        performance_state=one.performance_state,
        ecc_enabled=ecc.enabled,
        ecc_uncorrected=ecc.volatile_uncorrected,
        ecc_corrected=ecc.aggregate_corrected,
        remapped_corrected=ecc.remapped_corrected_rows,
        remapped_uncorrected=ecc.remapped_uncorrected_rows,
        remap_pending=ecc.remap_pending,
        remap_failed=ecc.remap_failed,
        retired_pages=ecc.retired_pages,
        throttle=None if one.throttle is None else tuple(_snake(name) for name in one.throttle),
        temperature_c=one.temperature_c,
        memory_temperature_c=one.memory_temperature_c,
        slowdown_c=one.temperature_limit_c,
        pcie_generation=pcie.generation,
        pcie_width=pcie.width,
        pcie_max_generation=pcie.max_generation,
        pcie_max_width=pcie.max_width,
        pcie_replays=pcie.replays,
        nvlinks=_links(one),
        nvlink_domain=one.nvlink_domain,
        power_cap_mw=one.power_cap_mw,
        power_default_cap_mw=one.power_default_cap_mw,
        mig_enabled=one.mig_enabled,
    )


def _links(one: Accelerator) -> tuple[BoardLink, ...] | None:
    """The links that were told; none told is not none there."""
    return tuple(BoardLink(link.index, link.up) for link in one.nvlinks) or None


def _snake(name: str) -> str:
    """`hw_thermal_slowdown` for DCGM's `HwThermalSlowdown` too."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.lstrip("_")


def ports_of(node: Node) -> Iterable[FabricPort]:
    """Yield the ports of the fabric that the inventory has of a node."""
    return (_port(nic, node.name) for nic in node.nics or () if nic.kind in {"infiniband", "roce"})


def _port(nic: Nic, node: str) -> FabricPort:
    state = None if nic.up is None else "ACTIVE" if nic.up else "DOWN"
    return FabricPort(
        node=node,
        name=nic.name,
        slot=nic.pci_address,
        layer="infiniband" if nic.kind == "infiniband" else "ethernet",
        state=state,
        rate_bps=nic.speed_bps,
        mtu_bytes=nic.mtu_bytes,
        guid=nic.guid,
        firmware=nic.firmware,
    )
