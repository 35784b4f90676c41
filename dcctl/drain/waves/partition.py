"""Which nodes are taken out of service together, and in which order.

Nodes on which one gang stands are in one wave, so it is restarted once. Where they may not be (so many at
once, or one part of the data centre at a time), it is restarted once all the same: all of it that stands on
targets leaves in the first wave that meets it, and later waves find those nodes empty.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.drain.waves.loss import loses
from dcctl.drain.waves.order import Item, Work, chopped, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.drain.campaign import Unit

TOGETHER_S: Final = 3600
"""Work that ends within an hour is waited for together."""


class Stage(IntEnum):
    """What has to happen before work is evicted: nothing, a checkpoint is written, it ends."""

    NOTHING = 0
    CHECKPOINT = 1
    WAIT = 2


class Limits(NamedTuple):
    """What keeps nodes out of one wave."""

    most: int | None = None
    """Nodes out of service at once."""
    part: Mapping[str, str] | None = None
    """Which part of the data centre each node is in, where one part is drained at a time."""


def stage_of(unit: Unit) -> Stage:
    """What has to happen before anything of it is evicted."""
    if unit.waits:
        return Stage.WAIT
    return Stage.CHECKPOINT if unit.hook is not None and not unit.proved else Stage.NOTHING


def partition(
    nodes: Sequence[str], units: Sequence[Unit], limits: Limits, seconds: Callable[[Unit], int]
) -> list[list[tuple[str, ...]]]:
    """The nodes of each wave, in order: each node in one. `seconds`: how long it takes to move a unit.

    Waves of one list follow each other: those of one part of the data centre.
    """
    plan = _Partition(units, seconds)
    items = plan.items(nodes, limits.part)
    if limits.part is not None:
        lots = plan.by_part(items, limits.part)
    else:
        lots = plan.by_stage(items, together=limits.most is not None)
    found = [plan.waves(lot, limits.most) for lot in lots]
    return found if limits.part is not None else [[wave] for waves in found for wave in waves]


class _Partition:
    """Nodes with what stands on them."""

    def __init__(self, units: Sequence[Unit], seconds: Callable[[Unit], int]) -> None:
        self._units = units
        self._works = [Work(one.gpu_milli if loses(one) else 0, seconds(one)) for one in units]
        self._stages = [stage_of(one) for one in units]
        self._on: dict[str, set[int]] = defaultdict(set)
        for at, unit in enumerate(units):
            for one in unit.leaves:
                self._on[one.node].add(at)

    def items(self, nodes: Sequence[str], part: Mapping[str, str] | None) -> list[Item]:
        """Nodes that stay together: those that share a gang, of one part."""
        roots = _Roots()
        for unit in self._units:
            if unit.gang:
                roots.join([one.node for one in unit.leaves])
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for node in nodes:
            found[roots.of(node), part[node] if part is not None else ""].append(node)
        return [Item(tuple(sorted(each)), self._works_on(each)) for each in found.values()]

    def _works_on(self, nodes: Iterable[str]) -> frozenset[int]:
        return frozenset(at for node in nodes for at in self._on.get(node, ()))

    def by_stage(self, items: Iterable[Item], *, together: bool) -> list[list[Item]]:
        """Nodes from which work leaves at once, those where a checkpoint comes first, then by when work ends.

        `together`: those that wait for nothing and those that write a checkpoint share turns.
        """
        lots: dict[tuple[int, float], list[Item]] = defaultdict(list)
        waiting = []
        for one in items:
            stage = self._stage(one)
            if stage == Stage.WAIT:
                waiting.append(one)
            else:
                lots[0 if together else stage, 0].append(one)
        first = -inf
        for one in sorted(waiting, key=lambda one: (self._ends(one), one.nodes)):
            if self._ends(one) > first + TOGETHER_S:
                first = self._ends(one)
            lots[Stage.WAIT, first].append(one)
        return [lots[key] for key in sorted(lots)]

    def by_part(self, items: Iterable[Item], part: Mapping[str, str]) -> list[list[Item]]:
        """One part at a time: those where work has to end last, then by Smith's rule."""
        lots: dict[str, list[Item]] = defaultdict(list)
        for one in items:
            lots[part[one.nodes[0]]].append(one)

        def rank(name: str) -> tuple[float, Fraction, str]:
            works = {at for one in lots[name] for at in one.works}
            rate = sum(self._works[at].rate for at in works)
            longest = max((self._works[at].seconds for at in works), default=0)
            return max(map(self._ends, lots[name])), -Fraction(rate, longest or 1), name

        return [lots[name] for name in sorted(lots, key=rank)]

    def waves(self, lot: Sequence[Item], most: int | None) -> list[tuple[str, ...]]:
        """The waves of one lot."""
        items = chopped(sorted(lot, key=lambda one: (self._stage(one), one.nodes)), most)
        used = sorted({at for one in items for at in one.works})
        at = {work: position for position, work in enumerate(used)}
        dense = [Item(one.nodes, frozenset(at[work] for work in one.works)) for one in items]
        turns = ordered(dense, [self._works[work] for work in used], most)
        return [tuple(sorted(node for one in turn for node in items[one].nodes)) for turn in turns]

    def _stage(self, item: Item) -> Stage:
        return max((self._stages[at] for at in item.works), default=Stage.NOTHING)

    def _ends(self, item: Item) -> float:
        """When the last of its work ends that is waited for; inf: nobody knows, -inf: there is none."""
        told = [self._units[at].waits_until_s for at in item.works if self._stages[at] == Stage.WAIT]
        return max((inf if one is None else one for one in told), default=-inf)


class _Roots:
    """Which nodes are joined, directly or by others (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def of(self, node: str) -> str:
        """The one that stands for all that are joined with it."""
        while (above := self._parent.get(node, node)) != node:
            self._parent[node] = self._parent.get(above, above)
            node = above
        return node

    def join(self, nodes: Sequence[str]) -> None:
        """They belong together; the first by name stands for them."""
        roots = sorted({self.of(one) for one in nodes})
        for one in roots[1:]:
            self._parent[one] = roots[0]


def shared_out(waves: Sequence[Sequence[str]], units: Iterable[Unit]) -> list[list[Unit]]:
    """The units of each wave. A gang leaves all its nodes in the first that meets it, others node by node."""
    wave_of = {node: at for at, nodes in enumerate(waves) for node in nodes}
    found: list[list[Unit]] = [[] for _ in waves]
    for unit in units:
        at = sorted({wave_of[one.node] for one in unit.leaves})
        if unit.gang or len(at) < 2:
            found[at[0]].append(unit)
            continue
        for wave in at:
            found[wave].append(_part(unit, wave, wave_of))
    return [sorted(each, key=_turn) for each in found]


def _part(unit: Unit, wave: int, wave_of: Mapping[str, int]) -> Unit:
    """What of a unit leaves in one wave."""
    leaves = tuple(one for one in unit.leaves if wave_of[one.node] == wave)
    return replace(unit, leaves=leaves, stops=len(leaves), gpu_milli=sum(one.gpu_milli for one in leaves))


def _turn(unit: Unit) -> tuple[int, int, str]:
    """In a wave: what leaves at once, most GPUs first; what writes a checkpoint; what is waited for."""
    return stage_of(unit), -unit.gpu_milli, unit.workload
