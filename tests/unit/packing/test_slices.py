"""Slices are what plain lists of changes say, whatever is added and however often their regions grow."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dcctl.packing.timed.slices import NEVER, Slices

BINS, BEGAN = 3, 5
_moment = st.integers(BEGAN, BEGAN + 60)
_change = st.tuples(
    st.sets(st.integers(0, BINS - 1), min_size=1),
    _moment,
    st.one_of(st.integers(1, 30), st.none()),
    st.integers(-3, 3),
)


@given(st.lists(_change, max_size=60), _moment, st.integers(1, 40))
def test_the_least_of_an_interval_and_the_next_change(
    changes: list[tuple[set[int], int, int | None, int]], start_s: int, lasts_s: int
) -> None:
    slices = Slices(np.zeros((BINS, 1), np.int64), BEGAN)
    want = np.zeros((BINS, 200), np.int64)
    steps: list[set[int]] = [set() for _ in range(BINS)]
    for bins, from_s, lasts, amount in changes:
        end_s = NEVER if lasts is None else from_s + lasts
        at = np.array(sorted(bins))
        slices.add(at, from_s, end_s, np.full((len(at), 1), amount))
        want[at, from_s : min(end_s, 200)] += amount
        for one in bins:
            steps[one] |= {from_s, end_s}
    every = np.arange(BINS)
    least = want[:, start_s : start_s + lasts_s].min(axis=1)
    assert slices.least(every, start_s, start_s + lasts_s)[:, 0].tolist() == least.tolist()
    coming = [min((one for one in mine if one > start_s), default=NEVER) for mine in steps]
    assert slices.next_s(every, start_s).tolist() == coming
    pieces = slices.pieces(every)
    assert [
        (int(pieces.bin[at]), second, int(pieces.rows[at, 0]))
        for at in range(len(pieces.bin))
        for second in range(max(BEGAN, int(pieces.start_s[at])), min(200, int(pieces.end_s[at])))
    ] == [(one, second, int(want[one, second])) for one in range(BINS) for second in range(BEGAN, 200)]
