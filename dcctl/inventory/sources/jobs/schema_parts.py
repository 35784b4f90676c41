"""Parts of the JSON Schemas of files that people write: amounts with their units, names, closed objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from dcctl.inventory.sources.jobs.resources import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.jobs.amounts import Measure

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json]"
Schema: TypeAlias = "dict[str, Json]"

_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+) ?"
TEXT: Schema = {"type": "string", "minLength": 1}
NAME: Schema = {"type": ["string", "integer"], "description": "Without blanks."}
NAMES: Schema = {"type": "array", "items": NAME, "uniqueItems": True}
MOMENT: Schema = {"type": "string", "description": "ISO 8601 with its zone: 2026-11-24T08:00Z."}


def resources(text: str) -> Schema:
    """Return amounts by short name, and whole devices by the full name of their resource."""
    return {
        "type": "object",
        "properties": {name: amount(kind.measure) for name, kind in KINDS.items()},
        "patternProperties": {"/": {"type": ["integer", "string"]}},
        "additionalProperties": False,
        "minProperties": 1,
        "description": text,
    }


def amount(measure: Measure) -> Schema:
    """Return a number with a unit; bare where that has a meaning."""
    text: Schema = {"type": "string", "pattern": f"^{_NUMBER}({_either(measure.units)})$"}
    about = f"{measure.noun[0].upper()}{measure.noun[1:]}: {measure.example}."
    if "" not in measure.units:
        return {**text, "description": about}
    return {"anyOf": [{"type": "number", "minimum": 0}, text], "description": about}


def price(measure: Measure) -> Schema:
    """Return `200 per TB`, or a bare number where that has a meaning."""
    if "" in measure.units:
        return {"type": "number", "minimum": 0}
    return {"type": "string", "pattern": f"^{_NUMBER}per ({_either(measure.units)})$"}


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


def whole(least: int) -> Schema:
    """Return a whole number."""
    return {"type": "integer", "minimum": least}


def list_of(items: Schema) -> Schema:
    """Return a list of these."""
    return {"type": "array", "items": items}


def object_of(keys: Iterable[str], properties: Schema, required: list[Json]) -> Schema:
    """Return an object with these keys and no others, which are those of the reader."""
    found: Schema = {key: properties[key] for key in keys}
    return {"type": "object", "properties": found, "required": required, "additionalProperties": False}
