"""Where power goes, from the entry of a site to its boards: what each step takes in, gives on, and loses.

Meters of one kind that cover the same nodes (the two feeds of 2N) are one group. A group hangs on the
smallest group above it that covers all of its nodes. All readings are power at one moment, never nameplates.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.assess.energy.meters import single, site_of, sites_of
from dcctl.inventory.nodeexpr import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.inventory.model import Fleet, Node, PowerMeter

Level: TypeAlias = Literal["facility", "ups input", "ups", "pdu", "node", "boards and CPUs"]
_LEVELS: Final[tuple[Level, ...]] = ("facility", "ups input", "ups", "pdu", "node", "boards and CPUs")
CLOSED_MILLI: Final = 10
"""A step is closed when its two sides differ by at most so much of the upper one: 1 %."""
_LOSES_BELOW: Final = frozenset({"facility", "ups input"})
_LOSES_ABOVE: Final = "boards and CPUs"
"""Whatever lies between, these steps feed or lose what no meter here sees: cooling, conversion, fans."""


class Group(NamedTuple):
    """What is measured of the same nodes at one level."""

    site: str
    level: Level
    names: tuple[str, ...]
    nodes: frozenset[str]
    power_mw: int | None
    """None: one of its meters tells none."""


class Step(NamedTuple):
    """One group and all that hangs on it at the next level below."""

    upper: Group
    lower: Level
    lower_mw: int | None
    """None: not all of its nodes were read there."""
    read: int
    """Nodes of it that were."""

    @property
    def residual_mw(self) -> int | None:
        """What goes in and does not come out; negative: more comes out than goes in."""
        if self.upper.power_mw is None or self.lower_mw is None:
            return None
        return self.upper.power_mw - self.lower_mw

    @property
    def residual_milli(self) -> int | None:
        """The same as a share of what goes in, rounded away from nothing."""
        residual, upper = self.residual_mw, self.upper.power_mw
        if residual is None or not upper:
            return None
        return -(-abs(residual) * 1000 // upper) * (1 if residual > 0 else -1)

    @property
    def state(self) -> str:
        """`closed` within 1 %, `loss` where one is expected, `open`, `more out than in`, or `unknown`."""
        milli = self.residual_milli
        if milli is None:
            return "unknown"
        if abs(milli) <= CLOSED_MILLI:
            return "closed"
        if milli < 0:
            return "more out than in"
        loses = self.upper.level in _LOSES_BELOW or self.lower == _LOSES_ABOVE
        return "loss" if loses else "open"


def steps(found: Iterable[Group]) -> list[Step]:
    """Every group with what hangs on it, from the top, in order of site and name."""
    by_site: dict[str, list[Group]] = defaultdict(list)
    for group in found:
        by_site[group.site].append(group)
    return [step for site in sorted(by_site) for step in _of_site(by_site[site])]


def summed(found: Iterable[Step]) -> list[Step]:
    """One step for each site and pair of levels, of those that were wholly read; where none was, unknown."""
    same: dict[tuple[str, Level, Level], list[Step]] = defaultdict(list)
    for step in found:
        same[step.upper.site, step.upper.level, step.lower].append(step)
    return [_sum(site, upper, lower, parts) for (site, upper, lower), parts in same.items()]


def _sum(site: str, upper: Level, lower: Level, parts: list[Step]) -> Step:
    known = [step for step in parts if step.residual_mw is not None]
    names = tuple(name for step in parts for name in step.upper.names)
    nodes = frozenset[str]().union(*(step.upper.nodes for step in parts))
    read = sum(len(step.upper.nodes) for step in known)
    if not known:
        return Step(Group(site, upper, names, nodes, None), lower, None, 0)
    power = sum(step.upper.power_mw or 0 for step in known)
    return Step(Group(site, upper, names, nodes, power), lower, sum(s.lower_mw or 0 for s in known), read)


def _of_site(found: list[Group]) -> Iterator[Step]:
    """The steps of one site: below each group, the next level that has any group on it."""
    by_level: dict[Level, list[Group]] = defaultdict(list)
    for group in found:
        by_level[group.level].append(group)
    present = [level for level in _LEVELS if level in by_level]
    for upper, lower in pairwise(present):
        on: dict[str, list[Group]] = defaultdict(list)
        for below in by_level[lower]:
            for name in below.nodes:
                on[name].append(below)
        for group in by_level[upper]:
            yield _step(group, lower, on, [one for one in by_level[upper] if one.nodes < group.nodes])


def _step(group: Group, lower: Level, on: Mapping[str, list[Group]], inner: list[Group]) -> Step:
    """What hangs on a group. `on`: node -> groups below; `inner`: smaller groups of its own level."""
    below = {one.nodes: one for name in group.nodes for one in on.get(name, ()) if one.nodes <= group.nodes}
    hanging = [one for one in below.values() if not any(one.nodes <= other.nodes for other in inner)]
    read = frozenset[str]().union(*(one.nodes for one in hanging if one.power_mw is not None))
    power = sum_known([one.power_mw for one in hanging]) if read == group.nodes else None
    return Step(group, lower, power, len(read))


def groups(fleet: Fleet) -> list[Group]:
    """All that is measured, by level."""
    sites = sites_of(fleet)
    names_at: dict[str, set[str]] = defaultdict(set)
    for name, site in sites.items():
        names_at[site].add(name)
    same: dict[tuple[str, str, frozenset[str]], list[PowerMeter]] = defaultdict(list)
    for meter in single(fleet)[0]:
        site = site_of(meter, sites)
        nodes = frozenset(plain(meter.nodes)) if meter.nodes else frozenset(names_at[site])
        same[site, meter.kind, nodes].append(meter)
    found = [group for key, meters in same.items() for group in _metered(*key, meters)]
    measured = {name for group in found if group.level == "node" for name in group.nodes}
    found += [_node(node) for node in fleet.nodes if node.name not in measured]
    parts = {(kind, nodes): meters[0].power_mw for (_, kind, nodes), meters in same.items()}
    found += [_parts(node, parts) for node in fleet.nodes]
    return sorted(found, key=lambda one: (one.site, _LEVELS.index(one.level), one.names))


def _metered(site: str, kind: str, nodes: frozenset[str], meters: list[PowerMeter]) -> Iterator[Group]:
    names = tuple(meter.name for meter in meters)
    power = sum_known([meter.power_mw for meter in meters])
    if kind == "ups":
        if any(meter.input_mw is not None for meter in meters):
            given = sum_known([meter.input_mw for meter in meters])
            yield Group(site, "ups input", names, nodes, given)
        yield Group(site, "ups", names, nodes, power)
    elif kind == "facility":
        yield Group(site, "facility", names, nodes, power)
    elif kind == "pdu":
        yield Group(site, "pdu", names, nodes, power)
    elif kind == "bmc" and len(nodes) == 1:
        yield Group(site, "node", names, nodes, power)


def _node(node: Node) -> Group:
    """A node that tells its own power, or whose power nobody knows."""
    power = node.use.power_mw if node.use is not None else None
    return Group(node.site or "", "node", (node.name,), frozenset({node.name}), power)


def _parts(node: Node, metered: Mapping[tuple[str, frozenset[str]], int | None]) -> Group:
    """Boards, and processors where they are metered; unknown when a board was not read.

    Boards tell their own power; where they do not, a meter of all boards of the node does.
    """
    names = frozenset({node.name})
    boards = [one.power_mw for one in node.accelerators or () if one.kind in ("whole", "shared")]
    if node.accelerators is None or None in boards:
        boards = [metered.get(("accelerator", names))]
    processors = [metered["rapl", names]] if ("rapl", names) in metered else []
    power = sum_known([*boards, *processors])
    return Group(node.site or "", "boards and CPUs", (node.name,), names, power)


def sum_known(values: list[int | None]) -> int | None:
    """The sum; None where one is not known, or there is none."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
