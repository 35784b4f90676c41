"""Who draws what: the power of each node shared out among the work on it, nothing lost and nothing twice.

Each board's reading goes to those who hold the board. What a node draws besides its boards goes to the work
on it by the share of the node that it holds: the largest of its shares of boards, processors and memory.
What nobody holds is nobody's. So the parts add up to what the nodes were measured to draw.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.inventory.kinds import kinds_of
from dcctl.inventory.model import Resources
from dcctl.inventory.occupancy.demand import requested
from dcctl.inventory.occupancy.node import occupancy
from dcctl.inventory.occupancy.resources import accelerators_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.inventory.model import Fleet, Node, Workload
    from dcctl.inventory.occupancy.boards import Board
    from dcctl.inventory.occupancy.demand import Demand

NOBODY: Final = "(nobody)"


class Drawn(Struct):
    """What one workload draws now."""

    name: str
    owner: str | None = None
    kind: str = ""
    nodes: dict[str, None] = {}
    """In order, each once."""
    idle_mw: dict[str, int] = {}
    """By site: its share of what nodes and boards draw without work."""
    dynamic_mw: dict[str, int] = {}
    """By site: what its boards were measured to draw above that."""

    def add(self, node: Node, idle_mw: int, dynamic_mw: int) -> None:
        """Count power on a node."""
        site = node.site or ""
        self.nodes[node.name] = None
        self.idle_mw[site] = self.idle_mw.get(site, 0) + idle_mw
        self.dynamic_mw[site] = self.dynamic_mw.get(site, 0) + dynamic_mw

    def power_mw(self) -> int:
        """All of it."""
        return sum(self.idle_mw.values()) + sum(self.dynamic_mw.values())

    def by_site(self) -> dict[str, int]:
        """All of it, by site."""
        return {site: self.idle_mw[site] + self.dynamic_mw[site] for site in sorted(self.idle_mw)}


class Attribution(Struct, frozen=True):
    """The power of all nodes that were read, shared out."""

    drawn: tuple[Drawn, ...]
    """Those who draw most first; what nobody holds is the last."""
    measured_mw: int
    """Of the nodes that were read: the sum of all drawn."""
    unread: tuple[str, ...]
    """Nodes whose power nobody told: their work is not in `drawn`, or in part."""
    nameplate_mw: int
    """Limits of the boards on them: what they could draw. Never added to what was measured."""


def attribute(fleet: Fleet, asked: Sequence[Node], power_of: Mapping[str, int]) -> Attribution:
    """Share out what each of the nodes `asked` for draws. `power_of`: node -> milliwatts, where it was read.

    What a board draws without work is the least that one of its model draws in the whole fleet.
    """
    demands, kinds = requested(fleet.workloads), kinds_of([fleet])
    idle = _idle_by_model(fleet.nodes)
    found: dict[tuple[str | None, str, str], Drawn] = {}
    nobody = Drawn(NOBODY)
    for node in asked:
        if node.name not in power_of:
            continue
        demand = demands.get(node.name)
        state = occupancy(node, demand, None, kinds)
        boards = _boards(state.boards, idle)
        total = power_of[node.name]
        shares = _Shares(found, nobody, node)
        shares.boards(boards, total)
        shares.rest(demand)
    drawn = sorted(found.values(), key=lambda one: (-one.power_mw(), one.name))
    unread = tuple(node for node in asked if node.name not in power_of)
    return Attribution(
        (*drawn, nobody) if nobody.power_mw() else tuple(drawn),
        sum(power_of[node.name] for node in asked if node.name in power_of),
        tuple(node.name for node in unread),
        sum(map(_limits, unread)),
    )


class _Reading(Struct, frozen=True):
    """One board that was read."""

    board: Board
    power_mw: int
    idle_mw: int


class _Shares:
    """One node being shared out."""

    def __init__(self, found: dict[tuple[str | None, str, str], Drawn], nobody: Drawn, node: Node) -> None:
        self._found, self._nobody, self._node = found, nobody, node
        self._left_mw = 0

    def boards(self, read: list[_Reading], total_mw: int) -> None:
        """Give each board's power to its holders; boards that claim more than the node draws are scaled."""
        claimed = sum(one.power_mw for one in read)
        scale = (total_mw, claimed) if claimed > total_mw else (1, 1)
        self._left_mw = total_mw
        for one in read:
            power = one.power_mw * scale[0] // scale[1]
            idle = min(power, one.idle_mw * scale[0] // scale[1])
            self._left_mw -= power
            holders = [self._of(placed.workload) for placed in one.board.holders] or [self._nobody]
            for idle_part, part in zip(
                _even(idle, len(holders)), _even(power - idle, len(holders)), strict=True
            ):
                holders.pop(0).add(self._node, idle_part, part)

    def rest(self, demand: Demand | None) -> None:
        """Give what is left to the work on the node by the share that it holds of it."""
        weights = _weights(self._node, demand)
        given = 0
        for workload, weight in weights:
            part = int(self._left_mw * weight)
            given += part
            self._of(workload).add(self._node, part, 0)
        self._nobody.add(self._node, self._left_mw - given, 0)

    def _of(self, workload: Workload) -> Drawn:
        key = workload.source, workload.kind, workload.id
        new = Drawn(workload.id, workload.owner, workload.kind)
        return self._found.setdefault(key, new)


def _weights(node: Node, demand: Demand | None) -> list[tuple[Workload, float]]:
    """Share of the node by workload; together at most 1."""
    offered = node.allocatable or node.capacity
    if demand is None or offered is None:
        return []
    accelerators = accelerators_in(offered.devices)
    weights: dict[int, float] = defaultdict(float)
    works: dict[int, Workload] = {}
    for placed in (*demand.holding, *demand.others):
        asked = placed.member.requests or Resources()
        parts = (
            (placed.accelerators, accelerators),
            (asked.cpu_milli or 0, offered.cpu_milli),
            (asked.memory_bytes or 0, offered.memory_bytes),
        )
        weights[id(placed.workload)] += max((part / whole for part, whole in parts if whole), default=0.0)
        works[id(placed.workload)] = placed.workload
    total = max(1.0, sum(weights.values()))
    return [(works[key], weight / total) for key, weight in weights.items()]


def _idle_by_model(nodes: Iterable[Node]) -> dict[str | None, int]:
    """The least that a board of each model is measured to draw in this fleet."""
    least: dict[str | None, int] = {}
    for node in nodes:
        for board in node.accelerators or ():
            if board.kind in ("whole", "shared") and board.power_mw is not None:
                least[board.model] = min(board.power_mw, least.get(board.model, board.power_mw))
    return least


def _boards(boards: list[Board], idle: Mapping[str | None, int]) -> list[_Reading]:
    return [
        _Reading(board, board.reading.power_mw, min(board.reading.power_mw, idle[board.reading.model]))
        for board in boards
        if board.reading is not None and board.reading.power_mw is not None
    ]


def _even(amount: int, parts: int) -> list[int]:
    """An amount in equal whole parts that add up to it."""
    each, more = divmod(amount, parts)
    return [each + (at < more) for at in range(parts)]


def _limits(node: Node) -> int:
    return sum(one.power_cap_mw or 0 for one in node.accelerators or () if one.kind in ("whole", "shared"))
