"""What differs in a pool of like nodes: the few that deviate, or a rollout under way. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Deviation(NamedTuple):
    """Nodes whose value is not that of their pool; for a rollout all that are not of the largest part."""

    value: str
    """Empty: a rollout, which has several values."""
    nodes: tuple[str, ...]
    usual: tuple[str, ...]
    """The values that larger parts of the pool have, the most common first."""


def parts(values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the nodes of each value: the most common first, of equally many the one that sorts first."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for node in sorted(values):
        found[values[node]].append(node)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return {value: tuple(nodes) for value, nodes in ordered}


def deviations(values: Mapping[str, str], rollout_milli: int) -> list[Deviation]:
    """Return what deviates in `values`, by node: nothing where all have one value.

    A value that no more than `rollout_milli` thousandths of the nodes have is a deviation of its own. Where
    several values have more than that, a rollout is under way: it is one deviation, whatever its size. A
    single node that deviates is found in each pool that is large enough for its share to be below that.
    """
    found = parts(values)
    if len(found) < 2:
        return []
    usual = [value for value, nodes in found.items() if len(nodes) * 1000 > rollout_milli * len(values)]
    usual = usual or list(found)  # so many values that none of them is usual
    told: list[Deviation] = []
    if len(usual) > 1:
        rest = sorted(node for value in usual[1:] for node in found[value])
        told.append(Deviation("", tuple(rest), tuple(usual)))
    told += [Deviation(value, found[value], tuple(usual)) for value in found if value not in usual]
    return told
