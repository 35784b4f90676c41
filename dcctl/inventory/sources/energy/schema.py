"""The JSON Schema of a file of figures, from the keys and units that the reader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.energy import POINTS
from dcctl.inventory.sources.energy import amounts, parse, periods
from dcctl.inventory.sources.jobs.amounts import POWER
from dcctl.inventory.sources.jobs.schema_parts import MOMENT, NAME, TEXT, amount, list_of, object_of, price

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.schema_parts import Schema


def json_schema() -> Schema:
    """Return the schema (draft 2020-12) of a document of `kind: Energy`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dcctl:energy:v1",
        "title": "dcctl energy",
        "description": "Figures of energy by hand: metering points over time, prices, carbon, UPSes, caps.",
        **object_of(parse.KEYS, _document(), ["kind"]),
    }


def _document() -> Schema:
    return {
        "kind": {"const": parse.KIND},
        "apiVersion": {"const": parse.VERSION},
        "currency": NAME,
        "sites": list_of(object_of(parse.SITE_KEYS, _site(), ["name"])),
        "ups": list_of(object_of(parse.UPS_KEYS, _ups(), list(parse.UPS_KEYS))),
        "caps": list_of(object_of(parse.CAP_KEYS, _cap(), ["model"])),
    }


def _site() -> Schema:
    carbon: Schema = {"location": amount(amounts.CARBON), "market": amount(amounts.CARBON)}
    return {
        "name": NAME,
        "price": {**price(amounts.ENERGY), "description": "0.62 per kWh."},
        "carbon": object_of(carbon, carbon, []),
        "periods": list_of(object_of(periods.PERIOD_KEYS, _period(), ["from", "to"])),
        "registers": list_of(object_of(periods.REGISTER_KEYS, _register(), ["point", "readings"])),
    }


def _period() -> Schema:
    energy = {name: amount(amounts.ENERGY) for name in (*POINTS, "renewable", "reused")}
    return {"from": MOMENT, "to": MOMENT, **energy, "water": amount(amounts.WATER)}


def _register() -> Schema:
    reading: Schema = {"at": MOMENT, "energy": amount(amounts.ENERGY)}
    readings = list_of(object_of(reading, reading, list(reading)))
    return {"point": {"enum": list(POINTS)}, "readings": readings, "wraps_at": amount(amounts.ENERGY)}


def _ups() -> Schema:
    point: Schema = {"load": amount(amounts.SHARE), "efficiency": amount(amounts.SHARE)}
    points = {**list_of(object_of(point, point, list(point))), "minItems": 3}
    return {"name": NAME, "nominal": amount(POWER), "points": points}


def _cap() -> Schema:
    point: Schema = {"cap": amount(POWER), "power": amount(POWER), "time": amount(amounts.SHARE)}
    return {
        "model": TEXT,
        "points": {**list_of(object_of(point, point, list(point))), "minItems": 2},
        "idle": amount(POWER),
        "limit": amount(POWER),
        "compute": amount(amounts.SHARE),
    }
