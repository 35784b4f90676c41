"""`sites:`: data centres, with what a kilowatt-hour is there: a number, or the average of a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.errors import UsageError
from dcctl.inventory.market import Place, Rack
from dcctl.inventory.model import Gap
from dcctl.inventory.nodeexpr import check_name, expand
from dcctl.inventory.sources.energy.amounts import carbon, price
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.market.measures import amount, share

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.conditions import Curve
    from dcctl.inventory.sources.jobs.cursor import Cursor

    Read = Callable[[str, bool], dict[str, Curve]]
    """(file, whether values may be negative) to curves by site."""

KEYS = ("name", "region", "pue", "tariff", "carbon", "renewable", "power", "uplink", "storage", "racks")
RACK_KEYS = ("name", "power", "nodes")
CURVE_KEYS = ("curve", "take")
TAKE = ("average", "worst")
_MOST_RACKS: Final = 10_000
_MOST_NODES: Final = 1_000_000


class Sites:
    """Reads sites; what their curves do not tell is in `gaps`."""

    def __init__(self, curves: Read) -> None:
        self._curves = curves
        self.gaps: list[Gap] = []

    def read(self, given: Cursor) -> Place:
        """Return a site. UsageError with the place."""
        keys = given.fields(KEYS, required=("name",))
        name = keys["name"].name()
        given.path = f"site {name}"
        return Place(
            name=name,
            region=keys["region"].name() if "region" in keys else "",
            pue_milli=_pue(keys["pue"]) if "pue" in keys else None,
            tariff_micro=self._hourly(name, keys["tariff"]) if "tariff" in keys else None,
            carbon_mg=self._hourly(name, keys["carbon"]) if "carbon" in keys else None,
            renewable_milli=share(keys["renewable"]) if "renewable" in keys else None,
            power_mw=amount(keys["power"], amounts.POWER) if "power" in keys else None,
            uplink_bps=amount(keys["uplink"], amounts.BANDWIDTH) if "uplink" in keys else None,
            storage_bytes=amount(keys["storage"], amounts.STORAGE, 0) if "storage" in keys else 0,
            racks=_racks(keys["racks"]) if "racks" in keys else (),
        )

    def _hourly(self, site: str, given: Cursor) -> int:
        """A number, or what is taken of a curve; both are thousandths of MWh and kg, millionths of kWh."""
        prices = given.path.endswith("tariff")
        if not given.is_mapping:
            return price(given) if prices else carbon(given)
        keys = given.fields(CURVE_KEYS, required=("curve",))
        known = self._curves(keys["curve"].text(), prices)
        curve = known.get(site, known.get(""))
        if curve is None:
            raise keys["curve"].error(f"has no values of {site}; it has those of {', '.join(known)}")
        worst = "take" in keys and keys["take"].choice({word: word for word in TAKE}) == "worst"
        value, unknown = _taken(curve, worst=worst)
        if value is None or value < 0:
            raise keys["curve"].error(
                "has no value that is known" if value is None else "is below zero there"
            )
        if unknown:
            reason = f"{unknown:.0%} of its hours are not known; the others are taken for all"
            self.gaps.append(Gap(f"file:{keys['curve'].text()}", site, reason))
        return value


def _taken(curve: Curve, *, worst: bool) -> tuple[int | None, float]:
    """The average over time or the highest value, and the share of the time that is not known."""
    ends = (*curve.times_s[1:], curve.times_s[-1] + 1)
    steps = [
        (value, end - start)
        for start, end, value in zip(curve.times_s, ends, curve.values_milli, strict=True)
        if len(curve.times_s) == 1 or start < curve.times_s[-1]
    ]
    known = [(value, length) for value, length in steps if value is not None]
    if not known:
        return None, 1.0
    time = sum(length for _, length in known)
    average = sum(value * length for value, length in known) / time
    unknown = 1 - time / sum(length for _, length in steps)
    return max(value for value, _ in known) if worst else round(average), unknown


def _pue(given: Cursor) -> int:
    found = amount(given, amounts.PLAIN)
    if not 1000 <= found <= 10_000:
        raise given.error("a PUE is from 1 to 10: the energy of the data centre over that of its nodes")
    return found


def _racks(given: Cursor) -> tuple[Rack, ...]:
    found: dict[str, Rack] = {}
    for item in given.items():
        keys = item.fields(RACK_KEYS, required=("name",))
        power = amount(keys["power"], amounts.POWER) if "power" in keys else None
        nodes = keys["nodes"].integer(1, _MOST_NODES) if "nodes" in keys else None
        for name in _names(keys["name"]):
            if name in found:
                raise item.error(f"the rack {name} is there twice")
            found[name] = Rack(name, power, nodes)
    return tuple(found.values())


def _names(given: Cursor) -> tuple[str, ...]:
    """The names in a node set."""
    text = check_name(given.name(), given.place)
    try:
        names = expand(text, {})
    except UsageError as error:
        raise given.error(f"{error.what}: {error.why}", error.hint) from error
    if not 0 < len(names) <= _MOST_RACKS:
        raise given.error(f"stands for {len(names):,} racks; 1 to {_MOST_RACKS:,} can be")
    return tuple(check_name(name, given.place) for name in names)
