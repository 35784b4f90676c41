"""When a bin is barred to a class of items by those beside whom it must not stand, or who hold its port."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dcctl.packing.fit.relations import apart, group_of
from dcctl.packing.timed.slices import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dcctl.inventory.placement import Template
    from dcctl.packing.fit.labels import Labels
    from dcctl.packing.timed.beside import Stay, TimedRelations
    from dcctl.packing.timed.gaps import Spans

    Ints = NDArray[np.int64]

_Place: TypeAlias = tuple[str, int]
"""A label and the number of its value."""


class Busy:
    """Who bars which parts to which class, and when."""

    def __init__(self, beside: TimedRelations, labels: Labels, templates: Sequence[Template]) -> None:
        """`templates` are those of the classes, by position."""
        self._beside, self._labels, self._templates = beside, labels, templates
        self._keys: dict[tuple[int, int], tuple[str, ...]] = {}
        self._seen: dict[int, int] = {}
        self._barred: dict[int, dict[_Place, list[tuple[int, int]]]] = {}

    def changed(self, of: int) -> Ints:
        """Bins that were barred to a class since this was last asked."""
        stays = self._beside.stays
        first, self._seen[of] = self._seen.get(of, 0), len(stays)
        if not self._beside.related[of]:
            return np.zeros(0, np.int64)
        found = [at for one in stays[first:] for at in self._bar(of, one)]
        return np.unique(np.array(found, np.int64))

    def _bar(self, of: int, one: Stay) -> list[int]:
        barred = self._barred.setdefault(of, {})
        found: list[int] = []
        for key in self._apart(of, one.of):
            rows, _ = self._labels.column(key)
            value = int(rows[one.bin])
            if value >= 0:
                _join(barred.setdefault((key, value), []), one.start_s, one.end_s)
                found += np.flatnonzero(rows == value).tolist()
        return found

    def _apart(self, of: int, other: int) -> tuple[str, ...]:
        """Labels of which two classes must not have the same value."""
        if (of, other) not in self._keys:
            one, two = self._templates[of], self._templates[other]
            self._keys[of, other] = tuple(
                dict.fromkeys(
                    term.key
                    for mine, yours in ((one, two), (two, one))
                    for term in apart(mine)
                    if group_of(term, mine).selects(yours)
                )
            )
        return self._keys[of, other]

    def without(self, of: int, spans: Spans) -> Spans:
        """The gaps less the times at which they are barred."""
        barred = self._barred.get(of, {})
        for key in dict.fromkeys(key for key, _ in barred):
            rows = self._labels.column(key)[0][spans.bin]
            values = [value for value in np.unique(rows).tolist() if (key, value) in barred]
            left = spans.some(~np.isin(rows, values))
            for value in values:
                left = left.plus(_less(spans.some(rows == value), barred[key, value]))
            spans = left
        return spans


def _join(times: list[tuple[int, int]], start_s: int, end_s: int) -> None:
    """One time more among those that are apart, in order."""
    touching = [one for one in times if one[0] <= end_s and start_s <= one[1]]
    rest = [one for one in times if not (one[0] <= end_s and start_s <= one[1])]
    start_s = min([start_s, *(one[0] for one in touching)])
    end_s = max([end_s, *(one[1] for one in touching)])
    times[:] = sorted((*rest, (start_s, end_s)))


def _less(spans: Spans, times: Sequence[tuple[int, int]]) -> Spans:
    """What is left of each gap around these times."""
    begins = np.array([-NEVER, *(end_s for _, end_s in times)])
    ends = np.array([*(start_s for start_s, _ in times), NEVER])
    start_s = np.maximum(spans.start_s[:, None], begins)
    end_s = np.minimum(spans.end_s[:, None], ends)
    at, which = np.nonzero(start_s < end_s)
    return spans.some(at)._replace(start_s=start_s[at, which], end_s=end_s[at, which])
