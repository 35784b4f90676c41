"""A fleet as one JSON document and back. The same fleet gives the same bytes."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec.structs import fields

from dcctl import __version__
from dcctl.errors import UsageError
from dcctl.inventory.model import Fact, Fleet
from dcctl.inventory.nodeexpr import check_name, shown

SCHEMA: Final = "dcctl/snapshot/v1"
_VERSION: Final = 1
_KIND = re.compile(r"dcctl/([a-z-]+)/v([0-9]{1,9})")
_AT_BYTE = re.compile(r"\(byte ([0-9]+)\)")
_BEGINNING: Final = b'{"schema":"dcctl/snapshot/v'
_MAX_BYTES: Final = 4 << 30


class _Header(Fact, frozen=True):
    """What the document says about itself. Read alone when the rest does not fit."""

    schema: str | None = None
    dcctl: str | None = None


class _Document(Fleet, frozen=True):
    """A fleet with its header, so that both are read in one pass."""

    schema: str | None = None
    dcctl: str | None = None


def encode(fleet: Fleet) -> bytes:
    """Return the fleet as JSON, schema and version first, labels in order of their keys, one line.

    Control and direction characters are escaped: the document may be printed on a terminal. `nodes` is always
    there, even if empty: a document without it is not taken for an empty fleet.
    """
    head = {"schema": SCHEMA, "dcctl": __version__}
    header = msgspec.json.encode(head if fleet.nodes else {**head, "nodes": []})
    body = msgspec.json.encode(fleet, order="deterministic")
    return header[:-1] + (b"," + _harmless(body)[1:] if body != b"{}" else b"}") + b"\n"


def _harmless(body: bytes) -> bytes:
    """Return JSON that shows the same and moves no cursor. Outside its strings it is ASCII without blanks."""
    if body.isascii() and b"\x7f" not in body:
        return body
    from dcctl.harmless import json_safe

    return json_safe(body.decode()).encode()


def begins(data: bytes) -> bool:
    """Tell from the first bytes that this is a snapshot as `encode` writes it."""
    return data.startswith(_BEGINNING)


def decode(data: bytes, where: str) -> Fleet:
    """Return the fleet of a snapshot. Fields that are not known are passed over.

    `where` is the file name for messages. UsageError: empty, compressed, cut off, not JSON, no snapshot, of
    a newer version, of a wrong type (with its path), or with node names that cannot be.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    _check_bytes(data, where)
    try:
        document = _read(data, where)
        _check_header(document, where)
        told = bool(document.nodes) or "nodes" in msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        place = f"{where}{place_of(data, str(error))}"
        raise UsageError(place, not_json(str(error)), f"jq . {where}") from error
    except RecursionError as error:
        raise UsageError(where, "is nested too deeply to be a snapshot") from error
    if not told:
        raise UsageError(where, "has no field `nodes`", "dcctl schema snapshot")
    fleet = Fleet(*(getattr(document, field.name) for field in fields(Fleet)))
    for at, node in enumerate(fleet.nodes):
        check_name(node.name, f"{where}: $.nodes[{at}].name")
    return fleet


def _read(data: bytes, where: str) -> _Document:
    """Return the document; a newer version is told by its header, before its types are held against it."""
    try:
        return msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:
        _check_header(_header(data), where)
        raise UsageError(where, type_error(error), "dcctl schema snapshot") from error


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a snapshot."""
    schema = msgspec.json.schema(Fleet)
    definition = schema["$defs"]["Fleet"]
    head = {"schema": {"const": SCHEMA}, "dcctl": {"type": "string"}}
    definition["properties"] = head | definition["properties"]
    definition["required"] = ["schema", "nodes", *definition.get("required", [])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def _check_bytes(data: bytes, where: str) -> None:
    """Raise for what is recognised without reading it as JSON."""
    if len(data) > _MAX_BYTES:
        raise UsageError(where, f"is larger than {_MAX_BYTES >> 30} GiB")
    if not data or data.isspace():
        raise UsageError(where, "is empty", "dcctl inventory snapshot")
    if data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        tool = "gunzip" if data[0] == 0x1F else "unzstd"
        raise UsageError(where, "is compressed", f"{tool} < {where} | dcctl assess -i -")


def _header(data: bytes) -> _Header:
    try:
        return msgspec.json.decode(data, type=_Header)
    except msgspec.ValidationError:
        return _Header()


def _check_header(header: _Header | _Document, where: str) -> None:
    """Raise unless the document says that it is a snapshot of a version this program reads."""
    match = _KIND.fullmatch(header.schema or "")
    if match is None:
        said = f"its schema is {shown(header.schema)}" if header.schema else "it has no field `schema`"
        raise UsageError(where, f"is not a dcctl snapshot: {said}", "dcctl inventory snapshot")
    if match[1] != "snapshot":
        why = f"is a dcctl {match[1]} report, not a snapshot"
        raise UsageError(where, why, "dcctl inventory snapshot")
    if int(match[2]) > _VERSION:
        writer = f" {shown(header.dcctl, 40)[1:-1]}" if header.dcctl else ""
        why = f"written by a newer dcctl{writer} (v{match[2]}), this one reads v{_VERSION}"
        raise UsageError(where, why, "pip install --upgrade dcctl")


def type_error(error: msgspec.ValidationError) -> str:
    """Turn "Expected `str`, got `int` - at `$.nodes[3].name`" into "$.nodes[3].name: expected …"."""
    what, _, path = str(error).partition(" - at ")
    what = what[:1].lower() + what[1:]
    return f"{path.strip('`')}: {what}" if path else what


def not_json(message: str) -> str:
    """Why a document is no JSON, by what msgspec says of it."""
    if "truncated" in message:
        return "the JSON ends before it is complete: the file was cut off"
    return f"is not JSON: {_AT_BYTE.sub('', message).removeprefix('JSON is malformed: ').strip()}"


def place_of(data: bytes, message: str) -> str:
    """Return `:line:column` (from 1) of the byte that msgspec names, or nothing."""
    match = _AT_BYTE.search(message)
    if match is None:
        return ""
    at = int(match[1])
    line, column = data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
    return f":{line}:{column}"
