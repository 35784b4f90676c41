"""Why there is no mix: conditions that cannot hold together, none of which can be left out.

QuickXplain (Junker, AAAI 2004) halves the conditions, so that a conflict of k among n takes about
k log(n / k) questions; then each of the k is asked how far it would have to give way.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.milp import cheapest, is_feasible
from dcctl.assess.cost.programme import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.cost.programme import Group, Programme

    Holds = Callable[[frozenset[Group]], bool]

_STEPS: Final = 10
"""Halvings of the range of a floor."""
_LIMIT_S: Final = 10.0


class Clash(NamedTuple):
    """A condition of the conflict."""

    group: Group
    would_do: float | None
    """With so many units more, of what is limited, there is a mix, and with less there is none. For a need
    and a floor: so many fewer. None: this alone does not help."""


def conflict(made: Programme) -> tuple[Clash, ...]:
    """Return a smallest conflict: without any one of its conditions, the rest of it can hold."""

    def holds(groups: frozenset[Group], *, relax: bool) -> bool:
        return is_feasible(made.only(groups), relax=relax)

    groups = made.groups
    if not holds(frozenset(groups), relax=True):
        groups = smallest(groups, partial(holds, relax=True))
    found = smallest(groups, partial(holds, relax=False))
    return tuple(Clash(group, _would_do(made, group)) for group in found)


def smallest(groups: list[Group], holds: Holds) -> list[Group]:
    """Return a conflict among conditions that cannot hold together, in their order."""
    if holds(frozenset(groups)):
        raise ValueError("these can hold together")
    found = _explain(frozenset(), groups, holds, changed=False)
    return [group for group in groups if group in found]


def _explain(base: frozenset[Group], groups: list[Group], holds: Holds, *, changed: bool) -> frozenset[Group]:
    """What of `groups` conflicts with `base`. `changed`: whether the base has grown since it was asked."""
    if changed and not holds(base):
        return frozenset()
    if len(groups) == 1:
        return frozenset(groups)
    half = len(groups) // 2
    first, second = groups[:half], groups[half:]
    right = _explain(base | frozenset(first), second, holds, changed=True)
    left = _explain(base | right, first, holds, changed=bool(right))
    return left | right


def _would_do(made: Programme, group: Group) -> float | None:
    """The least by which a condition gives way, all others kept."""
    at = next(at for at, row in enumerate(made.rows) if row.group == group)
    if made.rows[at].tilt:
        return _least_tilt(made, group)
    free = made.only(frozenset(made.groups))
    slack = len(free.columns)
    row = free.rows[at]
    sign = 1 if row.lower is not None else -1
    free.columns.append(Column(1.0, whole=False))
    free.rows[at] = row._replace(terms={**row.terms, slack: sign * abs(row.grow or 1)})
    found = cheapest(free, _LIMIT_S)
    return found.cost if found.state == "solved" else None


def _least_tilt(made: Programme, group: Group) -> float | None:
    """Per cent by which a floor must come down, to a tenth."""
    low, high = 0, 1000
    if not _feasible_with(made, group, high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) // 2
        low, high = (low, middle) if _feasible_with(made, group, middle) else (middle, high)
    return high / 10


def _feasible_with(made: Programme, group: Group, tenths: int) -> bool:
    less = made.with_more(group, -tenths / 10)
    return is_feasible(less.only(frozenset(less.groups)))
