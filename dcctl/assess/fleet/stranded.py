"""Free accelerators that cannot be handed out, because the node has too little left of something else.

A new job is expected to ask, for each accelerator, for the fair share of every other dimension:

    share = min(typical, fair)
    typical = median over the accelerator-holding members of the pool of (request / accelerators)
    fair = part * (allocatable - what DaemonSets request) / accelerators that the node offers
    part = 7/8 where work of the pool tells what is typical, else 1/2

The part leaves room for small work, so that one system pod strands nothing. Of pods one for each accelerator
is enough.

Of F free accelerators, min over the dimensions of floor(left / share) are usable and the rest are stranded,
where left = allocatable - requested. A dimension that the scheduler does not count, or of which nobody
asks anything, limits nothing. `min` errs towards "usable": a pool whose jobs are modest is not called
stranded for lacking what they never ask for.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from dcctl.inventory.occupancy.resources import accelerators_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Node, Resources
    from dcctl.inventory.occupancy.demand import Amount, Demand, Placed

DIMENSIONS = ("cpu_milli", "memory_bytes", "storage_bytes", "pods")
"""In this order a tie is broken."""

_PART_OF_KNOWN, _PART_OF_UNKNOWN = (7, 8), (1, 2)
"""Of an equal share, what a job is expected to ask for at most. Where no job tells, half of it: enough to see
nodes that other work has filled. Chosen, not measured."""

WORDS = {"cpu_milli": "CPU", "memory_bytes": "memory", "storage_bytes": "scratch storage", "pods": "pods"}


class Ratio(NamedTuple):
    """An amount per accelerator, kept exact."""

    amount: int
    accelerators: int

    def below(self, other: Ratio) -> bool:
        """Whether it is the smaller one."""
        return self.amount * other.accelerators < other.amount * self.accelerators

    def fits(self, left: int) -> int | None:
        """How many accelerators `left` serves; None when there is no limit."""
        return None if self.amount <= 0 else max(0, left) * self.accelerators // self.amount

    def for_(self, accelerators: int) -> int:
        """The amount that so many accelerators need, rounded up."""
        return -(-self.amount * accelerators // self.accelerators)


class Shares(Struct, frozen=True):
    """The typical request per accelerator in one pool, by dimension; None where no member tells."""

    cpu_milli: Ratio | None = None
    memory_bytes: Ratio | None = None
    storage_bytes: Ratio | None = None
    pods: Ratio | None = None


class Shortage(Struct, frozen=True):
    """How many free units of a node are stranded, and for want of what."""

    units: int = 0
    """Of what the scheduler hands out: boards, shares or slices."""
    dimension: str = ""
    left: int = 0
    """What the node has left of it, in the dimension's unit."""
    allocatable: int = 0
    needed: int = 0
    """What must be left so that none is stranded."""


NO_SHORTAGE = Shortage()


def typical(placed: Iterable[Placed]) -> Shares:
    """The median request per accelerator over the members that hold any (the lower one of two)."""
    holding = [one for one in placed if one.accelerators]
    return Shares(*(_median(holding, dimension) for dimension in DIMENSIONS)) if holding else Shares()


def _median(holding: list[Placed], dimension: str) -> Ratio:
    implied = 1 if dimension == "pods" else 0
    pairs: Counter[tuple[int, int]] = Counter()
    amount_of = attrgetter(f"member.requests.{dimension}")  # who asks for accelerators has requests
    for one in holding:
        amount = amount_of(one)
        pairs[implied if amount is None else amount, one.accelerators] += 1
    below = (len(holding) - 1) // 2
    for pair in sorted(pairs, key=lambda pair: pair[0] / pair[1]):
        if below < pairs[pair]:
            break
        below -= pairs[pair]
    return Ratio(*pair)


def shortage(node: Node, demand: Demand, shares: Shares, free: int) -> Shortage:
    """What strands how many of the node's `free` units (boards, shares or slices)."""
    allocatable = node.allocatable
    offered = accelerators_in(allocatable.devices) if allocatable is not None else 0
    if allocatable is None or not offered:
        return NO_SHORTAGE
    worst = NO_SHORTAGE
    for dimension, total, asked in zip(
        DIMENSIONS, _by_dimension(allocatable), _by_dimension(demand), strict=True
    ):
        if total is None:
            continue
        left = total - (asked or 0)
        if left * offered >= total * free:
            continue  # more than the fair share is left for each: the usual case, and quickly told
        for_work = max(0, total - _of(demand.daemons(), dimension))
        share = _share(dimension, Ratio(for_work, offered), _of_pool(shares, dimension))
        serves = share.fits(left)
        if serves is not None and free - serves > worst.units:
            worst = Shortage(free - serves, dimension, left, total, share.for_(free))
    return worst


def _by_dimension(amount: Amount | Resources) -> tuple[int | None, ...]:
    """In the order of DIMENSIONS."""
    return amount.cpu_milli, amount.memory_bytes, amount.storage_bytes, amount.pods


def _of(amount: Amount, dimension: str) -> int:
    value: int = getattr(amount, dimension)
    return value


def _of_pool(shares: Shares, dimension: str) -> Ratio | None:
    ratio: Ratio | None = getattr(shares, dimension)
    return ratio


def _share(dimension: str, equal: Ratio, usual: Ratio | None) -> Ratio:
    part, of = _PART_OF_UNKNOWN if usual is None else _PART_OF_KNOWN
    share = Ratio(equal.amount * part, equal.accelerators * of)
    most = Ratio(1, 1) if dimension == "pods" else share
    for other in (most, usual):
        if other is not None and other.below(share):
            share = other
    return share
