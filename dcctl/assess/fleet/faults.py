"""What is visibly wrong with accelerators and their links: only what a reading states, nothing inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dcctl.inventory.occupancy import health
from dcctl.inventory.occupancy.health import Sign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.assess.fleet.nodes import NodeState
    from dcctl.inventory.model import Node
    from dcctl.render.report import Severity

COUNTS = "counts of boards disagree"
_ORDER = {"crit": 0, "warn": 1, "info": 2, "ok": 3}


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
    """What is wrong with the devices of one node."""
    counted = state.demand is not None
    for index, board in enumerate(state.boards):
        reading = board.reading
        if reading is not None:
            yield from health.signs_of(reading, index)
        nobodys = counted and board.state not in {"allocated", "unknown"}
        if nobodys and any(part.processes for part in board.parts()):
            yield Sign("warn", "used outside the scheduler", f"gpu{index}")
    yield from _counts(state.node)
    for nic in state.node.nics or ():
        if nic.up is False and nic.kind in {"infiniband", "roce"}:
            yield Sign("warn", "fabric port down", nic.name)


def _counts(node: Node) -> Iterator[Sign]:
    counts = node.accelerator_counts
    if counts and len(set(counts.values())) > 1:
        told = ", ".join(f"{view} {count}" for view, count in sorted(counts.items()))
        yield Sign("crit", COUNTS, f"{told}:")
