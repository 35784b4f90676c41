"""A document of `kind: Energy`, read into `Figures`; what is wrong is told with file and line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from dcctl.errors import UsageError
from dcctl.inventory.conditions import Curve
from dcctl.inventory.energy import CapModel, CapPoint, Figures, Grid, UpsModel, UpsPoint
from dcctl.inventory.sources.energy import amounts
from dcctl.inventory.sources.energy.periods import periods_of
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.jobs.cursor import Cursor

if TYPE_CHECKING:
    from dcctl.inventory.energy import Period

KIND, VERSION = "Energy", "dcctl/v1"
HINT = "dcctl schema energy"
KEYS = ("kind", "apiVersion", "currency", "sites", "ups", "caps")
SITE_KEYS = ("name", "price", "carbon", "periods", "registers")
UPS_KEYS = ("name", "nominal", "points")
CAP_KEYS = ("model", "points", "idle", "limit", "compute")
_MOST_TIME_MILLI: Final = 100_000


def parse(text: str, where: str) -> Figures:
    """Return the figures of a file. UsageError with file, line, key and reason."""
    try:
        found = documents(text, where)
    except UsageError as error:
        error.hint = error.hint or HINT
        raise
    if len(found) != 1:
        raise UsageError(where, f"holds {len(found)} documents and not one of `kind: {KIND}`", HINT)
    keys = Cursor(found[0][0], where, hint=HINT).fields(KEYS, required=("kind",))
    if keys["kind"].text() != KIND:
        raise keys["kind"].error(f"must be {KIND}")
    if "apiVersion" in keys and keys["apiVersion"].text() != VERSION:
        raise keys["apiVersion"].error(f"must be {VERSION}")
    periods: dict[str, tuple[Period, ...]] = {}
    grids: dict[str, Grid] = {}
    for item in keys["sites"].items() if "sites" in keys else ():
        site = item.fields(SITE_KEYS, required=("name",))
        name = site["name"].name()
        if name in grids:
            raise site["name"].error(f"another site is called {name}")
        periods[name], grids[name] = periods_of(site), _grid(site)
    return Figures(
        currency=keys["currency"].name() if "currency" in keys else "",
        periods=periods,
        grids=grids,
        ups=tuple(_ups(item) for item in keys["ups"].items()) if "ups" in keys else (),
        caps=tuple(_cap(item) for item in keys["caps"].items()) if "caps" in keys else (),
    )


def _grid(site: dict[str, Cursor]) -> Grid:
    told = site["carbon"].fields(("location", "market")) if "carbon" in site else {}
    return Grid(
        _constant(amounts.price(site["price"])) if "price" in site else None,
        _constant(amounts.carbon(told["location"])) if "location" in told else None,
        _constant(amounts.carbon(told["market"])) if "market" in told else None,
    )


def _constant(value_milli: int) -> Curve:
    return Curve((0,), (value_milli,))


def _ups(item: Cursor) -> UpsModel:
    keys = item.fields(UPS_KEYS, required=UPS_KEYS)
    name, nominal = keys["name"].name(), amounts.power(keys["nominal"])
    points = []
    for given in keys["points"].items():
        point = given.fields(("load", "efficiency"), required=("load", "efficiency"))
        load, efficiency = amounts.share(point["load"]), amounts.share(point["efficiency"])
        if efficiency > 1000:
            raise point["efficiency"].error("no UPS gives more than it draws: at most 100%")
        if load > 1500:
            raise point["load"].error("is more than one and a half times what the UPS is built for")
        points.append(UpsPoint(load, efficiency))
    if len({point.load_milli for point in points}) < 3:
        raise keys["points"].error("a loss curve has three coefficients: at least three loads are needed")
    return UpsModel(name, nominal, tuple(points), item.place)


def _cap(item: Cursor) -> CapModel:
    keys = item.fields(CAP_KEYS, required=("model",))
    model = keys["model"].text()
    if "points" in keys:
        for name in ("idle", "limit", "compute"):
            if name in keys:
                raise keys[name].error("belongs to a stated model; where there are points, they count")
        points = tuple(_point(given) for given in keys["points"].items())
        points = tuple(sorted(points, key=lambda one: -one.cap_mw))
        if any(low.time_milli * 20 < high.time_milli * 19 for high, low in pairwise(points)):
            raise keys["points"].error(
                "the same work takes less time under a lower cap: cap and time do not fit"
            )
        if len({one.cap_mw for one in points}) != len(points) or len(points) < 2:
            raise keys["points"].error("at least two points are needed, each with a cap of its own")
        return CapModel(model, points, place=item.place)
    for name in ("idle", "limit", "compute"):
        if name not in keys:
            raise item.error(f"the key `{name}` is missing: give `points`, or `idle`, `limit`, `compute`")
    idle, limit = amounts.power(keys["idle"]), amounts.power(keys["limit"])
    compute = amounts.share(keys["compute"])
    if compute > 1000:
        raise keys["compute"].error("is a share of the time: at most 100%")
    if idle >= limit:
        raise keys["idle"].error("must be below the limit")
    return CapModel(model, (), idle, limit, compute, item.place)


def _point(given: Cursor) -> CapPoint:
    keys = given.fields(("cap", "power", "time"), required=("cap", "power", "time"))
    time = amounts.share(keys["time"])
    if time > _MOST_TIME_MILLI:
        raise keys["time"].error("is the time for the same work, the uncapped one being 100%")
    cap, power = amounts.power(keys["cap"]), amounts.power(keys["power"])
    if power > cap * 21 // 20:
        raise keys["power"].error("is above the cap: a capped board does not draw more")
    return CapPoint(cap, power, time)
