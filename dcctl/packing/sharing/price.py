"""What an amount costs in a year: by the unit, and as the whole nodes that it takes."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dcctl.packing.sharing.shares import Amounts

    Prices = Mapping[str, Fraction]


class WholeNodes(NamedTuple):
    """So many nodes of one type."""

    number: int
    cost: Fraction


def cost(amounts: Amounts, prices: Prices) -> Fraction:
    """Return what amounts cost at prices of one unit of each dimension; what has no price costs nothing."""
    return sum((amount * prices.get(name, Fraction(0)) for name, amount in amounts.items()), Fraction(0))


def whole_nodes(amounts: Amounts, nodes: Iterable[Amounts], prices: Prices) -> WholeNodes | None:
    """Return the cheapest nodes, all of one type, that have these amounts together; None where no type has.

    `nodes` is what each one has. An amount is spread over them as it comes.
    """
    types = Counter(tuple(sorted(node.items())) for node in nodes)
    found = []
    for each, available in types.items():
        node = dict(each)
        if all(node.get(name, 0) > 0 for name, amount in amounts.items() if amount > 0):
            count = max(
                (-(-amount // node[name]) for name, amount in amounts.items() if amount > 0), default=0
            )
            if count <= available:
                found.append((cost(node, prices) * count, count, each))
    return WholeNodes(min(found)[1], min(found)[0]) if found else None
