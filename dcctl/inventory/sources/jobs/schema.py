"""The JSON Schema of dcctl's own form of job files, from the keys and units that the reader knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from dcctl.inventory.sources.jobs import amounts, form, job, models
from dcctl.inventory.sources.jobs.place import LEVELS
from dcctl.inventory.sources.jobs.resources import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.sources.jobs.amounts import Measure

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json]"
Schema: TypeAlias = "dict[str, Json]"

_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+) ?"
_TEXT: Schema = {"type": "string", "minLength": 1}
_NAME: Schema = {"type": ["string", "integer"], "description": "Without blanks."}
_NAMES: Schema = {"type": "array", "items": _NAME, "uniqueItems": True}
_LABELS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_MOMENT: Schema = {"type": "string", "description": "ISO 8601 with its zone: 2026-11-24T08:00Z."}
_DURATION: Schema = {
    "type": "string",
    "pattern": r"^([0-9.]+ ?(min|[smhdw]) ?)+$",
    "description": "A length of time: 3d12h, 90m, 45s.",
}
_LEVEL: Schema = {"enum": list(LEVELS)}
_PART: Schema = {"anyOf": [_LEVEL, {"type": "string", "pattern": "/"}]}


def json_schema() -> Schema:
    """Return the schema (draft 2020-12) of one document of `kind: Jobs`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dcctl:jobs:v1",
        "title": "dcctl jobs",
        "description": "Work that is asked for: jobs, models that take what they can get, and what there is.",
        **_object(form.KEYS, _document(), ["kind"]),
        "anyOf": [{"required": [key]} for key in form.ASKING],
    }


def _document() -> Schema:
    return {
        "kind": {"const": form.KIND},
        "apiVersion": {"const": form.VERSION},
        "jobs": _list(_object(job.KEYS, _job(), ["name", "each"])),
        "models": _list(_object(models.MODEL_KEYS, _model(), ["name"])),
        "supply": _object(models.SUPPLY_KEYS, _supply(), []),
        "quotas": {
            "type": "object",
            "additionalProperties": _resources("The most that work of this owner or queue holds."),
        },
    }


def _job() -> Schema:
    spread = _object(("by", "at_most_apart"), {"by": _PART, "at_most_apart": _whole(1)}, ["by"])
    gang = _object(("min",), {"min": _whole(1)}, ["min"])
    size: Schema = {"anyOf": [{"const": job.UNKNOWN}, _amount(amounts.SIZE)]}
    data: Schema = {"name": _NAME, "size": size, "sites": _NAMES}
    return {
        "name": {**_NAME, "description": "Unique over all files."},
        "members": {
            **_whole(1),
            "maximum": job.MAX_MEMBERS,
            "description": "How many equal ones; 1 if left out.",
        },
        "each": _resources("What one member asks for."),
        "gang": {"anyOf": [{"type": "boolean"}, gang], "description": "All or nothing, if left out."},
        "within": {**_LEVEL, "description": "All members stand in one of these."},
        "models": {"type": "array", "items": _TEXT, "description": "Accelerator models that are accepted."},
        "selector": {**_LABELS, "description": "Labels that a node must have."},
        "tolerate": {**_NAMES, "description": "Keys of taints that do not keep it out."},
        "spread": {"anyOf": [_PART, spread], "description": "Members are spread evenly over these."},
        "apart": {**_PART, "description": "No two members in one of these."},
        "priority": {"type": "integer", "minimum": -job.MAX_PRIORITY - 1, "maximum": job.MAX_PRIORITY},
        "preemptible": {"type": "boolean"},
        "queue": _NAME,
        "owner": _NAME,
        "duration": _DURATION,
        "deadline": _MOMENT,
        "earliest": _MOMENT,
        "after": {
            **_NAMES,
            "description": "Jobs that must have ended; namespace/name for work of the cluster.",
        },
        "data": _list(_object(tuple(data), data, ["name", "size"])),
    }


def _model() -> Schema:
    return {
        "name": _NAME,
        "weight": {"type": "number", "exclusiveMinimum": 0, "description": "1 if left out."},
        "training": _resources("What its training wants in all."),
        "inference": _resources("What its inference wants in all."),
        "min": _resources("What it is given before anybody shares."),
        "quota": _resources("What it is never given more of."),
    }


def _supply() -> Schema:
    node: Schema = {
        "name": {**_TEXT, "description": "A name or a node set: node[01-10]."},
        "each": _resources("What one node has."),
        "model": {**_TEXT, "description": "Of its accelerators."},
        "site": _NAME,
        "rack": _NAME,
        "labels": _LABELS,
    }
    price = {name: _price(kind.measure) for name, kind in KINDS.items()}
    return {
        "nodes": _list(_object(models.NODE_KEYS, node, ["name", "each"])),
        "total": _resources("An amount that nobody has cut into nodes."),
        "price": {
            "type": "object",
            "properties": {**price, "currency": _NAME},
            "patternProperties": {"/": {"type": "number", "minimum": 0}},
            "additionalProperties": False,
            "description": "Of one unit for a year.",
        },
    }


def _resources(text: str) -> Schema:
    """Amounts by short name, and whole devices by the full name of their resource."""
    return {
        "type": "object",
        "properties": {name: _amount(kind.measure) for name, kind in KINDS.items()},
        "patternProperties": {"/": {"type": ["integer", "string"]}},
        "additionalProperties": False,
        "minProperties": 1,
        "description": text,
    }


def _amount(measure: Measure) -> Schema:
    text: Schema = {"type": "string", "pattern": f"^{_NUMBER}({_either(measure.units)})$"}
    about = f"{measure.noun[0].upper()}{measure.noun[1:]}: {measure.example}."
    if "" not in measure.units:
        return {**text, "description": about}
    return {"anyOf": [{"type": "number", "minimum": 0}, text], "description": about}


def _price(measure: Measure) -> Schema:
    if "" in measure.units:
        return {"type": "number", "minimum": 0}
    return {"type": "string", "pattern": f"^{_NUMBER}per ({_either(measure.units)})$"}


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


def _whole(least: int) -> Schema:
    return {"type": "integer", "minimum": least}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(keys: Iterable[str], properties: Schema, required: list[Json]) -> Schema:
    """An object with these keys and no others, which are those of the reader."""
    found: Schema = {key: properties[key] for key in keys}
    return {"type": "object", "properties": found, "required": required, "additionalProperties": False}
