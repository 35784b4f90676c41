"""Why there is no mix: conditions that cannot hold together, none of which can be left out.

QuickXplain (Junker, AAAI 2004) halves the conditions, so that a conflict of k among n takes about
k log(n / k) questions; then each of the k is asked how far it would have to give way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.milp import Feasibility, cheapest, is_small, relaxed
from dcctl.assess.cost.programme import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.cost.programme import Group, Programme

    Holds = Callable[[frozenset[Group]], bool]

_STEPS: Final = 10
"""Halvings of the range of a floor."""
_LIMIT_S: Final = 10.0


_LAST: Final = ("need", "stock")
"""Kinds that are blamed only for want of others."""


class Clash(NamedTuple):
    """A condition of the conflict."""

    group: Group
    would_do: float | None
    """With so many units more, of what is limited, there is a mix, and with less there is none. For a need
    and a floor: so many fewer. None: this alone does not help."""


class Conflict(NamedTuple):
    """Conditions that cannot hold together; without any one of them, the rest can."""

    clashes: tuple[Clash, ...]
    in_parts: bool
    """Whether nodes are taken to be had in parts, as of a large programme: it is a conflict of whole nodes
    too, of which some may not be needed, and what would do is the least that could."""


def conflict(made: Programme) -> Conflict:
    """Return a conflict: of limits first, then of large needs, then of stocks."""
    groups, in_parts = _in_order(made), Feasibility(made, relax=True)
    parts = not in_parts.holds(frozenset(groups))
    if parts:
        proof = in_parts.proof()
        proved = [group for group in groups if group in proof]
        groups = smallest(groups if in_parts.holds(proof) else proved, in_parts.holds)
    if not parts or is_small(made):
        groups = smallest(groups, Feasibility(made, relax=False).holds)
        parts = False
    if not parts and not is_small(made):
        return Conflict(tuple(Clash(group, None) for group in groups), parts)
    return Conflict(tuple(Clash(group, _would_do(made, group, relax=parts)) for group in groups), parts)


def _in_order(made: Programme) -> list[Group]:
    """Conditions as they are to be blamed: QuickXplain leaves out what comes late where it can."""
    sizes = {
        work: -min(row.terms[at] for row in made.rows if row.group is None and at in row.terms)
        for (work, _), at in made.parts.items()
        if any(row.group is None and at in row.terms for row in made.rows)
    }
    return sorted(
        made.groups,
        key=lambda group: (
            _LAST.index(group.kind) if group.kind in _LAST else -1,
            -sizes.get(group.subject, 0),
            group,
        ),
    )


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


def _would_do(made: Programme, group: Group, *, relax: bool) -> float | None:
    """The least by which a condition gives way, all others kept."""
    at = next(at for at, row in enumerate(made.rows) if row.group == group)
    if made.rows[at].tilt:
        return _least_tilt(made, group, relax=relax)
    free = made.free()
    slack = len(free.columns)
    row = free.rows[at]
    sign = 1 if row.lower is not None else -1
    free.columns.append(Column(1.0, whole=False))
    free.rows[at] = row._replace(terms={**row.terms, slack: sign * abs(row.grow or 1)})
    found = relaxed(free) if relax else cheapest(free, _LIMIT_S)
    return found.cost if found.state == "solved" else None


def _least_tilt(made: Programme, group: Group, *, relax: bool) -> float | None:
    """Per cent by which a floor must come down, to a tenth."""
    low, high = 0, 1000
    if not _feasible_with(made, group, high, relax=relax):
        return None
    for _ in range(_STEPS):
        middle = (low + high) // 2
        low, high = (low, middle) if _feasible_with(made, group, middle, relax=relax) else (middle, high)
    return high / 10


def _feasible_with(made: Programme, group: Group, tenths: int, *, relax: bool) -> bool:
    less = made.with_more(group, -tenths / 10)
    return Feasibility(less, relax=relax).holds(frozenset(less.groups))
