"""What changes where and when work is best done: prices and carbon over time, links between data centres."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from dcctl.inventory.devices import Fact, Natural

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias


class Curve(Fact, frozen=True):
    """A value over time, in steps: it holds from one step to the next."""

    times_s: tuple[int, ...]
    """Where each step begins, in Unix time and in order. Before the first one nothing is known."""
    values_milli: tuple[int | None, ...]
    """Thousandths, by step. None: not known."""

    def integral(self, start_s: int, end_s: int) -> int | None:
        """Value times seconds from start to end, in thousandths; None where any of it is not known."""
        at, total = bisect_right(self.times_s, start_s) - 1, 0
        while start_s < end_s:
            value = None if at < 0 else self.values_milli[at]
            if value is None:
                return None
            next_s = self.times_s[at + 1] if at + 1 < len(self.times_s) else end_s
            total += value * (min(next_s, end_s) - start_s)
            start_s, at = min(next_s, end_s), at + 1
        return total


Curves: TypeAlias = "Mapping[str, Curve]"
"""By site; under the empty name that of all other sites."""


def curve_of(curves: Curves, site: str) -> Curve | None:
    """The curve of a site; None: nobody tells any."""
    return curves.get(site, curves.get(""))


class SiteLink(Fact, frozen=True):
    """What joins two data centres, in both directions."""

    a: str
    b: str
    rate_bps: Natural
    cost_milli_per_tb: Natural = 0
    """Thousandths of the currency for 10^12 bytes."""

    def joins(self, one: str, other: str) -> bool:
        """Whether it is the link between these two."""
        return {self.a, self.b} == {one, other}
