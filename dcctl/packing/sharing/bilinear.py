"""The shares with the largest sum over models of training x inference satisfied, and a proved bound of it.

The product of two fractions is neither convex nor concave. With g = sqrt(t f), which is concave, the
objective is the sum of g^2, which is convex in g: over an interval of g it lies below its secant, and g lies
below every tangent (a t + f / a) / 2 of the root. Both are linear, so a linear programme bounds each box of
intervals, and the interval of the claim with the largest error is cut in two until bound and best meet
(spatial branch and bound; McCormick's envelopes of t f are rows as well).
"""

from __future__ import annotations

from fractions import Fraction
from heapq import heappop, heappush
from math import prod, sqrt
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec.structs import replace

from dcctl.packing.sharing.shares import ONE, Key, Sharing, fair_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.packing.sharing.relaxation import Solved
    from dcctl.packing.sharing.shares import Claim, Shares, Supply

BOXES, WORK = 3000, 40_000
"""After so many boxes, or boxes x columns, the search ends, and the gap is what it is."""
GAP = 1e-6
"""Relative; the search ends when nothing can be better by more."""
_SLACK = 1e-8
"""A linear programme in floating point may understate its optimum by so much."""
_ROUNDS = 12
"""Of tangents in one box."""
_NEAR = (1e-4, 0.0)
"""So near to its least or its most a share is taken to be that; the better of the two readings is kept."""
_LEAST_TANGENT = 1e-8

_Shares: TypeAlias = "Mapping[Key, Fraction]"
Box = tuple[tuple[float, float], ...]
"""The interval of g of each product, in order."""


class Product(NamedTuple):
    """A claim with both parts: `worth` is the value of both satisfied as far as they can be alone."""

    training: int
    """Column of the share of its training."""
    inference: int
    worth: float


class Scaled(NamedTuple):
    """The problem in numbers near one: a column is a share of the most that its part could have alone."""

    keys: tuple[Key, ...]
    most: tuple[Fraction, ...]
    least: tuple[float, ...]
    """By column."""
    rows: tuple[tuple[tuple[int, float], ...], ...]
    """Each at most 1: (column, coefficient)."""
    products: tuple[Product, ...]
    single: dict[int, float]
    """Worth of the columns of claims that want one part alone."""
    unit: float
    """The value that is 1 here."""


