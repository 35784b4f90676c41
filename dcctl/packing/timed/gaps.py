"""Since when and until when each bin has room for a class of items: what is worth trying at all.

A gap is judged slice by slice, so it promises too much only where no single device is free all the time, or
where others stand in the way. Outside of gaps nothing fits, and inside one it begins to fit only at its
beginning or when something changes in its bin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from dcctl.packing.timed.slices import NEVER
from dcctl.packing.timed.timeline import closed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dcctl.packing.fit.feasibility import Feasibility
    from dcctl.packing.timed.busy import Busy
    from dcctl.packing.timed.timeline import Timeline

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MANY = 1 << 20
"""More members than one bin holds."""
_FEW = 64
"""Gaps that are looked at first for the start of a gang."""


class Spans(NamedTuple):
    """Gaps of one class, in no order."""

    bin: Ints
    start_s: Ints
    end_s: Ints
    room: Ints
    """The most members that a moment of it has room for."""

    def some(self, which: Bools | Ints) -> Spans:
        """Those of the gaps."""
        return Spans(*(column[which] for column in self))

    def plus(self, other: Spans) -> Spans:
        """Both together."""
        return Spans(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def swapped(self, changed: Bools, new: Spans) -> Spans:
        """With these gaps in place of all those of the bins that changed. This one is used up."""
        places = np.flatnonzero(changed[self.bin])
        count = min(len(places), len(new.bin))
        for column, values in zip(self, new, strict=True):
            column[places[:count]] = values[:count]
        left_over = places[count:]
        self.start_s[left_over], self.end_s[left_over] = NEVER, -NEVER
        return self.plus(new.some(np.arange(count, len(new.bin)))) if count < len(new.bin) else self

    def last_s(self, lasts_s: int | None) -> Ints:
        """The last start in each gap of who runs so long (None: for ever); none if before its beginning."""
        return self.end_s - (NEVER // 2 if lasts_s is None else max(1, lasts_s))


class Gaps:
    """The gaps of all classes, looked at anew where something was planned since."""

    def __init__(self, timeline: Timeline, items: Feasibility, busy: Busy) -> None:
        """Look at no class before somebody asks for it."""
        self._timeline, self._items, self._busy = timeline, items, busy
        self._known: dict[int, tuple[int, Spans]] = {}

    def _spans(self, of: int) -> Spans:
        log, known = self._timeline.slices.log, self._known.get(of)
        others = self._busy.changed(of)
        if known is None:
            spans = self._found(of, self._items.state.every)
        elif known[0] == len(log) and not len(others):
            return known[1]
        else:
            changed = np.zeros(self._items.state.count, np.bool_)
            changed[log[known[0] :]] = True
            changed[others] = True
            spans = known[1].swapped(changed, self._found(of, np.flatnonzero(changed)))
        self._known[of] = (len(log), spans)
        return spans

    def _found(self, of: int, bins: Ints) -> Spans:
        """The gaps of these bins."""
        pieces = self._timeline.slices.pieces(bins)
        room = self._items.wanted[of].copies(self._timeline.view(pieces.bin, pieces.rows), _MANY)
        open_ = np.flatnonzero((room > 0) & ~closed(pieces.rows))
        if not len(open_):
            return Spans(open_, open_, open_, open_)
        apart = (np.diff(open_) > 1) | (np.diff(pieces.bin[open_]) > 0)
        begins = np.concatenate(((0,), np.flatnonzero(apart) + 1))
        ends = np.concatenate((begins[1:] - 1, (len(open_) - 1,)))
        first = open_[begins]
        spans = Spans(
            pieces.bin[first],
            pieces.start_s[first],
            pieces.end_s[open_[ends]],
            np.maximum.reduceat(room[open_], begins),
        )
        return self._busy.without(of, spans)

    def bins(self, of: int, start_s: int, lasts_s: int | None) -> Bools:
        """Which bins have a gap from a start on."""
        spans = self._spans(of)
        found = np.zeros(self._items.state.count, np.bool_)
        found[spans.bin[(spans.start_s <= start_s) & (start_s <= spans.last_s(lasts_s))]] = True
        return found

    def covered_s(self, of: int, count: int, lasts_s: int | None, from_s: int) -> int:
        """The first start with room for so many members; NEVER: there is none."""
        spans = self._spans(of)
        starts, last_s = np.maximum(spans.start_s, from_s), spans.last_s(lasts_s)
        starts = np.where(starts <= last_s, starts, NEVER)
        return int(starts.min(initial=NEVER)) if count == 1 else _covered_s(starts, last_s, spans.room, count)

    def next_s(self, of: int, lasts_s: int | None, after_s: int) -> int:
        """The first start after one at which some bin may have more room; NEVER: there is none."""
        spans = self._spans(of)
        last_s = spans.last_s(lasts_s)
        coming = (spans.start_s > after_s) & (last_s >= spans.start_s)
        begun = (spans.start_s <= after_s) & (last_s > after_s)
        changes = self._timeline.slices.next_s(spans.bin[begun], after_s)
        changes = changes[changes <= last_s[begun]]
        return min(int(spans.start_s[coming].min(initial=NEVER)), int(changes.min(initial=NEVER)))


def _covered_s(starts: Ints, last_s: Ints, room: Ints, count: int) -> int:
    """The first of these starts at which gaps have room for so many members; NEVER: at none.

    Only gaps that begin by then count, so the earliest are looked at first, then eight times as many.
    """
    near = max(_FEW, count)
    while True:
        horizon = int(np.partition(starts, near)[near]) if near < len(starts) else NEVER
        some = np.flatnonzero(starts <= min(horizon, NEVER - 1))
        begins = np.unique(starts[some])
        enough = begins[_at_once(starts[some], last_s[some], room[some], begins) >= count]
        if len(enough) or horizon == NEVER:
            return int(enough.min(initial=NEVER))
        near *= 8


def _at_once(starts: Ints, last_s: Ints, room: Ints, begins: Ints) -> Ints:
    """At each moment the room of all gaps that begin by then, without those whose last start was before."""
    return _sums(starts, room, begins, "right") - _sums(last_s, room, begins, "left")


def _sums(times_s: Ints, room: Ints, starts: Ints, side: Literal["left", "right"]) -> Ints:
    order = times_s.argsort()
    sums = np.concatenate(((0,), room[order].cumsum()))
    return sums[times_s[order].searchsorted(starts, side)]
