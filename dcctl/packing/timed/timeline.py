"""What is free in every bin over time: who runs frees what it holds when it ends, who is planned takes it.

What is free from one moment to another is the least that is free at any moment in between, by dimension and
by device: so a device that is free for the whole time is one and the same device.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Final

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.problem import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from dcctl.packing.fit.state import State
    from dcctl.packing.greedy.place import Stand
    from dcctl.packing.problem import Held, Need, Problem

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

NEVER: Final = 1 << 62
"""When that ends of which nobody knows the end."""


class _Slices:
    """What is free in each bin from each moment at which it changes, as rows of one array."""

    def __init__(self, width: int) -> None:
        self._rows: Ints = np.zeros((64, width), np.int64)
        self._used = 0
        self._times: dict[int, list[int]] = {}
        self._places: dict[int, list[int]] = {}
        """Positions of a bin's slices among the rows."""

    def __contains__(self, at: int) -> bool:
        return at in self._times

    def begin(self, at: int, row: Ints) -> None:
        """So much is free in a bin at any time."""
        self._times[at], self._places[at] = [-NEVER], [self._new(row)]

    def _new(self, row: Ints) -> int:
        if self._used == len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
        self._rows[self._used] = row
        self._used += 1
        return self._used - 1

    def add(self, at: int, start_s: int, end_s: int, change: Ints) -> None:
        """So much more (or, below zero, less) is free in a bin from start to end."""
        first, last = self._split(at, start_s), self._split(at, end_s)
        self._rows[self._places[at][first:last]] += change

    def _split(self, bin_: int, at_s: int) -> int:
        """The position of the slice that begins at a moment; of NEVER, that after the last one."""
        times, places = self._times[bin_], self._places[bin_]
        at = bisect_left(times, at_s)
        if at_s < NEVER and (at == len(times) or times[at] != at_s):
            times.insert(at, at_s)
            places.insert(at, self._new(self._rows[places[at - 1]]))
        return at

    def least(self, bins: Sequence[int], start_s: int, end_s: int) -> Ints:
        """What is free in each of these bins all the time from start to end: a row each."""
        places: list[int] = []
        begins = []
        for at in bins:
            times = self._times[at]
            first = bisect_right(times, start_s) - 1
            begins.append(len(places))
            places += self._places[at][first : max(first + 1, bisect_left(times, end_s))]
        return np.minimum.reduceat(self._rows[places], begins, axis=0)


