"""Series of a Prometheus as meters; what is not one clear reading is a problem, told in words. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dcctl.inventory.model import PowerMeter
from dcctl.inventory.sources.power.numbers import amount
from dcctl.inventory.sources.series.row import OF_A_NODE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.series.row import Row
    from dcctl.inventory.timeseries import Series

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_SHOWN = 3


class Problem(NamedTuple):
    """What is wrong with a meter, or with a row of them (`meter` empty)."""

    meter: str
    reason: str
    cause: Cause = "invalid"
    hint: str = ""


class Place(NamedTuple):
    """Which meter it is."""

    name: str
    site: str | None


Key: TypeAlias = "frozenset[tuple[str, str]]"


class Register(NamedTuple):
    """What counters of energy told of a period."""

    start_s: int
    end_s: int
    grown: Sequence[Series]
    at_start: Sequence[Series]
    """Those that were there when it began."""
    at_end: Sequence[Series]


class Told(NamedTuple):
    """Meters, and what is wrong with others."""

    meters: tuple[PowerMeter, ...]
    problems: tuple[Problem, ...]


def parse(
    row: Row, power: Sequence[Series] | None, register: Register | None, site: str | None, now_s: int
) -> Told:
    """The meters of a row. None: not asked, or no answer. `site`: of those of which no label tells it."""
    problems: list[Problem] = []
    drawn = _each(row, _grouped(row, power or (), site, problems), row.power_mw, problems)
    counted = {} if register is None else _counted(row, register, site, problems)
    if power:
        silent = sorted(counted.keys() - drawn.keys() - {Place(one.meter, site) for one in problems})
        problems += [Problem(place.name, "tells energy, and no power now", "missing") for place in silent]
    meters = []
    for place in sorted(drawn.keys() | counted.keys(), key=lambda one: (one.site or "", one.name)):
        nodes = place.name if row.kind in OF_A_NODE else row.feeds.get(place.name, row.nodes)
        start_s = register.start_s if register is not None and place in counted else None
        meters.append(
            PowerMeter(
                place.name,
                row.kind,
                place.site,
                nodes,
                drawn.get(place),
                counted.get(place),
                now_s if start_s is None or register is None else register.end_s,
                start_s,
            )
        )
    return Told(tuple(meters), tuple(dict.fromkeys(problems)))


def _counted(row: Row, register: Register, site: str | None, problems: list[Problem]) -> dict[Place, int]:
    """Energy of each meter whose counters were there at both ends of the period."""
    whole = {_key(one) for one in register.at_start} & {_key(one) for one in register.at_end}
    whole &= {_key(one) for one in register.grown}
    every = (*register.grown, *register.at_start, *register.at_end)
    partly = {
        place
        for place, found in _grouped(row, every, site, problems).items()
        if any(_key(one) not in whole for one in found)
    }
    for place in sorted(partly, key=lambda one: one.name):
        why = "its counter of energy was not there from the beginning to the end of the period"
        problems.append(Problem(place.name, why, "missing", "dcctl assess energy --over 1d"))
    grown = _grouped(row, register.grown, site, [])
    return _each(row, {p: f for p, f in grown.items() if p not in partly}, row.energy_mj, problems)


def _grouped(
    row: Row, found: Sequence[Series], site: str | None, problems: list[Problem]
) -> dict[Place, list[Series]]:
    """The series of each meter; those that no label assigns to one are a problem."""
    groups: dict[Place, list[Series]] = {}
    strange = []
    for one in found:
        name = _name(row, one)
        if name is None:
            strange.append(one)
        else:
            place = Place(name, (one.label(row.site_label) if row.site_label else "") or site)
            groups.setdefault(place, []).append(one)
    if strange:
        wanted = " or ".join(row.labels)
        why = f"{len(strange)} series without a name of a meter in the label {wanted}: {_list(strange)}"
        problems.append(Problem("", why, "invalid"))
    return groups


def _name(row: Row, one: Series) -> str | None:
    if not row.labels:
        return row.name
    text = next((value for label in row.labels if (value := one.label(label))), "")
    match = re.fullmatch(row.regex, text)
    name = match[1] if match else None
    return name if name and _PLAIN.fullmatch(name) else None


def _each(
    row: Row, groups: dict[Place, list[Series]], factor: int, problems: list[Problem]
) -> dict[Place, int]:
    found = {}
    for place, several in groups.items():
        value = _one(row, several, factor)
        if isinstance(value, str):
            problems.append(Problem(place.name, value))
        else:
            found[place] = value
    return found


def _one(row: Row, several: list[Series], factor: int) -> int | str:
    """The amount of one meter, or what is wrong with it."""
    if len(several) > 1 and not row.total:
        return f"{len(several)} series where one is expected: {_list(several)}"
    total = 0
    for one in several:
        if one.last is None:
            return "tells no number"
        value = amount(one.last, factor)
        if value is None:
            return f"tells {one.last:g}: below 0, or no amount"
        total += value
    return total


def _list(several: Sequence[Series]) -> str:
    shown = [str(dict(sorted(one.labels.items()))) for one in several[:_SHOWN]]
    return ", ".join(shown) + (", …" if len(several) > _SHOWN else "")


def _key(one: Series) -> Key:
    return frozenset((label, value) for label, value in one.labels.items() if label != "__name__")


def joined(
    first: Sequence[Series], second: Sequence[Series], add: Callable[[Series, Series], Series]
) -> list[Series]:
    """The series that are in both, put together."""
    others = {_key(one): one for one in second}
    return [add(one, others[_key(one)]) for one in first if _key(one) in others]
