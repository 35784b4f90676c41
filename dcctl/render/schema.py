"""The JSON Schema of a report, from the shape that its command declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Struct

    from dcctl.render.plain import Json
    from dcctl.render.report import Column, Shape, Unit

_MEANING: dict[Unit, str] = {
    "milli": "in thousandths",
    "percent_milli": "as a share, in thousandths",
    "bytes": "in bytes",
    "memory": "in bytes",
    "bps": "in bits per second",
    "power_mw": "in milliwatts",
    "energy_mj": "in millijoules",
    "mass_mg": "in milligrams",
    "gpu_ms": "in milliseconds of one GPU",
    "hz": "in hertz",
    "duration_s": "in seconds",
    "duration_ms": "in milliseconds",
    "elapsed_ms": "in milliseconds",
    "time_s": "as Unix time in seconds",
    "celsius": "in degrees Celsius",
}
_WORDS: Json = {"type": "array", "items": {"type": "string"}}
_TEXT: dict[str, Json] = {"type": "string"}


def json_schema(shape: Shape) -> dict[str, Json]:
    """Return the schema (draft 2020-12) of `-o json` for a report of this shape.

    Every value may be null: unknown. Items have every column, unless `--columns` picked some; a later version
    only adds keys. A detail table without rows is left out. Numbers are in the SI unit that the description
    of the key names.
    """
    details: dict[str, Json] = {name: _rows(columns) for name, columns in shape.details}
    parts: dict[str, Json] = {
        "schema": {"const": f"dcctl/{shape.kind}/v1"},
        "headline": {**_TEXT, "description": "The answer in one line."},
        "items": _rows(shape.items),
        "details": _object(details, required=[]),
        "summary": _object({column.key: _entry(column) for column in shape.summary}),
        "notes": _texts("label", "text", "severity", "command"),
        "gaps": {
            **_texts("source", "subject", "node", "reason", "cause", "hint"),
            "description": "What was asked and gave no answer. If any, the answer is partial: exit code 3.",
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:dcctl:{shape.kind}:v1",
        "title": f"dcctl {shape.kind}",
        "description": shape.description,
        **_object({**parts, **_optional(shape)}, required=list(parts)),
        **_definitions(shape),
    }


def _definitions(shape: Shape) -> dict[str, Json]:
    """Return the types of the data that reports of this shape tell whole."""
    return {"$defs": _schemas(shape.data[1])[1]} if shape.data else {}


def _schemas(kind: type[Struct]) -> tuple[Json, dict[str, Json]]:
    """Return the schema of a type, and those of all that it refers to by name."""
    from msgspec.json import schema_components

    (schema,), named = schema_components((kind,), ref_template="#/$defs/{name}")
    return schema, named


def _optional(shape: Shape) -> dict[str, Json]:
    """Return the keys that only some answers have."""
    charts: dict[str, Json] = {name: _gantt(unit) for name, unit in shape.gantts}
    plots: dict[str, Json] = {name: _plot(unit) for name, unit in shape.plots}
    return {
        "documents": _WORDS,
        **({shape.data[0]: _schemas(shape.data[1])[0]} if shape.data else {}),
        **({"gantts": _object(charts, required=[])} if charts else {}),
        **({"plots": _object(plots, required=[])} if plots else {}),
    }


def _plot(unit: Unit) -> Json:
    """Return the schema of a plot: a value for each step from the start, null where nobody knows."""
    time: Json = {"type": "integer", "description": _MEANING["time_s"]}
    value: Json = {"type": ["number", "null"], "description": _MEANING.get(unit, "")}
    line = _object({"name": _TEXT, "kind": _TEXT, "values": {"type": "array", "items": value}})
    parts: dict[str, Json] = {"unit": {"const": unit}, "start_s": time, "step_s": {"type": "integer"}}
    return _object({**parts, "lines": {"type": "array", "items": line}})


def _gantt(unit: Unit) -> Json:
    """Return the schema of a Gantt chart."""
    time: Json = {"type": "integer", "description": _MEANING.get(unit, "")}
    bar = _object({"start": time, "end": time, "word": _TEXT})
    row = _object({"name": _TEXT, "bars": {"type": "array", "items": bar}})
    now: Json = {"type": ["integer", "null"]}
    return _object({"unit": {"const": unit}, "now": now, "rows": {"type": "array", "items": row}})


def error_schema() -> dict[str, Json]:
    """Return the schema of what `-o json` prints on stderr when there is no answer."""
    error = _object({"what": _TEXT, "why": _TEXT, "hint": _TEXT, "exit_code": {"type": "integer"}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dcctl:error:v1",
        "title": "dcctl error",
        **_object({"schema": {"const": "dcctl/error/v1"}, "error": error}),
    }


def _object(properties: dict[str, Json], required: Sequence[str] | None = None) -> dict[str, Json]:
    """Return the schema of an object with these keys and no others; all are required unless named."""
    keys: list[Json] = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}


def _rows(columns: Sequence[Column]) -> dict[str, Json]:
    """Return the schema of a table."""
    cells: dict[str, Json] = {column.key: _described(column) for column in columns}
    return {"type": "array", "items": _object(cells)}


def _texts(*keys: str) -> dict[str, Json]:
    """Return the schema of a list of objects whose values are texts."""
    return {"type": "array", "items": _object(dict.fromkeys(keys, _TEXT))}


def _described(column: Column) -> dict[str, Json]:
    """Return the schema of one column's cells."""
    meaning = _MEANING.get(column.unit, "")
    words = f"{column.title}, {meaning}; null: unknown" if meaning else f"{column.title}; null: unknown"
    return {**_cell(column.unit), "description": words}


def _cell(unit: Unit) -> dict[str, Json]:
    """Return the type of a cell: an integer for a quantity, anything that can be worded for a text."""
    if unit == "nodes":
        return {"type": ["string", "array", "null"], "items": {"type": "string"}}
    if unit == "state":
        return {"type": ["string", "boolean", "null"]}
    if unit == "text":
        return {"type": ["string", "array", "number", "boolean", "null"], "items": {"type": "string"}}
    return {"type": ["number" if unit in ("count", "number") else "integer", "null"]}


def _entry(column: Column) -> dict[str, Json]:
    """Return the schema of a summary entry: one value, or one per name."""
    cell: Json = _cell(column.unit)
    each: Json = {"type": "object", "additionalProperties": cell}
    return {"anyOf": [cell, each], "description": _described(column)["description"]}
