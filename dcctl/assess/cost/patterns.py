"""What one of several equal racks can hold, and what that makes of many: the cutting-stock problem.

Gilmore and Gomory (Operations Research 1961): a linear programme chooses among fillings of a rack, and a
knapsack finds the filling that is missing most. Its prices are the share of a rack that a node takes at
least: a row that no way to share out nodes breaks.
"""

from __future__ import annotations

from bisect import bisect_right
from math import gcd
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.milp import relaxed, within
from dcctl.assess.cost.programme import Column, Programme, Row

if TYPE_CHECKING:
    from dcctl.assess.cost.merge import Alike

    Filling = dict[int, int]
    """Nodes by their power, in one rack."""

_CELLS: Final = 20_000
"""Parts of the power of a rack that are told apart."""
_ROOM: Final = 64
"""Nodes in a rack, at most; for more the rounding of nodes hardly matters."""
_FILLINGS: Final = 300
_VARIED: Final = 150
_NEAR: Final = 1e-7
_WHOLE_S: Final = 1.0


class Cut(NamedTuple):
    """Nodes take at least these shares of a rack, by power; one between takes as much as the next below."""

    powers: list[int]
    shares: list[float]

    def share(self, power_mw: int) -> float:
        """Of a node of any power."""
        at = bisect_right(self.powers, power_mw)
        return self.shares[at - 1] if at else 0.0


class Fillings:
    """Fillings of one of the racks that are found for given nodes, and what these take."""

    def __init__(self, one: Alike, wanted: dict[int, float]) -> None:
        """`wanted`: how many nodes, by their power in milliwatts, above 0."""
        self._powers = sorted(wanted)
        self._wanted = {power: wanted[power] for power in self._powers}
        self._racks = len(one.racks)
        self._whole = one.racks[0].power_mw or 0
        step = gcd(self._whole, *self._powers)
        self._step = max(step, -(-self._whole // _CELLS))
        least = self._whole // self._powers[0]
        self._room = least if one.racks[0].nodes is None else min(least, one.racks[0].nodes)
        self._found: list[Filling] = [{power: one.holds(power) or 0} for power in self._powers]
        self._prices: list[float] = []

    def cut(self) -> Cut | None:
        """Return shares of which the nodes take more than there are racks; None: there are none such."""
        if self._room > _ROOM or not all(filling[power] for filling in self._found for power in filling):
            return None
        for _ in range(_FILLINGS):
            self._prices = relaxed(self._programme(whole=False)).duals
            filling, value = self._best()
            if value <= 1 + _NEAR or filling in self._found:
                break
            self._found.append(filling)
        shares = [price / max(1.0, value) for price in self._prices]
        taken = sum(share * self._wanted[power] for power, share in zip(self._powers, shares, strict=True))
        return Cut(self._powers, _rising(shares)) if taken > self._racks * (1 + _NEAR) else None

    def put(self) -> list[Filling] | None:
        """Return a filling for each rack that holds all nodes; None: none was found. After `cut`."""
        self._vary()
        real = [one for one in self._found if sum(p * n for p, n in one.items()) <= self._whole]
        self._found = real
        answer = within(self._programme(whole=True), _WHOLE_S)
        if answer.state != "solved" or answer.cost > self._racks + _NEAR:
            return None
        return [one for one, times in zip(real, answer.values, strict=True) for _ in range(round(times))]

    def _vary(self) -> None:
        """More fillings that are worth nearly as much, for whole racks to be chosen from."""
        import numpy as np

        chance, prices = np.random.default_rng(0), self._prices
        for _ in range(_VARIED):
            self._prices = [price * chance.uniform(0.8, 1.2) for price in prices]
            filling, _ = self._best()
            if filling not in self._found:
                self._found.append(filling)

    def _programme(self, *, whole: bool) -> Programme:
        """The fewest racks that hold all nodes."""
        columns = [Column(1.0, whole) for _ in self._found]
        rows = [
            Row({at: float(one[power]) for at, one in enumerate(self._found) if power in one}, number, None)
            for power, number in self._wanted.items()
        ]
        return Programme(columns, rows, {}, {}, {})

    def _best(self) -> tuple[Filling, float]:
        """The filling of the highest price; powers are rounded down, so that no filling is worth more."""
        import numpy as np

        cells = self._whole // self._step
        price = dict(zip(self._wanted, self._prices, strict=True))
        items = [(power, power // self._step, price[power]) for power in self._powers if price[power] > 0]
        values = [np.zeros(cells + 1)]
        taken = []
        for _ in range(self._room):
            best, item = values[-1].copy(), np.full(cells + 1, -1)
            for at, (_, size, worth) in enumerate(items):
                other = np.full(cells + 1, -1.0)
                other[size:] = values[-1][: cells + 1 - size] + worth
                better = other > best + 1e-12
                best[better], item[better] = other[better], at
            values.append(best)
            taken.append(item)
        filling: Filling = {}
        left = cells
        for item in reversed(taken):
            if item[left] >= 0:
                power, size, _ = items[item[left]]
                filling[power] = filling.get(power, 0) + 1
                left -= size
        return filling, float(values[-1][cells])


def _rising(shares: list[float]) -> list[float]:
    """A node takes at least what one of less power does: it could stand in its place."""
    found: list[float] = []
    for share in shares:
        found.append(max(share, found[-1] if found else 0.0))
    return found
