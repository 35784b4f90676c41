"""Gangs that stand in one part of the data centre, and no longer do where the plan puts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.drain.campaign import Finding
from dcctl.drain.waves.parts import told_parts
from dcctl.inventory.folding import fold, sort_key
from dcctl.inventory.model import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.drain.campaign import Unit, Wave
    from dcctl.drain.request import Domain
    from dcctl.inventory.model import Fleet, Workload

_LEVELS: Final[tuple[tuple[Domain, str], ...]] = (
    ("zone", "no longer in one zone"),
    ("leaf", "no longer behind one leaf, so it crosses the spine"),
    ("rack", "no longer in one rack"),
    ("domain", "no longer in one NVLink domain"),
)
"""What a gang loses, the widest first: the first of them is told."""


class _Gang(NamedTuple):
    """Where the members of a gang stand, and where they do once all waves are over, in one order."""

    id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def splits(fleet: Fleet, waves: Iterable[Wave], places: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    """Yield each gang that is in one part before, and over several after; it blocks nothing.

    `places`: (workload, member) -> node, of all that is moved. Where a node does not tell its part, nothing
    is said of that kind of part.
    """
    units = [unit for wave in waves for unit in wave.units if unit.gang]
    ids = {unit.workload for unit in units} - {unit.workload for unit in units if _lacks(unit)}
    gangs = [_gang(work, places) for work in fleet.workloads if work.id in ids]
    gangs = [one for one in gangs if one.before != one.after]
    nodes = {name for one in gangs for name in (*one.before, *one.after)}
    levels = [(told_parts(fleet, nodes, by), lost) for by, lost in _LEVELS] if gangs else []
    for one in gangs:
        says = next(filter(None, (_says(one, parts, lost) for parts, lost in levels)), "")
        if says:
            left = {old for old, new in zip(one.before, one.after, strict=True) if old != new}
            yield Finding("split", one.id, says, tuple(sorted(left, key=sort_key)), blocks=False)


def _lacks(unit: Unit) -> bool:
    """Whether some of it finds no place: that is told instead."""
    return not unit.ends_by_itself and not all(leaf.to for leaf in unit.leaves)


def _gang(work: Workload, places: Mapping[tuple[str, str], str]) -> _Gang:
    stand = [(one.name, one.node) for one in work.members if one.node and one.phase not in ENDED]
    after = tuple(places.get((work.id, name), node) for name, node in stand)
    return _Gang(work.id, tuple(node for _, node in stand), after)


def _says(gang: _Gang, parts: Mapping[str, str], lost: str) -> str:
    """`8 of its 32 members move to r4, the rest stays in r2: no longer in one rack`; empty: it is whole."""
    before, after = ({parts[name] for name in names} for names in (gang.before, gang.after))
    if "" in before | after or len(before) > 1 or len(after) == 1:
        return ""
    to = [parts[new] for old, new in zip(gang.before, gang.after, strict=True) if old != new]
    if len(to) == len(gang.before):
        return f"its {len(to):,} members move to {_named(to)}: {lost}"
    of = f"{len(to):,} of its {len(gang.before):,} members {'moves' if len(to) == 1 else 'move'}"
    return f"{of} to {_named(to)}, the rest stays in {_named(before)}: {lost}"


def _named(parts: Iterable[str]) -> str:
    return fold({part.removeprefix("/") for part in parts})
