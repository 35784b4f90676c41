"""The JSON Schema of a file of figures, from the keys and units that the reader knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from dcctl.inventory.energy import POINTS
from dcctl.inventory.sources.energy import amounts, parse, periods
from dcctl.inventory.sources.jobs.amounts import POWER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.jobs.amounts import Measure

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json]"
Schema: TypeAlias = "dict[str, Json]"

_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+) ?"
_NAME: Schema = {"type": ["string", "integer"], "description": "Without blanks."}
_MOMENT: Schema = {"type": "string", "description": "ISO 8601 with its zone: 2026-11-24T08:00Z."}


def json_schema() -> Schema:
    """Return the schema (draft 2020-12) of a document of `kind: Energy`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dcctl:energy:v1",
        "title": "dcctl energy",
        "description": "Figures of energy by hand: metering points over time, prices, carbon, UPSes, caps.",
        **_object(parse.KEYS, _document(), ["kind"]),
    }


def _document() -> Schema:
    return {
        "kind": {"const": parse.KIND},
        "apiVersion": {"const": parse.VERSION},
        "currency": _NAME,
        "sites": _list(_object(parse.SITE_KEYS, _site(), ["name"])),
        "ups": _list(_object(parse.UPS_KEYS, _ups(), list(parse.UPS_KEYS))),
        "caps": _list(_object(parse.CAP_KEYS, _cap(), ["model"])),
    }


def _site() -> Schema:
    units = _either(amounts.ENERGY.units)
    price: Schema = {"type": "string", "pattern": f"^{_NUMBER}per ({units})$", "description": "0.62 per kWh."}
    carbon: Schema = {"location": _amount(amounts.CARBON), "market": _amount(amounts.CARBON)}
    return {
        "name": _NAME,
        "price": price,
        "carbon": _object(carbon, carbon, []),
        "periods": _list(_object(periods.PERIOD_KEYS, _period(), ["from", "to"])),
        "registers": _list(_object(periods.REGISTER_KEYS, _register(), ["point", "readings"])),
    }


def _period() -> Schema:
    energy = {name: _amount(amounts.ENERGY) for name in (*POINTS, "renewable", "reused")}
    return {"from": _MOMENT, "to": _MOMENT, **energy, "water": _amount(amounts.WATER)}


def _register() -> Schema:
    reading: Schema = {"at": _MOMENT, "energy": _amount(amounts.ENERGY)}
    readings = _list(_object(reading, reading, list(reading)))
    return {"point": {"enum": list(POINTS)}, "readings": readings, "wraps_at": _amount(amounts.ENERGY)}


def _ups() -> Schema:
    point: Schema = {"load": _amount(amounts.SHARE), "efficiency": _amount(amounts.SHARE)}
    points = {**_list(_object(point, point, list(point))), "minItems": 3}
    return {"name": _NAME, "nominal": _amount(POWER), "points": points}


def _cap() -> Schema:
    point: Schema = {"cap": _amount(POWER), "power": _amount(POWER), "time": _amount(amounts.SHARE)}
    return {
        "model": {"type": "string", "minLength": 1},
        "points": {**_list(_object(point, point, list(point))), "minItems": 2},
        "idle": _amount(POWER),
        "limit": _amount(POWER),
        "compute": _amount(amounts.SHARE),
    }


def _amount(measure: Measure) -> Schema:
    about = f"{measure.noun[0].upper()}{measure.noun[1:]}: {measure.example}."
    return {"type": "string", "pattern": f"^{_NUMBER}({_either(measure.units)})$", "description": about}


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(keys: Iterable[str], properties: Schema, required: list[str]) -> Schema:
    """An object with these keys and no others, which are those of the reader."""
    found: Schema = {key: properties[key] for key in keys}
    needed: list[Json] = [*required]
    return {"type": "object", "properties": found, "required": needed, "additionalProperties": False}
