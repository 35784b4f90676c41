"""Bins and classes that are alike, put together: what a bound needs to know of a problem."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcctl.packing.fit.feasibility import suits
from dcctl.packing.problem import UNLIMITED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.problem import Bin, Need, Problem

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MOST = 64
"""Groups of bins: where more differ, they are told apart by less."""
_CELLS = 40_000
"""Groups times classes, at most."""
_LOTS = 8
"""Lots of devices per group above which their free thousandths are rounded up."""
_STEP = 100
"""To multiples of this."""


class Lot(NamedTuple):
    """Devices of one group that are alike."""

    group: int
    free_milli: int
    accepts: Bools
    """By class: whether one item's share, or one of its whole devices, can be on it."""
    number: int
    """Devices."""


class Several(NamedTuple):
    """How many items of so many whole devices, or of more, the bins of a group hold one by one."""

    group: int
    devices: int
    most: int


class Groups(NamedTuple):
    """The classes and the bins of a problem, as far as they differ."""

    row: dict[int, int]
    """The number here of each class of the problem that fits anywhere."""
    demand: Ints
    """Items by class."""
    amounts: Ints
    """[classes, dimensions]."""
    gpu_milli: Ints
    whole: Ints
    share: Ints
    allowed: Bools
    """[classes, groups]: whether an item fits some bin of the group while nothing is placed."""
    group: Ints
    """By bin; -1: it takes nothing."""
    size: Ints
    """Bins by group."""
    free: Floats
    """[groups, dimensions], of all bins together; infinite where nobody counts."""
    most: Ints
    """[groups, dimensions], of the bin with most."""
    devices: tuple[Lot, ...]
    several: tuple[Several, ...]


def groups_of(problem: Problem, items: Feasibility) -> Groups:
    """The groups of a problem of which nothing is placed yet."""
    demand = Counter[int]()
    for job in problem.jobs:
        for task in job.tasks:
            demand[task.of] += len(task.members)
    rows: Counter[tuple[Need, bytes]] = Counter()
    keys: dict[int, tuple[Need, bytes]] = {}
    for of, count in sorted(demand.items()):
        fits = items.wanted[of].refusals(items.state.view()) == 0
        if fits.any():
            keys[of] = (problem.classes[of].need, np.packbits(fits).tobytes())
            rows[keys[of]] += count
    needs = [need for need, _ in rows]
    packed = np.frombuffer(b"".join(bits for _, bits in rows), np.uint8)
    packed = packed.reshape(len(rows), -(-len(problem.bins) // 8))
    open_ = np.unpackbits(packed, axis=1, count=len(problem.bins)).astype(np.bool_)
    numbers = {key: at for at, key in enumerate(rows)}
    row = {of: numbers[key] for of, key in keys.items()}
    return _grouped(problem, needs, row, list(rows.values()), open_)


def _grouped(
    problem: Problem, needs: Sequence[Need], row: dict[int, int], counts: Sequence[int], open_: Bools
) -> Groups:
    """`open_`: [classes, bins]."""
    group = _group_of_bins(problem.bins, open_)
    count = int(group.max(initial=-1)) + 1
    inside = [np.flatnonzero(group == at) for at in range(count)]
    dimensions = len(problem.space.dimensions)
    exact = np.array([one.free for one in problem.bins], np.int64).reshape(-1, dimensions)
    free = np.where(exact >= UNLIMITED >> 1, np.inf, np.maximum(exact, 0))
    allowed = np.array([open_[:, bins].any(axis=1) for bins in inside]).reshape(count, len(needs)).T
    lots = [lot for at, bins in enumerate(inside) for lot in _lots(problem, needs, at, allowed[:, at], bins)]
    several = {need.devices for need in needs if need.devices > 1}
    return Groups(
        row=row,
        demand=np.array(counts, np.int64),
        amounts=np.array([need.amounts for need in needs], np.int64).reshape(-1, dimensions),
        gpu_milli=np.array([need.gpu_milli for need in needs], np.int64),
        whole=np.array([need.devices for need in needs], np.int64),
        share=np.array([need.share_milli for need in needs], np.int64),
        allowed=allowed,
        group=group,
        size=np.array([len(bins) for bins in inside], np.int64),
        free=np.array([free[bins].sum(axis=0) for bins in inside]).reshape(count, dimensions),
        most=np.array([exact[bins].max(axis=0) for bins in inside]).reshape(count, dimensions),
        devices=tuple(lots),
        several=tuple(
            Several(at, devices, sum(_idle(problem.bins[one]) // devices for one in bins.tolist()))
            for at, bins in enumerate(inside)
            for devices in sorted(several)
        ),
    )


def _idle(one: Bin) -> int:
    return sum(device.free_milli >= WHOLE for device in one.devices)


def _group_of_bins(bins: Sequence[Bin], open_: Bools) -> Ints:
    """A number by bin: bins are told apart by as much as keeps the groups few."""
    used = [bool(open_[:, at].any()) for at in range(len(bins))]
    signs = [np.packbits(open_[:, at]).tobytes() for at in range(len(bins))]
    most = max(1, min(_MOST, _CELLS // max(1, len(open_))))
    tellings: tuple[Callable[[int], Hashable], ...] = (
        lambda at: (signs[at], bins[at].free, _profile(bins[at])),
        lambda at: signs[at],
        lambda at: bins[at].kinds,
        lambda at: None,
    )
    for telling in tellings:
        numbers: dict[Hashable, int] = {}
        rows = [numbers.setdefault(telling(at), len(numbers)) if used[at] else -1 for at in range(len(bins))]
        if len(numbers) <= most:
            break
    return np.array(rows, np.int64)


def _profile(one: Bin) -> Hashable:
    return tuple(sorted((device.kind, device.free_milli, device.memory_bytes or 0) for device in one.devices))


def _lots(problem: Problem, needs: Sequence[Need], group: int, allowed: Bools, bins: Ints) -> list[Lot]:
    alike = Counter(
        (device.kind, device.free_milli, device.memory_bytes or 0)
        for at in bins.tolist()
        for device in problem.bins[at].devices
        if device.free_milli > 0
    )
    coarse = len(alike) > _LOTS
    merged: dict[tuple[int, bytes], int] = {}
    for (kind, free, memory), count in alike.items():
        round_up = coarse and free < WHOLE
        milli = min(WHOLE - 1, -(-free // _STEP) * _STEP) if round_up else free
        good = np.array([_takes(problem, one, kind, milli, memory) for one in needs], np.bool_) & allowed
        key = (milli, good.tobytes())
        merged[key] = merged.get(key, 0) + count
    return [
        Lot(group, milli, np.frombuffer(good, np.bool_), count) for (milli, good), count in merged.items()
    ]


def _takes(problem: Problem, need: Need, kind: int, milli: int, memory: int) -> bool:
    """Whether such a device can serve an item that asks for it."""
    if not need.gpu_milli or milli < need.each_milli or memory < need.device_memory_bytes:
        return False
    return suits(need, problem.space.kinds[kind]) is None
