"""From places that are one back to the places that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.milp import Solved, relaxed, within
from dcctl.assess.cost.programme import Row, Stand
from dcctl.assess.cost.racks import Load, broken, pack

if TYPE_CHECKING:
    from dcctl.assess.cost.merge import Merged
    from dcctl.assess.cost.patterns import Cut
    from dcctl.assess.cost.programme import Programme
    from dcctl.inventory.market import Market

    Unmerged = Solved | list["Broken"] | None
    """Values; else what racks do not hold, as far as is known, or None: sites do not."""
    Place = tuple[str, str]
    """A site, and the first of racks that are alike."""

_PUT_S: Final = 20.0
_NOTHING: Final = 1e-9


class Broken(NamedTuple):
    """What the nodes that stand in some racks break."""

    place: Place
    cut: Cut


def unmerged(
    market: Market, made: Programme, merged: Merged, values: list[float]
) -> Solved | list[Broken] | None:
    """Return the values of the whole programme; else why racks do not hold it, or None: sites do not."""
    numbers = _shared_out(market, merged, values)
    if isinstance(numbers, list):
        return numbers
    there = {at: numbers.get(stand, 0.0) for stand, at in made.nodes.items()}
    rest, columns = made.given(there)
    found = within(rest, _PUT_S) if any(one.whole for one in rest.columns) else relaxed(rest)
    if found.state != "solved":
        return None
    values_of = there | dict(zip(columns, found.values, strict=True))
    cost = sum(made.columns[at].cost * number for at, number in there.items())
    return Solved("solved", [values_of[at] for at in range(len(made.columns))], cost, 0, [])


def all_broken(market: Market, merged: Merged, values: list[float]) -> list[Broken]:
    """Return what nodes break, parts of them too."""
    loads, found = _loads(market, merged, values), []
    for one in merged.alike:
        place = one.site, one.racks[0].name
        cut = broken(one, loads.get(place, []))
        if cut is not None:
            found.append(Broken(place, cut))
    return found


def row_of(market: Market, merged: Merged, one: Broken, share: float) -> Row:
    """Return the row that is broken: the shares of racks that nodes take add up to the racks at most."""
    racks = next(alike for alike in merged.alike if (alike.site, alike.racks[0].name) == one.place)
    types = {node.name: node for node in market.types if node.whole}
    terms = {
        at: one.cut.share(types[stand.type].each.power_mw or 0)
        for stand, at in merged.programme.nodes.items()
        if (stand.site, stand.rack) == one.place and stand.type in types
    }
    return Row({at: value for at, value in terms.items() if value}, None, len(racks.racks) * share)


def _loads(market: Market, merged: Merged, values: list[float]) -> dict[Place, list[Load]]:
    types = {one.name: one for one in market.types}
    loads: dict[Place, list[Load]] = {}
    for stand, at in merged.programme.nodes.items():
        if values[at] > _NOTHING:
            node = types[stand.type]
            load = Load(stand.type, values[at], node.each.power_mw or 0, node.whole)
            loads.setdefault((stand.site, stand.rack), []).append(load)
    return loads


def _shared_out(market: Market, merged: Merged, values: list[float]) -> dict[Stand, float] | list[Broken]:
    """The nodes in the racks that there are."""
    racks = {(one.site, one.racks[0].name): one for one in merged.alike}
    found: dict[Stand, float] = {}
    failed, why = False, []
    for place, loads in _loads(market, merged, values).items():
        inside = [load._replace(number=round(load.number)) if load.whole else load for load in loads]
        if place not in racks:
            found |= {Stand(load.type, *place): load.number for load in inside}
            continue
        put, cut = pack(racks[place], inside)
        if put is None:
            failed = True
            why += [] if cut is None else [Broken(place, cut)]
            continue
        found |= {Stand(type_, place[0], rack): number for (type_, rack), number in put.items()}
    return why if failed else found
