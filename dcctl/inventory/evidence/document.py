"""Evidence as one JSON document and back: what an audit saw can be looked at again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dcctl import __version__
from dcctl.errors import UsageError
from dcctl.inventory.evidence.collected import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from msgspec.structs import FieldInfo
    from typing_extensions import Buffer

SCHEMA: Final = "dcctl/evidence/v1"
_BEGINNING: Final = re.compile(rb'\s*\{\s*"schema"\s*:\s*"dcctl/evidence/v')
"""However a tool that rewrites JSON sets its spaces."""

_AT_ONCE: Final = 1000
"""Subjects that are written at once."""
_NOTHING: Final = Evidence()


class _Header(msgspec.Struct):
    schema: str
    dcctl: str = ""


def begins(data: bytes) -> bool:
    """Tell from its first bytes that this is evidence, as `encode` writes it or as `jq .` does."""
    return _BEGINNING.match(data) is not None


def encode(evidence: Evidence) -> bytes:
    """Return the evidence as JSON on one line, schema first. The same evidence gives the same bytes."""
    return b"".join(pieces(evidence))


def pieces(evidence: Evidence) -> Iterator[bytes]:
    """Yield what `encode` returns, piece by piece."""
    yield msgspec.json.encode(_Header(SCHEMA, __version__))[:-1]
    for name in evidence.__struct_fields__:
        value = getattr(evidence, name)
        if value == getattr(_NOTHING, name):
            continue
        yield f',"{name}":'.encode()
        if isinstance(value, tuple):
            for start in range(0, len(value), _AT_ONCE):
                yield b"," if start else b"["
                yield _safe(msgspec.json.encode(value[start : start + _AT_ONCE], order="deterministic"))[1:-1]
            yield b"]" if value else b"[]"
        else:
            yield _safe(msgspec.json.encode(value, order="deterministic"))
    yield b"}\n"


def _safe(text: bytes) -> bytes:
    from dcctl.harmless import json_safe

    return text if text.isascii() and b"\x7f" not in text else json_safe(text.decode()).encode()


def decode(data: Buffer, where: str, done: Callable[[int], object] = bool) -> Evidence:
    """Return the evidence of a document. UsageError: cut off, of a newer version, or of a wrong type.

    `done` is told, as it goes on, how many bytes from the beginning are not needed any more.
    """
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.schema != SCHEMA:
            why = f"written by a newer dcctl {header.dcctl} ({header.schema}), this one reads {SCHEMA}"
            raise UsageError(where, why, "pip install --upgrade dcctl")
        return Evidence(**_told(msgspec.json.decode(data, type=dict[str, msgspec.Raw]), done))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(where, f"is no evidence: {error}") from error


def _told(parts: dict[str, msgspec.Raw], done: Callable[[int], object]) -> dict[str, Any]:
    """Each field of a document that `encode` wrote, so in this order, read one after the other."""
    from msgspec.structs import fields

    found, size = {}, 0
    for field in fields(Evidence):
        text = parts.get(field.name)
        if text is not None:
            found[field.name] = _part(text, field)
            size += len(memoryview(text))
            done(size)
    return found


def _part(text: msgspec.Raw, field: FieldInfo) -> object:
    """One field. msgspec.DecodeError with its place."""
    from dcctl.inventory.evidence.sharing import reader

    try:
        return reader(field.type)(text)
    except (msgspec.DecodeError, TypeError):  # told once more, by what knows the place of what is wrong
        try:
            return msgspec.json.decode(text, type=field.type)
        except msgspec.DecodeError as error:
            raise msgspec.DecodeError(f"{field.name}: {error}") from error


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
