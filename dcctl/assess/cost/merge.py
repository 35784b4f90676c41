"""The same question in fewer unknowns: equal racks are one, and sites are one for the work done in them.

Rows of places that are one are added up, so every mix of the whole question is one of the merged: a bound on
its cost holds for both. Back again goes `unmerge`. Two things make the merged question easy to prove: the
number of nodes of a type over all places is an unknown of its own, and what a rack cannot hold is told by
dual-feasible functions (Fekete and Schepers, Mathematical Programming 2001).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.programme import Column, Programme, Row, Run, Stand

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from dcctl.inventory.market import Market, Place, Rack

_OF_SITES: Final = ("cpu", "memory", "storage", "bandwidth", "uplink")
"""Kinds of a site that bound what work it does, not the nodes alone."""
_PARTS: Final = 20
"""Nodes in a rack up to which it is told apart how many fit."""


class Alike(NamedTuple):
    """Racks of a site that are the same but for their names."""

    site: str
    racks: tuple[Rack, ...]

    def holds(self, power_mw: int) -> int | None:
        """How many nodes of such a power one rack holds; None: as many as one likes."""
        most = self.racks[0].nodes
        if self.racks[0].power_mw is None or not power_mw:
            return most
        by_power = self.racks[0].power_mw // power_mw
        return by_power if most is None else min(most, by_power)


class Merged(NamedTuple):
    """A programme in fewer unknowns."""

    programme: Programme
    """Nodes stand in the first of the racks that are alike, work is done at the first of the sites."""
    to: list[int]
    """By column of the whole programme, the column here."""
    alike: tuple[Alike, ...]


def alike(site: Place) -> list[Alike]:
    """Return the racks of a site by what they hold."""
    found: dict[tuple[int | None, int | None], list[Rack]] = {}
    for rack in site.racks:
        found.setdefault((rack.power_mw, rack.nodes), []).append(rack)
    return [Alike(site.name, tuple(racks)) for racks in found.values()]


def merge(market: Market, made: Programme, *, sites: bool, share: float = 1) -> Merged:
    """Return the merged programme. `sites`: they are one too. `share`: of each rack, so much is used."""
    groups = tuple(one for site in market.sites for one in alike(site))
    names = _Names(market, made, groups, sites=sites)
    small = Programme([], [], {}, {}, {})
    to = _columns(made, small, names)
    seen: dict[int, int] = {}
    for old, new in enumerate(to):
        seen.setdefault(new, old)
    first = frozenset(seen.values())
    added: dict[Hashable, list[Row]] = {}
    for row in made.rows:
        added.setdefault(names.row(row, to), []).append(row)
    small.rows.extend(
        _sum(rows, to, first, share) for rows in added.values() if names.bounds(rows[0], len(rows))
    )
    small.rows.extend(row for one in groups for row in _packing(market, small, one, share))
    return Merged(_counted(small), to, groups)


class _Names:
    """What each column and row is called once places are one."""

    def __init__(self, market: Market, made: Programme, groups: tuple[Alike, ...], *, sites: bool) -> None:
        self._nodes = frozenset(made.nodes.values())
        self._rack = {(one.site, rack.name): one.racks[0].name for one in groups for rack in one.racks}
        kinds: dict[Hashable, str] = {}
        self._site: dict[str, str] = {}
        for site in market.sites:
            works = frozenset(work for work, at in made.parts if at == site.name)
            types = frozenset(stand.type for stand in made.nodes if stand.site == site.name)
            self._site[site.name] = kinds.setdefault((works, types) if sites else site.name, site.name)
        self._many = Counter(self._site.values())

    def columns(self, made: Programme) -> Iterator[tuple[int, Stand | Run | tuple[str, str]]]:
        """Return each column of a programme with its new name."""
        for stand, at in made.nodes.items():
            yield at, stand._replace(rack=self._rack.get((stand.site, stand.rack), ""))
        for run, at in made.gpus.items():
            yield at, run._replace(site=self._site[run.site])
        for (work, site), at in made.parts.items():
            yield at, (work, self._site[site])

    def row(self, row: Row, to: list[int]) -> Hashable:
        """What rows that are added up have in common."""
        group = row.group
        if group is None:
            return frozenset(to[at] for at in row.terms if at not in self._nodes)
        if group.kind in ("rack power", "rack room"):
            return group._replace(subject=self._rack[group.site, group.subject])
        return group._replace(site=self._site[group.site]) if group.kind in _OF_SITES else group

    def bounds(self, row: Row, rows: int) -> bool:
        """Whether the sum of so many rows bounds anything: where one site is not limited, all are not."""
        group = row.group
        return group is None or group.kind not in _OF_SITES or rows == self._many[self._site[group.site]]


def _columns(made: Programme, small: Programme, names: _Names) -> list[int]:
    """Make the columns of the merged programme, and return which one each column becomes."""
    known: dict[Hashable, int] = {}
    to = [0] * len(made.columns)
    for at, name in sorted(names.columns(made), key=lambda one: one[0]):
        if name not in known:
            known[name] = len(small.columns)
            small.columns.append(made.columns[at])
            if isinstance(name, Stand):
                small.nodes[name] = known[name]
            elif isinstance(name, Run):
                small.gpus[name] = known[name]
            else:
                small.parts[name] = known[name]
        to[at] = known[name]
    return to


def _sum(rows: list[Row], to: list[int], first: frozenset[int], share: float) -> Row:
    """Add up rows of places that are one: what the first of them takes, all of what they have."""
    terms = {to[at]: value for row in rows for at, value in row.terms.items() if at in first}
    lower = None if rows[0].lower is None else sum(row.lower or 0 for row in rows)
    upper = None if rows[0].upper is None else sum(row.upper or 0 for row in rows)
    if upper and rows[0].group and rows[0].group.kind in ("rack power", "rack room"):
        upper *= share
    return Row(terms, lower, upper, rows[0].group)


def _packing(market: Market, small: Programme, one: Alike, share: float) -> Iterator[Row]:
    """What equal racks cannot hold, however it is shared out: a node of which k fit takes 1/k at least."""
    takes: dict[int, int] = {}
    for node in market.types:
        at = small.nodes.get(Stand(node.name, one.site, one.racks[0].name))
        if at is not None and node.whole:
            takes[at] = node.each.power_mw or 0
    fitting = {at: one.holds(power) for at, power in takes.items()}
    if never := {at: 1.0 for at, holds in fitting.items() if holds == 0}:
        yield Row(never, None, 0)
    whole = one.racks[0].power_mw
    if not whole or len(one.racks) == 1:
        return
    for parts in sorted({holds for holds in fitting.values() if holds and holds <= _PARTS}):
        terms = {at: _dual_feasible(power, whole, parts) for at, power in takes.items()}
        yield Row({at: value for at, value in terms.items() if value}, None, len(one.racks) * share)


def _dual_feasible(power: int, whole: int, parts: int) -> float:
    """u(x) of x = power / whole: nodes that fit together in a rack have a sum of 1 at most."""
    times, rest = divmod((parts + 1) * power, whole)
    return times / parts if rest else power / whole


def _counted(small: Programme) -> Programme:
    """Count the nodes of each type over all of its places: fewer unknowns to branch on, and stronger cuts."""
    places: dict[str, list[int]] = {}
    for stand, at in small.nodes.items():
        places.setdefault(stand.type, []).append(at)
    counts: dict[int, list[int]] = {}
    type_of: dict[int, int] = {}
    for ats in places.values():
        if len(ats) > 1:
            count = len(small.columns)
            small.columns.append(Column(0, small.columns[ats[0]].whole))
            counts[count] = ats
            type_of |= dict.fromkeys(ats, count)
    rows = [row._replace(terms=_by_count(row.terms, counts, type_of)) for row in small.rows]
    sums = [Row({count: -1.0, **dict.fromkeys(ats, 1.0)}, 0, 0) for count, ats in counts.items()]
    return small._replace(rows=[*rows, *sums])


def _by_count(
    terms: dict[int, float], counts: dict[int, list[int]], type_of: dict[int, int]
) -> dict[int, float]:
    """Terms in which all places of a type weigh the same, by their number."""
    found = dict(terms)
    for count in {type_of[at] for at in terms if at in type_of}:
        values = {terms.get(at) for at in counts[count]}
        if len(values) == 1 and None not in values:
            found[count] = terms[counts[count][0]]
            for at in counts[count]:
                del found[at]
    return found
