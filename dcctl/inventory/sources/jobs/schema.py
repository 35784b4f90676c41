"""The JSON Schema of dcctl's own form of job files, from the keys and units that the reader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.jobs import amounts, form, job, models
from dcctl.inventory.sources.jobs.place import LEVELS
from dcctl.inventory.sources.jobs.resources import KINDS
from dcctl.inventory.sources.jobs.schema_parts import (
    MOMENT,
    NAME,
    NAMES,
    TEXT,
    amount,
    list_of,
    object_of,
    price,
    resources,
    whole,
)

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.schema_parts import Schema


_LABELS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
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
        **object_of(form.KEYS, _document(), ["kind"]),
        "anyOf": [{"required": [key]} for key in form.ASKING],
    }


def _document() -> Schema:
    return {
        "kind": {"const": form.KIND},
        "apiVersion": {"const": form.VERSION},
        "jobs": list_of(object_of(job.KEYS, _job(), ["name", "each"])),
        "models": list_of(object_of(models.MODEL_KEYS, _model(), ["name"])),
        "supply": object_of(models.SUPPLY_KEYS, _supply(), []),
        "quotas": {
            "type": "object",
            "additionalProperties": resources("The most that work of this owner or queue holds."),
        },
    }


def _job() -> Schema:
    spread = object_of(("by", "at_most_apart"), {"by": _PART, "at_most_apart": whole(1)}, ["by"])
    gang = object_of(("min",), {"min": whole(1)}, ["min"])
    size: Schema = {"anyOf": [{"const": job.UNKNOWN}, amount(amounts.SIZE)]}
    data: Schema = {"name": NAME, "size": size, "sites": NAMES}
    return {
        "name": {**NAME, "description": "Unique over all files."},
        "members": {
            **whole(1),
            "maximum": job.MAX_MEMBERS,
            "description": "How many equal ones; 1 if left out.",
        },
        "each": resources("What one member asks for."),
        "gang": {"anyOf": [{"type": "boolean"}, gang], "description": "All or nothing, if left out."},
        "within": {**_LEVEL, "description": "All members stand in one of these."},
        "models": {"type": "array", "items": TEXT, "description": "Accelerator models that are accepted."},
        "selector": {**_LABELS, "description": "Labels that a node must have."},
        "tolerate": {**NAMES, "description": "Keys of taints that do not keep it out."},
        "spread": {"anyOf": [_PART, spread], "description": "Members are spread evenly over these."},
        "apart": {**_PART, "description": "No two members in one of these."},
        "priority": {"type": "integer", "minimum": -job.MAX_PRIORITY - 1, "maximum": job.MAX_PRIORITY},
        "preemptible": {"type": "boolean"},
        "queue": NAME,
        "owner": NAME,
        "duration": _DURATION,
        "deadline": MOMENT,
        "earliest": MOMENT,
        "after": {
            **NAMES,
            "description": "Jobs that must have ended; namespace/name for work of the cluster.",
        },
        "data": list_of(object_of(tuple(data), data, ["name", "size"])),
    }


def _model() -> Schema:
    return {
        "name": NAME,
        "weight": {"type": "number", "exclusiveMinimum": 0, "description": "1 if left out."},
        "training": resources("What its training wants in all."),
        "inference": resources("What its inference wants in all."),
        "min": resources("What it is given before anybody shares."),
        "quota": resources("What it is never given more of."),
    }


def _supply() -> Schema:
    node: Schema = {
        "name": {**TEXT, "description": "A name or a node set: node[01-10]."},
        "each": resources("What one node has."),
        "model": {**TEXT, "description": "Of its accelerators."},
        "site": NAME,
        "rack": NAME,
        "labels": _LABELS,
    }
    prices = {name: price(kind.measure) for name, kind in KINDS.items()}
    return {
        "nodes": list_of(object_of(models.NODE_KEYS, node, ["name", "each"])),
        "total": resources("An amount that nobody has cut into nodes."),
        "price": {
            "type": "object",
            "properties": {**prices, "currency": NAME},
            "patternProperties": {"/": {"type": "number", "minimum": 0}},
            "additionalProperties": False,
            "description": "Of one unit for a year.",
        },
    }
