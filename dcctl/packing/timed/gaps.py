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


class Spans(NamedTuple):
    """Gaps of one class."""

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
            old = known[1]
            spans = old.some(~changed[old.bin]).plus(self._found(of, np.flatnonzero(changed)))
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

    def _long(self, of: int, lasts_s: int | None) -> tuple[Spans, Ints]:
        """Gaps of a length, and the last start in each. A length of None: they must never end."""
        spans = self._spans(of)
        if lasts_s is None:
            some = spans.some(spans.end_s == NEVER)
            return some, some.end_s
        last_s = np.where(spans.end_s == NEVER, NEVER, spans.end_s - max(1, lasts_s))
        enough = last_s >= spans.start_s
        return spans.some(enough), last_s[enough]

    def bins(self, of: int, start_s: int, lasts_s: int | None) -> Bools:
        """Which bins have a gap from a start on."""
        spans, last_s = self._long(of, lasts_s)
        found = np.zeros(self._items.state.count, np.bool_)
        found[spans.bin[(spans.start_s <= start_s) & (start_s <= last_s)]] = True
        return found

    def covered_s(self, of: int, count: int, lasts_s: int | None, from_s: int) -> int:
        """The first start with room for so many members; NEVER: there is none."""
        spans, last_s = self._long(of, lasts_s)
        left = last_s >= from_s
        spans, last_s = spans.some(left), last_s[left]
        begins = np.maximum(spans.start_s, from_s)
        if count > 1:
            begins = np.unique(begins)
            begins = begins[_rooms(spans, last_s, begins) >= count]
        return int(begins.min()) if len(begins) else NEVER

    def next_s(self, of: int, lasts_s: int | None, after_s: int) -> int:
        """The first start after one at which some bin may have more room; NEVER: there is none."""
        spans, last_s = self._long(of, lasts_s)
        left = last_s > after_s
        spans, last_s = spans.some(left), last_s[left]
        begun = spans.start_s <= after_s
        starts = np.where(begun, NEVER, spans.start_s)
        starts[begun] = self._timeline.slices.next_s(spans.bin[begun], after_s)
        starts = starts[starts <= last_s]
        return int(starts.min()) if len(starts) else NEVER


def _rooms(spans: Spans, last_s: Ints, starts: Ints) -> Ints:
    """Of each start the room of all gaps that begin by then, without those whose last start was before."""
    return _sums(spans.start_s, spans.room, starts, "right") - _sums(last_s, spans.room, starts, "left")


def _sums(times_s: Ints, room: Ints, starts: Ints, side: Literal["left", "right"]) -> Ints:
    order = times_s.argsort()
    sums = np.concatenate(((0,), room[order].cumsum()))
    return sums[times_s[order].searchsorted(starts, side)]
