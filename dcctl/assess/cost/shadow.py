"""What one unit more of a condition would save: the price of its row, and the mix solved again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.milp import exactly, is_small, relaxed

if TYPE_CHECKING:
    from dcctl.assess.cost.milp import Solved
    from dcctl.assess.cost.programme import Group, Programme

_AGAIN: Final = 12
"""Prices that are checked by solving again, the largest first."""
_AGAIN_S: Final = 5.0
"""Each of them, at most."""
_NOTHING: Final = 1e-6


class Worth(NamedTuple):
    """Of one unit more, in a year; below zero it costs."""

    group: Group
    by_part: float
    """Where nodes could be had in parts: the dual value of the relaxed programme."""
    again: float | None
    """Solved again with whole nodes; None: not done, or not proved to the last."""


def worths(made: Programme, found: Solved) -> tuple[Worth, ...]:
    """Return what binds, the largest first. `found` is the answer to the programme."""
    loose = relaxed(made)
    if loose.state != "solved":
        return ()
    prices = _prices(made, loose)
    binding = sorted(
        (group for group, price in prices.items() if abs(price) > _NOTHING),
        key=lambda group: (-abs(prices[group]), group),
    )
    return tuple(
        Worth(group, prices[group], _again(made, found, group) if at < _AGAIN else None)
        for at, group in enumerate(binding)
    )


def _prices(made: Programme, loose: Solved) -> dict[Group, float]:
    """By condition, what one unit more saves: -dual * (change of its end - change of its terms)."""
    prices: dict[Group, float] = {}
    for row, dual in zip(made.rows, loose.duals, strict=True):
        if row.group is not None:
            tilted = sum(each * loose.values[at] for at, each in row.tilt.items())
            prices[row.group] = prices.get(row.group, 0) - dual * (row.grow - tilted)
    return prices


def _again(made: Programme, found: Solved, group: Group) -> float | None:
    if not (is_small(made) and found.exact):
        return None
    other = exactly(made.with_more(group, 1), _AGAIN_S)
    return found.cost - other.cost if other.exact else None