class Timeline:
    """The free amounts of a problem over time, shown through one `State`: that of a chosen interval."""

    def __init__(self, problem: Problem, state: State) -> None:
        """`state` holds what is free now; jobs whose end is known free what they hold then."""
        self._state, self._needs = state, [one.need for one in problem.classes]
        self._dimensions, self._devices = state.free.shape[1], state.milli.shape[1]
        self._slices = _Slices(self._dimensions + 2 * self._devices)
        self._times: list[int] = []
        self._changed: dict[int, set[int]] = {}
        """Bins in which something changes, by the moment."""
        self._shown = (problem.now_s, problem.now_s + 1)
        self.releases: list[int] = []
        """Moments at which something is freed or opened, in order."""
        windows = [(at, *window) for at, one in enumerate(problem.bins) for window in one.closed_windows]
        self._windows = np.array(windows, np.int64).reshape(len(windows), 3)
        for end_s in {end_s for _, _, end_s in windows}:
            self._release(end_s)
        self._free_at_their_ends(problem)

    def _free_at_their_ends(self, problem: Problem) -> None:
        """What running jobs hold is free once they end; of a bin never more than it has in all."""
        total: dict[int, Ints] = {}
        for end_s, one in ends_of(problem):
            if one.bin not in total:
                most = np.array(problem.bins[one.bin].total, np.int64) - self._state.free[one.bin]
                total[one.bin] = np.maximum(most, 0)
            need = self._needs[one.of]
            amounts = np.minimum(np.array(need.amounts, np.int64), total[one.bin])
            total[one.bin] -= amounts
            freed = self._change(need, amounts, one.devices)
            freed[self._dimensions + self._devices :] = 0  # nobody counts the memory of shares that are held
            self._add(one.bin, end_s, NEVER, freed)
            self._release(end_s)

    def _change(self, need: Need, amounts: Ints, devices: Iterable[int]) -> Ints:
        """Amounts, thousandths and memory of devices, in one row."""
        row = np.zeros(self._dimensions + 2 * self._devices, np.int64)
        row[: self._dimensions] = amounts
        for device in devices:
            row[self._dimensions + device] += WHOLE if need.devices else need.share_milli
            if need.share_milli:
                row[self._dimensions + self._devices + device] += need.device_memory_bytes
        return row

    def _add(self, at: int, start_s: int, end_s: int, change: Ints) -> None:
        if at not in self._slices:
            state = self._state
            self._slices.begin(at, np.concatenate((state.free[at], state.milli[at], state.memory[at])))
        self._slices.add(at, start_s, end_s, change)
        self._mark(start_s, at)
        if end_s < NEVER:
            self._mark(end_s, at)

    def _mark(self, at_s: int, at: int) -> None:
        if at_s not in self._changed:
            self._changed[at_s] = set()
            insort(self._times, at_s)
        self._changed[at_s].add(at)

    def _release(self, at_s: int) -> None:
        at = bisect_left(self.releases, at_s)
        if at == len(self.releases) or self.releases[at] != at_s:
            self.releases.insert(at, at_s)

    def take(self, stands: Iterable[Stand], start_s: int, end_s: int) -> None:
        """These members hold what they ask for from start to end. The state must be as it was shown."""
        touched = set()
        for stand in stands:
            need = self._needs[stand.of]
            change = self._change(need, np.array(need.amounts, np.int64), stand.put.devices)
            self._add(stand.put.bin, start_s, end_s, -change)
            touched.add(stand.put.bin)
        if end_s < NEVER:
            self._release(end_s)
        self._refresh(touched)

    def show(self, start_s: int, end_s: int) -> None:
        """The state is now what is free all the time from start to end."""
        before, self._shown = self._shown, (start_s, end_s)
        changed: set[int] = set()
        for one, other in zip(before, self._shown, strict=True):
            first = bisect_left(self._times, min(one, other))
            last = bisect_right(self._times, max(one, other))
            changed.update(*(self._changed[at_s] for at_s in self._times[first:last]))
        self._refresh(changed)

    def _refresh(self, bins: Collection[int]) -> None:
        if bins:
            some = np.array(sorted(bins), np.int64)
            free, milli, memory = np.split(
                self._slices.least(some.tolist(), *self._shown),
                (self._dimensions, self._dimensions + self._devices),
                axis=1,
            )
            self._state.show(View(some, free, milli, memory))

    @property
    def closes(self) -> bool:
        """Whether any bin is ever closed."""
        return len(self._windows) > 0

    def moments(self) -> list[int]:
        """Every moment at which anything starts, ends or opens, in order."""
        return sorted({*self._times, *self.releases})

    def shut(self, start_s: int, end_s: int) -> Bools | None:
        """Bins that are closed at some moment from start to end; None: no bin ever is."""
        if not len(self._windows):
            return None
        at, from_s, to_s = self._windows.T
        closed = np.zeros(self._state.count, np.bool_)
        closed[at[(from_s < end_s) & (start_s < to_s)]] = True
        return closed


def ends_of(problem: Problem) -> list[tuple[int, Held]]:
    """Members of running jobs that end in time to come, with when. An end that is past is not known."""
    known = {job: one.ends_s for job, one in problem.running.items() if one.ends_s is not None}
    ends = ((known[one.job], one) for one in problem.held if one.job in known)
    return sorted(
        ((end_s, one) for end_s, one in ends if end_s > problem.now_s),
        key=lambda pair: (pair[0], pair[1].bin, pair[1].job, pair[1].member),
    )
