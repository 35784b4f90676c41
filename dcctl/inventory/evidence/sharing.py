"""JSON into facts, equal parts of which are one object: nodes are alike, and there are thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args, get_origin

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import fields

from dcctl.inventory.devices import Accelerator
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.model import Fleet, Node

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE: Final = (Subject, Fleet, Node, Accelerator)
"""What differs as a whole and is alike in parts: it is read field by field."""
_LONGEST: Final = 4096
"""Bytes: of what is longer than that there is hardly another like it."""
_ITEMS: Final = msgspec.json.Decoder(list[Raw])
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])


def reader(kind: object) -> Callable[[Raw], object]:
    """Return what reads a type. It raises msgspec.DecodeError, or TypeError where a field is missing."""
    if isinstance(kind, type) and issubclass(kind, _WHOLE):
        return _struct(kind)
    items = _items_of(kind)
    if items is not None:
        each = _struct(items)
        return lambda text: None if bytes(text) == b"null" else tuple(map(each, _ITEMS.decode(text)))
    return _shared(msgspec.json.Decoder(kind).decode)


def _shared(read: Callable[[Raw], object]) -> Callable[[Raw], object]:
    """What reads each text once."""
    known: dict[bytes, object] = {}

    def shared(text: Raw) -> object:
        written = bytes(text)
        if len(written) > _LONGEST:
            return read(text)
        if written not in known:
            known[written] = read(text)
        return known[written]

    return shared


def _items_of(kind: object) -> type[Struct] | None:
    """The kind of the items of a list of such, whether or not it may be None."""
    for one in (kind, *get_args(kind)):
        items = get_args(one) if get_origin(one) is tuple else ()
        if items and isinstance(items[0], type) and issubclass(items[0], _WHOLE):
            return items[0]
    return None


def _struct(kind: type[Struct]) -> Callable[[Raw], Struct]:
    readers = {field.encode_name: (field.name, reader(field.type)) for field in fields(kind)}

    def read(text: Raw) -> Struct:
        found = {}
        for name, each in _FIELDS.decode(text).items():
            if name in readers:
                own, value_of = readers[name]
                found[own] = value_of(each)
        return kind(**found)

    return read
