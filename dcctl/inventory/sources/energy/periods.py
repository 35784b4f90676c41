"""What a site took over time: amounts of periods, and registers read from time to time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.errors import UsageError
from dcctl.inventory.energy import POINTS, Period, Point, grown_mj
from dcctl.inventory.moments import moment
from dcctl.inventory.sources.energy import amounts
from dcctl.inventory.sources.jobs.resources import checked

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

PERIOD_KEYS: Final = ("from", "to", *POINTS, "renewable", "reused", "water")
REGISTER_KEYS: Final = ("point", "readings", "wraps_at")
_BACKWARDS: Final = "the meter runs backwards; if its register went round, say `wraps_at`"
_FELL: Final = "the meter runs backwards: it fell by less than half of `wraps_at`, so it did not go round"
_WORDS: Final[dict[str, Point]] = {point: point for point in POINTS}


class _Step(NamedTuple):
    """What one register counted between two readings."""

    start_s: int
    end_s: int
    point: Point
    energy_mj: int
    place: str


def periods_of(site: dict[str, Cursor]) -> tuple[Period, ...]:
    """The periods of a site in order of time. UsageError: they overlap, or more comes out than goes in."""
    found = [_period(item) for item in site["periods"].items()] if "periods" in site else []
    if "registers" in site:
        if found:
            raise site["registers"].error("periods and registers of one site would be counted twice")
        found = _of_registers(site["registers"])
    found.sort(key=lambda one: one.start_s)
    for one, other in pairwise(found):
        if other.start_s < one.end_s:
            why = "; registers of one site are read at the same times" if "registers" in site else ""
            raise UsageError(other.place, f"overlaps the period of {one.place}{why}")
    return tuple(found)


def _period(item: Cursor) -> Period:
    keys = item.fields(PERIOD_KEYS, required=("from", "to"))
    start_s, end_s = checked(keys["from"], moment), checked(keys["to"], moment)
    if end_s <= start_s:
        raise keys["to"].error("is not after `from`")
    energy = {point: amounts.energy(keys[point]) for point in POINTS if point in keys}
    _check(energy, keys)
    return Period(
        start_s,
        end_s,
        item.place,
        energy,
        amounts.energy(keys["renewable"]) if "renewable" in keys else None,
        amounts.energy(keys["reused"]) if "reused" in keys else None,
        amounts.water(keys["water"]) if "water" in keys else None,
    )


def _check(energy: dict[Point, int], keys: dict[str, Cursor]) -> None:
    """Downstream of the entry less flows: a PUE below 1 is a mistake, told where it stands."""
    for upper, lower in pairwise([point for point in POINTS if point in energy]):
        if energy[lower] > energy[upper]:
            pue = "the PUE would be below 1" if upper == "facility" else "losses would be negative"
            raise keys[lower].error(f"is more than `{upper}`, which feeds it: {pue}")
    for name in ("renewable", "reused"):
        if name in keys and "facility" in energy and amounts.energy(keys[name]) > energy["facility"]:
            raise keys[name].error(f"is more than `facility`: no more can be {name} than came in")


def _of_registers(registers: Cursor) -> list[Period]:
    """The periods between readings; registers of several points must be read at the same times."""
    together: dict[tuple[int, int], dict[Point, int]] = {}
    places: dict[tuple[int, int], str] = {}
    for register in registers.items():
        for step in _steps(register):
            span = step.start_s, step.end_s
            energy = together.setdefault(span, {})
            energy[step.point] = energy.get(step.point, 0) + step.energy_mj
            places.setdefault(span, step.place)
    return [Period(*span, places[span], energy) for span, energy in together.items()]


def _steps(register: Cursor) -> list[_Step]:
    keys = register.fields(REGISTER_KEYS, required=("point", "readings"))
    point = keys["point"].choice(_WORDS)
    wraps = amounts.energy(keys["wraps_at"]) if "wraps_at" in keys else None
    readings = []
    for item in keys["readings"].items():
        told = item.fields(("at", "energy"), required=("at", "energy"))
        readings.append((checked(told["at"], moment), amounts.energy(told["energy"]), item, told["energy"]))
    if len(readings) < 2:
        raise keys["readings"].error("one reading tells no energy: at least two are needed")
    found = []
    for (start_s, before, _, _), (end_s, after, item, energy) in pairwise(readings):
        if end_s <= start_s:
            raise item.error("is not after the reading before it")
        grown = grown_mj(before, after, wraps)
        if grown is None:
            raise energy.error(_BACKWARDS if wraps is None or before > wraps else _FELL)
        found.append(_Step(start_s, end_s, point, grown, item.place))
    return found
