"""Energy of a period from the registers of meters: two readings, or one of a register with a known start."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.inventory.energy import Period, grown_mj
from dcctl.inventory.nodeexpr import plain
from dcctl.units import power

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dcctl.inventory.energy import Point
    from dcctl.inventory.model import Fleet, PowerMeter

_POINT_OF: Final[dict[str, Point]] = {"facility": "facility", "ups": "ups", "pdu": "pdu", "bmc": "it"}
_OF_A_NODE: Final = frozenset({"bmc", "rapl", "accelerator"})
_ALIKE_MILLI: Final = 100
"""Two meters of one node agree when they differ by at most so much of the larger."""
_SAME_MILLI: Final = 10
"""Two meters tell of one period when its ends differ by at most so much of it."""

_OVERLOAD: Final = 1.5
"""No UPS gives more than so many times what it is built for."""
_PEAK: Final = 10
"""Nothing draws so many times more on average than at either reading."""
_TOO_MUCH: Final = "it counted more than it can have: its counter ran backwards, or has another unit"


class Trouble(NamedTuple):
    """A meter that cannot be used, and why."""

    meter: str
    site: str
    why: str


class Told(NamedTuple):
    """What meters tell of energy."""

    periods: dict[str, tuple[Period, ...]]
    """By site: one period at most."""
    troubles: tuple[Trouble, ...]


class _Counted(NamedTuple):
    """What one meter counted; `energy_mj` None: it did not."""

    meter: PowerMeter
    start_s: int = 0
    end_s: int = 0
    energy_mj: int | None = None

    def same_period(self, other: _Counted) -> bool:
        """Whether both tell of one period, as far as it matters."""
        most_s = (other.end_s - other.start_s) * _SAME_MILLI // 1000
        return abs(self.start_s - other.start_s) <= most_s and abs(self.end_s - other.end_s) <= most_s


def site_of(meter: PowerMeter, sites: Mapping[str, str]) -> str:
    """The site of a meter, else that of the nodes it covers, else the only one there is."""
    if meter.site:
        return meter.site
    known = (
        {sites[name] for name in plain(meter.nodes) if name in sites} if meter.nodes else {*sites.values()}
    )
    return next(iter(known)) if len(known) == 1 else ""


def sites_of(fleet: Fleet) -> dict[str, str]:
    """Node name -> site; empty where nobody tells it."""
    return {node.name: node.site or "" for node in fleet.nodes}


def single(fleet: Fleet) -> tuple[tuple[PowerMeter, ...], tuple[Trouble, ...]]:
    """The meters, those that measure the same of one node once, and those that tell something else of it.

    Feeds of a UPS or a PDU are added up; a node that a BMC and a Prometheus tell of has one power. The meter
    that tells most counts, of equals the newest.
    """
    same: dict[tuple[str, str], list[PowerMeter]] = defaultdict(list)
    for meter in fleet.meters:
        if meter.kind in _OF_A_NODE and meter.nodes:
            same[meter.kind, meter.nodes].append(meter)
    sites, dropped, troubles = sites_of(fleet), set[int](), list[Trouble]()
    for several in same.values():
        kept, *others = sorted(several, key=_preferred)
        dropped |= {id(one) for one in others}
        for one in others:
            if not _agree(one.power_mw, kept.power_mw):
                here, there = power(one.power_mw or 0), power(kept.power_mw or 0)
                why = f"it tells {here} where another meter of {one.nodes} tells {there}"
                troubles.append(Trouble(one.name, site_of(one, sites), why))
    return tuple(one for one in fleet.meters if id(one) not in dropped), tuple(troubles)


def _preferred(meter: PowerMeter) -> tuple[bool, bool, int, str, str]:
    told = meter.power_mw is None, meter.energy_mj is None
    return (*told, -(meter.read_at_s or 0), meter.site or "", meter.name)


def _agree(one: int | None, other: int | None) -> bool:
    """Whether two readings of one power, not taken at one moment, may both be right."""
    return one is None or other is None or abs(one - other) * 1000 <= max(one, other) * _ALIKE_MILLI


def told(fleet: Fleet, earlier: Fleet | None) -> Told:
    """The energy of each site between the two readings of its registers, or since they began to count."""
    before = {_key(one): one for one in earlier.meters} if earlier else {}
    sites = sites_of(fleet)
    by_site: dict[str, list[_Counted]] = defaultdict(list)
    meters, doubts = single(fleet)
    troubles = [*doubts, *_strangers(meters, sites)]
    for meter in meters:
        if meter.kind in _POINT_OF:
            counted = _counted(meter, before.get(_key(meter)), earlier is not None)
            if isinstance(counted, str):
                troubles.append(Trouble(meter.name, site_of(meter, sites), counted))
                counted = _Counted(meter)
            by_site[site_of(meter, sites)].append(counted)
    periods: dict[str, tuple[Period, ...]] = {}
    for site, counted_here in sorted(by_site.items()):
        names = {name for name, at in sites.items() if at == site}
        period = _period(counted_here, names)
        if period is not None:
            periods[site] = (period,)
    return Told(periods, tuple(troubles))


def _strangers(meters: Iterable[PowerMeter], sites: Mapping[str, str]) -> Iterator[Trouble]:
    """Meters of nodes that the inventory does not have: names are spelled otherwise, or not of nodes."""
    for meter in meters:
        if meter.kind in _OF_A_NODE and plain(meter.nodes).isdisjoint(sites):
            yield Trouble(meter.name, meter.site or "", "the inventory has no node of that name")


def _key(meter: PowerMeter) -> tuple[str, str, str]:
    return meter.site or "", meter.kind, meter.name


def _counted(meter: PowerMeter, before: PowerMeter | None, two: bool) -> _Counted | str:
    """What a meter counted, or what is wrong with it.

    What the entry of a site draws is never far from its mean: that of less may be.
    """
    found = _told_by(meter, before, two)
    if meter.kind != "facility" or isinstance(found, str) or found.energy_mj is None:
        return found
    most_mj = _most_mj(before or meter, meter, found.end_s - found.start_s)
    return _TOO_MUCH if found.energy_mj > most_mj else found


def _told_by(meter: PowerMeter, before: PowerMeter | None, two: bool) -> _Counted | str:
    """By its register, what a meter counted, or what is wrong with it."""
    if meter.energy_mj is None or meter.read_at_s is None:
        return _Counted(meter)
    if two:
        return _between(before, meter) if before is not None else _Counted(meter)
    start_s = meter.energy_from_s
    known = start_s is not None and start_s < meter.read_at_s
    return _Counted(meter, start_s or 0, meter.read_at_s, meter.energy_mj) if known else _Counted(meter)


def _between(before: PowerMeter, meter: PowerMeter) -> _Counted | str:
    """What a meter counted between two readings, or what is wrong with them."""
    if before.energy_mj is None or before.read_at_s is None:
        return _Counted(meter)
    end_s, start_s = meter.read_at_s or 0, meter.energy_from_s
    if start_s is not None and before.energy_from_s is not None and start_s > before.energy_from_s:
        new = _Counted(meter, start_s, end_s, meter.energy_mj)
        if new.same_period(_Counted(meter, before.read_at_s, end_s)):
            return new  # a Prometheus, asked about this very time
        return "its register began anew between the two readings"
    if before.read_at_s >= end_s:
        return "its two readings are of one moment"
    after_mj = meter.energy_mj or 0
    grown = grown_mj(before.energy_mj, after_mj, meter.wraps_at_mj)
    round_ = after_mj < before.energy_mj
    if grown is None or (round_ and grown > _most_mj(before, meter, end_s - before.read_at_s)):
        return "it runs backwards: its register is lower than it was"
    return _Counted(meter, before.read_at_s, end_s, grown)


def _most_mj(before: PowerMeter, meter: PowerMeter, length_s: int) -> float:
    """The most that a meter can have counted: by what it is built for, else by what it draws."""
    if meter.nominal_mw is not None:
        return meter.nominal_mw * length_s * _OVERLOAD
    drawn = max(before.power_mw or 0, meter.power_mw or 0)
    return drawn * length_s * _PEAK if drawn else inf


def _period(counted: Iterable[_Counted], names: set[str]) -> Period | None:
    """The energy at each point over the period of the meter that tells most of them."""
    known = [one for one in counted if one.energy_mj is not None]
    if not known:
        return None
    whole = min(known, key=lambda one: (one.meter.kind != "facility", one.meter.name))
    energy: dict[Point, int] = defaultdict(int)
    covered: dict[Point, set[str]] = defaultdict(set)
    unread: dict[Point, set[str]] = defaultdict(set)
    for one in counted:
        point = _POINT_OF[one.meter.kind]
        nodes = set(plain(one.meter.nodes)) & names if one.meter.nodes else names
        if one.energy_mj is None or not one.same_period(whole):
            unread[point] |= nodes
            continue
        energy[point] += one.energy_mj
        covered[point] |= nodes
    share = {
        point: len(covered[point] - unread[point]) * 1000 // len(names) if names else 1000 for point in energy
    }
    if share.get("facility", 1000) < 1000:  # of the entry a part is worth nothing
        del energy["facility"], share["facility"]
    return Period(whole.start_s, whole.end_s, "meters", dict(energy), coverage_milli=share)
