"""Evidence as one JSON document and back: what an audit saw can be looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from dcctl import __version__
from dcctl.errors import UsageError
from dcctl.inventory.evidence.collected import Evidence

if TYPE_CHECKING:
    from collections.abc import Container

SCHEMA: Final = "dcctl/evidence/v1"
_BEGINNING: Final = b'{"schema":"dcctl/evidence/v'


class _Header(msgspec.Struct):
    schema: str
    dcctl: str = ""


def begins(data: bytes) -> bool:
    """Tell from its first bytes that this is evidence as `encode` writes it."""
    return data.startswith(_BEGINNING)


def encode(evidence: Evidence) -> bytes:
    """Return the evidence as JSON on one line, schema first. The same evidence gives the same bytes."""
    from dcctl.harmless import json_safe

    header = msgspec.json.encode(_Header(SCHEMA, __version__))
    body = msgspec.json.encode(evidence, order="deterministic")
    text = header[:-1] + (b"," + body[1:] if body != b"{}" else b"}") + b"\n"
    return text if text.isascii() and b"\x7f" not in text else json_safe(text.decode()).encode()


def decode(data: bytes, where: str) -> Evidence:
    """Return the evidence of a document. UsageError: cut off, of a newer version, or of a wrong type."""
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.schema != SCHEMA:
            why = f"written by a newer dcctl {header.dcctl} ({header.schema}), this one reads {SCHEMA}"
            raise UsageError(where, why, "pip install --upgrade dcctl")
        return msgspec.json.decode(data, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(where, f"is no evidence: {error}") from error


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of evidence."""
    schema = msgspec.json.schema(Evidence)
    definition = schema["$defs"]["Evidence"]
    head = {"schema": {"const": SCHEMA}, "dcctl": {"type": "string"}}
    definition["properties"] = head | definition["properties"]
    definition["required"] = ["schema", *definition.get("required", [])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def merged(parts: tuple[Evidence, ...]) -> Evidence:
    """Return the evidence of several sources as one: list after list, and what each did not tell."""
    from msgspec.structs import fields

    found: dict[str, object] = {}
    for field in fields(Evidence):
        values = [getattr(part, field.name) for part in parts]
        told = [value for value in values if value is not None]
        if not told:
            continue
        if isinstance(told[0], tuple):
            found[field.name] = tuple(one for value in told for one in value)
        elif isinstance(told[0], dict):
            found[field.name] = {key: one for value in reversed(told) for key, one in value.items()}
        else:
            found[field.name] = told[0]
    return Evidence(**found)  # type: ignore[arg-type]  # each is of the type of its field


def restricted(evidence: Evidence, kept: Container[str]) -> Evidence:
    """Return the evidence without subjects that stand on other nodes alone."""
    from msgspec.structs import fields, replace

    from dcctl.inventory.evidence.base import Subject

    changed = {}
    for field in fields(Evidence):
        value = getattr(evidence, field.name)
        if isinstance(value, tuple) and value and isinstance(value[0], Subject):
            changed[field.name] = tuple(
                one for one in value if not one.stands_on or any(name in kept for name in one.stands_on)
            )
    return replace(evidence, **changed)
