"""How good any plan can be: a linear program over patterns of devices, solved by generating its columns.

Kept is what holds of every plan: the demand of each class, what all bins of a group have together of each
dimension, how many devices there are and how shares fill one of them, how many large items single bins hold.
What is dropped can only raise the bound: the other limits of single bins, gangs, parts, relations, quotas and
priorities.

After Gilmore and Gomory, "A Linear Programming Approach to the Cutting-Stock Problem", 1961. Every round
proves a bound: the prices of the rows, raised until no pattern gains more than it costs, are a dual solution.
Large items are counted by the functions u(k) of Fekete and Schepers, "New Classes of Fast Lower Bounds for
Bin Packing Problems", 2001.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.improve.groups import Groups, groups_of
from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import highspy
    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.problem import Problem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_ROUNDS = 400
"""Times that columns are generated, at most; the bound is valid after each, but loose until the last few."""
_TOLERANCE = 1e-3
"""Thousandths of a device by which a column must gain."""
_LARGE = (1, 2, 3, 4)
"""Items of which so many, but not one more, fit a bin are large."""
_CLASSES = 4000
"""More classes than this are bounded by free devices and demand alone."""


def simple_bound(problem: Problem) -> int:
    """Thousandths of devices: what is free in open bins, or what is asked for, whichever is less."""
    free = sum(one.free_milli for where in problem.bins if not where.closed for one in where.devices)
    asked = sum(
        problem.classes[task.of].need.gpu_milli * len(task.members)
        for job in problem.jobs
        for task in job.tasks
    )
    return min(free, asked)


def bound(problem: Problem, items: Feasibility, members: int = 0) -> int:
    """Thousandths of devices that no plan exceeds that places at least so many `members`.

    `items`: of the state before anything is placed.
    """
    simple = simple_bound(problem)
    groups = groups_of(problem, items)
    if not groups.devices:
        return 0
    return min(simple, Relaxation(groups, members).solve()) if worth_solving(groups) else simple


def worth_solving(groups: Groups) -> bool:
    """Whether there is a program to solve, and it is not too large."""
    return bool(groups.devices) and len(groups.demand) <= _CLASSES


class Pattern(NamedTuple):
    """Items that stand together, and how often they do where no bin is bounded by itself."""

    group: int
    items: tuple[tuple[int, int], ...]
    """(class, count), the largest first."""
    times: float


class _Column(NamedTuple):
    group: int
    items: tuple[tuple[int, int], ...]
    gain: float
    rows: tuple[int, ...]
    values: tuple[float, ...]


class _Prices(NamedTuple):
    """Dual values, none below zero: what one unit more of each row would gain, in thousandths of a device."""

    rows: Floats
    """Of all rows but the last."""
    member: float
    """What one member less to place would gain."""


class Relaxation:
    """The linear program of the groups of a problem."""

    def __init__(self, groups: Groups, members: int) -> None:
        """`members` are to be placed at least."""
        self._groups, self._members = groups, members
        classes, count = len(groups.demand), len(groups.size)
        self._dimensions = np.flatnonzero(groups.amounts.any(axis=0))
        self._at_amounts = classes
        self._columns_of_amounts = len(self._dimensions) * (1 + len(_LARGE))
        self._at_devices = classes + count * self._columns_of_amounts
        self._at_several = self._at_devices + len(groups.devices)
        self._at_members = self._at_several + len(groups.several)
        self._weights = self._weighed()
        self._columns: list[_Column] = []
        self.patterns: list[Pattern] = []
        """Of the last solution: what the best plan looks like if only sums are bounded."""

    def _weighed(self) -> Floats:
        """[groups, classes, columns of amounts]: what an item takes, in bins of the group.

        First as a share of what a bin has on average, then by how much of a bin large items make useless.
        """
        groups, at = self._groups, self._dimensions
        average = np.maximum(groups.free[:, at] / np.maximum(groups.size, 1)[:, None], 1.0)
        most, amounts = np.maximum(groups.most[:, None, at], 1), groups.amounts[None, :, at]
        parts = [amounts / average[:, None, :]]
        for k in _LARGE:
            whole, rest = np.divmod((k + 1) * amounts, most)
            parts.append(np.where(rest == 0, amounts / most, whole / k))
        return np.concatenate(parts, axis=2)

    def solve(self) -> int:
        """The least bound that was proved."""
        lp, best = self._model(), math.inf
        for _ in range(_ROUNDS):
            lp.run()
            solution = lp.getSolution()
            duals = np.asarray(solution.row_dual)
            prices = _Prices(np.maximum(duals[:-1], 0.0), max(0.0, -float(duals[-1])))
            found, raised = self._patterns(prices)
            best = min(best, self._proved(prices, raised))
            if not found:
                break
            for column in found:
                self._add(lp, column)
        self.patterns = [
            Pattern(column.group, column.items, times)
            for column, times in zip(self._columns, solution.col_value, strict=False)
            if times > 1e-6 and column.group >= 0
        ]
        return math.floor(best * (1 + 1e-9) + 1e-3)

    def _model(self) -> highspy.Highs:
        import highspy

        lp = highspy.Highs()
        lp.setOptionValue("output_flag", False)
        lp.setOptionValue("threads", 1)
        for most in self._limits():
            lp.addRow(-highspy.kHighsInf, float(most), 0, [], [])
        lp.addRow(float(self._members), highspy.kHighsInf, 0, [], [])
        lp.changeObjectiveSense(highspy.ObjSense.kMaximize)
        for column in self._first():
            self._add(lp, column)
        self._add(lp, _Column(-1, (), -100.0 * WHOLE, (self._at_members,), (1.0,)))
        return lp

    def _add(self, lp: highspy.Highs, column: _Column) -> None:
        rows, values = np.array(column.rows, np.int32), np.array(column.values)
        lp.addCol(column.gain, 0.0, float("inf"), len(rows), rows, values)
        self._columns.append(column)

    def _limits(self) -> Floats:
        """Right sides of all rows but the last."""
        groups = self._groups
        sizes = np.repeat(groups.size.astype(np.float64), self._columns_of_amounts)
        return np.concatenate(
            (
                groups.demand.astype(np.float64),
                sizes,
                [float(lot.number) for lot in groups.devices],
                [float(one.most) for one in groups.several],
            )
        )

    def _first(self) -> Iterator[_Column]:
        """Every item that takes no device, or whole ones; and one share a device."""
        groups = self._groups
        for of, group in np.argwhere(groups.allowed).tolist():
            if not groups.gpu_milli[of]:
                yield self._column({of: 1}, group, None)
        for lot, device in enumerate(groups.devices):
            for of in np.flatnonzero(device.accepts).tolist():
                yield self._column({of: 1}, device.group, lot)

    def _column(self, items: dict[int, int], group: int, lot: int | None) -> _Column:
        groups = self._groups
        entries: dict[int, float] = {self._at_members: 0.0}
        gain = 0
        start = self._at_amounts + group * self._columns_of_amounts
        for of, count in items.items():
            entries[of] = float(count)
            entries[self._at_members] += count
            gain += int(groups.gpu_milli[of]) * count
            for offset, weight in enumerate(self._weights[group, of].tolist()):
                if weight:
                    entries[start + offset] = entries.get(start + offset, 0.0) + weight * count
            for at, one in enumerate(groups.several):
                if one.group == group and groups.whole[of] >= one.devices:
                    entries[self._at_several + at] = float(count)
        if lot is not None:
            entries[self._at_devices + lot] = float(max(1, *(int(groups.whole[of]) for of in items)))
        inside = tuple(sorted(items.items(), key=lambda one: (-int(groups.gpu_milli[one[0]]), one)))
        return _Column(group, inside, float(gain), tuple(entries), tuple(entries.values()))

    def _worths(self, prices: _Prices) -> Floats:
        """[groups, classes]: what one item gains, less what it takes of everything but devices."""
        groups = self._groups
        per_amount = prices.rows[self._at_amounts : self._at_devices].reshape(len(groups.size), -1)
        worth = groups.gpu_milli - prices.rows[: len(groups.demand)] + prices.member
        worths = worth[None, :] - np.einsum("gcd,gd->gc", self._weights, per_amount)
        for at, one in enumerate(groups.several):
            worths[one.group] -= prices.rows[self._at_several + at] * (groups.whole >= one.devices)
        worths_: Floats = worths
        return worths_

    def _patterns(self, prices: _Prices) -> tuple[list[_Column], Floats]:
        """Columns that gain more than they cost, and the rows' prices raised until no column does."""
        groups, worths = self._groups, self._worths(prices)
        raised = prices.rows.copy()
        found, known = [], dict[tuple[int, int, bytes], tuple[float, dict[int, int]]]()
        for lot, device in enumerate(groups.devices):
            shares = np.flatnonzero(device.accepts & (groups.share > 0) & (worths[device.group] > 1e-9))
            key = (device.group, device.free_milli, shares.tobytes())
            if key not in known:
                known[key] = _knapsack(
                    groups.share[shares], worths[device.group, shares], device.free_milli, shares
                )
            best, items = known[key]
            row = self._at_devices + lot
            if best > prices.rows[row] + _TOLERANCE:
                found.append(self._column(items, device.group, lot))
            raised[row] = max(raised[row], best)
        self._raise_for_items(worths, raised)
        return found, raised

    def _raise_for_items(self, worths: Floats, raised: Floats) -> None:
        """All items without shares are columns already: what the solver left over is laid on their demand."""
        groups = self._groups
        over = np.where(groups.allowed & (groups.gpu_milli == 0)[:, None], worths.T, -np.inf).max(
            axis=1, initial=0
        )
        for lot, device in enumerate(groups.devices):
            cost = raised[self._at_devices + lot] * groups.whole
            left = np.where(device.accepts & (groups.whole > 0), worths[device.group] - cost, 0.0)
            over = np.maximum(over, left)
        raised[: len(over)] += over

    def _proved(self, prices: _Prices, raised: Floats) -> float:
        limits = self._limits()
        priced = (raised > 0) & np.isfinite(limits)
        return float(limits[priced] @ raised[priced]) - prices.member * self._members


def _knapsack(shares: Ints, worths: Floats, free: int, names: Ints) -> tuple[float, dict[int, int]]:
    """The most that items, any number of each, are worth on one device, and which they are."""
    if not len(shares):
        return 0.0, {}
    step = int(np.gcd.reduce(shares))
    sizes, room = shares // step, free // step
    best, last = np.zeros(room + 1), np.full(room + 1, -1, np.int64)
    for at in range(1, room + 1):
        fits = np.flatnonzero(sizes <= at)
        best[at], last[at] = best[at - 1], -1
        if len(fits):
            totals = best[at - sizes[fits]] + worths[fits]
            most = int(totals.argmax())
            if totals[most] > best[at]:
                best[at], last[at] = totals[most], fits[most]
    items: dict[int, int] = {}
    at = room
    while at > 0:
        if last[at] < 0:
            at -= 1
            continue
        name = int(names[last[at]])
        items[name] = items.get(name, 0) + 1
        at -= int(sizes[last[at]])
    return float(best[room]), items