def train_x_infer(claims: Sequence[Claim], supply: Supply, boxes: int | None = None) -> Shares:
    """The shares with the largest sum of weight x training x inference satisfied.

    `bound` of the result is proved; where it is above `value` by more than GAP, the search ended at `boxes`
    (by default what takes seconds). Never below the value of the fair shares; the same claims and supply give
    the same shares.
    """
    sharing = Sharing(claims, supply)
    even = fair_shares(sharing)
    base = {key: min(sharing.least[key], even[key]) for key in sharing.open}  # all minimums, if they fit
    standing = _Standing(sharing, base)
    reach = {key: standing.top(key) for key in sharing.open}
    problem = _scaled(sharing, base, reach)
    most = min(BOXES, WORK // max(1, len(problem.keys))) if boxes is None else boxes
    columns, bound = _Search(problem, most).run()
    found = dict(zip(problem.keys, columns, strict=True))
    wishes = (
        {key: _snapped(found.get(key, 0.0), base[key], reach[key], near) for key in reach} for near in _NEAR
    )
    settled = [sharing.result(_settled(sharing, base, wish)) for wish in wishes]
    best = max((*settled, sharing.result(even)), key=lambda one: one.value)
    return replace(best, bound=max(best.value, Fraction(bound * problem.unit)))


def _snapped(column: float, base: Fraction, reach: Fraction, near: float) -> Fraction:
    """The share of a column; within `near` of its base or of its reach it is taken to be that."""
    share = max(base, Fraction(column) * reach)
    ends = [end for end in (base, reach) if abs(share - end) <= near * reach]
    return ends[0] if ends else share


def _settled(sharing: Sharing, base: _Shares, wish: _Shares) -> dict[Key, Fraction]:
    """Shares near the wished ones that keep every limit exactly and leave nothing that anybody could use.

    The largest wishes are granted first, and have first what is left then. No share is below its base.
    """
    order = sorted(sharing.open, key=lambda key: -wish[key])
    standing = _Standing(sharing, base)
    for key in order:
        standing.give(key, min(wish[key], standing.top(key)))
    for key in order:
        standing.give(key, standing.top(key))
    return standing.shares


class _Standing:
    """Shares, and what they leave of each limit."""

    def __init__(self, sharing: Sharing, shares: _Shares) -> None:
        self.shares = dict(shares)
        self._left = [row.left(shares) for row in sharing.rows]
        self._uses: dict[Key, list[tuple[int, int]]] = {key: [] for key in sharing.open}
        for at, row in enumerate(sharing.rows):
            for key, amount in row.uses.items():
                self._uses[key].append((at, amount))

    def top(self, key: Key) -> Fraction:
        """The most that one part could have while every other keeps its share."""
        return min([ONE, *(self.shares[key] + self._left[at] / amount for at, amount in self._uses[key])])

    def give(self, key: Key, share: Fraction) -> None:
        """Change the share of one part."""
        for at, amount in self._uses[key]:
            self._left[at] -= amount * (share - self.shares[key])
        self.shares[key] = share


def _met(value: float, bound: float) -> bool:
    return bound - value <= GAP * bound


def _scaled(sharing: Sharing, base: _Shares, reach: _Shares) -> Scaled:
    keys = tuple(key for key in sharing.open if reach[key])
    column = {key: at for at, key in enumerate(keys)}
    worths = {
        parts: sharing.claims[parts[0][0]].weight * prod(reach[key] for key in parts)
        for parts in sharing.parts()
        if all(key in column for key in parts)
    }
    unit = max(worths.values(), default=ONE)
    products, single = [], {}
    for parts, worth in worths.items():
        if len(parts) == 2:
            products.append(Product(column[parts[0]], column[parts[1]], float(worth / unit)))
        else:
            single[column[parts[0]]] = float(worth / unit)
    return Scaled(
        keys=keys,
        most=tuple(reach[key] for key in keys),
        least=tuple(float(base[key] / reach[key]) for key in keys),
        rows=tuple(
            tuple((column[k], float(use * reach[k] / row.room)) for k, use in row.uses.items() if k in column)
            for row in sharing.rows
        ),
        products=tuple(products),
        single=single,
        unit=float(unit),
    )


class Open(NamedTuple):
    """A box that may hold something better, the most promising first."""

    minus_bound: float
    number: int
    box: Box
    at: int
    """Its interval to be cut in two …"""
    cut: float
    """… and where."""

    @property
    def bound(self) -> float:
        """No point of the box is worth more."""
        return -self.minus_bound


class _Search:
    """Best-first branch and bound over boxes of g."""

    def __init__(self, problem: Scaled, boxes: int) -> None:
        from dcctl.packing.sharing.relaxation import Relaxation

        self._problem, self._boxes = problem, boxes
        self._relaxation = Relaxation(problem)
        self._heap: list[Open] = []
        self._looked = 0
        self.best, self.columns = -1.0, list(problem.least)

    def run(self) -> tuple[list[float], float]:
        """The best columns, and the bound."""
        problem, heap = self._problem, self._heap
        if not (problem.products or problem.single):
            return self.columns, 0.0
        least = problem.least
        self._look(tuple((sqrt(least[p.training] * least[p.inference]), 1.0) for p in problem.products))
        while heap and self._looked < self._boxes and not _met(self.best, heap[0].bound):
            worst = heappop(heap)
            for half in _halves(worst):
                self._look(half)
        return self.columns, max([self.best / (1 - GAP) + _SLACK, *(one.bound for one in heap[:1])])

    def _look(self, box: Box) -> None:
        """Bound one box, and keep it unless it holds nothing much better than the best."""
        solved, self._looked = None, self._looked + 1
        for _ in range(_ROUNDS):
            solved = self._relaxation.solve(box)
            if solved is None:
                return
            self._keep(solved.columns)
            if _met(self.best, solved.bound + _SLACK) or not self._tighten(solved):
                break
        if solved is not None and not _met(self.best, solved.bound + _SLACK):
            at = max(range(len(box)), key=lambda at: self._error(at, solved))
            heappush(
                self._heap,
                Open(-solved.bound - _SLACK, self._looked, box, at, self._cut(at, box[at], solved)),
            )

    def _error(self, at: int, solved: Solved) -> float:
        """By how much the bound overstates one product."""
        product = self._problem.products[at]
        real = solved.columns[product.training] * solved.columns[product.inference]
        return product.worth * (solved.values[at] - real)

    def _cut(self, at: int, interval: tuple[float, float], solved: Solved) -> float:
        """Where an interval of g is cut: where the product is, or nearer to the middle."""
        product, (low, high) = self._problem.products[at], interval
        real = sqrt(max(0.0, solved.columns[product.training] * solved.columns[product.inference]))
        margin = (high - low) / 5
        return min(max(real, low + margin), high - margin)

    def _keep(self, columns: Sequence[float]) -> None:
        value = sum(p.worth * columns[p.training] * columns[p.inference] for p in self._problem.products)
        value += sum(worth * columns[at] for at, worth in self._problem.single.items())
        if value > self.best:
            self.best, self.columns = value, list(columns)

    def _tighten(self, solved: Solved) -> bool:
        """Add the tangent at each point whose g is above the root; whether there was one."""
        added = False
        for at, product in enumerate(self._problem.products):
            t, f = solved.columns[product.training], solved.columns[product.inference]
            if solved.roots[at] > sqrt(max(0.0, t * f)) + 1e-7:
                slope = sqrt(max(f, _LEAST_TANGENT) / max(t, _LEAST_TANGENT))
                added |= self._relaxation.add_tangent(at, slope)
        return added


def _halves(one: Open) -> tuple[Box, Box]:
    """The box with one interval cut in two."""
    low, high = one.box[one.at]
    before, after = one.box[: one.at], one.box[one.at + 1 :]
    return (*before, (one.cut, high), *after), (*before, (low, one.cut), *after)
