"""A manifest as the API server would read it, and a place for what is refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec
import yaml

from dcctl.inventory.sources.files.documents import Converter, is_null

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

T = TypeVar("T")
Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

HINT = "kubectl apply --dry-run=server -f"
UNKNOWN_WORD = "invalid enum value"
"""How a word begins to be refused that is none of a fixed set, as msgspec says it."""
_QUANTITIES = frozenset(("requests", "limits", "overhead"))
"""Maps whose values may be written as numbers, and are texts to us."""
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")
_SCALARS = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool")}
_LARGEST = (1 << 63) - 1
_WORDS = {
    "int": "a whole number",
    "str": "a text",
    "object": "a set of keys",
    "array": "a list",
    "bool": "true or false",
}


def as_json(document: Cursor) -> bytes:
    """Return a document as JSON."""
    return msgspec.json.encode(_value(document.node, Converter(document.where), texts=False))


def decode(document: Cursor, data: bytes, kind: type[T]) -> T:
    """Return a value, of which `as_json` made `data`, as a struct. UsageError with the place."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        steps = [name or at for name, at in _STEP.findall(path)]
        raise document.at(steps).error(_sentence(what), f"{HINT} {document.file}") from error


def _value(node: yaml.Node, converter: Converter, *, texts: bool) -> Value:
    """What kubectl makes of a node: numbers and booleans where they are not quoted."""
    if isinstance(node, yaml.MappingNode):
        return {
            name: _value(value, converter, texts=texts or name in _QUANTITIES)
            for name, (_, value) in converter.pairs(node).items()
        }
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, converter, texts=False) for item in node.value]
    if is_null(node):
        return None
    text = str(node.value)
    return text if texts or node.tag not in _SCALARS else _scalar(node.tag, text)


@lru_cache(maxsize=4096)
def _scalar(tag: str, text: str) -> str | int | float | bool:
    """A number or a boolean by the rules of YAML; what is too large for JSON readers stays a text."""
    try:
        found = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text
    if isinstance(found, bool) or (isinstance(found, int) and abs(found) <= _LARGEST):
        return found
    return found if isinstance(found, float) and abs(found) < float("inf") else text


def _sentence(what: str) -> str:
    """Turn "Expected `str`, got `int`" into words."""
    missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
    if missing:
        return f"the key `{missing[1]}` is missing"
    bound = re.fullmatch(r"Expected `int` (>=|<=) (\d+)", what)
    if bound:
        return f"is {'below' if bound[1] == '>=' else 'above'} {int(bound[2]):,}"
    match = re.fullmatch(r"Expected `([^`]+)`, got `(\w+)`", what)
    if match is None:
        return what[:1].lower() + what[1:]
    wanted = " or ".join(_WORDS.get(name, name) for name in match[1].split(" | ") if name != "null")
    quote = "; put it in quotes" if wanted == "a text" and match[2] in ("int", "float", "bool") else ""
    return f"is {_WORDS.get(match[2], match[2])} where {wanted} belongs{quote}"
