"""Nodes shared out over equal racks."""

from __future__ import annotations

from math import floor, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.patterns import Fillings

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.cost.merge import Alike
    from dcctl.assess.cost.patterns import Cut, Filling

    Rule = Callable[["_Left", int], tuple[float, ...]]

_NOTHING: Final = 1e-9


class Load(NamedTuple):
    """Nodes of one type that are to stand somewhere."""

    type: str
    number: float
    power_mw: int
    whole: bool


class Packed(NamedTuple):
    """Nodes in racks."""

    numbers: dict[tuple[str, str], float] | None
    """By type and rack; None: no way was found, which is no proof that there is none."""
    cut: Cut | None = None
    """The proof, where there is none."""


class _Left:
    """What a rack still has."""

    def __init__(self, name: str, power: float | None, room: float | None) -> None:
        self.name = name
        self.power = inf if power is None else power
        self.room = inf if room is None else room

    def holds(self, power_mw: int) -> float:
        """How many nodes more, parts of them too."""
        return min(self.room, self.power / power_mw if power_mw else inf)

    def put(self, power_mw: int, number: float) -> None:
        self.power -= power_mw * number
        self.room -= number


def _fullest(left: _Left, power_mw: int) -> tuple[float, ...]:
    return left.power - power_mw, left.room


def _fewest_places(left: _Left, power_mw: int) -> tuple[float, ...]:
    return left.room, left.power - power_mw


def _even(left: _Left, power_mw: int) -> tuple[float, ...]:
    """The power that is left for a place is nearest to that of the node."""
    return abs(left.power / left.room - power_mw), left.room


_RULES: Final[tuple[Rule, ...]] = (_fullest, _fewest_places, _even)
"""Which of the racks that have room is taken: the one with the least of this."""
_ONE_BY_ONE: Final = 50_000
"""Nodes up to which they are put one by one."""


def pack(one: Alike, loads: list[Load]) -> Packed:
    """Share nodes out over racks, or return why that cannot be."""
    limited = one.racks[0].power_mw is not None and one.racks[0].nodes is not None
    few = sum(load.number for load in loads) <= _ONE_BY_ONE
    for rule in _RULES if limited and few else _RULES[:1]:
        for rising in (False, True):
            found = _packed(one, loads, rule, rising=rising)
            if found is not None:
                return Packed(found)
    fillings = _fillings(one, loads)
    if fillings is None:
        return Packed(None)
    cut = fillings.cut()
    if cut is not None or not all(load.whole and load.power_mw for load in loads):
        return Packed(None, cut)
    found_fillings = fillings.put()
    return Packed(None if found_fillings is None else _named(one, loads, found_fillings))


def broken(one: Alike, loads: list[Load]) -> Cut | None:
    """Return a row that the nodes break, however they are shared out; None: there is none."""
    fillings = _fillings(one, loads)
    return fillings.cut() if fillings else None


def _fillings(one: Alike, loads: list[Load]) -> Fillings | None:
    wanted: dict[int, float] = {}
    for load in loads:
        if load.whole and load.power_mw and load.number > _NOTHING:
            wanted[load.power_mw] = wanted.get(load.power_mw, 0) + load.number
    return Fillings(one, wanted) if one.racks[0].power_mw and len(one.racks) > 1 and wanted else None


def _named(one: Alike, loads: list[Load], fillings: list[Filling]) -> dict[tuple[str, str], float]:
    """Fillings of racks by type: what a filling has too much of is left out."""
    left = {load.type: load.number for load in loads}
    found: dict[tuple[str, str], float] = {}
    for rack, filling in zip(one.racks, fillings, strict=False):
        for power, most in filling.items():
            room: float = most
            for load in loads:
                number = min(room, left[load.type]) if load.power_mw == power else 0
                if number:
                    found[load.type, rack.name] = number
                    left[load.type] -= number
                    room -= number
    return found


def _packed(
    one: Alike, loads: list[Load], rule: Rule, *, rising: bool
) -> dict[tuple[str, str], float] | None:
    racks = [_Left(rack.name, rack.power_mw, rack.nodes) for rack in one.racks]
    found: dict[tuple[str, str], float] = {}
    for load in sorted(loads, key=lambda load: (not load.whole, load.power_mw if rising else -load.power_mw)):
        left = load.number
        while left > _NOTHING:
            fitting = [rack for rack in racks if rack.holds(load.power_mw) >= (1 if load.whole else _NOTHING)]
            if not fitting:
                return None
            best = min(fitting, key=lambda rack: rule(rack, load.power_mw))
            most = min(1 if rule is _even else inf, best.holds(load.power_mw))
            number = min(left, floor(most) if load.whole and most < left else most)
            best.put(load.power_mw, number)
            found[load.type, best.name] = found.get((load.type, best.name), 0) + number
            left -= number
    return found
