"""Which bins an item's template allows at all: selectors, taints and models, decided once per template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec.structs import replace

from dcctl.inventory.placement import level_of
from dcctl.packing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.model import Taint
    from dcctl.inventory.placement import Expression, Level, NodeTerm, Template, Toleration
    from dcctl.packing.problem import Bin

    Mask = NDArray[np.bool_]
    Bits = NDArray[np.int64]

_KEEPS_OUT = frozenset(("NoSchedule", "NoExecute"))
_UPKEEP: Final = {
    "node.kubernetes.io/not-ready": Reason.NOT_READY,
    "node.kubernetes.io/unreachable": Reason.NOT_READY,
    "node.kubernetes.io/unschedulable": Reason.CORDONED,
}
"""Taints by which Kubernetes says what a node's state says too."""


class Labels:
    """The labels, taints and names of all bins, as columns."""

    def __init__(self, bins: Sequence[Bin]) -> None:
        """Look at no label before somebody asks for it."""
        self._bins = bins
        self._columns: dict[str, tuple[NDArray[np.int64], dict[str, int]]] = {}
        self._names = {one.name: at for at, one in enumerate(bins)}
        taints: dict[tuple[Taint, ...], int] = {}
        self._taint_rows = np.fromiter(
            (taints.setdefault(one.taints, len(taints)) for one in bins), np.int64, len(bins)
        )
        self._taints = tuple(taints)
        self._closed = np.fromiter((one.closed for one in bins), np.int64, len(bins))

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self._bins)

    def refusals(self, template: Template, tolerated: frozenset[str] = frozenset()) -> Bits:
        """Why each bin is out of the question for any item of this template; 0 where it is not.

        `tolerated`: keys of taints that keep nobody out.
        """
        bits = self._closed | self._tainted(template.tolerations, tolerated)
        bits[~self.selected(template)] |= Reason.LABELS
        if template.bound_to is not None:
            bits[~self._any(template.bound_to)] |= Reason.VOLUME
        return bits

    def column(self, key: str) -> tuple[NDArray[np.int64], dict[str, int]]:
        """A number for the value that each bin has of a label (-1: it has none), and the numbers by value."""
        found = self._columns.get(key)
        if found is None:
            values: dict[str, int] = {}
            level = level_of(key)
            told = (_part(one, level) if level else one.labels.get(key) for one in self._bins)
            rows = (-1 if text is None else values.setdefault(text, len(values)) for text in told)
            found = self._columns[key] = (np.fromiter(rows, np.int64, len(self._bins)), values)
        return found

    def _tainted(self, tolerations: Iterable[Toleration], tolerated: frozenset[str]) -> Bits:
        bits = [
            sum(
                {
                    _UPKEEP.get(taint.key, Reason.TAINT)
                    for taint in taints
                    if bars(taint, tolerations, tolerated)
                }
            )
            for taints in self._taints
        ]
        return np.array(bits or [0], np.int64)[self._taint_rows]

    def untainted(self, template: Template) -> Mask:
        """Which bins have no taint that keeps such members out."""
        mask: Mask = self._tainted(template.tolerations, frozenset()) == 0
        return mask

    def selected(self, template: Template) -> Mask:
        """Which bins meet the node selector and the required node affinity."""
        mask = np.ones(len(self._bins), np.bool_)
        for key, value in template.node_selector.items():
            rows, values = self.column(key)
            mask &= rows == values.get(value, -2)
        if template.required is not None:
            mask &= self._any(template.required)
        return mask

    def _any(self, terms: Iterable[NodeTerm]) -> Mask:
        mask = np.zeros(len(self._bins), np.bool_)
        for term in terms:
            mask |= self.matching(term)
        return mask

    def matching(self, term: NodeTerm) -> Mask:
        """Which bins meet every expression of the term; none if it has no expression."""
        mask = np.full(len(self._bins), bool(term.labels or term.names))
        for expression in term.labels:
            mask &= self._meets(expression)
        for expression in term.names:
            named = np.zeros(len(self._bins), np.bool_)
            named[[self._names[name] for name in expression.values if name in self._names]] = True
            mask &= ~named if expression.operator == "NotIn" else named
        return mask

    def _meets(self, expression: Expression) -> Mask:
        rows, values = self.column(expression.key)
        match expression.operator:
            case "Exists":
                return rows >= 0
            case "DoesNotExist":
                return rows < 0
            case "In":
                return np.isin(rows, [values[text] for text in expression.values if text in values])
            case "NotIn":
                return ~np.isin(rows, [values[text] for text in expression.values if text in values])
        return _compared(expression, rows, values)


def _part(one: Bin, level: Level) -> str | None:
    """In which part of a level a bin lies, by a name that no other has; None where nobody knows."""
    return one.name if level == "node" else one.part_of_site(level) or None


def _compared(expression: Expression, rows: NDArray[np.int64], values: dict[str, int]) -> Mask:
    """Gt and Lt: both sides must be integers, as in Kubernetes."""
    bound = _integer(expression.values[0]) if len(expression.values) == 1 else None
    if bound is None:
        return np.zeros(len(rows), np.bool_)
    numbers = {at: _integer(text) for text, at in values.items()}
    over = expression.operator == "Gt"
    good = [at for at, n in numbers.items() if n is not None and (n > bound if over else n < bound)]
    return np.isin(rows, good)


_WHOLE_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,99}")
_INT64: Final = 1 << 63


def _integer(text: str) -> int | None:
    """As Go's strconv.ParseInt reads 64 bits."""
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else _INT64
    return number if -_INT64 <= number < _INT64 else None


def bars(taint: Taint, tolerations: Iterable[Toleration], tolerated: frozenset[str]) -> bool:
    """Whether the taint keeps out who has these tolerations."""
    if taint.effect not in _KEEPS_OUT or taint.key in tolerated:
        return False
    return not any(tolerates(one, taint) for one in tolerations)


def shut_at(bins: Sequence[Bin], at_s: int) -> tuple[Bin, ...]:
    """The bins as they are at a moment: closed in their windows."""
    return tuple(
        replace(one, closed=one.closed | Reason.CLOSED)
        if any(start_s <= at_s < end_s for start_s, end_s in one.closed_windows)
        else one
        for one in bins
    )


def takes_work(one: Bin, tolerated: frozenset[str]) -> bool:
    """Whether work that says nothing of taints may stand in a bin. `tolerated`: keys that keep nobody out."""
    return not one.closed and not any(bars(taint, (), tolerated) for taint in one.taints)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Kubernetes' rule: empty effect and empty key (with Exists) match all (core/v1 Toleration)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value
