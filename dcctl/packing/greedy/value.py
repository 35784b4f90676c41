"""The default policy, *use value*: put an item where what the bin is still worth to the others falls least.

A bin is worth what the items that are known to come could use of it. Their demand is summed up in a few
terms: shares of a device, and one, two, four, … whole devices, each parted by CPU per device. A term can use
the least of three things: the devices that its shape reaches (whole: complete blocks of free devices, and
with them the worth of the started ones; shares: the worth of every device), the free CPU and the free memory,
both divided by what the term asks for with each device. The worth of a started device is what shares drawn
from the demand fill of it, when each time the best of `_DRAWS` draws is taken.

The rule is our own. It was chosen on the tuning mixes of tests/bench/packing_streams.py and is compared, on
others, with FGD (USENIX ATC 2023), first-fit, best-fit and dot-product: `make bench` prints the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.greedy.policies import FirstFit
from dcctl.packing.problem import CPU, MEMORY, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.problem import Kind, Need

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_DRAWS: Final = 4
"""Shares among which the best is taken for a started device."""
_PARTS: Final = 2
"""Parts by CPU per device into which the demand of one shape is cut, of equal weight."""
_SCALE: Final = 1_000_000
"""The weights of all terms add up to it."""
_STEP: Final = 10 * _SCALE
"""Losses of worth within ten thousandths of a device count as equal."""

_LOSS_BITS, _WHOLE_BITS, _RATIO_BITS, _FREE_BITS, _MEMORY_BITS = 11, 1, 22, 16, 13
"""Of a key, from the highest: loss, whether all devices are free, distance of CPU : device ratios, free
devices (or CPU), free memory."""
_NO_LOSS: Final = 1 << (_LOSS_BITS - 4)
"""Rounding may make a loss negative by less than this."""
_MOST: Final = 1 << 40
"""More CPU (in thousandths) or memory (in MiB) than a bin has."""


class Term(NamedTuple):
    """Demand of one shape."""

    block: int
    """Whole devices of one item; 0: shares."""
    weight: Ints
    """By kind of device: what share of the demand it is that accepts this kind, in `_SCALE`."""
    cpu: Ints
    """By kind: thousandths of CPU for each device."""
    memory: Ints
    """By kind: MiB for each device."""


class UseValue(FirstFit):
    """See the module."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        """`popularity`: how many items of each class are known to come, or stand already."""
        super().__init__(items, popularity)
        kinds = items.space.kinds
        demand = _Demand(items, popularity)
        self._kind = np.array([one.devices[0].kind if one.devices else 0 for one in items.bins], np.int64)
        self._devices = np.array([one.device_count for one in items.bins], np.int64)
        self._worth = np.array([demand.worth(kind) for kind in kinds] or [[0] * (WHOLE + 1)], np.int64)
        terms = list(demand.terms()) or [_nothing(len(kinds))]
        self._block = np.array([term.block for term in terms], np.int64)
        self._weight = np.array([term.weight for term in terms], np.float64).T.copy()
        self._cpu = np.array([np.maximum(term.cpu, 1) for term in terms], np.float64).T.copy()
        self._memory = np.array([np.maximum(term.memory, 1) for term in terms], np.float64).T.copy()

    def keys(self, of: int, view: View) -> Ints:
        """Least loss of worth, then a started bin, the nearest ratio, the least left of devices, CPU, memory.

        Where nobody is known to come who wants whole bins, those are still kept: somebody may.
        """
        wanted = self._items.wanted[of]
        if len(view.at) > _MANY and wanted.accepts is None and not wanted.memory:
            return _once_each(view, self._kind, lambda some: self._keys(of, some))
        return self._keys(of, view)

    def _keys(self, of: int, view: View) -> Ints:
        need = self._items.wanted[of].need
        loss = self._losses(of, view)
        if need.share_milli:
            loss = loss.min(axis=1)
        free = np.maximum(view.milli, 0).sum(axis=1)
        cpu, memory = _within(view.free[:, CPU], _MOST), _within(view.free[:, MEMORY] >> 20, _MOST)
        key: Ints = _field(loss // _STEP + _NO_LOSS, _LOSS_BITS)
        whole: Bools = (free > 0) & (free == self._devices[view.at] * WHOLE)
        key = key << _WHOLE_BITS | whole
        key = key << _RATIO_BITS | _field(_ratio(need, cpu, free), _RATIO_BITS)
        key = key << _FREE_BITS | _field(np.where(free > 0, free, cpu // 100), _FREE_BITS)
        return key << _MEMORY_BITS | _field(memory >> 10, _MEMORY_BITS)

    def pick(self, of: int, view: View) -> Ints:
        """A share goes to the device whose loss is least, then to the fullest; whole ones as for Wanted."""
        wanted = self._items.wanted[of]
        if not wanted.share:
            return wanted.pick(view)
        order = self._losses(of, view) * (WHOLE + 1) + view.milli
        best = order.argmin(axis=1)
        return (np.arange(order.shape[1]) == best[:, None]) * wanted.share  # type: ignore[no-any-return]

    def _losses(self, of: int, view: View) -> Ints:
        """What the bins are worth less with the item: [bins]; of a share [bins, devices], where it stands."""
        wanted, kind = self._items.wanted[of], self._kind[view.at]
        need = wanted.need
        started = np.where(view.milli < WHOLE, view.milli, 0)
        full = (view.milli >= WHOLE).sum(axis=1)
        part = self._worth[kind[:, None], np.maximum(started, 0)].sum(axis=1)
        cpu, memory = view.free[:, CPU], view.free[:, MEMORY]
        before = self._value(kind, cpu, memory, full, part)
        cpu, memory = cpu - need.amounts[CPU], memory - need.amounts[MEMORY]
        if not need.share_milli:
            return before - self._value(kind, cpu, memory, full - need.devices, part)
        usable = wanted.usable(view)
        left = np.maximum(usable - need.share_milli, 0)
        worth = self._worth[kind[:, None], left]
        is_full = usable >= WHOLE
        now = np.where(is_full, 0, self._worth[kind[:, None], _within(usable, WHOLE)])
        after = self._value(
            kind[:, None],
            cpu[:, None],
            memory[:, None],
            full[:, None] - is_full,
            part[:, None] - now + worth,
        )
        return np.where(usable >= need.share_milli, before[:, None] - after, _NEVER)

    def _value(self, kind: Ints, cpu: Ints, memory: Ints, full: Ints, part: Ints) -> Ints:
        """What bins are worth, in thousandths of a device times `_SCALE`. Exact: all is below 2^53."""
        block = np.maximum(self._block, 1)
        whole = full[..., None] // block * block * WHOLE
        each = self._worth[kind, WHOLE]
        shares = (part + full * each)[..., None]
        use = np.where(self._block == 0, shares, np.where(whole > 0, whole + part[..., None], 0)).astype(
            np.float64
        )
        use = np.minimum(use, np.floor(_within(cpu, _MOST)[..., None] * 1000.0 / self._cpu[kind]))
        use = np.minimum(use, np.floor(_within(memory >> 20, _MOST)[..., None] * 1000.0 / self._memory[kind]))
        return (use * self._weight[kind]).sum(axis=-1).astype(np.int64)  # type: ignore[no-any-return]


_NEVER: Final = 1 << 50
"""The loss of what cannot be."""
_MANY: Final = 512
"""From so many bins on it pays to look which are alike."""


def _within(values: Ints, most: int) -> Ints:
    """From 0 to a limit: np.clip takes longer to begin than this takes for a few hundred bins."""
    return np.minimum(np.maximum(values, 0), most)


def _field(values: Ints, bits: int) -> Ints:
    return _within(values, (1 << bits) - 1)


def _ratio(need: Need, cpu: Ints, free: Ints) -> Ints:
    """How far a bin's CPU for each free device is from the item's; an item without devices wants it high."""
    most = (1 << _RATIO_BITS) - 1
    own: Ints = np.minimum(cpu * WHOLE // np.maximum(free, 1), most)
    if need.gpu_milli:
        return np.abs(own - need.amounts[CPU] * WHOLE // need.gpu_milli)
    return np.where(free > 0, most - own, 0)


def _once_each(view: View, kind: Ints, ask: Callable[[View], Ints]) -> Ints:
    """The answer for every bin; of bins that are alike one is asked."""
    rows = np.column_stack((kind[view.at], view.free[:, :2], view.milli))
    _, first, back = np.unique(rows @ _mixer(rows.shape[1]), return_index=True, return_inverse=True)
    if len(first) * 2 > len(rows) or not (rows == rows[first][back]).all():
        return ask(view)
    some = View(view.at[first], view.free[first], view.milli[first], view.memory[first])
    return ask(some)[back]


def _mixer(count: int) -> Ints:
    """Odd numbers, one a column: rows that differ nearly always have other sums (modulo 2^64)."""
    return np.array([0x9E3779B97F4A7C15 * (2 * at + 1) % (1 << 63) | 1 for at in range(count)], np.int64)


def _nothing(kinds: int) -> Term:
    zero = np.zeros(max(1, kinds), np.int64)
    return Term(0, zero, zero, zero)


class _Demand:
    """The classes that ask for devices, as columns; each weighs its items over the root of its devices."""

    def __init__(self, items: Feasibility, popularity: Mapping[int, int]) -> None:
        rows = [of for of, count in sorted(popularity.items()) if count and items.wanted[of].need.gpu_milli]
        needs = [items.wanted[of].need for of in rows]
        self._kinds = items.space.kinds
        self._items = np.array([popularity[of] for of in rows], np.int64)
        self._milli = np.array([need.gpu_milli for need in needs], np.int64)
        self._blocks = np.array([need.devices for need in needs], np.int64)
        self._cpu = np.array([need.amounts[CPU] for need in needs], np.int64)
        self._memory = np.array([need.amounts[MEMORY] >> 20 for need in needs], np.int64)
        self._weight = self._items / np.sqrt(np.maximum(self._milli, 1) / WHOLE)
        self._accepts = np.array(
            [[items.takes(need, at) for at in range(len(self._kinds))] for need in needs], np.bool_
        )

    def worth(self, kind: Kind) -> list[int]:
        """h[r]: what shares fill of r thousandths that are left on a device of this kind."""
        at = self._kinds.index(kind)
        some = (self._blocks == 0) & self._accepts[:, at] if len(self._blocks) else np.zeros(0, np.bool_)
        if not some.any():
            return [0] * (WHOLE + 1)
        sizes, back = np.unique(self._milli[some], return_inverse=True)
        counts = np.bincount(back, self._items[some])
        return _filled(sizes, counts / counts.sum())

    def terms(self) -> Iterator[Term]:
        """Every shape in its parts; none where nobody has devices."""
        if not len(self._blocks) or not self._kinds:
            return
        ratio = self._cpu / self._milli
        for block in np.unique(self._blocks):
            rows = np.flatnonzero(self._blocks == block)
            rows = rows[np.argsort(ratio[rows], kind="stable")]
            upto = np.cumsum(self._weight[rows])
            middle = (upto - self._weight[rows] / 2) / upto[-1]
            part = np.minimum(_PARTS - 1, (middle * _PARTS).astype(np.int64))
            for number in range(_PARTS):
                if (part == number).any():
                    yield self._term(int(block), rows[part == number])

    def _term(self, block: int, rows: Ints) -> Term:
        weight = self._weight[rows, None] * self._accepts[rows]
        total = np.maximum(weight.sum(axis=0), 1e-300)
        cpu = (weight * (self._cpu[rows] * WHOLE / self._milli[rows])[:, None]).sum(axis=0) / total
        memory = (weight * (self._memory[rows] * WHOLE / self._milli[rows])[:, None]).sum(axis=0) / total
        share = weight.sum(axis=0) / self._weight.sum() * _SCALE
        return Term(block, _rounded(share), _rounded(cpu), _rounded(memory))


def _rounded(values: Floats) -> Ints:
    return np.floor(values + 0.5).astype(np.int64)


def _filled(sizes: Ints, share: Floats) -> list[int]:
    """h[0..1000]: the best of `_DRAWS` shares is put in, then what is left is filled in the same way.

    `share`: how likely each size is. A draw that does not fit fills nothing.
    """
    worth = np.zeros(WHOLE + 1, np.int64)
    for left in range(1, WHOLE + 1):
        fits = sizes <= left
        filled = sizes[fits] + worth[left - sizes[fits]]
        order = np.argsort(filled, kind="stable")
        below = np.cumsum(share[fits][order])
        upto = np.minimum(1.0, max(0.0, 1.0 - share[fits].sum()) + np.concatenate(([0.0], below)))
        worth[left] = int(np.floor(filled[order] @ np.diff(upto**_DRAWS) + 0.5))
    return worth.tolist()
