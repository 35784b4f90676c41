"""What is visibly wrong with accelerators and their links: only what a reading states, nothing inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from dcctl.assess.bottleneck import slowed_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.nodes import NodeState
    from dcctl.inventory.model import Accelerator, Ecc, Node
    from dcctl.inventory.occupancy.boards import Board
    from dcctl.render.report import Severity

COUNTS = "counts of boards disagree"
_ORDER = {"crit": 0, "warn": 1, "info": 2, "ok": 3}


class Sign(NamedTuple):
    """One thing wrong with one device."""

    severity: Severity
    fault: str
    where: str
    """The device on its node, e.g. `gpu3`."""


class Fault(Struct):
    """One kind of fault over the fleet."""

    severity: Severity
    fault: str
    nodes: list[str] = []
    devices: list[str] = []
    """`gpu3 on gpu077`."""


def find_faults(states: Iterable[NodeState]) -> list[Fault]:
    """Faults, the gravest first, then by name."""
    found: dict[tuple[str, str], Fault] = {}
    for state in states:
        name = state.node.name
        for sign in state.signs:
            fault = found.setdefault((sign.severity, sign.fault), Fault(sign.severity, sign.fault))
            if not fault.nodes or fault.nodes[-1] != name:
                fault.nodes.append(name)
            fault.devices.append(f"{sign.where} on {name}")
    return sorted(found.values(), key=lambda one: (_ORDER[one.severity], one.fault))


def signs_of(state: NodeState) -> Iterator[Sign]:
    """What is wrong with the devices of one node. Marks the boards that have a fault."""
    counted = state.demand is not None
    for index, board in enumerate(state.boards):
        if board.reading is not None and _suspicious(board.reading):
            yield from _board(board, board.reading, index)
        nobodys = counted and board.state not in {"allocated", "unknown"}
        if nobodys and any(part.processes for part in board.parts()):
            yield Sign("warn", "used outside the scheduler", f"gpu{index}")
    yield from _counts(state.node)
    for nic in state.node.nics or ():
        if nic.up is False and nic.kind in {"infiniband", "roce"}:
            yield Sign("warn", "fabric port down", nic.name)


def _suspicious(reading: Accelerator) -> bool:
    """Whether `_board` may find anything: of most boards it finds nothing, and this tells so quickly."""
    ecc, pcie = reading.ecc, reading.pcie
    if ecc is not None and (ecc.remap_failed or ecc.remap_pending or ecc.volatile_uncorrected):
        return True
    narrow = pcie is not None and pcie.width != pcie.max_width
    return bool(narrow or reading.throttle or reading.nvlinks)


def _board(board: Board, reading: Accelerator, index: int) -> Iterator[Sign]:
    where = f"gpu{reading.index}" if reading.index >= 0 else f"gpu{index}"
    ecc = _ecc(reading.ecc) if reading.ecc is not None else ""
    if ecc:
        board.faulty = True
        yield Sign("crit", ecc, where)
    slowed = slowed_by(reading.throttle) if reading.throttle else ""
    if slowed in {"cooling", "power supply", "hardware slowdown"}:
        board.faulty = True
        yield Sign("warn", f"slowed down: {slowed}", where)
    if reading.nvlinks and any(link.up is False for link in reading.nvlinks):
        board.faulty = True
        yield Sign("crit", "NVLink down", where)
    if _narrow(reading):
        yield Sign("warn", "PCIe link narrower than the board's", where)


def _ecc(ecc: Ecc) -> str:
    if ecc.remap_failed:
        return "row remapping failed: replace the board"
    if ecc.remap_pending:
        return "row remapping pending: reset the board"
    return "uncorrectable memory errors" if ecc.volatile_uncorrected else ""


def _narrow(reading: Accelerator) -> bool:
    """Width only: the generation drops by design while a board rests."""
    pcie = reading.pcie
    return (
        pcie is not None
        and pcie.width is not None
        and pcie.max_width is not None
        and pcie.width < pcie.max_width
    )


def _counts(node: Node) -> Iterator[Sign]:
    counts = node.accelerator_counts
    if counts and len(set(counts.values())) > 1:
        told = ", ".join(f"{view} {count}" for view, count in sorted(counts.items()))
        yield Sign("crit", COUNTS, f"{told}:")
