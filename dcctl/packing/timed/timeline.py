"""What is free in every bin over time: who runs frees what it holds when it ends, who is planned takes it.

What is free from one moment to another is the least that is free at any moment in between, by dimension and
by device: so a device that is free for the whole time is one and the same device.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from dcctl.packing.fit.state import View
from dcctl.packing.timed.slices import NEVER, Slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dcctl.packing.fit.state import State
    from dcctl.packing.greedy.place import Stand
    from dcctl.packing.problem import Held, Problem

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


class Timeline:
    """The free amounts of a problem over time, shown through one `State`: that of a chosen interval."""

    def __init__(self, problem: Problem, state: State) -> None:
        """`state` holds what is free now; jobs whose end is known free what they hold then."""
        self._state, self._needs = state, [one.need for one in problem.classes]
        self._amounts = [np.array(one.amounts, np.int64) for one in self._needs]
        self._dimensions, self._devices = state.free.shape[1], state.milli.shape[1]
        open_ = np.zeros((state.count, 1), np.int64)  # below zero: closed
        self.slices = Slices(np.hstack((state.free, state.milli, state.memory, open_)), problem.now_s)
        self.moments: list[int] = []
        """At which anything starts, ends, closes or opens, in order."""
        self.releases: list[int] = []
        """Those at which something is freed or opened."""
        self.closes = any(one.closed_windows for one in problem.bins)
        """Whether any bin is ever closed."""
        for at, one in enumerate(problem.bins):
            for start_s, end_s in one.closed_windows:
                self._close(at, start_s, end_s)
        self._free_at_their_ends(problem)

    def _close(self, at: int, start_s: int, end_s: int) -> None:
        closed = np.zeros(self._dimensions + 2 * self._devices + 1, np.int64)
        closed[-1] = -1
        self._add({at: closed}, start_s, end_s)
        _insert(self.releases, end_s)

    def _free_at_their_ends(self, problem: Problem) -> None:
        """What running jobs hold is free once they end."""
        for end_s, ended in groupby(ends_of(problem), key=itemgetter(0)):
            self._add(self._changes((one.bin, one.of, one.devices) for _, one in ended), end_s, NEVER)
            _insert(self.releases, end_s)

    def _changes(self, members: Iterable[tuple[int, int, Iterable[int]]]) -> dict[int, Ints]:
        """What members hold, as (bin, class, devices): amounts, thousandths and memory in one row a bin."""
        rows: dict[int, Ints] = {}
        for at, of, devices in members:
            need = self._needs[of]
            row = rows.get(at)
            if row is None:
                row = rows[at] = np.zeros(self._dimensions + 2 * self._devices + 1, np.int64)
            row[: self._dimensions] += self._amounts[of]
            for device in devices:
                row[self._dimensions + device] += need.each_milli
                row[self._dimensions + self._devices + device] += need.each_memory_bytes
        return rows

    def _add(self, changes: dict[int, Ints], start_s: int, end_s: int) -> None:
        self.slices.add(np.array(list(changes), np.int64), start_s, end_s, np.array(list(changes.values())))
        _insert(self.moments, start_s)
        if end_s < NEVER:
            _insert(self.moments, end_s)

    def take(self, stands: Iterable[Stand], start_s: int, end_s: int) -> None:
        """These members hold what they ask for from start to end. What is shown is shown anew after it."""
        rows = self._changes((one.put.bin, one.of, one.put.devices) for one in stands)
        if rows:
            self._add({at: -row for at, row in rows.items()}, start_s, end_s)
        if end_s < NEVER:
            _insert(self.releases, end_s)

    def show(self, start_s: int, end_s: int, bins: Ints | None = None) -> None:
        """The state of these bins (None: all) is now what is free all the time from start to end."""
        some, rows = self.slices.stale(self._state.every if bins is None else bins, start_s, end_s)
        if len(some):
            self._state.show(self.view(some, rows))

    def view(self, at: Ints, rows: Ints) -> View:
        """Rows of slices, of these bins, as what is free in them."""
        free, milli = self._dimensions, self._dimensions + self._devices
        return View(at, rows[:, :free], rows[:, free:milli], rows[:, milli:-1])

    def shut(self, start_s: int, end_s: int) -> Bools:
        """Bins that are closed at some moment from start to end."""
        return closed(self.slices.least(self._state.every, start_s, end_s))


def closed(rows: Ints) -> Bools:
    """Of each row whether the bin is closed."""
    return rows[:, -1] < 0


def _insert(times: list[int], at_s: int) -> None:
    at = bisect_left(times, at_s)
    if at == len(times) or times[at] != at_s:
        times.insert(at, at_s)


def ends_of(problem: Problem) -> list[tuple[int, Held]]:
    """Members of running jobs that end in time to come, with when. An end that is past is not known."""
    known = {job: one.ends_s for job, one in problem.running.items() if one.ends_s is not None}
    ends = ((known[one.job], one) for one in problem.held if one.job in known)
    return sorted(
        ((end_s, one) for end_s, one in ends if end_s > problem.now_s),
        key=lambda pair: (pair[0], pair[1].bin, pair[1].job, pair[1].member),
    )
