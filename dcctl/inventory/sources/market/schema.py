"""The JSON Schema of files of costs, from the keys and units that the reader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.energy.amounts import CARBON, ENERGY, SHARE
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.schema_parts import (
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
from dcctl.inventory.sources.market import measures, parse, sites, types, workloads

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.schema_parts import Schema

_FLAG: Schema = {"type": "boolean"}
_MONEY: Schema = {"type": "number", "minimum": 0}


def json_schema() -> Schema:
    """Return the schema (draft 2020-12) of one document of `kind: Cost`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dcctl:cost:v1",
        "title": "dcctl cost",
        "description": "What can be bought, where it can stand, what it costs, and what it is to do.",
        **object_of(parse.KEYS, _document(), ["kind", "sites", "types", "workloads"]),
    }


def _document() -> Schema:
    return {
        "kind": {"const": parse.KIND},
        "apiVersion": {"const": parse.VERSION},
        "currency": NAME,
        "hours": {**whole(0), "maximum": 8784, "description": "Under power in a year; 8760 if left out."},
        "sites": list_of(object_of(sites.KEYS, _site(), ["name"])),
        "types": list_of(object_of(types.KEYS, _type(), ["name", "each"])),
        "workloads": list_of(object_of(workloads.KEYS, _workload(), ["name"])),
        "limits": object_of(parse.LIMIT_KEYS, _limits(), []),
    }


def _site() -> Schema:
    curve = object_of(sites.CURVE_KEYS, {"curve": TEXT, "take": {"enum": list(sites.TAKE)}}, ["curve"])
    rack: Schema = {
        "name": {**TEXT, "description": "A name or a node set: r[01-10]."},
        "power": amount(amounts.POWER),
        "nodes": {**whole(1), "description": "How many there is room for."},
    }
    return {
        "name": NAME,
        "region": NAME,
        "pue": {"type": "number", "minimum": 1, "maximum": 10},
        "tariff": {"anyOf": [price(ENERGY), curve], "description": "Of energy."},
        "carbon": {"anyOf": [amount(CARBON), curve]},
        "renewable": amount(SHARE),
        "power": {**amount(amounts.POWER), "description": "For all nodes, before the PUE."},
        "uplink": amount(amounts.BANDWIDTH),
        "storage": {**amount(amounts.STORAGE), "description": "There already, beside that of nodes."},
        "racks": list_of(object_of(sites.RACK_KEYS, rack, ["name"])),
    }


def _type() -> Schema:
    return {
        "name": NAME,
        "model": {**TEXT, "description": "Of its accelerators."},
        "each": resources("What one node has, and the power it takes."),
        "stock": {**whole(0), "description": "How many there are at most."},
        "capex": {**_MONEY, "description": "Once."},
        "life": amount(measures.YEARS),
        "opex": {**_MONEY, "description": "A year, energy apart."},
        "sites": NAMES,
        "whole": {**_FLAG, "description": "False: a part of one can be had. True if left out."},
    }


def _workload() -> Schema:
    speed: Schema = {"type": ["number", "string"]}
    tokens = whole(1)
    time: Schema = {"type": "string", "pattern": "^[0-9.]+ ?(ms|s)$"}
    serve: Schema = {
        "model": {**TEXT, "description": "Of the catalogue."},
        "input": tokens,
        "output": tokens,
        "context": tokens,
        "batch": whole(1),
        "weight_bits": whole(1),
        "kv_bits": whole(1),
        "ttft": time,
        "tpot": time,
    }
    return {
        "name": NAME,
        "need": {**speed, "description": "Throughput, all year long."},
        "unit": {**TEXT, "description": "Of need and speed: req/s."},
        "speed": {
            "anyOf": [speed, {"type": "object", "additionalProperties": speed}],
            "description": "Of one accelerator: on all, or by node type or model of accelerator.",
        },
        "together": {**whole(1), "description": "Accelerators that must be in one node."},
        "gpu_memory": amount(amounts.MEMORY),
        "serve": object_of(workloads.SERVE_KEYS, serve, ["model", "input", "output"]),
        "train": object_of(workloads.TRAIN_KEYS, _train(), ["model"]),
        "total": resources("Amounts of the whole workload."),
        "sites": NAMES,
        "types": NAMES,
        "split": {**_FLAG, "description": "Whether several sites may share it. True if left out."},
    }


def _train() -> Schema:
    return {
        "model": {**TEXT, "description": "Of the catalogue."},
        "gpus": {**whole(1), "description": "Accelerators of one run; left out where `total` counts them."},
        "sequence": {**whole(1), "description": "Tokens; 8,192 or the model's if left out."},
        "batch": {**whole(1), "description": "Sequences of a step; about 4 million tokens if left out."},
        "precision": {"enum": list(workloads.PRECISIONS), "description": "bf16 if left out."},
    }


def _limits() -> Schema:
    return {
        "renewable": amount(SHARE),
        "regions": {"type": "object", "additionalProperties": amount(SHARE)},
        "carbon": {**amount(measures.MASS), "description": "CO2 of a year."},
        "capex": _MONEY,
    }
