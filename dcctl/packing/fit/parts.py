"""Parts of a data centre by name: racks, leaf switches, power feeds, sites."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.inventory.topology import FEEDS
from dcctl.packing.problem import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.model import Fleet
    from dcctl.inventory.placement import Level
    from dcctl.packing.problem import Bin

    Ints = NDArray[np.int64]


class Part(NamedTuple):
    """Bins that are lost together."""

    level: str
    """`node`, one of LEVELS, or `feed`."""
    name: str
    bins: frozenset[int]


def parts_of(bins: Sequence[Bin], whole: Fleet) -> tuple[Part, ...]:
    """Every part that has bins: the nodes first, then the narrowest."""
    rows: dict[tuple[str, str], set[int]] = {}
    for at, one in enumerate(bins):
        for level in LEVELS:
            if name := one.part_of_site(level):
                rows.setdefault((level, name), set()).add(at)
    single = [Part("node", one.name, frozenset((at,))) for at, one in enumerate(bins)]
    wider = [Part(level, name, frozenset(members)) for (level, name), members in rows.items()]
    return (
        *single,
        *sorted(wider, key=lambda one: (LEVELS.index(one.level), one.name)),
        *_feeds(bins, whole),
    )


def _feeds(bins: Sequence[Bin], whole: Fleet) -> Iterable[Part]:
    """What goes dark with each power distribution unit and UPS, as far as meters say.

    A node that a second one of its kind feeds too stays up.
    """
    from dcctl.inventory.nodeset import expand, groups_of

    positions = {one.name: at for at, one in enumerate(bins)}
    groups = groups_of(whole)
    fed: dict[str, dict[str, frozenset[int]]] = {kind: {} for kind in FEEDS}
    for meter in whole.meters:
        if meter.kind in FEEDS and meter.nodes:
            names = expand(meter.nodes, groups)
            fed[meter.kind][meter.name] = frozenset(positions[name] for name in names if name in positions)
    for meters in fed.values():
        feeds = Counter(at for members in meters.values() for at in members)
        for name, members in meters.items():
            dark = frozenset(at for at in members if feeds[at] == 1)
            if dark:
                yield Part("feed", name, dark)


def named(parts: Iterable[Part], text: str) -> list[Part]:
    """Parts that `rack:r07`, `dc1/r07` or `r07` can mean: by kind, and whole name or its last part."""
    level, _, name = text.rpartition(":")
    return [
        one
        for one in parts
        if (not level or one.level == level) and name in (one.name, one.name.rpartition("/")[2])
    ]


class Split(NamedTuple):
    """Bins by part."""

    of: Ints
    """By bin: its part; -1: in none."""
    ranks: Ints
    """Of each part where it comes by its name."""


class Parts:
    """Which bins lie in which part of the data centre."""

    def __init__(self, bins: Sequence[Bin]) -> None:
        """Look at every path once."""
        self.rows: dict[Level, Ints] = {}
        self.names: dict[Level, tuple[str, ...]] = {}
        self._ranks: dict[Level, Ints] = {}
        """Of each part where it comes by its name."""
        self._every = np.arange(len(bins))
        for level in LEVELS:
            values: dict[str, int] = {}
            told = (one.part_of_site(level) for one in bins)
            rows = (values.setdefault(path, len(values)) if path else -1 for path in told)
            self.rows[level] = np.fromiter(rows, np.int64, len(bins))
            self.names[level] = tuple(values)
            self._ranks[level] = np.argsort(sorted(values.values(), key=self.names[level].__getitem__))

    def told(self, level: Level) -> Split:
        """The parts of a level."""
        return Split(self.rows[level], self._ranks[level])

    def within(self, level: Level) -> tuple[Split, ...]:
        """All parts of which one must hold what lies within one of a level, the level itself last but one.

        A rack lies within one zone, whichever it is and whether anybody tells, and so does a node by itself.
        """
        nodes = Split(self._every, self._every)
        if level == "node":
            return (nodes,)
        return (*map(self.told, LEVELS[: LEVELS.index(level) + 1]), nodes)
